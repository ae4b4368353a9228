"""traffic.py CAPTURE SECONDS: megabytes a day by protocol, with IP and UDP headers."""

import collections
import struct
import sys

ETHERNET = 14


def source(payload, port):
    if port == 3732:
        return "LAN beacons"
    first = payload[0] if payload else 0xFF
    if first <= 3:
        return "STUN"
    if 0x80 <= first <= 0x8F or first in (0xDE, 0xDF):
        return "DHT"
    return {0x43: "edge: probes", 0x44: "edge: data (gossip)"}.get(first, "edge: handshakes")


data = open(sys.argv[1], "rb").read()
span = float(sys.argv[2])
count, size = collections.Counter(), collections.Counter()
at = 24
while at + 16 <= len(data):
    length = struct.unpack("<I", data[at + 8 : at + 12])[0]
    ip = data[at + 16 + ETHERNET : at + 16 + length]
    at += 16 + length
    header = (ip[0] & 15) * 4 if ip[0] >> 4 == 4 else 40
    port = struct.unpack(">H", ip[header + 2 : header + 4])[0]
    name = source(ip[header + 8 :], port)
    count[name] += 1
    size[name] += len(ip)
for name in sorted(size):
    print(f"{name:22} {count[name]:5} datagrams {size[name] / span * 86400 / 1e6:7.2f} MB a day")
print(f"{'all':22} {sum(count.values()):5} datagrams {sum(size.values()) / span * 86400 / 1e6:7.2f} MB a day")
