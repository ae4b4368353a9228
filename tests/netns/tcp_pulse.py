#!/usr/bin/env python3
"""tcp_pulse.py ADDRESS PORT: sends a byte to an echo server every 10 ms; prints how many
milliseconds after the one before each answer came."""
import socket
import sys
import time

deadline = time.monotonic() + 5
while True:
    try:
        pulse = socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)
        break
    except ConnectionRefusedError:  # the server is on its way
        if time.monotonic() > deadline:
            raise
pulse.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
before = time.monotonic()
while True:
    pulse.sendall(b".")
    if not pulse.recv(1):
        break
    now = time.monotonic()
    print(f"{(now - before) * 1000:.1f}")
    before = now
    time.sleep(0.01)
