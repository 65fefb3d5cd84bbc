#!/usr/bin/env python3
"""Writes CHANGELOG.md from the fragments in changes/ (changes/README.md); --check fails when it is stale or
a fragment cannot be read. --release VERSION makes a section of what is unreleased."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGES = ROOT / "changes"
PAGE = ROOT / "CHANGELOG.md"
KINDS = {"upgrade": "When you upgrade", "added": "Added", "changed": "Changed", "fixed": "Fixed", "removed": "Removed"}
HEAD = ("# Changelog\n\nWritten by `tools/generate_changelog.py` from the fragments in `changes/`; do not edit. Versions are "
        "major.minor.patch;\nbefore 1.0 a minor version may change what it says under *When you upgrade*.\n")


def fragments(folder):
    found = {}
    for file in sorted(folder.glob("*.md")):
        match = re.fullmatch(r"(\w+): (\S.*)", file.read_text().strip(), flags=re.S)
        if not match or match.group(1) not in KINDS:
            sys.exit(f"{file.relative_to(ROOT)}: the first line begins with one of {', '.join(KINDS)} and a colon")
        found.setdefault(match.group(1), []).append(" ".join(match.group(2).split()))
    return found


def section(version):
    text = f"\n## {version}\n"
    found = fragments(CHANGES / version)
    for kind, title in KINDS.items():
        if kind in found:
            text += f"\n### {title}\n\n" + "".join(f"* {entry[0].upper()}{entry[1:]}\n" for entry in found[kind])
    return text


def page():
    versions = [f.name for f in CHANGES.iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", f.name)]
    return HEAD + "".join(section(v) for v in sorted(versions, key=lambda v: [int(n) for n in v.split(".")],
                                                     reverse=True))


def release(version):
    (CHANGES / version).mkdir()
    for file in (CHANGES / "unreleased").glob("*.md"):
        file.rename(CHANGES / version / file.name)


if __name__ == "__main__":
    if "--release" in sys.argv:
        release(sys.argv[sys.argv.index("--release") + 1])
    fragments(CHANGES / "unreleased")
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif PAGE.read_text() != page():
        sys.exit("CHANGELOG.md is stale: run tools/generate_changelog.py")
