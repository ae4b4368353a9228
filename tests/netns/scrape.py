#!/usr/bin/env python3
"""scrape.py PORT                 scrapes 127.0.0.1, checks the text with another program's parser, prints
                               its samples as JSON: [{"name","labels","value"}]
scrape.py PORT --hostile SECONDS  clients that hang, send rubbish, take nothing or are many, all the while
                               one scrapes as it should: prints how often that went well"""
import json
import os
import socket
import sys
import threading
import time

SYSTEM = "/usr/bin/python3"
try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
except ImportError:
    if os.path.exists(SYSTEM) and "MESHNODE_AGAIN" not in os.environ:
        os.execve(SYSTEM, [SYSTEM, "-B", *sys.argv], {**os.environ, "MESHNODE_AGAIN": "1"})
    sys.exit("python3-prometheus-client is missing: run scripts/setup")

PORT = int(sys.argv[1])
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/openmetrics-text\r\n\r\n"


def connect():
    s = socket.create_connection(("127.0.0.1", PORT), timeout=5)
    return s


def fetch(request=REQUEST):
    with connect() as s:
        s.sendall(request)
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), body.decode()


def scrape():
    head, body = fetch()
    assert head.startswith("HTTP/1.1 200 OK\r\n"), head
    assert "application/openmetrics-text; version=1.0.0" in head, head
    assert f"Content-Length: {len(body.encode())}" in head, head
    samples = []
    for family in parse(body):
        for sample in family.samples:
            samples.append({"name": sample.name, "labels": sample.labels, "value": sample.value})
    return samples


def hostile(seconds):
    stop = time.monotonic() + seconds
    kept = []

    def worker(act):
        while time.monotonic() < stop:
            try:
                act()
            except OSError:
                pass

    def hang():
        s = connect()
        s.sendall(REQUEST[:30])
        kept.append(s)
        if len(kept) > 200:
            kept.pop(0).close()

    def rubbish():
        with connect() as s:
            s.sendall(os.urandom(20000))
            s.recv(100)

    def greedy():
        s = connect()
        s.sendall(REQUEST * 50)
        kept.append(s)

    def reset():
        s = connect()
        s.sendall(REQUEST)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()

    def slow():
        with connect() as s:
            for byte in REQUEST:
                s.sendall(bytes([byte]))
                time.sleep(0.05)

    threads = [threading.Thread(target=worker, args=(act,), daemon=True)
               for act in (hang, rubbish, greedy, reset, slow)]
    for thread in threads:
        thread.start()
    good = 0
    while time.monotonic() < stop:
        try:
            scrape()
            good += 1
        except (OSError, AssertionError, ValueError):
            pass
        time.sleep(0.1)
    for thread in threads:
        thread.join(5)
    print(good)


if len(sys.argv) > 2:
    hostile(float(sys.argv[3]))
else:
    for bad, status in ((b"\x16\x03\x01\x00\n\n", 400), (b"POST /metrics HTTP/1.1\r\nHost: [::1]\r\n\r\n", 405),
                        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
                        (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
                        (b"x" * 9000, 431)):
        head, _ = fetch(bad)
        assert head.startswith(f"HTTP/1.1 {status} "), (bad[:40], head)
    head, body = fetch(REQUEST.replace(b"GET", b"HEAD"))
    assert head.startswith("HTTP/1.1 200 ") and body == "", head
    print(json.dumps(scrape()))
