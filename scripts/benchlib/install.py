"""--install-peers: unpacks other tunnels from Debian's packages into the build folder, without
installing them. No package source stays behind: the one for bookworm-backports is a file of its
own with package lists of its own, both removed again."""
import os
import pathlib
import shutil
import subprocess

from .bed import Trouble, run

PACKAGES = ["wireguard-go", "wireguard-tools", "tinc", "fastd", "nebula", "openvpn", "yggdrasil",
            "quicktun"]
BACKPORTS = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
            " http://deb.debian.org/debian bookworm-backports main\n"


def unpack(archives, root):
    for archive in sorted(archives.glob("*.deb")):
        run("dpkg", "-x", archive, root)
        print(f"  {archive.name}")


def fetch(folder, options, packages):
    """The packages with what they need and the system lacks."""
    archives = folder / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    run("apt-get", "-qq", "-y", "--download-only", "--no-install-recommends", "--reinstall",
        "-o", f"Dir::Cache::Archives={archives}", "-o", "Debug::NoLocking=1",
        "-o", "APT::Sandbox::User=root", *options, "install", *packages)
    return archives


def install(peers):
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Trouble("--install-peers needs root and apt-get (Debian 12)")
    shutil.rmtree(peers, ignore_errors=True)
    peers.mkdir(parents=True)
    print(f"bench: unpacking into {peers}")
    subprocess.run(["apt-get", "-qq", "update"], check=True, stdin=subprocess.DEVNULL)
    unpack(fetch(peers / "download", [], PACKAGES), peers / "debian")

    own = peers / "backports-lists"
    (own / "lists/partial").mkdir(parents=True)
    (own / "sources.list").write_text(BACKPORTS)
    options = ["-o", f"Dir::Etc::SourceList={own}/sources.list", "-o", "Dir::Etc::SourceParts=-",
               "-o", f"Dir::State::Lists={own}/lists", "-o", f"Dir::Cache={own}",
               "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]
    run("apt-get", "-qq", *options, "update")
    got = own / "got"
    got.mkdir()
    run("apt-get", "-qq", *options, "download", "wireguard-go", cwd=got)
    unpack(got, peers / "backports")
    shutil.rmtree(own)
    shutil.rmtree(peers / "download")


class Peers:
    """Where the programs of other tunnels are: unpacked, or installed."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def find(self, program, tree="debian"):
        """The path, or nothing. The system's own programs stand in for the tree `debian`."""
        for place in ("usr/sbin", "usr/bin"):
            path = self.folder / tree / place / program
            if path.is_file():
                return str(path)
        return shutil.which(program) if tree == "debian" else None

    def environment(self):
        root = self.folder / "debian"
        places = [root / "usr/lib/x86_64-linux-gnu", root / "lib/x86_64-linux-gnu",
                  *sorted(root.glob("usr/lib/*-linux-gnu*"))]
        return {"LD_LIBRARY_PATH": ":".join(str(place) for place in dict.fromkeys(places))}
