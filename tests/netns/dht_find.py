"""dht_find.py ADDRESS PORT: asks a DHT node for nodes, as a stranger; prints those that it names.

The answer's "n4" is 26 bytes for each: id, IPv4 address, port. Exit code 1 without an answer.
"""

import socket
import struct
import sys

NETWORK = b"\xa1n\xcd" + struct.pack(">H", 3731)
ID = b"\xa2id\xc4\x14" + bytes(range(1, 21))
TAIL = b"\xa1t\xce" + struct.pack(">I", 0x7A57F00D) + b"\xa1y\xa1q" + b"\xa1v\xa4RNG1" + NETWORK
FIND = b"\x86\xa1a\x82" + ID + b"\xa6target\xc4\x14" + b"\x55" * 20 + b"\xa1q\xa4find" + TAIL

asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(2)
asking.sendto(FIND, (sys.argv[1], int(sys.argv[2])))
try:
    answer = asking.recv(2048)
except TimeoutError:
    sys.exit("no answer")
print(f"{len(answer)} bytes")
at = answer.find(b"\xa2n4\xc4")
if at >= 0:
    nodes = answer[at + 5 : at + 5 + answer[at + 4]]
    for i in range(0, len(nodes), 26):
        ip, port = nodes[i + 20 : i + 24], nodes[i + 24 : i + 26]
        print(f"{socket.inet_ntoa(ip)}:{struct.unpack('>H', port)[0]}")
