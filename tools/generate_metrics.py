#!/usr/bin/env python3
"""Writes docs/reference/metrics.md from src/metrics/metrics.def; --check fails when it is stale, or when
the dashboard packaging/grafana/tandem.json or an alert in packaging/prometheus/tandem.yml names a metric
that is not there."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/metrics.md"
DASHBOARD = ROOT / "packaging/grafana/tandem.json"
ALERTS = ROOT / "packaging/prometheus/tandem.yml"
LABELS = {"mirrors": "mirror", "lag": "mirror", "tables": "mirror, schema, table", "routes": "reason"}

HEAD = """# Metrics

Generated from `src/metrics/metrics.def` by `tools/generate_metrics.py`; do not edit.

The daemon serves them at `/metrics` of the console, in Prometheus' text format. What to alert on, and a
dashboard: [monitoring](../howto/monitoring.md). A counter starts at 0 with the daemon; use `rate()`.

| metric | kind | labels | how to read it |
|---|---|---|---|
"""


def metrics():
    source = (ROOT / "src/metrics/metrics.def").read_text()
    for line in re.findall(r"^TANDEM_\w+\(.*\)$", source, flags=re.M):
        kind, body = re.match(r"TANDEM_(\w+)\((.*)\)$", line).groups()
        name, *rest = re.findall(r'"((?:[^"\\]|\\.)*)"', body)
        plain = re.sub(r'"(?:[^"\\]|\\.)*"', "", body).split(",")
        if kind == "STATUS":
            yield name, plain[0].strip(), LABELS[plain[2].strip()], rest[-1]
        else:
            yield name, kind.lower(), "mirror", rest[-1]
    yield ("tandem_errors_total", "counter", "mirror, code",
           "Errors the mirror has met, by code (docs/reference/errors.md). Those that pass by themselves are counted "
           "too; a code that keeps growing is in the log.")


def page():
    return HEAD + "".join(f"| `{name}` | {kind} | {labels} | {words} |\n" for name, kind, labels, words in metrics())


def unknown():
    """Names that the dashboard or the alerts use and that nobody serves."""
    known = set()
    for name, kind, _, _ in metrics():
        known |= {name + end for end in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    panels = json.loads(DASHBOARD.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert expressions, "the dashboard asks nothing"
    expressions += re.findall(r"^\s*expr: (.*)$", ALERTS.read_text(), flags=re.M)
    return sorted({n for e in expressions for n in re.findall(r"\btandem_\w+", e)} - known)


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif not PAGE.exists() or PAGE.read_text() != page():
        sys.exit(f"{PAGE.relative_to(ROOT)} is stale: run tools/generate_metrics.py")
    if unknown():
        sys.exit(f"dashboard or alerts name metrics that nobody serves: {', '.join(unknown())}")
