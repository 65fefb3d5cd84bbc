#!/usr/bin/env python3
"""PostgreSQL's own regression tests with telemetry on: what they print may not change by it.

    telemetry.py BUILD [--source DIRECTORY] [--schedule FILE]

Runs the tests of src/test/regress twice by pg_regress, on servers of their own: without telemetry, and with all
of it (plans of every statement, looks at the sessions, CPU of every statement) sent to a private ClickHouse. Ends
with 1 when the output of a test differs, a server crashes, or the events do not add up. What fails in both for
want of Postgres' own build tree does not matter. The source is fetched as regress.py does.
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from urllib.parse import urlparse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../bench"))
import stack  # noqa: E402
from cluster import PG_BIN, Cluster  # noqa: E402
from regress import fetch_source  # noqa: E402

ROOT = os.path.join(os.path.dirname(__file__), "../..")
PG_REGRESS = "/usr/lib/postgresql/15/lib/pgxs/src/test/regress/pg_regress"
SETTINGS = {"fsync": "off", "max_connections": "60", "autovacuum": "off",
            # As pg_regress has it on servers of its own: EXPLAIN shows no fingerprints.
            "compute_query_id": "regress"}
ALL_OF_IT = {"tandem.telemetry": "on", "tandem.telemetry_plans": "sampled", "tandem.telemetry_plan_sample_rate": "1",
             "tandem.telemetry_cpu_cost": "0", "tandem.telemetry_activity_interval": "50ms",
             "tandem.telemetry_memory": "256MB", "tandem.telemetry_backlog": "64MB"}


def prepare(source, directory):
    """The tests where the server may read them, and the C functions some of them call."""
    tests = f"{directory}/tests"
    shutil.copytree(f"{source}/src/test/regress", tests)
    include = subprocess.run([f"{PG_BIN}/pg_config", "--includedir-server"], check=True, capture_output=True, text=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", f"-I{include.stdout.strip()}", f"{tests}/regress.c", "-o",
                    f"{tests}/regress.so"], check=True)
    subprocess.run(["chmod", "-R", "a+rX", directory], check=True)
    return tests


def run_tests(cluster, tests, output, schedule):
    os.makedirs(f"{output}/results")
    os.makedirs(f"{output}/testtablespace", exist_ok=True)
    subprocess.run(["chmod", "-R", "a+rwX", output], check=True)
    done = subprocess.run([PG_REGRESS, f"--inputdir={tests}", f"--outputdir={output}", f"--bindir={PG_BIN}",
                           f"--dlpath={tests}", f"--host={cluster.dir}", f"--port={cluster.port}", "--user=postgres",
                           f"--schedule={schedule or tests + '/parallel_schedule'}"],
                          env=cluster.environment(), capture_output=True, text=True)
    tail = done.stdout.strip().splitlines()[-6:]
    print("\n".join(line for line in tail if "tests" in line), flush=True)
    return {name: open(f"{output}/results/{name}", errors="replace").read()
            for name in sorted(os.listdir(f"{output}/results")) if name.endswith(".out")}


def unseen(cluster, sql):
    """Asked without being an event itself."""
    os.environ["PGOPTIONS"] = "-c tandem.telemetry=off"
    answer = cluster.sql(sql)
    del os.environ["PGOPTIONS"]
    return answer


def install(cluster, module):
    script = open(f"{ROOT}/extension/sql/tandem--0.2.sql").read().replace("MODULE_PATHNAME", module)
    script = re.sub(r"^\\.*$", "", script, flags=re.M)
    unseen(cluster, f"CREATE SCHEMA tandem; {script}")


def balance(cluster):
    """Waits until nothing is queued; empty when all of it adds up."""
    ask = "SELECT {} FROM tandem.telemetry_stats s"
    for _ in range(3000):
        if unseen(cluster, ask.format("queued = 0")) == "t":
            break
    print(unseen(cluster, ask.format("format('captured %s, exported %s, dropped %s, by a full ring %s', captured, "
                                     "exported, dropped, dropped_ring_full)")))
    return unseen(cluster, ask.format("CASE WHEN captured = exported + dropped AND queued = 0 AND captured > 1000 "
                                      "THEN '' ELSE s::text END"))


def differences(plain, measured):
    found = []
    for name in sorted(plain.keys() | measured.keys()):
        left, right = plain.get(name, "").splitlines(), measured.get(name, "").splitlines()
        if left != right:
            found.append(name)
            print("\n".join(list(difflib.unified_diff(left, right, f"{name} without", f"{name} with", n=1))[:40]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--source")
    parser.add_argument("--schedule")
    options = parser.parse_args()
    module = os.path.abspath(f"{options.build}/extension/tandem.so")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory, stack.Stack(options.build) as target:
        os.chmod(directory, 0o755)
        tests = prepare(options.source or fetch_source(directory), directory)
        native = urlparse(target.endpoints["clickhouse_native"])
        user, password = re.search(r"login (\S+) password (\S+)", open(f"{target.data}/run/netrc").read()).groups()
        url = f"clickhouse://{user}:{password}@{native.hostname}:{native.port}"
        with Cluster(SETTINGS) as plain:
            plain.start()
            without = run_tests(plain, tests, f"{directory}/without", options.schedule)
        with Cluster(SETTINGS) as measured:
            measured.start(shared_preload_libraries=module, **{**ALL_OF_IT, "tandem.telemetry_clickhouse": url})
            install(measured, module)
            with_it = run_tests(measured, tests, f"{directory}/with", options.schedule)
            wrong = balance(measured)
            crashed = re.search(r"terminated by signal|PANIC|TRAP", open(f"{measured.dir}/log", errors="replace").read())
    failures = differences(without, with_it)
    print(f"{len(without)} tests, {len(failures)} print something else with telemetry: {' '.join(failures)}")
    if wrong:
        print(f"the events do not add up: {wrong}")
    if crashed:
        print("a process crashed")
    sys.exit(1 if failures or wrong or crashed or len(without) < 100 and not options.schedule else 0)


if __name__ == "__main__":
    main()
