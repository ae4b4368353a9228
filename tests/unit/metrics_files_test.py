#!/usr/bin/env python3
"""metrics_files_test.py GOLDEN_DIR DASHBOARD DOC: the golden texts are OpenMetrics as another program
reads it and keep its conventions; every metric and label that the Grafana dashboard uses, and every
metric of the document, exists in them, and the other way round for the document."""
import json
import os
import pathlib
import re
import sys

SYSTEM = "/usr/bin/python3"
try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
except ImportError:
    # Debian's package is the system's interpreter's.
    if sys.executable != SYSTEM and os.path.exists(SYSTEM) and "MESHNODE_AGAIN" not in os.environ:
        os.execve(SYSTEM, [SYSTEM, "-B", *sys.argv], {**os.environ, "MESHNODE_AGAIN": "1"})
    print("skipped: python3-prometheus-client is not installed")
    sys.exit(1 if os.environ.get("CI", "false") not in ("", "0", "false") else 77)

golden, dashboard, document = map(pathlib.Path, sys.argv[1:4])
wrong = []
samples = {}  # name -> its labels
families = set()
for file in sorted(golden.glob("*.txt")):
    text = file.read_text(encoding="utf-8")
    if re.search(r'^# HELP .*(?<!\\)"', text, re.M):
        wrong.append(f"{file.name}: a help text holds a bare quote")
    for family in parse(text):
        families.add(family.name)
        if not family.documentation:
            wrong.append(f"{family.name}: no help")
        if not re.fullmatch(r"(meshnode|meshhub)(_[a-z0-9]+)+", family.name):
            wrong.append(f"{family.name}: not a name of ours")
        for unit in ("seconds", "bytes", "ratio"):
            if family.name.endswith("_" + unit) != (family.unit == unit):
                wrong.append(f"{family.name}: its unit is {family.unit or 'none'}")
        if not family.samples:
            wrong.append(f"{family.name}: no sample")
        seen = set()
        for sample in family.samples:
            key = tuple(sorted(sample.labels.items()))
            if key in seen:
                wrong.append(f"{sample.name}: twice with {key}")
            seen.add(key)
            samples.setdefault(sample.name, set()).update(sample.labels)
if len(samples) < 30:
    wrong.append(f"only {len(samples)} metrics in {golden}")

METRIC = re.compile(r"\b((?:meshnode|meshhub)_\w+)(?:\{([^}]*)\})?")


def expressions(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("expr", "definition"):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


used = 0
for expression in expressions(json.loads(dashboard.read_text(encoding="utf-8"))):
    named = METRIC.findall(expression)
    if not named:
        wrong.append(f"{dashboard.name}: {expression!r} names no metric")
    for name, selectors in named:
        used += 1
        labels = set(re.findall(r"(\w+)\s*=", selectors)) - {"instance", "job"}
        for grouped in re.findall(r"by \(([^)]*)\)", expression):
            labels |= set(re.findall(r"\w+", grouped)) - {"instance", "job"}
        if name not in samples:
            wrong.append(f"{dashboard.name}: there is no {name}")
        elif labels - samples[name]:
            wrong.append(f"{dashboard.name}: {name} has no {', '.join(sorted(labels - samples[name]))}")
if used < 20:
    wrong.append(f"{dashboard.name}: only {used} metrics found")

told = set(re.findall(r"^\| `((?:meshnode|meshhub)_\w+)", document.read_text(encoding="utf-8"), re.M))
wrong += [f"{document.name}: {name} is missing" for name in sorted(set(samples) - told)]
wrong += [f"{document.name}: there is no {name}" for name in sorted(told - set(samples))]

print("\n".join(wrong) or f"{len(families)} families, {used} uses in the dashboard: all agree")
sys.exit(1 if wrong else 0)
