#!/usr/bin/env python3
"""hub_stun.py PORT OTHER_PORT ADDRESS...: asks a hub for a STUN Binding at every address and both ports.

The socket is not connected: the answer's source is compared with what was asked. Says what is wrong
and ends with 1, or prints one line for each answer.
"""
import ipaddress
import os
import socket
import struct
import sys

COOKIE = 0x2112A442


def endpoint(value, transaction, xor):
    family, port = value[1], struct.unpack(">H", value[2:4])[0]
    address = value[4:]
    if len(address) != {1: 4, 2: 16}[family]:
        sys.exit(f"an address of {len(address)} bytes for family {family}")
    if xor:
        port ^= COOKIE >> 16
        key = struct.pack(">I", COOKIE) + transaction
        address = bytes(a ^ b for a, b in zip(address, key))
    return str(ipaddress.ip_address(address)), port


def ask(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(0.5)
    transaction = os.urandom(12)
    software = struct.pack(">HH", 0x8022, 24) + b"a test with 24 characters"[:24]
    request = struct.pack(">HHI", 1, len(software), COOKIE) + transaction + software
    for _ in range(10):
        sock.sendto(request, (address, port))
        try:
            answer, source = sock.recvfrom(2048)
            break
        except socket.timeout:
            continue
    else:
        sys.exit(f"no answer from {address} port {port}")
    if source[:2] != (address, port):
        sys.exit(f"asked {address} port {port}, answered from {source[:2]}")
    if len(answer) > 2 * len(request):
        sys.exit(f"{len(answer)} bytes for {len(request)}")
    kind, length, cookie = struct.unpack(">HHI", answer[:8])
    if (kind, cookie, answer[8:20]) != (0x0101, COOKIE, transaction) or length + 20 != len(answer):
        sys.exit(f"not a success response: {answer.hex()}")
    said, at = {}, 20
    while at < len(answer):
        name, size = struct.unpack(">HH", answer[at:at + 4])
        said[name] = answer[at + 4:at + 4 + size]
        at += 4 + (size + 3) // 4 * 4
    mapped = endpoint(said[0x0020], transaction, True)
    if mapped[1] != sock.getsockname()[1]:
        sys.exit(f"mapped port {mapped[1]}, sent from {sock.getsockname()[1]}")
    other = endpoint(said[0x802C], transaction, False)
    return mapped, other


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    ports = [int(port) for port in sys.argv[1:3]]
    for address in sys.argv[3:]:
        for port, other_port in (ports, ports[::-1]):
            mapped, other = ask(address, port)
            if other[1] != other_port:
                sys.exit(f"OTHER-ADDRESS at {address} port {port} is {other}")
            print(f"{address} port {port}: we are {mapped[0]} port {mapped[1]}, other {other}")


main()
