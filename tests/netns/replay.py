"""Sends what was captured to somebody else, and in somebody else's name.

    replay.py CAPTURE TARGET PORT COUNT NAME-ADDRESS NAME-PORT SEED

UDP payloads of the capture (IPv4), in turn: as they were, with some bytes changed, and cut short; each
from a socket of our own, every third as if from NAME-ADDRESS:NAME-PORT (raw socket). Paced.
"""

import random
import socket
import struct
import sys
import time

AHEAD = {1: 14, 113: 16, 276: 20}


def payloads(path):
    data = open(path, "rb").read()
    link = struct.unpack("<I", data[20:24])[0]
    at, out = 24, []
    while at + 16 <= len(data):
        size = struct.unpack("<I", data[at + 8 : at + 12])[0]
        ip = data[at + 16 + AHEAD[link] : at + 16 + size]
        at += 16 + size
        if len(ip) > 28 and ip[0] >> 4 == 4 and ip[9] == 17:
            out.append(ip[(ip[0] & 15) * 4 + 8 :])
    return out


def damaged(payload, rng, turn):
    if turn % 3 == 0:
        return payload
    if turn % 3 == 1:
        data = bytearray(payload)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        return bytes(data)
    return payload[: rng.randrange(len(payload))] or b"\x44"


def forged(source, source_port, target, target_port, payload):
    udp = struct.pack(">HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    return (
        struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
        + socket.inet_aton(source)
        + socket.inet_aton(target)
        + udp
    )


capture, target, port, count, name, name_port, seed = sys.argv[1:]
rng = random.Random(int(seed))
samples = payloads(capture)
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for turn in range(int(count)):
    payload = damaged(rng.choice(samples), rng, turn)
    if turn % 3 == 2:
        raw.sendto(forged(name, int(name_port), target, int(port), payload), (target, 0))
    else:
        own.sendto(payload, (target, int(port)))
    if turn % 20 == 19:
        time.sleep(0.01)
own.settimeout(0.3)
answers = 0
try:
    while True:
        own.recvfrom(2048)
        answers += 1
except TimeoutError:
    print(f"{count} datagrams sent, {answers} answers")
