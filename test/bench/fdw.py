#!/usr/bin/env python3
"""Foreign tables of tandem_fdw against local heaps of the same rows, in pairs of one run: rows read, rows written, 1,000
keys of a local table joined to the whole of a foreign one."""

import argparse
import statistics

from stack import ByHand, Stack
from read import Routed

COLUMNS = ("id bigint NOT NULL, user_id int NOT NULL, country text NOT NULL, kind text NOT NULL, amount numeric(12, 2) NOT NULL, "
           "at timestamptz NOT NULL, value int NOT NULL, rate double precision NOT NULL")
SETUP = """
CREATE TABLE here ({columns});
INSERT INTO here SELECT i, hashint8(i) & 65535, (ARRAY['US','UK','DE','FR','IN','JP','BR'])[i % 7 + 1],
    (ARRAY['view','click','buy'])[(hashint8(i + 7) & 1) + 1], (hashint8(i) & 1048575) / 100.0,
    '2026-01-01'::timestamptz + i * interval '1 second', hashint8(i + 1) & 1023, i / 8.0
FROM generate_series(1, {rows}) i;
CREATE TABLE written (LIKE here);
CREATE TABLE wanted AS SELECT i, (hashint8(i) & 2147483647) % {rows} + 1 AS id FROM generate_series(1, 1000) i;
VACUUM ANALYZE here;
VACUUM ANALYZE wanted;
CREATE SERVER there FOREIGN DATA WRAPPER tandem_fdw OPTIONS (host '127.0.0.1', port '{port}', dbname 'bench');
CREATE USER MAPPING FOR CURRENT_USER SERVER there OPTIONS ("user" '{user}', password '{password}');
CREATE SCHEMA far;
IMPORT FOREIGN SCHEMA bench FROM SERVER there INTO far;
INSERT INTO far.facts SELECT * FROM here;
ANALYZE far.facts
"""
TABLE = ("CREATE TABLE bench.{name} (id Int64, user_id Int32, country LowCardinality(String), kind String, amount Decimal(12, 2), "
         "at DateTime64(6, 'UTC'), value Int32, rate Float64) ENGINE = MergeTree ORDER BY id")


def pairs_of(session, count, ours, theirs, before=None):
    """Milliseconds of both, in turns, after one that warms up."""
    times = []
    for _ in range(count + 1):
        pair = []
        for sql in (ours, theirs):
            if before:
                session.ask(before)
            pair.append(session.ask(sql)[0])
        times.append(pair)
    return times[1:]


def show(name, times, baseline):
    ratio = statistics.median(a / b for a, b in times)
    ours, theirs = (statistics.median(column) for column in zip(*times))
    print(f"  {name:<34} {ours:9.1f} ms   {baseline} {theirs:9.1f} ms   ratio {ratio:.2f}", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--rows", type=int, default=3_000_000)
    arguments.add_argument("--pairs", type=int, default=5)
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        hand = ByHand(stack)
        hand.ask("CREATE DATABASE bench")
        for name in ("facts", "written"):
            hand.ask(TABLE.format(name=name))
        port = hand.ask("SELECT getServerPort('tcp_port')")[1].strip()
        for statement in SETUP.format(columns=COLUMNS, rows=options.rows, port=port, user=hand.headers["X-ClickHouse-User"],
                                      password=hand.headers["X-ClickHouse-Key"]).split(";\n"):
            stack.psql(statement)
        session = Routed(stack)
        session.ask("SET tandem.route = off")
        session.ask("SET max_parallel_workers_per_gather = 0")
        read = "SELECT count(id), count(country), max(rate) FROM (SELECT * FROM {} OFFSET 0) s CROSS JOIN (SELECT 1 FROM wanted LIMIT 1) w"
        show("rows into Postgres, 8 columns", pairs_of(session, options.pairs, "COPY (SELECT f.* FROM far.facts f CROSS JOIN (SELECT FROM "
             "wanted LIMIT 1) w) TO '/dev/null'", "COPY (SELECT f.* FROM here f CROSS JOIN (SELECT FROM wanted LIMIT 1) w) TO '/dev/null'"),
             "heap")
        show("the same, only counted", pairs_of(session, options.pairs, read.format("far.facts"), read.format("here")), "heap")
        show("INSERT ... SELECT", pairs_of(session, options.pairs, "INSERT INTO far.written SELECT * FROM here",
                                           "INSERT INTO written SELECT * FROM here", "TRUNCATE far.written, written"), "heap")
        show("1,000 local keys", pairs_of(session, max(options.pairs, 9), "SELECT count(*), sum(f.amount) FROM wanted w JOIN far.facts f "
             "ON f.id = w.id", "SELECT count(*), sum(f.amount) FROM wanted w JOIN here f ON f.id = w.id"), "heap")
        show("1,000 keys of another column", pairs_of(session, options.pairs, "SELECT count(*), sum(f.amount) FROM wanted w JOIN far.facts f "
             "ON f.user_id = w.i", "SELECT count(*), sum(f.amount) FROM wanted w JOIN here f ON f.user_id = w.i"), "heap")
        session.close()


if __name__ == "__main__":
    main()
