#!/usr/bin/env python3
"""The queries of TPC-H, routed, against Postgres with parallel workers and against the same text asked of
plain MergeTree tables, in one run on a private stack; and where each goes under `on`, by estimates and what was
learnt, against the better of both. The data is made here, in the shape of TPC-H; the
queries are those of the route tests' corpus."""

import argparse
import math
import re
from pathlib import Path

import routed
from stack import Stack

CORPUS = Path(__file__).resolve().parents[1] / "integration/route/corpus"
TABLES = ["region", "nation", "supplier", "part", "partsupp", "customer", "torders", "lineitem"]
# Rows of the corpus' tables and of TPC-H at scale 1.
ROWS = {"supplier": (60, 10_000), "part": (300, 200_000), "customer": (200, 150_000),
        "torders": (1500, 1_500_000)}


def statements(scale):
    """The corpus' own tables, made larger."""
    text = (CORPUS / "tables.setup").read_text()
    rows = {name: max(1, int(full * scale)) for name, (_, full) in ROWS.items()}
    for line in (" ".join(statement.split()) for statement in text.split(";\n")):
        name = re.match(r"(?:CREATE TABLE|INSERT INTO) (\w+)", line)
        if name is None or name.group(1) not in TABLES:
            continue
        name = name.group(1)
        for table, (small, _) in ROWS.items():
            line = line.replace(f"generate_series(1, {small})", f"generate_series(1, {rows[table]})")
        line = line.replace("% 133", f"% {rows['customer'] * 2 // 3}")
        line = line.replace("% 300 AS p", f"% {rows['part']} AS p").replace("% 60,", f"% {rows['supplier']},")
        if name == "lineitem":
            # A join instead of a look-up per row.
            line = line.replace(", (SELECT o_orderdate FROM torders WHERE o_orderkey = o) AS d FROM (",
                                ", o_orderdate AS d FROM torders JOIN (")
            line = line.replace(") a) b", ") a ON o_orderkey = o) b")
        yield line


def measure(stack, hand, query, repeats):
    """Routed and by hand in turn, so that what else the machine does hits both."""
    result, plain, answer = math.inf, math.inf, None
    for _ in range(repeats):
        one, answer = routed.run(stack, "force", query, 2)
        if one == math.inf:
            return one, plain, answer
        result = min(result, one)
        plain = min(plain, routed.by_hand(hand, query, 2))
    return result, plain, answer


def report(stack, hand, options):
    """A line per query, and what all of them come to."""
    faster, slower, worse, equal = [], [], [], 0
    for number, query in enumerate(routed.queries_of(CORPUS / "tpch.sql"), 1):
        if options.only and number not in options.only:
            continue
        local, expected = (math.inf, None) if options.skip_local else routed.run(stack, "off", query, 2)
        result, plain, answer = measure(stack, hand, query, options.repeats)
        same = result < math.inf and expected is not None and routed.same(stack, query, expected, answer)
        equal += same
        first, later, side = routed.learnt(stack, query)
        if later > local * 1.1 + 3:
            worse.append(number)
        faster.append(local / result)
        slower.append(routed.slower(result, plain, 2))
        print(f"  {number:2}: Postgres {local:9.1f} ms, routed {result:8.1f} ms, by hand {plain:8.1f} ms; "
              f"Postgres / routed {local / result:6.2f}, (routed - 2 ms) / by hand {slower[-1]:5.2f} "
              f"{'same' if same else f'DIFFERS {answer if result == math.inf else str()}'}; "
              f"on: at first {first:8.1f} ms, then {later:8.1f} ms in {side}", flush=True)
    print(f"routed with Postgres' answer: {equal} of {len(slower)} (target all)")
    print(f"Postgres / routed, geometric mean of {routed.mean(faster)} (target 5)")
    print(f"slower under on than in Postgres: {worse or 'none'} (target none)")
    print(f"(routed - 2 ms) / by hand, geometric mean of {routed.mean(slower)} (target 1.05)")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--scale", type=float, default=0.1)
    arguments.add_argument("--only", type=int, nargs="*", help="numbers of queries")
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--skip-local", action="store_true", help="do not ask Postgres")
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        for statement in statements(options.scale):
            stack.psql(statement)
        stack.psql("VACUUM ANALYZE")
        routed.mirror(stack, "tpch", TABLES)
        report(stack, routed.plain_copies(stack, TABLES), options)


if __name__ == "__main__":
    main()
