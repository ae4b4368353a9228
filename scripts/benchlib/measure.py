"""One subject, measured once: {measure: value}. A measure that fails is left out and said."""
import json
import os
import time

from .bed import Trouble, wait_for

IPERF_PORT = 5201
UDP_PORT = 5301
PINNED_PINGS = 3000


class Session:
    """The measuring programs around one running tunnel."""

    def __init__(self, bed, udp_load, inner, processes, seconds):
        self.bed = bed
        self.udp_load = udp_load
        self.inner = inner
        self.processes = processes["a"] + processes["b"]
        self.seconds = seconds
        self.server = bed.start("b", "udp_load.log", [udp_load, "serve", UDP_PORT])
        wait_for(5, "udp_load listens", lambda: "ready" in self.server.log.read_text())

    def cpu(self):
        return sum(process.cpu_seconds() for process in self.processes)

    def client(self, *words):
        done = self.bed.inside("a", self.udp_load, words[0], self.inner["b"], UDP_PORT, *words[1:])
        return json.loads(done.stdout)

    # --- TCP ---------------------------------------------------------------------------------

    def iperf(self, *options):
        """The client's process with its server behind it."""
        port = str(IPERF_PORT)
        server = self.bed.start("b", "iperf3-server.log", ["iperf3", "-s", "-1", "-p", port])
        wait_for(5, "iperf3 listens", lambda: self.bed.inside(
            "b", "ss", "-Hltn", f"sport = :{port}").stdout.strip())
        log = self.bed.work / "iperf3.json"
        log.unlink(missing_ok=True)
        client = self.bed.start("a", log.name, ["iperf3", "-c", self.inner["b"], "-p", port, "-J",
                                                "-t", self.seconds, *options])
        return client, server, log

    def finish(self, client, server, log):
        try:
            client.process.wait(self.seconds + 20)
        except Exception as late:
            raise Trouble("iperf3 does not end") from late
        finally:
            client.end()
            server.end()
        result = json.loads(log.read_text())
        if "error" in result:
            raise Trouble(f"iperf3: {result['error']}")
        return result["end"]

    def tcp(self, name, *options):
        before = self.cpu()
        end = self.finish(*self.iperf(*options))
        received = [end["sum_received"]]
        if "sum_received_bidir_reverse" in end:
            received.append(end["sum_received_bidir_reverse"])
        moved = sum(way["bytes"] for way in received)
        if not moved:
            raise Trouble("nothing arrived")
        out = {f"{name}_gbps": sum(way["bits_per_second"] for way in received) / 1e9,
               f"{name}_retransmits": end["sum_sent"].get("retransmits", 0)}
        if self.processes:
            out[f"{name}_cpu_s_per_gb"] = (self.cpu() - before) / (moved / 1e9)
        return out

    def beside_bulk(self):
        """Round trips while one stream fills the tunnel the same way."""
        client, server, log = self.iperf()
        time.sleep(0.5)  # the stream has to grow first
        interval = 5000
        count = max(50, int((self.seconds - 0.8) * 1e6 / interval))
        try:
            got = self.client("ping", count, interval)
        finally:
            self.finish(client, server, log)
        return {"rtt_load_median_ms": got["median_us"] / 1e3, "rtt_load_p95_ms": got["p95_us"] / 1e3,
                "rtt_load_p99_ms": got["p99_us"] / 1e3, "rtt_load_worst_ms": got["worst_us"] / 1e3,
                "rtt_load_lost": got["lost"]}

    # --- small packets -----------------------------------------------------------------------

    def flood(self):
        got = self.client("flood", min(self.seconds, 3), 0)
        return {"udp_flood_kpps": got["received_per_second"] / 1e3,
                "udp_offered_kpps": got["sent_per_second"] / 1e3}

    def at_fixed_rate(self):
        before = self.cpu()
        got = self.client("flood", 1.5, 100000)
        if got["received"] < got["sent"] * 0.5:
            return {}
        out = {"udp_100k_lost_percent": 100 * (1 - got["received"] / got["sent"])}
        if self.processes:
            out["udp_100k_cpu_us"] = (self.cpu() - before) * 1e6 / got["received"]
        return out

    def lossless(self, ceiling):
        """The highest rate, within 4 %, of which everything arrives, at the second try at least. A rate
        counts as offered: a generator that falls behind has not shown it."""
        low, high, best = 0.0, max(ceiling, 20) * 1.3, 0.0
        while high - low > 0.04 * high:
            middle = (low + high) / 2
            got = None
            for _ in range(2):
                got = self.client("flood", 0.6, middle * 1e3)
                if got["received"] == got["sent"]:
                    break
            offered = got["sent_per_second"] / 1e3
            if got["received"] == got["sent"]:
                best = max(best, offered)
            if got["received"] == got["sent"] and offered > 0.95 * middle:
                low = middle
            else:
                high = middle
        return {"udp_lossless_kpps": best}

    # --- latency and memory ------------------------------------------------------------------

    def idle(self):
        """Round trips with everything on one CPU: the software's own share, without the waking of
        sleeping cores. And once more as it comes."""
        free = self.client("ping", 500, 2000)
        cpus = os.sched_getaffinity(0)
        one = {max(cpus)}
        everything = [*self.processes, self.server]
        try:
            for process in everything:
                process.pin(one)
            os.sched_setaffinity(0, one)  # for the client, which inherits it
            pinned = self.client("ping", PINNED_PINGS, 0)
        finally:
            os.sched_setaffinity(0, cpus)
            for process in everything:
                process.pin(cpus)
        return {"rtt_idle_us": pinned["median_us"], "rtt_idle_two_cpus_us": free["median_us"]}

    def memory(self):
        if not self.processes:
            return {}
        return {"rss_mb": max(process.memory_mb() for process in self.processes),
                "rss_peak_mb": max(process.peak_mb() for process in self.processes)}

    # --- all ---------------------------------------------------------------------------------

    def steps(self):
        yield "idle RTT", self.idle
        yield "TCP", lambda: self.tcp("tcp1_out")
        yield "TCP back", lambda: self.tcp("tcp1_in", "-R")
        yield "4 TCP", lambda: self.tcp("tcp4_out", "-P", "4")
        yield "4 TCP back", lambda: self.tcp("tcp4_in", "-P", "4", "-R")
        yield "TCP both ways at once", lambda: self.tcp("tcp1_both", "--bidir")
        yield "RTT beside TCP", self.beside_bulk
        yield "64-byte flood", self.flood
        yield "64 bytes, 100 kpps", self.at_fixed_rate
        yield "64 bytes without loss", lambda: self.lossless(self.results.get("udp_flood_kpps", 100))
        yield "memory", self.memory

    def all(self, tell):
        self.results = {}
        problems = {}
        for what, step in self.steps():
            tell(what)
            try:
                self.results.update(step())
            except (Trouble, ValueError, KeyError, OSError) as wrong:
                problems[what] = str(wrong) or repr(wrong)
        return self.results, problems
