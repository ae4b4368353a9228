"""Large transfers through the tunnel, compared by their hash.

    bulk.py serve ADDRESS PORT                 answers each TCP connection and each datagram with the same bytes
    bulk.py tcp ADDRESS PORT BYTES             there and back
    bulk.py udp ADDRESS PORT BYTES             one datagram there and back, some tries
    bulk.py flow ADDRESS PORT SECONDS SIZE     a datagram each 10 ms; prints "flows" after 200 answers, and at
                                               the end the longest silence in milliseconds
"""

import hashlib
import os
import select
import socket
import sys
import threading
import time

TRIES = 8


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def serve(address, port):
    stream = socket.create_server((address, port), family=family(address))
    datagrams = socket.socket(family(address), socket.SOCK_DGRAM)
    datagrams.bind((address, port))
    print("ready", flush=True)
    while True:
        for ready in select.select([stream, datagrams], [], [])[0]:
            if ready is stream:
                threading.Thread(target=echo, args=(stream.accept()[0],), daemon=True).start()
            else:
                data, sender = datagrams.recvfrom(65536)
                datagrams.sendto(data, sender)


def tcp(address, port, size):
    sent = os.urandom(size)
    connection = socket.create_connection((address, port), timeout=20)

    def push():
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)

    threading.Thread(target=push, daemon=True).start()
    digest = hashlib.sha256()
    while data := connection.recv(65536):
        digest.update(data)
    return digest.digest() == hashlib.sha256(sent).digest()


def udp(address, port, size):
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
    sock.connect((address, port))
    sock.settimeout(1)
    sent = os.urandom(size)
    for _ in range(TRIES):
        try:
            sock.send(sent)
            return sock.recv(65536) == sent
        except (TimeoutError, OSError):
            time.sleep(0.1)  # too big once: the kernel knows better now
    return False


def flow(address, port, span, size):
    answers = 0
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
    sock.connect((address, port))
    sock.setblocking(False)
    begin = last = time.monotonic()
    longest = 0.0
    while (now := time.monotonic()) < begin + span:
        try:
            sock.send(bytes(size))
        except OSError:
            pass
        ready = select.select([sock], [], [], 0.01)[0]
        if ready:
            try:
                sock.recv(65536)
            except OSError:
                continue
            now = time.monotonic()
            longest, last = max(longest, now - last), now
            answers += 1
            if answers == 200:
                print("flows", flush=True)
    longest = max(longest, time.monotonic() - last)
    print(int(longest * 1000))
    return True


action, where, port, *numbers = sys.argv[1:]
done = {"serve": serve, "tcp": tcp, "udp": udp, "flow": flow}[action](where, int(port), *map(int, numbers))
sys.exit(0 if done else 1)
