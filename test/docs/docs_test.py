#!/usr/bin/env python3
"""docs_test.py BIN_DIRECTORY DOCS: runs what the tutorial and the how-tos tell people to run, page by page, on
a stack of its own. A block of sh or sql that is not run says why: <!-- not run: reason --> above it."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

BIN, DOCS = Path(sys.argv[1]), Path(sys.argv[2])
BLOCK = re.compile(r"(?:<!-- not run: (?P<why>[^\n]+) -->\n)?```(?P<kind>sh|sql)\n(?P<text>.*?)^```", re.S | re.M)
# What the pages take for granted.
SETUP = "CREATE ROLE dashboard;"
failures = []


def run(arguments, **more):
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    return subprocess.run(arguments, capture_output=True, text=True, timeout=300, env=environment, cwd=DATA, **more)


def run_block(page, kind, text):
    # Each statement or line must succeed.
    if kind == "sql":
        done = run(["tandem", "sql", "--", "-X", "-v", "ON_ERROR_STOP=1"], input=text)
    else:
        text = re.sub(r"build/release/bin/|<this repository>", "", text)
        done = run(["bash", "-e"], input=text, )
    if done.returncode:
        failures.append(f"{page}: exit code {done.returncode} of\n{text}{done.stdout[-1500:]}{done.stderr[-1500:]}")


def main():
    up = run(["tandem", "demo", "--events", "1000000", "--no-writers"])
    if up.returncode:
        sys.exit(f"no stack: {up.stderr}")
    run(["tandem", "sql", "--", "-Xc", SETUP])
    blocks = 0
    for page in [DOCS / "tutorial.md", *sorted((DOCS / "howto").glob("*.md"))]:
        for match in BLOCK.finditer(page.read_text()):
            if not match["why"]:
                blocks += 1
                run_block(page.name, match["kind"], match["text"])
    print(f"{blocks} blocks run")
    if blocks < 8:
        failures.append("hardly anything was run; are the pages read at all?")


with tempfile.TemporaryDirectory() as DATA:
    os.environ["TANDEM_DATA"] = f"{DATA}/stack"
    os.chmod(DATA, 0o755)
    try:
        main()
    finally:
        run(["tandem", "down"])
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
