"""Sends hostile datagrams to one node and counts the answers. Bounded: --count datagrams, --rate per
second, to the one target given. Prints a line of JSON.

Four kinds, mixed:
  random    4/10  any length, first bytes 0x40 to 0x44 and others
  mutilated 3/10  captured genuine datagrams: cut, lengthened, bits flipped
  copied    3/20  captured datagrams, exact, from our own address
  forged    3/20  captured datagrams of the target's peer, exact, in the peer's name (address, port)
"""
import argparse
import collections
import json
import random
import select
import socket
import struct
import time

LAN_PORT = 3732
Captured = collections.namedtuple("Captured", "frame payload source_mac target_port")


def captured_udp(path):
    """The UDP frames of a pcap file with Ethernet link type; no IP options, no fragments."""
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    assert struct.unpack(order + "I", data[20:24])[0] & 0xFFFF == 1, "not an Ethernet capture"
    found, at = [], 24
    while at + 16 <= len(data):
        size = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        kind = frame[12:14]
        if kind == b"\x08\x00" and frame[14] == 0x45 and frame[23] == 17 \
                and not frame[20] & 0x3F and not frame[21]:
            udp = 34
        elif kind == b"\x86\xdd" and frame[20] == 17:
            udp = 54
        else:
            continue
        port, length = struct.unpack(">HH", frame[udp + 2:udp + 6])
        found.append(Captured(frame, frame[udp + 8:udp + length], frame[6:12], port))
    return found


def with_checksum(frame):
    """The frame with its UDP checksum filled in: on virtual cables nobody has computed it."""
    at, addresses = (34, frame[26:34]) if frame[12:14] == b"\x08\x00" else (54, frame[22:54])
    length = struct.unpack(">H", frame[at + 4:at + 6])[0]
    udp = frame[at:at + 6] + b"\0\0" + frame[at + 8:at + length]
    words = addresses + struct.pack(">HH", 17, length) + udp + b"\0" * (length % 2)
    total = sum(struct.unpack(f">{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return frame[:at + 6] + struct.pack(">H", ~total & 0xFFFF or 0xFFFF) + frame[at + 8:at + length]


def varied(found, rng, limit=400):
    """Not only the many data frames: an even choice over first byte and length."""
    groups = collections.defaultdict(list)
    for item in found:
        groups[item.payload[:1], len(item.payload)].append(item)
    share = max(1, limit // len(groups))
    return [item for group in groups.values() for item in rng.sample(group, min(share, len(group)))]


def mutilate(payload, rng):
    way = rng.randrange(4)
    if way == 0:
        return payload[:rng.randrange(len(payload))]
    if way == 1:
        return payload + rng.randbytes(rng.randrange(1, 64))
    out = bytearray(payload)
    for _ in range(1 if way == 2 else rng.randrange(2, 9)):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def random_payload(rng):
    size = rng.choice((0, 1, 2, 15, 16, 31, 32, 33, 48, 64, 128, 148, 160, 200, 400, 1200, 1472,
                       rng.randrange(1473)))
    payload = rng.randbytes(size)
    first = rng.choice((0x40, 0x41, 0x42, 0x43, 0x44, 0x44, rng.randrange(256)))
    return bytes([first]) + payload[1:] if payload else payload


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("pcap", "device", "target-mac", "peer-mac", "target4", "target6"):
        options.add_argument("--" + name, required=True)
    for name, value in (("port", 0), ("count", 10000), ("rate", 2000), ("seed", 1)):
        options.add_argument("--" + name, type=int, default=value)
    args = options.parse_args()
    rng = random.Random(args.seed)
    target_mac, peer_mac = (bytes.fromhex(mac.replace(":", ""))
                            for mac in (args.target_mac, args.peer_mac))

    genuine = captured_udp(args.pcap)
    copies = varied(genuine, rng)
    # Only what the peer sent to the target or to everybody can be sent again in its name.
    in_peer_name = varied([item for item in genuine if item.source_mac == peer_mac
                           and (item.frame[:6] == target_mac or item.frame[0] & 1)], rng)
    assert copies and in_peer_name, "nothing genuine was captured"

    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((args.device, 0))
    own_mac = raw.getsockname()[4]
    # Our own Ethernet source: the bridge must go on knowing where the peer is.
    forged = [with_checksum(item.frame[:6] + own_mac + item.frame[12:]) for item in in_peer_name]
    v4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    scope = socket.if_nametoindex(args.device)
    mine = [v4, v6]
    for own in mine:
        own.bind(("", 0))
        own.setblocking(False)

    def send(payload, port):
        if rng.randrange(2):
            v4.sendto(payload, (args.target4, port))
        else:
            v6.sendto(payload, (args.target6, port, 0, scope))

    def send_one():
        kind = rng.randrange(20)
        either = rng.choice((args.port, args.port, LAN_PORT))
        if kind < 8:
            send(random_payload(rng), either)
            return "random"
        if kind < 14:
            item = rng.choice(copies)
            send(mutilate(item.payload, rng), LAN_PORT if item.target_port == LAN_PORT else either)
            return "mutilated"
        if kind < 17:
            item = rng.choice(copies)
            send(item.payload, LAN_PORT if item.target_port == LAN_PORT else args.port)
            return "copied"
        raw.send(rng.choice(forged))
        return "forged"

    sent = collections.Counter()
    answers = 0
    begin = time.monotonic()
    for number in range(args.count):
        sent[send_one()] += 1
        if number % 10 == 9:
            due = begin + (number + 1) / args.rate
            while True:
                ready = select.select(mine, [], [], max(0.0, due - time.monotonic()))[0]
                if not ready:
                    break
                for own in ready:
                    own.recv(65536)
                    answers += 1
    took = time.monotonic() - begin
    # A late answer is an answer: listen until there was one quiet second.
    while ready := select.select(mine, [], [], 1.0)[0]:
        for own in ready:
            own.recv(65536)
            answers += 1
    print(json.dumps({"sent": sum(sent.values()), **sent, "answers": answers,
                      "genuine": len(genuine), "distinct": len(copies),
                      "seconds": round(took, 2), "seed": args.seed}))


main()
