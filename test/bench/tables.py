#!/usr/bin/env python3
"""From commit to visible when one transaction changes a row of each of many tables, against one that changes one table."""

import argparse
import statistics

from stack import Stack

ROUND = """
DO $$
DECLARE begun timestamptz; took interval;
BEGIN
    FOR round IN 1 .. {rounds} LOOP
        FOR i IN 1 .. {changed} LOOP EXECUTE format('UPDATE many_%s SET v = v + 1 WHERE id = $1', i) USING round % 100 + 1; END LOOP;
        COMMIT;
        begun := clock_timestamp();
        IF NOT tandem.wait_for('many') THEN RAISE EXCEPTION 'the mirror does not follow'; END IF;
        INSERT INTO took VALUES (extract(epoch FROM clock_timestamp() - begun) * 1000);
        COMMIT;
    END LOOP;
END $$
"""


def percentiles(stack, rounds, changed):
    stack.psql("DROP TABLE IF EXISTS took; CREATE TABLE took (ms float8)")
    stack.psql(ROUND.format(rounds=rounds, changed=changed))
    times = [float(ms) for ms in stack.psql("SELECT ms FROM took").split()]
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--tables", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=60)
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        stack.psql("; ".join(f"CREATE TABLE many_{i} (id int PRIMARY KEY, v int NOT NULL)"
                             for i in range(1, options.tables + 1)))
        stack.psql("; ".join(f"INSERT INTO many_{i} SELECT g, 0 FROM generate_series(1, 100) g"
                             for i in range(1, options.tables + 1)))
        stack.psql("SELECT tandem.create_mirror('many', ARRAY['public.many_*'])")
        stack.wait_until("SELECT bool_and(state = 'live') FROM tandem.mirror_tables")
        one, one_high = percentiles(stack, options.rounds, 1)
        all_, all_high = percentiles(stack, options.rounds, options.tables)
        print(f"  one table: p50 {one:.0f} ms, p99 {one_high:.0f} ms; {options.tables} tables: p50 {all_:.0f} ms, "
              f"p99 {all_high:.0f} ms (target p99 500)")


if __name__ == "__main__":
    main()
