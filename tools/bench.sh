#!/usr/bin/env bash
# bench.sh BUILD: the benchmarks of the product, each as a ratio against a baseline measured in the same
# run on the same machine. Starts and removes its own servers. Wants an otherwise idle machine.
set -euo pipefail
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../test/bench"

echo "== snapshot rows/s against two parallel COPY (FORMAT binary)"
./snapshot.py "$build"
echo "== streamed changes/s against a reader that drops them"
./stream.py "$build"
echo "== demo query routed against the same SQL by our own client"
./route.py "$build"
echo "== routed aggregates against plain tables, before, while and after 1 % of the rows are updated"
./read.py "$build"
echo "== TPC-H routed against Postgres and against plain tables"
./tpch.py "$build"
echo "== ClickBench routed against Postgres and against a plain table"
./clickbench.py "$build"
echo "== TPC-DS routed against Postgres"
./tpcds.py "$build"
echo "== foreign tables against local heaps: rows read, rows written, keys of a local table"
./fdw.py "$build"
echo "== commit to visible when many tables change at once"
./tables.py "$build"
echo "== commit to visible at 1,000 transactions a second"
./latency.py "$build"
echo "== memory of the daemon"
./memory.py "$build"
echo "== pgbench -S with the extension against without"
./overhead.py
echo "== ns per value of the codec, encode and decode"
"$build"/test/bench/codec_bench --benchmark_min_time=0.05
