"""edge_times.py BEGIN-MS NODE...: edges, and when they came, from the log of each node (NODE/log).

An edge is there when both ends have said so for the first time. Prints how many there are, and the
median and the last one's time in milliseconds after BEGIN-MS.
"""

import datetime
import re
import sys

LINE = re.compile(r"^(\S+) info overlay: (.*) connected directly in ")

begin, nodes = int(sys.argv[1]), sys.argv[2:]
said = {}
for node in nodes:
    with open(node + "/log", errors="replace") as log:
        for line in log:
            found = LINE.match(line)
            if found:
                at = datetime.datetime.fromisoformat(found[1]).timestamp() * 1000
                said.setdefault((node, found[2]), int(at))
times = sorted(
    max(at, said[other, node]) - begin
    for (node, other), at in said.items()
    if node < other and (other, node) in said
)
print(len(times), *((times[len(times) // 2], times[-1]) if times else (0, 0)))
