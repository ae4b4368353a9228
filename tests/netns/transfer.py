"""Transfers whose every byte is checked, over TCP and UDP.

    transfer.py serve PORT                  says "ready", then serves both protocols and families
    transfer.py send [--lossy] [--tcp BYTES] [--udp BURSTS] [--seed N] PORT ADDRESS...
                                            exit code 1 and a sentence if anything is wrong
TCP: random bytes in writes of random size; the server sends them back in writes of other sizes.
UDP: bursts of datagrams that the kernel cuts from one buffer (UDP_SEGMENT), the last one shorter;
each has a checksum of its own, and the server tells how many came, damaged, or twice.
With --lossy some datagrams may be missing, but none damaged or doubled.
"""

import argparse
import hashlib
import random
import socket
import struct
import sys
import threading
import time
import zlib

SO_RCVBUFFORCE = 33
UDP_SEGMENT = 103
HEADER = struct.Struct("!cQIHHI")  # kind, run, burst, index, count, checksum
REPORT = struct.Struct("!QIHHH")  # run, burst, good, damaged, doubled
MOST_SEGMENT = 1372  # with IPv6 and UDP headers 1420


def fail(sentence):
    sys.exit(f"transfer.py: {sentence}")


# --- server


def echo(connection):
    chance = random.Random(1)
    with connection:
        while data := connection.recv(chance.randint(1, 300_000)):
            at = 0
            while at < len(data):
                size = chance.choice((1, 100, 1448, 10_000, 65_536))
                connection.sendall(data[at : at + size])
                at += size


def serve_tcp(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=echo, args=(connection,), daemon=True).start()


def serve_udp(sock):
    good, damaged, doubled = {}, {}, {}
    while True:
        data, sender = sock.recvfrom(70_000)
        if len(data) < HEADER.size:
            continue
        kind, run, burst, index, _, checksum = HEADER.unpack_from(data)
        key = run, burst
        if kind == b"?":
            numbers = len(good.get(key, ())), damaged.get(run, 0), doubled.get(key, 0)
            sock.sendto(REPORT.pack(run, burst, *numbers), sender)
        elif zlib.crc32(data[HEADER.size :]) != checksum:
            damaged[run] = damaged.get(run, 0) + 1
        elif index in good.setdefault(key, set()):
            doubled[key] = doubled.get(key, 0) + 1
        else:
            good[key].add(index)


def serve(port):
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    sock.bind(("::", port))
    threading.Thread(target=serve_udp, args=(sock,), daemon=True).start()
    print("ready", flush=True)
    serve_tcp(listener)


# --- client


def write_all(connection, data, chance):
    at = 0
    while at < len(data):
        size = chance.choice((1, 17, 1000, 5000, 50_000, 200_000))
        connection.sendall(data[at : at + size])
        at += size
    connection.shutdown(socket.SHUT_WR)


def send_tcp(address, port, size, chance):
    data = chance.randbytes(size)
    with socket.create_connection((address, port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, chance.randint(0, 1))
        writer = threading.Thread(target=write_all, args=(connection, data, chance), daemon=True)
        writer.start()
        back = hashlib.sha256()
        count = 0
        while piece := connection.recv(1 << 20):
            back.update(piece)
            count += len(piece)
    if back.digest() != hashlib.sha256(data).digest():
        fail(f"TCP with {address}: {count} of {size} bytes came back, and not the same")


def burst_of(run, burst, chance):
    """The datagrams as one buffer, and the size of all but the last."""
    segment = chance.choice((HEADER.size + 1, 100, 999, 1200, MOST_SEGMENT))
    count = chance.randint(2, min(64, 60_000 // segment))
    out = b""
    for index in range(count):
        last = index + 1 == count
        size = chance.randint(HEADER.size, segment) if last else segment
        payload = chance.randbytes(size - HEADER.size)
        out += HEADER.pack(b"=", run, burst, index, count, zlib.crc32(payload)) + payload
    return out, segment, count


def report(sock, run, burst):
    """What the server has of the burst; None if no answer came."""
    sock.send(HEADER.pack(b"?", run, burst, 0, 0, 0))
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        try:
            answer = REPORT.unpack(sock.recv(100))
        except (TimeoutError, socket.timeout):
            return None
        if answer[:2] == (run, burst):
            return answer[2:]
    return None


def send_burst(sock, run, burst, lossy, chance):
    data, segment, count = burst_of(run, burst, chance)
    cut = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("@H", segment))]
    sock.sendmsg([data], cut)
    deadline = time.monotonic() + (0.5 if lossy else 3)
    good, damaged, doubled = 0, 0, 0
    while time.monotonic() < deadline:
        good, damaged, doubled = report(sock, run, burst) or (good, damaged, doubled)
        if good == count or damaged:
            break
    if damaged or doubled:
        fail(f"UDP: {damaged} datagrams damaged, {doubled} doubled")
    if good != count and not lossy:
        fail(f"UDP: {good} of {count} datagrams of {segment} bytes arrived")
    return good, count


def send_udp(address, port, bursts, lossy, chance):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.1)
        sock.connect((address, port))
        run = random.getrandbits(63)
        results = [send_burst(sock, run, burst, lossy, chance) for burst in range(bursts)]
    good, count = (sum(numbers) for numbers in zip(*results))
    if good < count * 0.7:
        fail(f"UDP with {address}: only {good} of {count} datagrams arrived")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("serve", "send"))
    parser.add_argument("--lossy", action="store_true")
    parser.add_argument("--tcp", type=int, default=0)
    parser.add_argument("--udp", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("port", type=int)
    parser.add_argument("address", nargs="*")
    asked = parser.parse_intermixed_args()
    if asked.what == "serve":
        return serve(asked.port)
    chance = random.Random(asked.seed)
    for address in asked.address:
        if asked.tcp:
            send_tcp(address, asked.port, asked.tcp, chance)
        if asked.udp:
            send_udp(address, asked.port, asked.udp, asked.lossy, chance)
    return None


main()
