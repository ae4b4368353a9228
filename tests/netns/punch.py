#!/usr/bin/env python3
"""What NATs do, and the simplest hole puncher that can be: the measure for the laboratory of NATs.

    punch.py echo ADDRESS OTHER           tells those who ask where they seem to be, on 8 sockets
    punch.py where ADDRESS                prints the own endpoint as seen from there
    punch.py kind ADDRESS OTHER           prints what the NAT between here and there does
    punch.py meet FOLDER NAME COUNT ADDRESS...
        leaves its endpoints in FOLDER/NAME.at, waits until COUNT such files are there, probes them
        all from that moment on, and leaves a line "NAME PEER MILLISECONDS" for each peer that has
        answered in FOLDER/NAME.met

Everybody's own port is 40000. The words are those of RFC 4787: EI endpoint-independent, AD
address-dependent, APD address-and-port-dependent.
"""
import os
import pathlib
import select
import socket
import sys
import time

OWN_PORT = 40000
ECHO_PORTS = range(5000, 5004)
PROBE_PAUSE = 0.15
PROBE_FOR = 2.5


def udp(address, port):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    if ":" in address:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, port))
    return sock


def udp_towards(address):
    return udp("::" if ":" in address else "0.0.0.0", OWN_PORT)


def send(sock, data, to):
    try:
        sock.sendto(data, to)
    except OSError:
        pass  # an ICMP error on an earlier datagram, or no route: as good as lost


def received(socks, until):
    """Yields (socket, datagram, source) until then."""
    while (left := until - time.monotonic()) > 0:
        ready = select.select(socks, [], [], min(left, 3600))[0]
        for sock in ready:
            try:
                data, source = sock.recvfrom(2048)
            except OSError:
                continue
            yield sock, data, source[:2]


def echo(addresses):
    """A question is "?TOKEN SOCKET"; socket number SOCKET answers "!TOKEN ADDRESS PORT"."""
    socks = [udp(address, port) for address in addresses for port in ECHO_PORTS]
    print("ready", flush=True)
    for _, data, source in received(socks, float("inf")):
        if data[:1] != b"?" or data.count(b" ") != 1:
            continue
        token, number = data[1:].split()
        send(socks[int(number)], b"!%s %s %d" % (token, source[0].encode(), source[1]), source)


class Asker:
    """Sends questions from one socket to the sockets of an echo."""

    def __init__(self, address, other):
        self.sock = udp_towards(address)
        self.echoes = [(at, port) for at in (address, other) for port in ECHO_PORTS]

    def ask(self, asked, answering, seconds=1.0, again=0.3):
        """The endpoint that the echo saw, or None: nothing came back."""
        token = os.urandom(8).hex().encode()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            send(self.sock, b"?%s %d" % (token, answering), self.echoes[asked])
            for _, data, source in received([self.sock], min(until, time.monotonic() + again)):
                words = data[1:].split()
                if words[:1] == [token] and source == self.echoes[answering]:
                    return words[1].decode(), int(words[2])
        return None

    def where(self, asked):
        seen = self.ask(asked, asked, 3.0)
        if seen is None:
            sys.exit(f"no answer from {self.echoes[asked]}")
        return seen


def filtering(asker):
    """Only the first socket is ever asked; who of the others gets through?"""
    asker.where(0)
    other_address = asker.ask(0, 4) is not None
    other_port = asker.ask(0, 1) is not None
    return {(True, True): "EI", (False, True): "AD", (False, False): "APD"}.get(
        (other_address, other_port), "odd")


def mapping(asker):
    """Towards sockets that have never sent anything here."""
    ports = [asker.where(number)[1] for number in (2, 3, 6)]
    if len(set(ports)) == 1:
        return "EI", "kept" if ports[0] == OWN_PORT else "changed"
    steps = [b - a for a, b in zip(ports, ports[1:])]
    order = "sequential" if all(0 < step <= 4 for step in steps) else "random"
    return "AD" if ports[0] == ports[1] else "APD", order


def kind(address, other):
    asker = Asker(address, other)
    filters = filtering(asker)
    maps, port = mapping(asker)
    # The sockets 1 and 4 have sent something unasked. A router that did not drop it has an entry
    # for that tuple now, and our own datagrams to there have to leave from another port.
    taken = any(asker.where(number)[1] != OWN_PORT for number in (1, 4))
    after = "-" if maps != "EI" else "taken" if taken else "free"
    seen = asker.where(2)[0]
    probe = socket.socket(asker.sock.family, socket.SOCK_DGRAM)
    probe.connect(asker.echoes[0])
    translated = "no" if seen == probe.getsockname()[0] else "yes"
    print(f"nat={translated} mapping={maps} filtering={filters} port={port} tuple={after}")


class Meeting:
    """Simultaneous open: the same bare datagram at the same time from both sides."""

    def __init__(self, name, socks):
        self.name = name
        self.socks = socks          # by address family
        self.endpoints = {}         # peer -> what is probed
        self.met = {}               # peer -> seconds
        self.begin = 0.0

    def say(self, mark, peer, endpoint):
        sock = self.socks.get(":" in endpoint[0])
        if sock is not None:
            send(sock, b"%s %s %s" % (mark, self.name.encode(), peer.encode()), endpoint)

    def probe_all(self):
        for peer, endpoints in self.endpoints.items():
            for endpoint in endpoints:
                self.say(b"probe", peer, endpoint)

    def hear(self, data, source):
        words = data.decode("ascii", "replace").split()
        if len(words) != 3 or words[2] != self.name or words[1] not in self.endpoints:
            return
        mark, peer, _ = words
        if mark == "probe":
            self.say(b"answer", peer, source)
            # A symmetric NAT sends from a port that nobody could have told us.
            if source not in self.endpoints[peer]:
                self.endpoints[peer].append(source)
                self.say(b"probe", peer, source)
        elif mark == "answer":
            self.met.setdefault(peer, time.monotonic() - self.begin)

    def run(self, begin):
        self.begin = begin
        time.sleep(max(0.0, begin - time.monotonic()))
        at = begin
        while at < begin + PROBE_FOR:
            self.probe_all()
            at += PROBE_PAUSE
            for _, data, source in received(list(self.socks.values()), at):
                self.hear(data, source)


def publish(path, text):
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").rename(path)


def all_published(folder, count):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        files = list(folder.glob("*.at"))
        if len(files) >= count:
            return {path.stem: path.read_text().split("\n") for path in files}
        time.sleep(0.02)
    sys.exit(f"not {count} hosts have found their endpoints")


def meet(folder, name, count, echoes):
    folder = pathlib.Path(folder)
    socks, lines = {}, []
    for address in echoes:
        asker = Asker(address, address)
        seen = asker.ask(0, 0, 5.0)
        if seen is None:
            sys.exit(f"no answer from {address}")
        socks[":" in address] = asker.sock
        lines.append(f"{seen[0]} {seen[1]}")
    # All namespaces have one monotonic clock: the last of these moments is known to everybody.
    publish(folder / f"{name}.at", "\n".join([repr(time.monotonic()), *lines]))
    everybody = all_published(folder, int(count))
    meeting = Meeting(name, socks)
    for peer, (_, *endpoints) in everybody.items():
        if peer != name:
            pairs = [endpoint.split() for endpoint in endpoints]
            meeting.endpoints[peer] = [(address, int(port)) for address, port in pairs]
    meeting.run(max(float(text[0]) for text in everybody.values()) + 0.5)
    result = [f"{name} {peer} {took * 1000:.0f}" for peer, took in meeting.met.items()]
    publish(folder / f"{name}.met", "".join(line + "\n" for line in result))


def main():
    match sys.argv[1:]:
        case ["echo", address, other]:
            echo([address, other])
        case ["where", address]:
            print(*Asker(address, address).where(0))
        case ["kind", address, other]:
            kind(address, other)
        case ["meet", folder, name, count, *echoes] if echoes:
            meet(folder, name, count, echoes)
        case _:
            sys.exit(__doc__)


main()
