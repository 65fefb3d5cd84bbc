#!/usr/bin/env python3
"""The 43 queries of ClickBench over a table of its shape: each as one ClickHouse query, with the answer of Postgres,
and against the same question asked by hand of a plain MergeTree copy; on a private stack."""

import argparse
import math
from pathlib import Path

import clickbench_data
import routed
from stack import Stack

SUMS = ", ".join(f"sum(resolutionwidth + {number})" for number in range(90))
# Where the dialects differ.
BY_HAND = {"regexp_replace(": "replaceRegexpOne(", "'\\1'": "'\\\\1'", "\\.": "\\\\.", "avg(length(": "avg(lengthUTF8("}


def queries(user):
    for query in routed.queries_of(Path(__file__).parent / "clickbench.sql"):
        yield query.replace("NINETY", SUMS).replace("hashint8extended(5, 9)", user)


def dialect(query):
    for text, other in BY_HAND.items():
        query = query.replace(text, other)
    return query


def measure(stack, hand, query, repeats):
    """Routed, by hand and in Postgres in turn, so that what else the machine does hits all of them."""
    local, expected = routed.run(stack, "off", query)
    result, plain, answer = math.inf, math.inf, None
    for _ in range(repeats):
        one, answer = routed.run(stack, "force", query, 3)
        result = min(result, one)
        plain = min(plain, routed.by_hand(hand, dialect(query), 3))
        if one == math.inf:
            return local, one, plain, answer
    return local, result, plain, "same" if routed.same(stack, query, expected, answer) else "DIFFERS"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--only", type=int, nargs="*", help="numbers of queries")
    arguments.add_argument("--repeats", type=int, default=3)
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        for statement in clickbench_data.statements(options.rows):
            stack.psql(statement)
        stack.psql("VACUUM ANALYZE")
        routed.mirror(stack, "clickbench", ["hits"])
        report(stack, routed.plain_copies(stack, ["hits"]), options)


def report(stack, hand, options):
    """A line per query, and what all of them come to."""
    user = stack.psql("SELECT '''' || hashint8extended(5, 9) || '''::bigint'")
    equal, ratios, faster = 0, [], []
    for number, query in enumerate(queries(user), 1):
        if options.only and number not in options.only:
            continue
        local, result, plain, answer = measure(stack, hand, query, options.repeats)
        equal += answer == "same"
        ratios.append(routed.slower(result, plain, 2))
        faster.append(local / result)
        print(f"  {number:2}: Postgres {local:8.1f} ms, routed {result:7.1f} ms, by hand {plain:7.1f} ms; "
              f"Postgres / routed {local / result:6.2f}, (routed - 2 ms) / by hand {ratios[-1]:5.2f} {answer}", flush=True)
    print(f"routed with Postgres' answer: {equal} of {len(ratios)} (target all)")
    print(f"Postgres / routed, geometric mean of {routed.mean(faster)}")
    print(f"(routed - 2 ms) / by hand, geometric mean of {routed.mean(ratios)} (target 1.05), worst {max(ratios):.2f}")


if __name__ == "__main__":
    main()
