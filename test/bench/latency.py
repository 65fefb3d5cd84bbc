#!/usr/bin/env python3
"""From commit to visible at a steady rate of small transactions, while two sessions ask for strong freshness all the time: a
further session commits a row now and then, and waits until the mirror has it."""

import argparse
import statistics
import subprocess

from stack import PG_BIN, Stack

SETUP = """CREATE TABLE rated (id bigint PRIMARY KEY, n int NOT NULL, note text);
INSERT INTO rated SELECT i, 0, 'note ' || i FROM generate_series(1, 100000) i;
CREATE TABLE probe (id bigint PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE took (ms float8)"""
WRITES = """\\set id random(1, 100000)
UPDATE rated SET n = n + 1 WHERE id = :id;
"""
READS = "SET tandem.route = force; SET tandem.freshness = strong;\n" + "SELECT count(*), sum(n) FROM rated WHERE id % 7 = 3;\n"
PROBE = """DO $$ DECLARE begun timestamptz; BEGIN
    FOR i IN 1 .. {probes} LOOP
        INSERT INTO probe VALUES (i, clock_timestamp());
        COMMIT;
        begun := clock_timestamp();
        IF NOT tandem.wait_for('latency') THEN RAISE EXCEPTION 'the mirror does not follow'; END IF;
        INSERT INTO took VALUES (extract(epoch FROM clock_timestamp() - begun) * 1000);
        COMMIT;
        PERFORM pg_sleep(0.01 + 0.05 * random());
    END LOOP;
END $$"""


def pgbench(stack, script, clients, seconds, *more):
    path = f"{stack.data}/{len(script)}.sql"
    with open(path, "w") as file:
        file.write(script)
    return subprocess.Popen([f"{PG_BIN}/pgbench", "-n", "-c", str(clients), "-j", "1", "-T", str(seconds), "-f", path, *more],
                            env={**stack.environment(), "PGDATABASE": "postgres"}, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def measure(stack, probes):
    stack.psql("TRUNCATE took; DELETE FROM probe")
    stack.psql(PROBE.format(probes=probes))
    times = [float(ms) for ms in stack.psql("SELECT ms FROM took").split()]
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--rate", type=int, default=1000, help="transactions a second")
    arguments.add_argument("--probes", type=int, default=300)
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        for statement in SETUP.split(";\n"):
            stack.psql(statement)
        stack.psql("SELECT tandem.create_mirror('latency', ARRAY['public.rated', 'public.probe'])")
        stack.wait_until("SELECT bool_and(state = 'live') FROM tandem.mirror_tables")
        idle = measure(stack, options.probes)
        writer = pgbench(stack, WRITES, 4, 3600, "-R", str(options.rate))
        stack.wait_until(f"SELECT sum(n) > {options.rate} FROM rated")
        busy = measure(stack, options.probes)
        readers = pgbench(stack, READS, 2, 3600)
        stack.wait_until("SELECT count(*) = 2 FROM pg_stat_activity WHERE query LIKE 'SELECT count(*), sum(n) FROM rated%'")
        read = measure(stack, options.probes)
        for process in (readers, writer):
            process.terminate()
            process.wait()
        done = stack.psql("SELECT sum(n) FROM rated")
    for title, (middle, high) in (("idle", idle), (f"{options.rate} tx/s", busy), ("and two strong readers", read)):
        print(f"  {title:<24} p50 {middle:.0f} ms, p99 {high:.0f} ms")
    print(f"commit to visible at {options.rate} tx/s ({done} done) with two strong readers: p50 {read[0]:.0f} ms, "
          f"p99 {read[1]:.0f} ms (target p50 40, p99 120)")


if __name__ == "__main__":
    main()
