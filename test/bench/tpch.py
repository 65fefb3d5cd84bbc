#!/usr/bin/env python3
"""The queries of TPC-H, routed, against Postgres with parallel workers and against the same text asked of
plain MergeTree tables, in one run on a private stack; and where each goes under `on`, by estimates and what was
learnt, against the better of both. The data is made here, in the shape of TPC-H; the
queries are those of the route tests' corpus."""

import argparse
import math
import re
import statistics
import subprocess
from pathlib import Path

from stack import PG_BIN, ByHand, Stack

CORPUS = Path(__file__).resolve().parents[1] / "integration/route/corpus"
TABLES = ["region", "nation", "supplier", "part", "partsupp", "customer", "torders", "lineitem"]
# Rows of the corpus' tables and of TPC-H at scale 1.
ROWS = {"supplier": (60, 10_000), "part": (300, 200_000), "customer": (200, 150_000),
        "torders": (1500, 1_500_000)}


def statements(scale):
    """The corpus' own tables, made larger."""
    text = (CORPUS / "tables.setup").read_text()
    rows = {name: max(1, int(full * scale)) for name, (_, full) in ROWS.items()}
    for line in text.splitlines():
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


def queries():
    lines = [line for line in (CORPUS / "tpch.sql").read_text().splitlines() if not line.startswith("--")]
    return [query.strip() for query in "\n".join(lines + [""]).split(";\n") if query.strip()]


def milliseconds(stack, mode, query, repeats):
    script = f"SET tandem.route = {mode}; SET statement_timeout = '60s';\n\\timing on\n"
    script += f"{query};\n" * repeats
    done = subprocess.run([f"{PG_BIN}/psql", "-XAtq"], env=stack.environment(), input=script, text=True,
                          capture_output=True)
    times = [float(value) for value in re.findall(r"Time: ([0-9.]+) ms", done.stdout)]
    if done.stderr:
        return math.inf, done.stderr.strip().splitlines()[0]
    rows = [line for line in done.stdout.splitlines() if not line.startswith("Time: ")]
    return min(times), sorted(rows[:len(rows) // repeats])


def plain_copies(stack):
    hand = ByHand(stack)
    hand.ask("CREATE DATABASE hand")
    for name in TABLES:
        key = stack.psql(f"""SELECT string_agg(quote_ident(attname), ', ' ORDER BY ordinality)
            FROM pg_index, unnest(indkey) WITH ORDINALITY k(attnum, ordinality) JOIN pg_attribute USING (attnum)
            WHERE indrelid = '{name}'::regclass AND indisprimary AND attrelid = indrelid""")
        trimmed = stack.psql(f"""SELECT coalesce('REPLACE (' || string_agg(format('trimRight(%I) AS %I', attname, attname),
            ', ') || ')', '') FROM pg_attribute WHERE attrelid = '{name}'::regclass AND atttypid = 'bpchar'::regtype""")
        hand.ask(f"CREATE TABLE hand.{name} ENGINE = MergeTree ORDER BY ({key}) AS "
                 f"SELECT * {trimmed.replace(chr(34), '`')} FROM tandem.{name}")
        hand.ask(f"OPTIMIZE TABLE hand.{name} FINAL")
    return hand


def by_hand(hand, query, repeats):
    """The same text; infinite where the dialects differ or a minute is not enough."""
    settings = "/?database=hand&max_execution_time=60&join_use_nulls=1"
    try:
        return min(hand.ask(query, settings)[0] for _ in range(repeats))
    except RuntimeError:
        return math.inf


def mean(ratios):
    usable = [ratio for ratio in ratios if 0 < ratio < math.inf]
    if not usable:
        return "none"
    return f"{len(usable)}: {math.exp(statistics.mean(math.log(ratio) for ratio in usable)):.2f}"


def learnt(stack, query):
    """Nothing is known of the query at first. The best time once it is, and where it runs then."""
    stack.psql("SELECT tandem.route_stats_reset()")
    first, _ = milliseconds(stack, "on", query, 1)
    later, _ = milliseconds(stack, "on", query, 6)
    plan = stack.psql("EXPLAIN " + query)
    side = re.search(r"Tandem Choice: (\w+)", plan)
    return first, later, side.group(1) if side else "Postgres"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--scale", type=float, default=0.1)
    arguments.add_argument("--only", type=int, nargs="*", help="numbers of queries")
    arguments.add_argument("--skip-local", action="store_true", help="do not ask Postgres")
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        for statement in statements(options.scale):
            stack.psql(statement)
        stack.psql("VACUUM ANALYZE")
        names = ", ".join(f"'public.{name}'" for name in TABLES)
        stack.psql(f"SELECT tandem.create_mirror('tpch', ARRAY[{names}])")
        stack.wait_until("SELECT bool_and(state = 'live') FROM tandem.mirror_tables WHERE mirror = 'tpch'")
        hand = plain_copies(stack)
        faster, slower, worse = [], [], []
        for number, query in enumerate(queries(), 1):
            if options.only and number not in options.only:
                continue
            local, expected = (math.inf, None) if options.skip_local else milliseconds(stack, "off", query, 2)
            routed, answer = milliseconds(stack, "force", query, 4)
            plain = by_hand(hand, query, 4)
            same = "same" if answer == expected else f"DIFFERS {answer if routed == math.inf else ''}"
            first, later, side = learnt(stack, query)
            if later > local * 1.1 + 3:
                worse.append(number)
            faster.append(local / routed)
            slower.append(routed / plain)
            print(f"  {number:2}: Postgres {local:9.1f} ms, routed {routed:8.1f} ms, by hand {plain:8.1f} ms; "
                  f"Postgres / routed {local / routed:6.2f}, routed / by hand {routed / plain:5.2f} {same}; "
                  f"on: at first {first:8.1f} ms, then {later:8.1f} ms in {side}", flush=True)
    print(f"Postgres / routed, geometric mean of {mean(faster)} (target 5)")
    print(f"slower under on than in Postgres: {worse or 'none'} (target none)")
    print(f"routed / by hand, geometric mean of {mean(slower)} (target 1.05)")


if __name__ == "__main__":
    main()
