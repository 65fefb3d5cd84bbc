"""One query asked of Postgres, routed, and by hand of plain MergeTree tables: answers and times. What the
benchmarks of whole query sets share."""

import collections
import math
import re
import statistics
import subprocess

from stack import PG_BIN, ByHand

LIMIT = re.compile(r"\s+LIMIT\s+\d+(\s+OFFSET\s+\d+)?\s*;?\s*$", re.I)


def run(stack, mode, query, repeats=1, timeout="60s"):
    """The best time in milliseconds and the rows, sorted; or infinity and the error."""
    script = f"SET tandem.route = {mode}; SET statement_timeout = '{timeout}';\n\\timing on\n"
    script += f"{query.strip().rstrip(';')};\n" * repeats
    done = subprocess.run([f"{PG_BIN}/psql", "-XAtq"], env=stack.environment(), input=script, text=True,
                          capture_output=True)
    times = [float(value) for value in re.findall(r"^Time: ([0-9.]+) ms", done.stdout, re.M)]
    if done.stderr:
        return math.inf, " ".join(done.stderr.split())
    rows = [line for line in done.stdout.splitlines() if not line.startswith("Time: ")]
    return min(times), sorted(rows[:len(rows) // repeats])


def same(stack, query, local, routed, timeout="60s"):
    """Whether the answers are equal. Of rows that are equal by ORDER BY, LIMIT takes any: then all rows are
    compared, and what was taken has to be among them."""
    if local == routed:
        return True
    if not LIMIT.search(query) or len(local) != len(routed):
        return False
    whole = LIMIT.sub("", query)
    _, expected = run(stack, "off", whole, timeout=timeout)
    _, answer = run(stack, "force", whole, timeout=timeout)
    return expected == answer and not collections.Counter(routed) - collections.Counter(answer)


def mirror(stack, name, tables):
    names = ", ".join(f"'public.{table}'" for table in tables)
    stack.psql(f"SELECT tandem.create_mirror('{name}', ARRAY[{names}])")
    stack.wait_until(f"SELECT bool_and(state = 'live') FROM tandem.mirror_tables WHERE mirror = '{name}'")


def plain_copies(stack, tables, order_by=None):
    """The tables once more in a database `hand`, as somebody would make them who has only ClickHouse."""
    hand = ByHand(stack)
    hand.ask("CREATE DATABASE hand")
    for name in tables:
        key = order_by or stack.psql(f"""SELECT string_agg(quote_ident(attname), ', ' ORDER BY ordinality)
            FROM pg_index, unnest(indkey) WITH ORDINALITY k(attnum, ordinality) JOIN pg_attribute USING (attnum)
            WHERE indrelid = '{name}'::regclass AND indisprimary AND attrelid = indrelid""")
        trimmed = stack.psql(f"""SELECT coalesce('REPLACE (' || string_agg(format('trimRight(%I) AS %I', attname, attname),
            ', ') || ')', '') FROM pg_attribute WHERE attrelid = '{name}'::regclass AND atttypid = 'bpchar'::regtype""")
        hand.ask(f"CREATE TABLE hand.{name} ENGINE = MergeTree ORDER BY ({key}) AS "
                 f"SELECT * {trimmed.replace(chr(34), '`')} FROM tandem.{name}")
        hand.ask(f"OPTIMIZE TABLE hand.{name} FINAL")
    return hand


def by_hand(hand, query, repeats=4):
    """The same text; infinite where the dialects differ or a minute is not enough."""
    settings = "/?database=hand&max_execution_time=60&join_use_nulls=1"
    try:
        return min(hand.ask(query, settings)[0] for _ in range(repeats))
    except RuntimeError:
        return math.inf


def mean(ratios):
    """How many ratios there are, and their geometric mean."""
    usable = [ratio for ratio in ratios if 0 < ratio < math.inf]
    if not usable:
        return "none"
    return f"{len(usable)}: {math.exp(statistics.mean(math.log(ratio) for ratio in usable)):.2f}"


def slower(routed, plain, milliseconds):
    """Routed ÷ by hand, after what a query may take longer in any case."""
    return max(routed - milliseconds, 0.01) / plain


def learnt(stack, query):
    """Nothing is known of the query at first. The best time once it is, and where it runs then."""
    stack.psql("SELECT tandem.route_stats_reset()")
    first, _ = run(stack, "on", query)
    later, _ = run(stack, "on", query, 6)
    plan = stack.psql("EXPLAIN " + query)
    side = re.search(r"Tandem Choice: (\w+)", plan)
    return first, later, side.group(1) if side else "Postgres"


def queries_of(path):
    """The statements of a file, without lines that are comments."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("--")]
    return [query.strip() for query in "\n".join(lines + [""]).split(";\n") if query.strip()]
