#!/usr/bin/env python3
"""Routed aggregates over mirrored tables against the same question asked by hand of plain MergeTree copies, in pairs of
one run: never updated, 1 % of the rows updated within the last minute while writers go on, and after they have stopped."""

import argparse
import re
import statistics
import subprocess

from stack import PG_BIN, ByHand, Stack

SETUP = """
CREATE TABLE facts (id bigint PRIMARY KEY, user_id int NOT NULL, country text NOT NULL, kind text NOT NULL,
    amount numeric(12, 2) NOT NULL, at timestamptz NOT NULL, value int NOT NULL);
INSERT INTO facts SELECT i, hashint8(i) & 65535, (ARRAY['US','UK','DE','FR','IN','JP','BR'])[i % 7 + 1],
    (ARRAY['view','click','buy'])[(hashint8(i + 7) & 1) + 1], (hashint8(i) & 1048575) / 100.0,
    '2026-01-01'::timestamptz + i * interval '1 second', hashint8(i + 1) & 1023
FROM generate_series(1, {rows}) i;
CREATE TABLE lines (order_id int, line int, product int NOT NULL, quantity int NOT NULL, price numeric(12, 2) NOT NULL,
    country text NOT NULL, shipped date NOT NULL, PRIMARY KEY (order_id, line));
INSERT INTO lines SELECT i / 4, i % 4, hashint8(i) & 16383, hashint8(i + 3) & 63, (hashint8(i + 5) & 1048575) / 100.0,
    (ARRAY['US','UK','DE','FR','IN','JP','BR'])[i % 7 + 1], '2026-01-01'::date + (hashint8(i) & 255)
FROM generate_series(1, {rows}) i;
VACUUM ANALYZE facts;
VACUUM ANALYZE lines
"""

# (name, as an application asks Postgres, as a person writes it for ClickHouse)
QUERIES = {
    "facts": [
        ("scan", "SELECT count(*) FROM facts WHERE value < 100",
         "SELECT count() FROM {t} WHERE value < 100"),
        ("groups", "SELECT country, kind, count(*), sum(amount), count(DISTINCT user_id) FROM facts GROUP BY 1, 2 ORDER BY 1, 2",
         "SELECT country, kind, count(), sum(amount), uniqExact(user_id) FROM {t} GROUP BY 1, 2 ORDER BY 1, 2"),
        ("days", "SELECT date_trunc('day', at), sum(amount), max(value) FROM facts WHERE country = 'DE' GROUP BY 1 ORDER BY 1",
         "SELECT toStartOfDay(at, 'UTC'), sum(amount), max(value) FROM {t} WHERE country = 'DE' GROUP BY 1 ORDER BY 1"),
    ],
    "lines": [
        ("scan", "SELECT count(*) FROM lines WHERE quantity < 6",
         "SELECT count() FROM {t} WHERE quantity < 6"),
        ("groups", "SELECT country, count(*), sum(price * quantity), avg(quantity), count(DISTINCT product) FROM lines GROUP BY 1 ORDER BY 1",
         "SELECT country, count(), sum(price * quantity), avg(quantity), uniqExact(product) FROM {t} GROUP BY 1 ORDER BY 1"),
    ],
}
UPDATES = {
    "facts": "UPDATE facts SET value = value + 1 WHERE id IN (SELECT 1 + (random() * {rows})::bigint FROM generate_series(1, {n}))",
    "lines": "UPDATE lines SET quantity = quantity + 1 WHERE (order_id, line) IN (SELECT (random() * {rows} / 4)::int, "
             "(random() * 3)::int FROM generate_series(1, {n}))",
}


class Routed:
    """One session of psql."""

    def __init__(self, stack):
        self.process = subprocess.Popen([f"{PG_BIN}/psql", "-XAtq"], env=stack.environment(), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.send("SET TIME ZONE 'UTC'; SET tandem.route = force;\n\\timing on\n")

    def send(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def ask(self, sql):
        self.send(sql + ";\n")
        lines = []
        while True:
            line = self.process.stdout.readline()
            if not line or line.startswith(("ERROR", "FATAL")):
                raise SystemExit(line or "psql has ended")
            if found := re.match(r"Time: ([0-9.]+) ms", line):
                return float(found.group(1)), "".join(lines)
            lines.append(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(stack, title, table, pairs):
    hand, routed = ByHand(stack), Routed(stack)
    for name, ours, theirs in QUERIES[table]:
        theirs = theirs.format(t=f"hand.{table}")
        times = []
        for pair in range(pairs + 1):
            times.append((routed.ask(ours)[0], hand.ask(theirs)[0]))
        times = times[1:]  # the first one warms up
        ratio = statistics.median(a / b for a, b in times)
        a, b = (statistics.median(column) for column in zip(*times))
        print(f"  {title:<28} {table}.{name:<8} routed {a:7.1f} ms  by hand {b:7.1f} ms  {ratio:.2f}"
              f"  over by hand x 1.05: {a - 1.05 * b:+.1f} ms", flush=True)
    routed.close()


def writers(stack, table, rows):
    """Updates 1 % of the table within a minute, in steps of one fifth of a second, until killed."""
    step = UPDATES[table].format(rows=rows, n=max(1, rows // 100 // 300))
    return subprocess.Popen([f"{PG_BIN}/psql", "-Xq"], env=stack.environment(), text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL), f"{step}; SELECT pg_sleep(0.2);\n"


def updated(stack, table, rows, pairs, warm):
    process, step = writers(stack, table, rows)
    process.stdin.write(step * int((warm + 120) * 5))
    process.stdin.flush()
    stack.psql(f"SELECT pg_sleep({warm})")
    compare(stack, "1 % a minute, writers", table, pairs)
    process.kill()
    process.wait()
    stack.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'UPDATE%'")
    stack.psql("SELECT pg_sleep(30)")
    compare(stack, "30 s after the last update", table, pairs)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--rows", type=int, default=6_000_000)
    arguments.add_argument("--pairs", type=int, default=15)
    arguments.add_argument("--warm", type=int, default=60, help="seconds of updates before the first read")
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        for statement in SETUP.format(rows=options.rows).split(";\n"):
            stack.psql(statement)
        stack.psql("SELECT tandem.create_mirror('read', ARRAY['public.facts', 'public.lines'])")
        stack.wait_until("SELECT bool_and(state = 'live') FROM tandem.mirror_tables")
        hand = ByHand(stack)
        hand.ask("CREATE DATABASE hand")
        for table, key in (("facts", "id"), ("lines", "(order_id, line)")):
            hand.ask(f"CREATE TABLE hand.{table} ENGINE = MergeTree ORDER BY {key} AS SELECT * FROM tandem.{table}")
            hand.ask(f"OPTIMIZE TABLE hand.{table} FINAL")
        for table in QUERIES:
            compare(stack, "never updated", table, options.pairs)
        for table in QUERIES:
            updated(stack, table, options.rows, options.pairs, options.warm)


if __name__ == "__main__":
    main()
