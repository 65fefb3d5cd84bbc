#!/usr/bin/env python3
"""TPC-DS, routed: each query as one ClickHouse query with the answer of Postgres, or the reason why not; on a private
stack, over data made here. Asked are the most different of its shapes in words of our own (tpcds.sql); with
--queries the texts of a directory, such as the 99 that the kit of TPC-DS makes (01.sql, 02.sql, ...)."""

import argparse
import math
from pathlib import Path

import routed
import tpcds_data
from stack import Stack


def queries(directory):
    """Names and texts."""
    if directory is None:
        for number, query in enumerate(routed.queries_of(Path(__file__).parent / "tpcds.sql"), 1):
            yield str(number), query
        return
    for file in sorted(Path(directory).glob("*.sql")):
        for query in routed.queries_of(file):
            yield file.stem, query.rstrip(";")


def report(stack, options):
    """A line per query, and what all of them come to."""
    equal, asked, faster = 0, 0, []
    for name, query in queries(options.queries):
        if options.only and name not in options.only:
            continue
        asked += 1
        local, expected = routed.run(stack, "off", query, timeout=options.timeout)
        result, answer = routed.run(stack, "force", query, 2, timeout=options.timeout)
        if result == math.inf or local == math.inf:
            print(f"  {name}: {answer if result == math.inf else f'Postgres: {expected}'}", flush=True)
            continue
        same = routed.same(stack, query, expected, answer, options.timeout)
        equal += same
        faster.append(local / result)
        print(f"  {name}: {len(answer)} rows, Postgres {local:8.1f} ms, routed {result:8.1f} ms "
              f"{'same' if same else 'DIFFERS'}", flush=True)
    print(f"routed with Postgres' answer: {equal} of {asked} (target all)")
    print(f"Postgres / routed, geometric mean of {routed.mean(faster)}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--scale", type=float, default=0.05)
    arguments.add_argument("--queries", metavar="DIRECTORY", help="texts to ask instead")
    arguments.add_argument("--only", nargs="*", help="names of queries")
    arguments.add_argument("--timeout", default="60s", help="of a query, on either side")
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        for statement in tpcds_data.statements(options.scale):
            stack.psql(statement)
        stack.psql("VACUUM ANALYZE")
        routed.mirror(stack, "tpcds", tpcds_data.TABLES)
        report(stack, options)


if __name__ == "__main__":
    main()
