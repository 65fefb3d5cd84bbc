#!/usr/bin/env python3
"""docs_test.py BIN_DIRECTORY DOCS: runs what the tutorial and the how-tos tell people to run, page by page, on
a stack of its own. A block of sh or sql that is not run says why: <!-- not run: reason --> above it. The SQL of a
page runs in one session, as it does for a reader; where a line says what comes out, it has to:

    SELECT ...;   -- routed            EXPLAIN shows the scan of ClickHouse
    SELECT ...;   -- not routed        EXPLAIN says so
    tandem explain ...   # runs in ClickHouse
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

BIN, DOCS = Path(sys.argv[1]), Path(sys.argv[2])
BLOCK = re.compile(r"(?:<!-- not run: (?P<why>[^\n]+) -->\n)?```(?P<kind>sh|sql)\n(?P<text>.*?)^```", re.S | re.M)
CLAIM = re.compile(r"^(?:EXPLAIN )?(?P<query>.*;)\s*-- (?P<claim>routed|not routed)", re.M)
SHOWN = {"routed": "Custom Scan (Tandem)", "not routed": "Tandem: not routed"}
# What the pages take for granted, in Postgres and in the ClickHouse of another team.
SETUP = "CREATE ROLE dashboard; CREATE TABLE clients (id bigint PRIMARY KEY, name text);"
THERE = """
CREATE DATABASE analytics;
CREATE TABLE analytics.orders (id UInt64, customer Int64, country String, amount Decimal(12, 2), at DateTime)
    ENGINE = MergeTree ORDER BY at;
INSERT INTO analytics.orders SELECT number, number % 7, 'CH', 1, '2024-02-01 00:00:00' FROM numbers(1000);
CREATE TABLE analytics.balances (account Int64, balance Decimal(18, 2)) ENGINE = ReplacingMergeTree ORDER BY account;
"""
END = "-- end of the block --"
failures = []


def environment():
    return os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}


def run(arguments, **more):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=300, env=environment(), cwd=DATA, **more)


class OtherClickHouse:
    """The server of the page about foreign tables: the stack's own plays it."""

    def __init__(self):
        status = json.loads(run(["tandem", "status", "--json"]).stdout)
        self.http, self.native = (status["endpoints"][f"clickhouse_{kind}"] for kind in ("http", "native"))
        words = Path(status["credentials"]["clickhouse_netrc"]).read_text().split()
        self.user, self.password = (words[words.index(word) + 1] for word in ("login", "password"))
        for statement in filter(str.strip, THERE.split(";")):
            self.execute(statement)

    def execute(self, statement):
        headers = {"X-ClickHouse-User": self.user, "X-ClickHouse-Key": self.password}
        urllib.request.urlopen(urllib.request.Request(self.http, statement.encode(), headers), timeout=60).close()

    def put_in(self, text):
        """The SQL of a page with this server in the place of the one it names."""
        port = self.native.rsplit(":", 1)[1]
        text = text.replace("host 'clickhouse.example', port '9440', tls 'true'", f"host '127.0.0.1', port '{port}'")
        return text.replace("\"user\" 'reader', password 'secret'", f"\"user\" '{self.user}', password '{self.password}'")


class Session:
    """psql as a reader has it open; gone after the first error."""

    def __init__(self):
        self.psql = subprocess.Popen(["tandem", "sql", "--", "-X", "-v", "ON_ERROR_STOP=1"], text=True, cwd=DATA,
                                     env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)

    def ask(self, sql):
        """What psql prints, and whether all went well."""
        self.psql.stdin.write(f"{sql}\n\\echo '{END}'\n")
        self.psql.stdin.flush()
        printed = ""
        for line in self.psql.stdout:
            if line.strip() == END:
                return printed, True
            printed += line
        return printed, False

    def close(self):
        self.psql.stdin.close()
        self.psql.wait(timeout=60)


def run_sql(page, session, text):
    printed, well = session.ask(text)
    if not well:
        failures.append(f"{page}: an error in\n{text}{printed[-3000:]}")
        return
    for match in CLAIM.finditer(text):
        plan, _ = session.ask(f"EXPLAIN {match['query']}")
        if SHOWN[match["claim"]] not in plan:
            failures.append(f"{page}: is not {match['claim']}: {match['query']}\n{plan}")


def run_sh(page, text):
    text = re.sub(r"build/release/bin/|<this repository>", "", text)
    done = run(["bash", "-e"], input=text)
    if done.returncode:
        failures.append(f"{page}: exit code {done.returncode} of\n{text}{done.stdout[-1500:]}{done.stderr[-1500:]}")
    elif "# runs in ClickHouse" in text and "runs in ClickHouse" not in done.stdout:
        failures.append(f"{page}: does not run in ClickHouse:\n{text}{done.stdout[-1500:]}")


def run_page(page, other):
    session, blocks = Session(), 0
    for match in BLOCK.finditer(page.read_text()):
        if match["why"]:
            continue
        blocks += 1
        if match["kind"] == "sh":
            run_sh(page.name, match["text"])
        elif session.psql.poll() is None:
            run_sql(page.name, session, other.put_in(match["text"]))
    session.close()
    return blocks


def main():
    up = run(["tandem", "demo", "--events", "1000000", "--no-writers"])
    if up.returncode:
        sys.exit(f"no stack: {up.stderr}")
    run(["tandem", "sql", "--", "-Xc", SETUP])
    other = OtherClickHouse()
    blocks = sum(run_page(page, other) for page in [DOCS / "tutorial.md", *sorted((DOCS / "howto").glob("*.md"))])
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
