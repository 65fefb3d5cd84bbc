#!/usr/bin/env python3
"""Writes docs/reference/types.md from src/types/type_table.def; --check fails when the file is stale."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs/reference/types.md"

HEAD = """# Types

Generated from `src/types/type_table.def`; do not edit. Why it is so:
[decision 3](../decisions/0003-types-and-what-they-cannot-hold.md).

A column that may be NULL gets `Nullable(...)`; columns of the replica identity key never do.

* **exact**: every value survives, byte for byte, and equal values are equal.
* **ranged**: exact, except for values that the ClickHouse type cannot hold. Such a value is never altered: the column
  gets NULL (or the default, where it is not Nullable), the value is reported and the column is marked inexact, so the
  router stops trusting it. In a key column the row is refused instead.
* **text**: held as Postgres' text form. Equality of texts is not equality of values.

## Built-in types

| Postgres | ClickHouse | exactness | remarks |
|---|---|---|---|
"""

MADE_OF = """
## Types made of types

| Postgres | ClickHouse | exactness | remarks |
|---|---|---|---|
| `numeric(p, s)` | `Decimal(p, s)` | ranged | Up to 76 digits; a negative scale or one above the precision widens the Decimal. NaN has no place in it. |
| arrays, NOT NULL, one dimension | `Array(Nullable(T))` | ranged | T is the element's type; text if T is held as text. A value with more dimensions or another lower bound than 1 cannot be held. |
| other arrays, arrays in keys | `String` | text | The array literal: ClickHouse has no NULL arrays. |
| enums | `LowCardinality(String)` | exact | The label; new labels need no change. Plain `String` in keys and arrays. Postgres orders by position, not by label. |
| domains | as their base type | | |
| composites | `String` | text | The text of the row. |
| ranges, multiranges | `String` | text | {ranges} and those of users. |
| unknown types | `String` | text | Their text. |

## Types of extensions

| Postgres | ClickHouse | exactness | remarks |
|---|---|---|---|
"""


def row(name, clickhouse, exactness, note):
    note = note.replace("\\\\", "\\")
    return f"| `{name}` | `{clickhouse}` | {exactness} | {note} |\n"


def table():
    source = (ROOT / "src/types/type_table.def").read_text()
    base, extensions, ranges = [], [], []
    for macro, arguments in re.findall(r'^TANDEM_(\w+)\((.*)\)$', source, re.M):
        strings = re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
        words = [w.strip() for w in re.sub(r'"(?:[^"\\]|\\.)*"', "", arguments).split(",")]
        exactness = next((w.lower() for w in words if w in ("Exact", "Ranged", "Text")), "text")
        if macro == "TYPE":
            base.append(row(strings[0], strings[1], exactness, strings[2]))
        elif macro in ("TEXT", "NO_BINARY"):
            base.append(row(strings[0], "String", exactness, strings[1]))
        elif macro == "EXTENSION":
            extensions.append(row(strings[0], strings[1], exactness, strings[2]))
        elif macro == "RANGE":
            ranges += [f"`{strings[0]}`", f"`{strings[1]}`"]
    return HEAD + "".join(sorted(base)) + MADE_OF.replace("{ranges}", ", ".join(ranges)) + "".join(extensions)


if __name__ == "__main__":
    text = table()
    if "--check" in sys.argv:
        if not TARGET.exists() or TARGET.read_text() != text:
            sys.exit("docs/reference/types.md is stale: run tools/generate_types.py")
    else:
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        TARGET.write_text(text)
