#!/usr/bin/env python3
"""Snapshot of a table, in rows/s, against two parallel COPY (FORMAT binary) of its halves to
/dev/null in the same run: what the server can give at most with two readers."""

import argparse
import statistics
import subprocess
import time

from stack import PG_BIN, Stack

TABLE = """
CREATE TABLE bench_snapshot (
    id bigint PRIMARY KEY, ts timestamptz NOT NULL, user_id int NOT NULL, country text NOT NULL,
    amount numeric(12, 2), value double precision, flag boolean, note text);
INSERT INTO bench_snapshot
SELECT i, '2026-01-01'::timestamptz + i * interval '1 second', i % 100003, (ARRAY['US','UK','DE','FR'])[i % 4 + 1],
       (i % 1000000) / 100.0, sqrt(i), i % 3 = 0, 'note number ' || i
FROM generate_series(1, {rows}) i;
VACUUM (ANALYZE, FREEZE) bench_snapshot;
CHECKPOINT;
"""


def copy_halves(stack, blocks):
    """Seconds that two parallel COPYs of one half each take."""
    middle = blocks // 2
    halves = [f"ctid < '({middle},0)'", f"ctid >= '({middle},0)'"]
    start = time.monotonic()
    readers = [subprocess.Popen(
        [f"{PG_BIN}/psql", "-Xq", "-c",
         f"COPY (SELECT * FROM bench_snapshot WHERE {half}) TO STDOUT (FORMAT binary)"],
        env=stack.environment(), stdout=subprocess.DEVNULL) for half in halves]
    for reader in readers:
        if reader.wait():
            raise SystemExit("COPY failed")
    return time.monotonic() - start


def snapshot(stack):
    start = time.monotonic()
    stack.psql("SELECT tandem.create_mirror('bench_snapshot', ARRAY['public.bench_snapshot'])")
    stack.wait_until("SELECT bool_and(state IN ('catching_up', 'live')) FROM tandem.mirror_tables "
                     "WHERE mirror = 'bench_snapshot'")
    seconds = time.monotonic() - start
    stack.psql("SELECT tandem.drop_mirror('bench_snapshot')")
    stack.wait_until("SELECT count(*) = 0 FROM tandem.mirror WHERE name = 'bench_snapshot'")
    return seconds


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--rows", type=int, default=4_000_000)
    arguments.add_argument("--pairs", type=int, default=3)
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        for statement in TABLE.format(rows=options.rows).split(";\n"):
            if statement.strip():
                stack.psql(statement)
        blocks = int(stack.psql("SELECT pg_relation_size('bench_snapshot') / 8192"))
        copy_halves(stack, blocks)  # warms the cache
        ratios = []
        for pair in range(options.pairs):
            copy = copy_halves(stack, blocks)
            taken = snapshot(stack)
            ratios.append(copy / taken)
            print(f"  pair {pair + 1}: COPY {options.rows / copy:,.0f} rows/s, snapshot "
                  f"{options.rows / taken:,.0f} rows/s, ratio {ratios[-1]:.2f}", flush=True)
    print(f"snapshot / two parallel COPY binary: {statistics.median(ratios):.2f} (target 0.6)")


if __name__ == "__main__":
    main()
