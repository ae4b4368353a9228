"""A steady flow through the tunnel, and the longest time in which nothing of it arrived.

    flow.py receive udp|tcp ADDRESS PORT LOG    notes when each piece arrives; says "ready" to LOG.ready
    flow.py send udp|tcp ADDRESS PORT SECONDS   100 pieces a second
    flow.py gap LOG SINCE                       milliseconds, 10 for the spacing taken off
SINCE and what LOG notes are milliseconds of the wall clock.
"""

import socket
import sys
import time

SPACING = 0.01


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def arrivals(kind, address, port, ready):
    stream = kind == "tcp"
    sock = socket.socket(family(address), socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    if stream:
        sock.listen()
    ready()
    if stream:
        sock, _ = sock.accept()
    while sock.recv(65536) or not stream:
        yield int(time.time() * 1000)


def receive(kind, address, port, log):
    with open(log, "w", buffering=1) as out:
        for when in arrivals(kind, address, int(port), lambda: open(log + ".ready", "w").close()):
            print(when, file=out)


def send(kind, address, port, seconds):
    sock = socket.socket(family(address), socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    sock.connect((address, int(port)))
    if kind == "tcp":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    begin = time.monotonic()
    count = int(float(seconds) / SPACING)
    for i in range(count):
        time.sleep(max(0.0, begin + i * SPACING - time.monotonic()))
        try:
            sock.send(b"x" * 100)
        except ConnectionRefusedError:
            pass  # an old answer to a datagram


def gap(log, since):
    times = [int(line) for line in open(log)]
    pairs = [(a, b) for a, b in zip(times, times[1:]) if b >= int(since)]
    if not pairs or times[-1] < int(since) + 1000:
        sys.exit("nothing arrived any more")
    print(max(0, max(b - a for a, b in pairs) - 10))


{"receive": receive, "send": send, "gap": gap}[sys.argv[1]](*sys.argv[2:])
