"""on_terminal.py COMMAND...: runs it on a terminal of its own and copies what it says to stdout.
Ends with its exit code; SIGTERM and SIGINT are passed on."""
import ctypes
import os
import pty
import signal
import sys

child, terminal = pty.fork()
if child == 0:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: never outlive us
    os.execvp(sys.argv[1], sys.argv[1:])
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda got, _: os.kill(child, got))
while True:
    try:
        text = os.read(terminal, 4096)
    except OSError:  # Linux answers EIO when the last process on the terminal is gone
        break
    if not text:
        break
    os.write(1, text.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
