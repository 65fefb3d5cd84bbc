#!/usr/bin/env python3
"""Streaming, in changes/s, against a reader of ours that takes the same changes from a slot of its own and drops them: what
one walsender and one reader can do at most. Of inserts, of a mixture, and of random single-row updates while deltas are
folded; in each run the mirror is told to go on when all of it is in the WAL. pg_recvlogical is there for comparison."""

import argparse
import subprocess
import time

from stack import PG_BIN, Stack

TABLE = """CREATE TABLE bench_stream (id bigint PRIMARY KEY, ts timestamptz NOT NULL DEFAULT now(), user_id int NOT NULL,
    country text NOT NULL, amount numeric(12, 2), note text)"""
FILL = """INSERT INTO bench_stream SELECT i, now(), i % 1000, 'US', i / 100.0, 'note ' || i FROM generate_series(1, {rows}) i"""

# Transactions of 100 changes.
INSERTS = """
DO $$ BEGIN
    FOR t IN 0 .. {transactions} - 1 LOOP
        INSERT INTO bench_stream SELECT 100000000 + t * 100 + i, now(), i, 'DE', t, 'streamed ' || i FROM generate_series(0, 99) i;
        COMMIT;
    END LOOP;
END $$
"""
MIXTURE = """
DO $$ BEGIN
    FOR t IN 0 .. {transactions} - 1 LOOP
        INSERT INTO bench_stream
            SELECT 200000000 + t * 80 + i, now(), i, 'DE', t, 'streamed ' || i FROM generate_series(0, 79) i;
        UPDATE bench_stream SET amount = amount + 1 WHERE id BETWEEN (t * 15) % 190000 + 1 AND (t * 15) % 190000 + 15;
        DELETE FROM bench_stream WHERE id BETWEEN 200000000 + t * 80 AND 200000000 + t * 80 + 4;
        COMMIT;
    END LOOP;
END $$
"""
UPDATES = """
DO $$ BEGIN
    FOR t IN 1 .. {transactions} LOOP
        FOR i IN 1 .. 100 LOOP
            UPDATE bench_stream SET amount = amount + 1 WHERE id = 1 + floor(random() * {rows})::bigint;
        END LOOP;
        COMMIT;
    END LOOP;
END $$
"""


def recvlogical(stack, end_lsn):
    start = time.monotonic()
    subprocess.run([f"{PG_BIN}/pg_recvlogical", "-d", "postgres", "--slot", "bench_recv", "--start", "-f", "/dev/null",
                    "--endpos", end_lsn, "-o", "proto_version=1", "-o", "binary=true",
                    "-o", "publication_names=bench_recv"], env=stack.environment(), check=True)
    return time.monotonic() - start


def drain(stack, build, end_lsn):
    done = subprocess.run([f"{build}/test/bench/drain", "dbname=postgres", "bench_drain", "bench_recv", end_lsn],
                          env=stack.environment(), check=True, capture_output=True, text=True)
    return float(done.stdout)


def mirror(stack, end_lsn):
    start = time.monotonic()
    stack.psql("SELECT tandem.resume_mirror('bench_stream')")
    stack.wait_until(f"SELECT confirmed_flush_lsn >= '{end_lsn}' FROM pg_replication_slots s "
                     "JOIN tandem.mirror m ON m.slot_name = s.slot_name WHERE m.name = 'bench_stream'", 3600)
    return time.monotonic() - start


def compare(stack, build, title, changes, work, target):
    stack.psql("SELECT tandem.pause_mirror('bench_stream')")
    stack.wait_until("SELECT state = 'paused' FROM tandem.mirror WHERE name = 'bench_stream'")
    slots = ("bench_recv", "bench_drain")
    for slot in slots:
        stack.psql(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")
    stack.psql(work)
    end_lsn = stack.psql("SELECT pg_current_wal_insert_lsn()")
    stack.psql("SELECT pg_logical_emit_message(true, 'bench', 'end')")
    received = recvlogical(stack, end_lsn)
    dropped = drain(stack, build, end_lsn)
    mirrored = mirror(stack, end_lsn)
    for slot in slots:
        stack.psql(f"SELECT pg_drop_replication_slot('{slot}')")
    print(f"  {title}: mirror {changes / mirrored:,.0f} changes/s, a reader that drops them {changes / dropped:,.0f}, "
          f"pg_recvlogical {changes / received:,.0f}; mirror / reader {dropped / mirrored:.2f} (target {target})", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--transactions", type=int, default=15_000)
    arguments.add_argument("--rows", type=int, default=1_000_000, help="that the updates are of")
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        stack.psql(TABLE)
        stack.psql(FILL.format(rows=options.rows))
        stack.psql("VACUUM ANALYZE bench_stream")
        stack.psql("CREATE PUBLICATION bench_recv FOR TABLE bench_stream")
        stack.psql("SELECT tandem.create_mirror('bench_stream', ARRAY['public.bench_stream'])")
        stack.wait_until("SELECT bool_and(state = 'live') FROM tandem.mirror_table")
        for title, work, target in (("inserts", INSERTS, 0.9), ("mixture", MIXTURE, 0.9), ("random updates", UPDATES, 0.6)):
            compare(stack, options.build, title, options.transactions * 100,
                    work.format(transactions=options.transactions, rows=options.rows), target)


if __name__ == "__main__":
    main()
