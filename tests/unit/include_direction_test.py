#!/usr/bin/env python3
"""include_direction_test.py SRC | --self-test: the house keeps its shape.

Reads every source file below SRC and says, with the reason, what breaks the picture of
docs/architecture.md:
  - includes run one way: base <- wire, crypto, names <- dataplane, discovery <- overlay <- node, hub;
    tun, io and sandbox stand at the edge and know only base; control and metrics know io, too; dht_child knows
    no more than messages and the sandbox
  - a foreign library is included by its one folder only
  - the pure folders never read a clock, a socket, a file or a global random source
  - no file is longer than MAX_LINES
Prints one line per violation; exit code 1 if there was one.
"""
import pathlib
import re
import sys
import tempfile

MAX_LINES = 600

# folder -> the other folders whose headers it may include
ALLOWED = {
    "base": set(),
    "wire": {"base"},
    "names": {"base"},
    "crypto": {"base"},
    "dataplane": {"base", "wire", "crypto"},
    "discovery": {"base", "wire", "crypto"},
    "overlay": {"base", "wire", "crypto", "dataplane", "discovery"},
    "tun": {"base"},
    "io": {"base"},
    "control": {"base", "io"},
    "sandbox": {"base"},
    "metrics": {"base", "io"},
    "monitor": {"base", "io", "names", "sandbox"},
    "ctl": {"base", "control", "overlay", "crypto", "discovery", "io"},
    "dht_child": {"base", "wire", "discovery", "sandbox"},
    "node": {"base", "wire", "crypto", "dataplane", "discovery", "overlay", "tun", "io", "control", "metrics",
             "monitor", "names"},
    "hub": {"base", "wire", "crypto", "dataplane", "discovery", "overlay", "tun", "io", "control", "metrics",
            "monitor"},
}
LAYERS = ["base", "wire crypto names", "dataplane discovery", "overlay", "node hub ctl"]
PURE = {"base", "wire", "names", "crypto", "dataplane", "discovery", "overlay"}

# <header> pattern -> folders that may include it, and why only they
LIBRARIES = [
    (r"opendht(\.h|/.*)", {"dht_child"}, "OpenDHT stays in its own process, behind plain messages"),
    (r"seccomp\.h", {"sandbox"}, "one place knows how system calls are filtered"),
    (r"(gnutls|nettle)/.*|argon2\.h|intel-ipsec-mb\.h", {"crypto"}, "crypto is the only door to the crypto libraries"),
    (r"sys/(epoll|timerfd|eventfd)\.h", {"io"}, "waiting is the event loop's business"),
    (r"systemd/.*", {"monitor"}, "only who has rights speaks to the system bus"),
    (r"netlink/.*|linux/(rt)?netlink\.h", {"io", "tun"}, "netlink is spoken at the edge"),
]
# What a pure file has no use for.
IMPURE_HEADERS = (
    r"(sys|net|netinet|linux)/.*|unistd\.h|fcntl\.h|poll\.h|time\.h|ctime|fstream|filesystem"
    r"|random|thread|mutex|shared_mutex|condition_variable|future")
IMPURE_CALLS = [
    (r"\w*_clock\s*::\s*now\b", "reads a clock: be handed the time (base/clock.h)"),
    (r"(?<![\w.>])(clock_gettime|gettimeofday)\s*\(", "reads a clock: be handed the time"),
    (r"(?<![\w.>:])(?:(?:std)?::)?time\s*\(", "reads a clock: be handed the time"),
    (r"(?<![\w.>:])(?:(?:std)?::)?s?rand\s*\(|\brandom_device\b",
     "uses a global random source: be handed a Random (base/random.h)"),
    (r"(?<![\w.>:])(?:::)?(socket|recvfrom|sendto|recvmsg|sendmsg)\s*\(",
     "uses a socket: datagrams are handed in and out"),
    # `open` alone is what seals are opened with; the system call is written ::open.
    (r"(?<![\w>])::open\s*\(|(?<![\w.>:])(?:(?:std)?::)?(fopen|openat)\s*\(|\bO_(RDONLY|WRONLY|RDWR)\b",
     "opens a file: be handed the bytes"),
]
COMMENT_OR_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def code_of(text):
    """Comments and literals blanked; line numbers stay."""
    return COMMENT_OR_TEXT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def check_include(place, folder, quote, header):
    top = folder.split("/")[0]
    if quote == '"':
        target = header.split("/")[0]
        if "/" not in header:
            yield f'{place}: "{header}" names no folder: write "{top}/{header}"'
        elif target != top and target not in ALLOWED[top]:
            known = ", ".join(sorted(ALLOWED[top])) or "nothing else"
            if target not in ALLOWED:
                yield f'{place}: "{header}": there is no folder src/{target}'
            else:
                yield f'{place}: "{header}" runs backwards: {top} knows {known}, not {target}' \
                      f' ({" <- ".join(LAYERS)}; tun, io, sandbox know base; control, metrics: base, io)'
        if header.startswith("discovery/dht/") and top in PURE and folder != "discovery/dht":
            yield f'{place}: "{header}": the pure core meets the DHT through discovery\'s doors only'
        return
    for pattern, folders, reason in LIBRARIES:
        if re.fullmatch(pattern, header) and folder not in folders and top not in folders:
            yield f"{place}: <{header}> belongs to {' and '.join(sorted(folders))}: {reason}"
    if top in PURE and re.fullmatch(IMPURE_HEADERS, header):
        yield f"{place}: <{header}> in a pure folder: {top} is handed time, randomness, datagrams" \
              " and files' contents"


def check_file(root, path):
    relative = path.relative_to(root)
    folder = "/".join(relative.parts[:-1])
    top = relative.parts[0]
    if folder == "":
        yield f"{relative}: sources live in a folder of src/, not beside them"
        return
    if top not in ALLOWED:
        yield f"{relative}: src/{top} is no room of the house: give it a place in ALLOWED"
        return
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        yield f"{relative}: {len(lines)} lines: a file past {MAX_LINES} is asking to be two"
    code = code_of(text).splitlines()
    for number, (line, bare) in enumerate(zip(lines, code), start=1):
        place = f"{relative}:{number}"
        # Blanking has removed the name of "header"; what is left of a commented one is nothing.
        if bare.lstrip().startswith("#") and (found := INCLUDE.match(line)):
            yield from check_include(place, folder, *found.groups())
        elif top in PURE:
            for pattern, reason in IMPURE_CALLS:
                if match := re.search(pattern, bare):
                    yield f"{place}: `{match.group().strip()}` in a pure folder: {reason}"


def check_tree(root):
    files = [path for path in sorted(root.rglob("*")) if path.suffix in (".h", ".cpp")]
    return len(files), [problem for path in files for problem in check_file(root, path)]


# file, content, words that the complaint has to contain; None: no complaint
PLANTED = [
    ("base/a.h", '#include "wire/types.h"\n', "base knows nothing else, not wire"),
    ("wire/a.h", '#include "crypto/hash.h"\n', "wire knows base, not crypto"),
    ("crypto/a.h", '#include "dataplane/slots.h"\n', "runs backwards"),
    ("dataplane/a.h", '#include "discovery/path.h"\n', "runs backwards"),
    ("discovery/a.h", '#include "overlay/engine.h"\n', "runs backwards"),
    ("overlay/a.h", '#include "node/config.h"\n', "runs backwards"),
    ("overlay/b.h", '#include "io/udp_socket.h"\n', "runs backwards"),
    ("tun/a.h", '#include "io/clock.h"\n', "tun knows base, not io"),
    ("control/a.h", '#include "overlay/snapshot.h"\n', "control knows base, io, not overlay"),
    ("ctl/a.h", '#include "node/config.h"\n', "runs backwards"),
    ("hub/a.h", '#include "node/config.h"\n', "runs backwards"),
    ("wire/b.h", '  #  include   "attic/old.h"\n', "no folder src/attic"),
    ("wire/c.h", '#include "types.h"\n', "names no folder"),
    ("attic/a.h", "\n", "no room of the house"),
    ("stray.h", "\n", "not beside them"),
    ("discovery/b.cpp", "#include <opendht.h>\n", "OpenDHT stays in its own"),
    ("discovery/dht/b.cpp", "#include <opendht.h>\n", "OpenDHT stays in its own"),
    ("discovery/dht/c.cpp", "#include <mutex>\n", "pure folder"),
    ("dht_child/b.cpp", '#include "node/config.h"\n', "runs backwards"),
    ("dht_child/c.cpp", "#include <seccomp.h>\n", "one place"),
    ("sandbox/a.h", '#include "io/clock.h"\n', "sandbox knows base, not io"),
    ("node/a.cpp", "#include <opendht/dhtrunner.h>\n", "OpenDHT stays in its own"),
    ("node/b.cpp", "#include <gnutls/crypto.h>\n", "only door"),
    ("overlay/c.cpp", "#include <nettle/curve25519.h>\n", "only door"),
    ("node/c.cpp", "#include <argon2.h>\n", "only door"),
    ("node/d.cpp", "#include <sys/epoll.h>\n", "event loop"),
    ("metrics/a.cpp", "#include <sys/epoll.h>\n", "event loop"),
    ("node/e.cpp", "#include <netlink/route/link.h>\n", "spoken at the edge"),
    ("overlay/d.cpp", "auto t = std::chrono::steady_clock::now();\n", "reads a clock"),
    ("wire/d.cpp", "clock_gettime(CLOCK_BOOTTIME, &t);\n", "reads a clock"),
    ("crypto/b.cpp", "auto t = std::time(nullptr);\n", "reads a clock"),
    ("crypto/c.cpp", "auto t = ::time(nullptr);\n", "reads a clock"),
    ("base/b.cpp", "int x = rand();\n", "global random"),
    ("base/c.cpp", "std::random_device d;\n", "global random"),
    ("discovery/c.cpp", "int fd = socket(AF_INET, SOCK_DGRAM, 0);\n", "uses a socket"),
    ("dataplane/b.cpp", "int fd = ::open(path, O_RDONLY);\n", "opens a file"),
    ("dataplane/c.cpp", "#include <mutex>\n", "pure folder"),
    ("dataplane/d.cpp", "#include <sys/socket.h>\n", "pure folder"),
    ("node/f.cpp", "\n" * (MAX_LINES + 1), "asking to be two"),
    # and what is fine
    ("overlay/e.cpp", '#include "overlay/a.h"\n#include "dataplane/a.h"\n#include <vector>\n', None),
    ("node/g.cpp", '#include "overlay/a.h"\n#include "tun/a.h"\n#include "control/a.h"\n', None),
    ("ctl/b.cpp", '#include "control/a.h"\n#include "overlay/a.h"\n#include "crypto/a.h"\n', None),
    ("dht_child/a.cpp", '#include <opendht.h>\n#include <mutex>\n#include "sandbox/a.h"\n', None),
    ("sandbox/b.h", "#include <seccomp.h>\n", None),
    ("crypto/d.cpp", "#include <gnutls/crypto.h>\n#include <argon2.h>\n", None),
    ("io/a.cpp", "#include <sys/epoll.h>\nauto t = ::socket(1, 2, 3);\n", None),
    ("dataplane/e.cpp", "bool ok = aead.open(x) && key->open(y) && open(z);\n", None),
    ("dataplane/f.cpp", "Opened Aead::open(int x) { return handshake_time(x); }\n", None),
    ("dataplane/g.cpp", '// time(0)\nauto s = "rand()"; /* socket(\n clock_gettime( */\n', None),
    ("dataplane/h.cpp", '// #include "node/config.h"\n/*\n#include "node/config.h"\n*/\n', None),
    ("wire/e.cpp", "constexpr long kBig = 1'000'000; int x = peer.time();\n", None),
    ("node/h.cpp", "\n" * MAX_LINES, None),
]


def self_test():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, content, _ in PLANTED:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content, encoding="utf-8")
        for name, content, words in PLANTED:
            said = list(check_file(root, root / name))
            if words is None and said:
                wrong.append(f"{name}: accuses what is fine: {said}")
            if words is not None and not any(words in line for line in said):
                wrong.append(f"{name}: does not say \"{words}\" about {content.strip()[:60]!r}: {said}")
        count, problems = check_tree(root)
        if count != len(PLANTED) or len(problems) < sum(words is not None for *_, words in PLANTED):
            wrong.append(f"the whole tree: {count} files, {len(problems)} violations")
    print("\n".join(wrong) or f"self-test: {len(PLANTED)} planted files, each judged right")
    return bool(wrong)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--self-test":
        sys.exit(self_test())
    count, problems = check_tree(pathlib.Path(sys.argv[1]))
    if count == 0:
        sys.exit(f"no sources in {sys.argv[1]}")
    print("\n".join(problems) or f"{count} files, all includes run one way")
    sys.exit(bool(problems))


main()
