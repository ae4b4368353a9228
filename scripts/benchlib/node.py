"""meshnode in its configurations, and the cable itself."""
import json
import re

from .bed import INNER, UNDERLAY, Trouble, run, wait_for

# Name, settings of the table [data_plane].
PLAIN = {"udp_gso": False, "udp_gro": False, "tun_tcp_coalescing": False,
         "tun_udp_coalescing": False, "tun_offloads": False}
CONFIGURATIONS = {
    "meshnode": {},
    "meshnode-gnutls": {"ipsec_mb": False},
    "meshnode-no-udp-offloads": {"udp_gso": False, "udp_gro": False},
    "meshnode-no-coalescing": {"tun_tcp_coalescing": False, "tun_udp_coalescing": False},
    "meshnode-plain": PLAIN,
}


def settings_of(text):
    """udp_gso=false,threads=2 as a table."""
    out = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        out[key] = {"true": True, "false": False}.get(value, value)
    return out


class Raw:
    """No tunnel: what the cable and the measuring programs can do."""
    name = "raw"
    note = "no tunnel"

    def __init__(self, bed):
        self.inner = dict(UNDERLAY)

    def start(self):
        return {"a": [], "b": []}

    def settled(self):
        return True


class MeshNode:
    def __init__(self, bed, binaries, name, settings):
        self.bed = bed
        self.binaries = binaries
        self.name = name
        self.settings = settings
        self.note = ", ".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
        self.inner = dict(INNER)

    def start(self):
        key = run(self.binaries / "meshctl", "genkey").stdout.strip()
        table = "".join(f"{name} = {json.dumps(value)}\n" for name, value in self.settings.items())
        out = {}
        for end in "ab":
            folder = self.bed.work / end
            folder.mkdir(mode=0o700)
            (folder / "key").write_text(key)
            (folder / "key").chmod(0o600)
            (folder / "config.toml").write_text("[data_plane]\n" + table if table else "")
            out[end] = [self.bed.start(end, f"meshnode-{end}.log", [
                self.binaries / "meshnode", "--lan-only", "--name", end,
                "--state-dir", folder / "state", "--control", folder / "control.sock",
                "--config", folder / "config.toml", "--key", f"@{folder / 'key'}",
                "--address", f"{INNER[end]}/24"])]
        self.processes = out
        wait_for(10, "both nodes connected", self.connected)
        return out

    def connected(self):
        for end in "ab":
            process = self.processes[end][0]
            if not process.running():
                raise Trouble(f"meshnode ended: {process.last_words()}")
        return all(any(peer.get("state") == "connected" for peer in self.status(end).get("peers", []))
                   for end in "ab")

    def status(self, end):
        shown = run(self.binaries / "meshctl", "--control", self.bed.work / end / "control.sock",
                    "status", "--json", check=False).stdout
        try:
            return json.loads(shown)
        except ValueError:
            return {}

    def data_plane(self):
        """What the nodes say they use."""
        return self.status("a").get("data_plane")

    def settled(self):
        return True


def version_of(binaries):
    said = run(binaries / "meshnode", "--version", check=False).stdout.strip()
    return re.sub(r"^meshnode ", "", said)
