"""The test bed: two namespaces with a cable between them, and processes that end with us."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

UNDERLAY = {"a": "10.61.0.1", "b": "10.61.0.2"}
INNER = {"a": "10.62.0.1", "b": "10.62.0.2"}

# ethtool -K: what a network card that can do nothing lacks.
DUMB = ["tso", "gso", "gro", "tx-udp-segmentation", "rx-udp-gro-forwarding", "rx-gro-list"]


class Trouble(Exception):
    """What a person should read about one subject; the others go on."""


def run(*command, check=True, **options):
    if "input" not in options:
        options["stdin"] = subprocess.DEVNULL
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, **options)
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Trouble(f"{' '.join(map(str, command))[:120]}: {said[-1] if said else 'failed'}")
    return done


def wait_for(seconds, what, condition):
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Trouble(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Process:
    """A process in a namespace; it dies with us, even if we are killed."""

    def __init__(self, space, log, command, private_run=False, environment=None, feed=None):
        # /run of its own: daemons leave sockets and pid files there. It vanishes with the process.
        wrapped = [str(word) for word in command]
        if private_run:
            wrapped = ["sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh", *wrapped]
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", space, "setpriv", "--pdeathsig", "KILL", *wrapped],
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **(environment or {})})
        if feed:
            self.process.stdin.write(feed.encode())
            self.process.stdin.close()
        self.pid = self.process.pid

    def running(self):
        return self.process.poll() is None

    def last_words(self):
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        code = self.process.poll()
        return (f"signal {-code}: " if code is not None and code < 0 else "") + \
            (lines[-1].strip()[-200:] if lines else "it said nothing")

    def end(self):
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def family(self):
        """The process and those that it started."""
        try:
            with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as file:
                return [self.pid, *map(int, file.read().split())]
        except OSError:
            return []

    def tasks(self):
        out = []
        for pid in self.family():
            try:
                out += [f"{pid}/task/{name}" for name in os.listdir(f"/proc/{pid}/task")]
            except OSError:
                pass  # a process that just ended
        return out

    def cpu_seconds(self):
        """Exact time on a CPU, of all threads, by the scheduler's accounting."""
        total = 0
        for task in self.tasks():
            try:
                with open(f"/proc/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
            except OSError:
                pass  # a thread that just ended
        return total / 1e9

    def memory_mb(self):
        """In memory now, pages that a family shares counted once; in MB."""
        alone, shared = 0, 0
        for pid in self.family():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                kib = dict(re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.M))
            alone += int(kib["Private_Clean"]) + int(kib["Private_Dirty"])
            shared = max(shared, int(kib["Shared_Clean"]) + int(kib["Shared_Dirty"]))
        return (alone + shared) * 1024 / 1e6

    def peak_mb(self):
        """The most that one process of the family ever had in memory."""
        most = 0
        for pid in self.family():
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                most = max(most, int(re.search(r"^VmHWM:\s+(\d+) kB", file.read(), re.M)[1]))
        return most * 1024 / 1e6

    def pin(self, cpus):
        for task in self.tasks():
            try:
                os.sched_setaffinity(int(task.rsplit("/", 1)[1]), cpus)
            except OSError:
                pass


class Bed:
    """Namespaces, cable and work folder; use it with `with`."""

    def __init__(self, dumb):
        self.dumb = dumb
        self.prefix = f"mn{os.getpid()}-bench"
        self.work = None
        self.processes = []
        self.off = []

    def space(self, end):
        return self.prefix + end

    def __enter__(self):
        # Named like those of tests/netns/lib.sh, which sweeps up what a killed run left.
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=f"meshnode-netns-{os.getpid()}-"))
        for end in "ab":
            run("ip", "netns", "add", self.space(end))
            run("ip", "-n", self.space(end), "link", "set", "lo", "up")
        run("ip", "-n", self.space("a"), "link", "add", "eth0", "type", "veth",
            "peer", "name", "eth0", "netns", self.space("b"))
        for end in "ab":
            self.inside(end, "sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0")
            run("ip", "-n", self.space(end), "addr", "add", f"{UNDERLAY[end]}/24", "brd", "+",
                "dev", "eth0")
            run("ip", "-n", self.space(end), "link", "set", "eth0", "up")
            if self.dumb:
                self.switch_off(end)
        return self

    def switch_off(self, end):
        before = self.features_on(end)
        for feature in DUMB:
            self.inside(end, "ethtool", "-K", "eth0", feature, "off", check=False)
        self.off = sorted(before - self.features_on(end))

    def features_on(self, end):
        shown = self.inside(end, "ethtool", "-k", "eth0").stdout
        return set(re.findall(r"^\s*(\S+): on", shown, re.M))

    def __exit__(self, *unused):
        self.end_processes()
        for end in "ab":
            run("ip", "netns", "del", self.space(end), check=False)
        if os.environ.get("MESHNODE_TEST_KEEP"):
            print(f"kept: {self.work}")
        else:
            shutil.rmtree(self.work, ignore_errors=True)

    def inside(self, end, *command, **options):
        return run("ip", "netns", "exec", self.space(end), *command, **options)

    def start(self, end, log, command, **options):
        process = Process(self.space(end), self.work / log, command, **options)
        self.processes.append(process)
        return process

    def end_processes(self):
        for process in self.processes:
            if process.running():
                process.process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.end()
        self.processes = []

    def pings(self, end, address, size=56):
        return self.inside(end, "ping", "-n", "-q", "-c", 1, "-W", 1, "-s", size, address,
                           check=False).returncode == 0
