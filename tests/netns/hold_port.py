"""hold_port.py PORT: binds a UDP port on all addresses until it is ended."""
import signal
import socket
import sys

holders = []
for family, everything in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    holder = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    holder.bind((everything, int(sys.argv[1])))
    holders.append(holder)
print("held", flush=True)
signal.pause()
