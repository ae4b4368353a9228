#!/usr/bin/env python3
"""tcp_echo.py ADDRESS PORT: sends back to one client what it sends."""
import socket
import sys

server = socket.create_server((sys.argv[1], int(sys.argv[2])), family=socket.AF_INET6)
client, _ = server.accept()
while data := client.recv(65536):
    client.sendall(data)
