#!/usr/bin/env python3
"""Streaming, in changes/s, against pg_recvlogical draining the same changes from a slot of its own:
what one walsender can decode at most."""

import argparse
import subprocess
import time

from stack import PG_BIN, Stack

SETUP = """
CREATE TABLE bench_stream (id bigint PRIMARY KEY, ts timestamptz NOT NULL DEFAULT now(), user_id int NOT NULL,
    country text NOT NULL, amount numeric(12, 2), note text);
INSERT INTO bench_stream SELECT i, now(), i % 1000, 'US', i / 100.0, 'note ' || i FROM generate_series(1, 200000) i;
"""

# Transactions of 100 changes: mostly inserts, some updates, a few deletes.
CHANGES = """
DO $$ BEGIN
    FOR t IN 0 .. {transactions} - 1 LOOP
        INSERT INTO bench_stream
            SELECT 1000000 + t * 80 + i, now(), i, 'DE', t, 'streamed ' || i FROM generate_series(0, 79) i;
        UPDATE bench_stream SET amount = amount + 1 WHERE id BETWEEN (t * 15) % 190000 + 1 AND (t * 15) % 190000 + 15;
        DELETE FROM bench_stream WHERE id BETWEEN 1000000 + t * 80 AND 1000000 + t * 80 + 4;
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


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--transactions", type=int, default=15_000)
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        for statement in SETUP.split(";\n"):
            if statement.strip():
                stack.psql(statement)
        stack.psql("CREATE PUBLICATION bench_recv FOR TABLE bench_stream")
        stack.psql("SELECT tandem.create_mirror('bench_stream', ARRAY['public.bench_stream'])")
        stack.wait_until("SELECT bool_and(state = 'live') FROM tandem.mirror_table")
        stack.psql("SELECT tandem.pause_mirror('bench_stream')")
        stack.wait_until("SELECT state = 'paused' FROM tandem.mirror WHERE name = 'bench_stream'")
        stack.psql("SELECT pg_create_logical_replication_slot('bench_recv', 'pgoutput')")
        stack.psql(CHANGES.format(transactions=options.transactions))
        changes = options.transactions * 100
        end_lsn = stack.psql("SELECT pg_current_wal_insert_lsn()")
        stack.psql("SELECT pg_logical_emit_message(true, 'bench', 'end')")
        drained = recvlogical(stack, end_lsn)
        print(f"  pg_recvlogical {changes / drained:,.0f} changes/s", flush=True)
        start = time.monotonic()
        stack.psql("SELECT tandem.resume_mirror('bench_stream')")
        stack.wait_until(f"SELECT confirmed_flush_lsn >= '{end_lsn}' FROM pg_replication_slots s "
                         "JOIN tandem.mirror m ON m.slot_name = s.slot_name WHERE m.name = 'bench_stream'")
        streamed = time.monotonic() - start
        print(f"  mirror         {changes / streamed:,.0f} changes/s", flush=True)
    print(f"streamed / pg_recvlogical: {drained / streamed:.2f} (target 0.6)")


if __name__ == "__main__":
    main()
