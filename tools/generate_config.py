#!/usr/bin/env python3
"""Writes docs/reference/config.md, and the options of a mirror in src/catalog/functions/functions.sql,
from src/config/options.def; --check fails when one of them is stale."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/config.md"
FUNCTIONS = ROOT / "src/catalog/functions/functions.sql"
GROUPS = {
    "data": ("", "all commands"),
    "servers": ("Servers. Kept from one start to the next until another is given.", "up, doctor"),
    "ports": ("Ports. A free one is chosen and kept; one that was given and is taken is an error.", "up, demo"),
    "tuning": ("How the stack works. As asked at this start.", "up"),
    "mirror": ("How mirrors work. For all of them, and for one by `tandem mirror create` or "
               "`tandem mirror alter` with the same flag, in SQL `create_mirror(..., '{\"batch_rows\": 1000}')`.",
               "up, mirror create, mirror alter"),
}

HEAD = """# tandem.toml, options, environment

Generated from `src/config/options.def` by `tools/generate_config.py`; do not edit.

A command line option wins over a `TANDEM_*` variable, that over `tandem.toml` in the working directory (or the
file of `--config`, `TANDEM_CONFIG`), that over the default. A name in the file has its section: `port` of `[postgres]` is
`postgres.port` here. An unknown one is an error with file, line and column. The file may hold passwords in URLs: keep it `0600`.
"""

TAIL = """
An option on the command line can be seen by every user of the machine while `tandem up` runs; a variable, the
file and `~/.pgpass` cannot.

## Files of a stack

| file in `<data>/run` (0600) | for |
|---|---|
| `pgpass` | the `passfile` that the endpoint `postgres` of `tandem status` names |
| `pg_service.conf` | `PGSERVICEFILE=... PGSERVICE=tandem psql`; `tandem sql --print-environment` prints both |
| `netrc` | `curl --netrc-file` against the ClickHouse endpoint |
| `settings.json`, `state.json` | what the stack should be, and what it is |

Settings of your own for the private Postgres go into `<data>/postgres/conf.d/`, in a file that sorts after
`00-tandem.conf`, or into `ALTER SYSTEM`. `max_slot_wal_keep_size` is not set by Tandem.
"""


def rows():
    source = (ROOT / "src/config/options.def").read_text()
    found = []
    for kind, body in re.findall(r"^TANDEM_(TEXT|NUMBER)\((.*)\)$", source, flags=re.M):
        parts = [p.strip().strip('"') for p in re.findall(r'"[^"]*"|[^,"]+', body) if p.strip()]
        if kind == "TEXT":
            names = "member group key flag variable default choices words meaning"
        else:
            names = "member group key flag variable default least most words meaning"
        assert len(parts) == len(names.split()), f"cannot read the row {body}"
        found.append(dict(zip(names.split(), parts), kind=kind))
    assert len(found) == len(re.findall(r"^TANDEM_", source, flags=re.M)), "a row cannot be read"
    return found


def code(text):
    return f"`{text}`" if text else ""


def page():
    text = HEAD
    for group, (intro, commands) in GROUPS.items():
        members = [r for r in rows() if r["group"] == group]
        text += f"\n{intro} Commands: {commands}.\n\n".replace("\n Commands", "\nCommands")
        text += "| key | option | variable | default | meaning |\n|---|---|---|---|---|\n"
        for r in members:
            default = r["words"] or code(r["default"])
            meaning = r["meaning"]
            if r.get("choices"):
                meaning += ": " + ", ".join(code(c) for c in r["choices"].split())
            if group in ("tuning", "mirror") and r["kind"] == "NUMBER" and int(r["most"]) < 2**62:
                meaning += f"; {int(r['least']):,} to {int(r['most']):,}"
            text += f"| {code(r['key'])} | {code(r['flag'])} | {code(r['variable'])} | {default} | {meaning} |\n"
    return text + TAIL


def functions():
    values = ", ".join(f"('{r['member']}', {r['least']}::bigint, {r['most']}::bigint)"
                       for r in rows() if r["group"] == "mirror")
    body = ("CREATE OR REPLACE FUNCTION tandem.mirror_options()\n"
            "RETURNS TABLE (name text, lowest bigint, highest bigint)\n"
            "LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$\n    VALUES "
            + values.replace("), (", "),\n           (") + "\n$$;\n")
    return re.sub(r"(?<=-- generated from src/config/options\.def)([^\n]*\n).*?(?=-- end of what is generated)",
                  lambda m: m.group(1) + body, FUNCTIONS.read_text(), flags=re.S)


if __name__ == "__main__":
    for target, text in ((PAGE, page()), (FUNCTIONS, functions())):
        if "--check" in sys.argv:
            if target.read_text() != text:
                sys.exit(f"{target.relative_to(ROOT)} is stale: run tools/generate_config.py")
        else:
            target.write_text(text)
