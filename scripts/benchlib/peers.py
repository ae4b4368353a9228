"""Other tunnels, each set up the way its manual recommends, with an inner MTU of 1420 wherever it can
be set. Keys are made in the work folder of the run. `start` returns {end: [process]}."""
import json
import re

from .bed import INNER, UNDERLAY, Trouble, run, wait_for


def other(end):
    return "b" if end == "a" else "a"


class Peer:
    name = program = ""
    tree = "debian"
    device = "tun0"
    package = ""
    note = ""

    def __init__(self, bed, peers):
        self.bed = bed
        self.peers = peers
        self.inner = dict(INNER)
        self.environment = peers.environment()

    def available(self):
        return self.peers.find(self.program, self.tree) is not None

    def binary(self, program=None):
        found = self.peers.find(program or self.program, self.tree if program is None else "debian")
        if not found:
            raise Trouble(f"{program or self.program} is not installed"
                          " (scripts/bench --install-peers unpacks it)")
        return found

    def tool(self, *command, **options):
        return run(self.binary(command[0]), *command[1:], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                                                                **self.environment}, **options)

    def folder(self, end):
        folder = self.bed.work / end
        folder.mkdir(exist_ok=True)
        return folder

    def spawn(self, end, *command, environment=None):
        return self.bed.start(end, f"{self.program}-{end}.log", [self.binary(), *command],
                              private_run=True,
                              environment={**self.environment, **(environment or {})})

    def await_device(self, end, process):
        def there():
            if not process.running():
                raise Trouble(f"{self.program} ended: {process.last_words()}")
            return self.bed.inside(end, "ip", "link", "show", self.device, check=False).returncode == 0
        wait_for(10, f"{self.program} makes {self.device}", there)

    def configure(self, end, process, mtu=1420):
        self.await_device(end, process)
        space = self.bed.space(end)
        run("ip", "-n", space, "link", "set", self.device, "mtu", mtu, "up")
        run("ip", "-n", space, "addr", "add", f"{self.inner[end]}/24", "dev", self.device)

    def start(self):
        raise NotImplementedError

    def await_both(self, out):
        for end, processes in out.items():
            self.await_device(end, processes[0])
        return out

    def settled(self):
        """Beyond the first answered ping."""
        return True


class WireguardGo(Peer):
    name = "wireguard-go 2022"
    program = "wireguard-go"
    device = "wg0"

    def start(self):
        secret = {end: self.tool("wg", "genkey").stdout.strip() for end in "ab"}
        public = {end: self.tool("wg", "pubkey", input=secret[end] + "\n").stdout.strip()
                  for end in "ab"}
        out = {}
        for end in "ab":
            process = self.spawn(end, "-f", self.device, environment={"LOG_LEVEL": "error"})
            out[end] = [process]
            self.await_device(end, process)
            (self.folder(end) / "secret").write_text(secret[end])
            wait_for(5, "wireguard-go takes its keys", lambda e=end, p=process: self.set_keys(
                e, p, public[other(e)]))
            self.configure(end, process)
        return out

    def set_keys(self, end, process, public):
        # Its socket is in the /run of its own.
        return run("nsenter", "-t", process.pid, "-m", "-n", self.binary("wg"), "set", self.device,
                   "private-key", self.folder(end) / "secret", "listen-port", "51820",
                   "peer", public, "endpoint", f"{UNDERLAY[other(end)]}:51820",
                   "allowed-ips", f"{INNER[other(end)]}/32", check=False).returncode == 0


class WireguardGoBackports(WireguardGo):
    name = "wireguard-go 2023"
    tree = "backports"


class Tinc(Peer):
    name = program = "tinc"
    program = "tincd"
    device = "tinc0"
    note = "AES-256-CBC, SHA-256"

    def start(self):
        for end in "ab":
            folder = self.folder(end)
            (folder / "hosts").mkdir()
            (folder / "tinc.conf").write_text(
                f"Name = {end}\nInterface = {self.device}\nAddressFamily = ipv4\n"
                f"ConnectTo = {other(end)}\n")
            (folder / "hosts" / end).write_text(
                f"Address = {UNDERLAY[end]}\nSubnet = {INNER[end]}/32\nCompression = 0\n"
                "Cipher = aes-256-cbc\nDigest = sha256\n")
            (folder / "tinc-up").write_text("#!/bin/sh\n")
            (folder / "tinc-up").chmod(0o755)
            self.tool("tincd", "-c", folder, "-K2048")
        for end in "ab":
            text = (self.folder(end) / "hosts" / end).read_text()
            (self.folder(other(end)) / "hosts" / end).write_text(text)
        out = {end: [self.spawn(end, "-c", self.folder(end), "-D", "-d5",
                                f"--pidfile={self.folder(end)}/pid")] for end in "ab"}
        for end in "ab":
            self.configure(end, out[end][0])
        self.logs = [out[end][0].log for end in "ab"]
        return out

    def settled(self):
        # Until it knows the path's MTU it sends through TCP.
        return all("Fixing MTU" in log.read_text(errors="replace") for log in self.logs)


class Fastd(Peer):
    name = program = "fastd"
    device = "fastd0"
    note = "salsa2012+umac"

    def start(self):
        keys = {}
        for end in "ab":
            text = self.tool("fastd", "--generate-key").stdout
            keys[end] = dict(re.findall(r"^(Secret|Public): (\w+)$", text, re.M))
        out = {}
        for end in "ab":
            config = self.folder(end) / "fastd.conf"
            config.write_text(
                f'log level warn;\ninterface "{self.device}";\nmode tun;\nmtu 1420;\n'
                f'method "salsa2012+umac";\nbind {UNDERLAY[end]}:10000;\n'
                f'secret "{keys[end]["Secret"]}";\n'
                f'peer "{other(end)}" {{ key "{keys[other(end)]["Public"]}";'
                f' remote {UNDERLAY[other(end)]}:10000; }}\n')
            process = self.spawn(end, "-c", config)
            out[end] = [process]
            self.configure(end, process)
        return out


class Nebula(Peer):
    name = program = "nebula"
    device = "nebula0"
    note = "AES-256-GCM"

    def start(self):
        work = self.bed.work
        self.tool("nebula-cert", "ca", "-name", "bench", cwd=work)
        out = {}
        for end in "ab":
            self.tool("nebula-cert", "sign", "-name", end, "-ip", f"{INNER[end]}/24", cwd=work)
        for end in "ab":
            config = self.folder(end) / "nebula.yml"
            # JSON is YAML.
            config.write_text(json.dumps({
                "pki": {"ca": f"{work}/ca.crt", "cert": f"{work}/{end}.crt", "key": f"{work}/{end}.key"},
                "static_host_map": {INNER[other(end)]: [f"{UNDERLAY[other(end)]}:4242"]},
                "lighthouse": {"am_lighthouse": False},
                "listen": {"host": "0.0.0.0", "port": 4242, "batch": 64},
                "tun": {"dev": self.device, "mtu": 1420},
                "cipher": "aes",
                "logging": {"level": "warning"},
                "firewall": {way: [{"port": "any", "proto": "any", "host": "any"}]
                             for way in ("outbound", "inbound")}}))
            out[end] = [self.spawn(end, "-config", config)]
        return self.await_both(out)


class OpenVpn(Peer):
    name = program = "openvpn"
    device = "ovpn0"
    note = "AES-256-GCM, no kernel module"

    def start(self):
        prints = {}
        for end in "ab":
            folder = self.folder(end)
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", f"/CN={end}",
                "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
            shown = run("openssl", "x509", "-in", folder / "cert.pem", "-noout", "-fingerprint",
                        "-sha256").stdout
            prints[end] = shown.strip().split("=")[1]
        out = {}
        for end in "ab":
            folder = self.folder(end)
            role = ["--tls-server", "--dh", "none"] if end == "a" else ["--tls-client"]
            process = self.spawn(
                end, "--dev", self.device, "--dev-type", "tun", "--disable-dco", "--proto", "udp4",
                "--local", UNDERLAY[end], "--remote", UNDERLAY[other(end)], "--port", "1194",
                "--ifconfig", INNER[end], INNER[other(end)], "--tun-mtu", "1420",
                "--cert", folder / "cert.pem", "--key", folder / "key.pem",
                "--peer-fingerprint", prints[other(end)], "--data-ciphers", "AES-256-GCM",
                "--verb", "1", *role)
            out[end] = [process]
        return self.await_both(out)


class Yggdrasil(Peer):
    name = program = "yggdrasil"
    device = "ygg0"
    note = "over TCP, with its own MTU of 65535"

    def start(self):
        out = {}
        for end in "ba":  # who is refused tries again after a minute only
            config = json.loads(self.tool("yggdrasil", "-genconf", "-json").stdout)
            config.update({"IfName": self.device, "MulticastInterfaces": [], "AdminListen": "none"})
            config["Listen"] = [f"tcp://{UNDERLAY[end]}:12345"] if end == "b" else []
            config["Peers"] = [f"tcp://{UNDERLAY['b']}:12345"] if end == "a" else []
            path = self.folder(end) / "yggdrasil.json"
            path.write_text(json.dumps(config))
            self.inner[end] = self.tool("yggdrasil", "-useconffile", path, "-address").stdout.strip()
            out[end] = [self.spawn(end, "-useconffile", path)]
            self.await_device(end, out[end][0])
        return out


class QuickTun(Peer):
    name = program = "quicktun"
    device = "quick0"
    note = "nacltai: XSalsa20-Poly1305"

    def start(self):
        keys = {}
        for end in "ab":
            made = self.tool("keypair")
            keys[end] = dict(re.findall(r"(SECRET|PUBLIC): (\w+)", made.stdout + made.stderr))
        out = {}
        for end in "ab":
            settings = {
                "TUN_MODE": "1", "PROTOCOL": "nacltai",
                "LOCAL_ADDRESS": UNDERLAY[end], "LOCAL_PORT": "2998",
                "REMOTE_ADDRESS": UNDERLAY[other(end)], "REMOTE_PORT": "2998",
                "PRIVATE_KEY": keys[end]["SECRET"], "PUBLIC_KEY": keys[other(end)]["PUBLIC"]}
            # Debian's build reads what ifupdown would set; the plain names are for other builds.
            process = self.spawn(end, environment={
                "IFACE": self.device, "INTERFACE": self.device, **settings,
                **{f"IF_QT_{name}": value for name, value in settings.items()}})
            out[end] = [process]
            self.configure(end, process)
        return out


ALL = [WireguardGo, WireguardGoBackports, Tinc, Fastd, Nebula, OpenVpn, Yggdrasil, QuickTun]
