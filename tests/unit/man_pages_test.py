#!/usr/bin/env python3
"""man_pages_test.py MAN_DIR BIN_DIR: every option that a program's --help names is in its man page,
every key of the example configuration in meshnode.conf(5), and no page names an option that its
program does not know. groff finds nothing to complain about, where it is installed."""
import pathlib
import re
import shutil
import subprocess
import sys

man, binaries = map(pathlib.Path, sys.argv[1:3])
wrong = []


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def options_of_page(page):
    """Those that are explained: a .It line with Fl macros."""
    lines = [line for line in page.splitlines() if line.startswith(".It")]
    return {word for line in lines for word in re.findall(r"Fl Fl ([\w.-]+)", line)}


for program, section in (("meshnode", 8), ("meshhub", 8), ("meshctl", 1)):
    page = (man / f"{program}.{section}").read_text(encoding="utf-8")
    known = set(re.findall(r"^  (?:-\w,)?--([\w.-]+)", said(binaries / program, "--help"), re.M))
    if not known:
        wrong.append(f"{program} --help names no options")
    if program == "meshctl":
        commands = set(re.findall(r"^  ([a-z][a-z-]+) ", said(binaries / program, "--help"), re.M))
        wrong += [f"{program}.{section}: command {name} is missing"
                  for name in commands if not re.search(rf"^\.It Ic {name}\b", page, re.M)]
        for name in commands:
            known |= set(re.findall(r"^  (?:-\w,)?--([\w.-]+)", said(binaries / program, name, "--help"), re.M))
    told = options_of_page(page)
    wrong += [f"{program}.{section}: --{name} is missing" for name in sorted(known - told)]
    wrong += [f"{program}.{section}: --{name} is no option" for name in sorted(told - known)]

page = (man / "meshnode.conf.5").read_text(encoding="utf-8")
keys = set(re.findall(r"^#([\w-]+) = ", said(binaries / "meshnode", "--example-config"), re.M))
told = {word for line in page.splitlines() if line.startswith(".It Ic")
        for word in re.split(r" , ", re.sub(r" No = .*", "", line.removeprefix(".It Ic ")))}
wrong += [f"meshnode.conf.5: {name} is missing" for name in sorted(keys - told)]
wrong += [f"meshnode.conf.5: {name} is no key" for name in sorted(told - keys)]

if shutil.which("groff"):
    for page in sorted(man.iterdir()):
        ran = subprocess.run(["groff", "-mdoc", "-ww", "-z", page], capture_output=True, text=True)
        wrong += [f"{page.name}: {line}" for line in ran.stderr.splitlines()]

print("\n".join(wrong) or "all man pages agree with the programs")
sys.exit(1 if wrong else 0)
