#!/usr/bin/env python3
"""Writes docs/reference/errors.md from src/base/errors.def and docs/reference/route-reasons.md from
src/route/reasons.def; --check fails when one of them is stale."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs/reference/errors.md"

RETRY = {
    "retry_call": "retried by itself",
    "retry_transaction": "retried from the last checkpoint",
    "fix_first": "stops until fixed",
    "never": "final",
}


def table():
    rows = []
    source = (ROOT / "src/base/errors.def").read_text()
    pattern = r'TANDEM_ERROR\((\w+),\s*"(\w+)",\s*(\w+),\s*(\d+),\s*"(\w+)",\s*"([^"]+)"\)'
    for _, code, retry, exit_code, sqlstate, advice in re.findall(pattern, source):
        rows.append(f"| `{code}` | {RETRY[retry]} | {exit_code} | `{sqlstate}` | {advice} |")
    head = ("# Errors\n\nGenerated from `src/base/errors.def`; do not edit.\n\n"
            "Every error carries one of these codes, in messages as `[code]`, in `--json` output as `code`, "
            "in the catalog as `error_code`.\n\n"
            "| code | what happens | exit code | SQLSTATE | what to do |\n|---|---|---:|---|---|\n")
    return head + "\n".join(rows) + "\n"


def reasons():
    source = (ROOT / "src/route/reasons.def").read_text()
    text = r'"((?:[^"\\]|\\.)+)"'  # a C string, escapes and all
    pattern = rf'TANDEM_REASON\((\w+), "(\w+)", {text}, {text}\)'
    plain = lambda c_string: re.sub(r"\\(.)", r"\1", c_string).replace("|", "\\|")
    rows = [f"| `{code}` | {plain(words)} | {plain(advice)} |"
            for _, code, words, advice in re.findall(pattern, source)]
    head = ("# Why a query stays in Postgres\n\nGenerated from `src/route/reasons.def`; do not edit.\n\n"
            "The codes as `EXPLAIN` and `tandem.explain_route` show them. What ClickHouse or the connection to it "
            "answers has the codes of [errors](errors.md).\n\n"
            "| code | what it says | what to do |\n|---|---|---|\n")
    assert len(rows) == source.count("\nTANDEM_REASON("), "a row of reasons.def cannot be read"
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    for target, text in ((TARGET, table()), (ROOT / "docs/reference/route-reasons.md", reasons())):
        if "--check" in sys.argv:
            if not target.exists() or target.read_text() != text:
                sys.exit(f"{target.relative_to(ROOT)} is stale: run tools/generate_errors.py")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
