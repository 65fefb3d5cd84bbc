#!/usr/bin/env python3
"""Writes docs/reference/errors.md from src/base/errors.def; --check fails when the file is stale."""

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


if __name__ == "__main__":
    text = table()
    if "--check" in sys.argv:
        if not TARGET.exists() or TARGET.read_text() != text:
            sys.exit("docs/reference/errors.md is stale: run tools/generate_errors.py")
    else:
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        TARGET.write_text(text)
