#!/usr/bin/env python3
"""notify_socket.py PATH: what a service manager hears there: the sender's pid and each line."""
import os
import socket
import struct
import sys

ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ears.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
ears.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("listening")
while True:
    data, ancillary, _, _ = ears.recvmsg(4096, socket.CMSG_SPACE(12))
    pid = struct.unpack("iII", ancillary[0][2])[0]
    for line in data.decode().splitlines():
        print(pid, line)
