#!/usr/bin/env python3
"""telemetry.py MODULE: what telemetry costs a session: CPU of the backends per transaction, with tandem.telemetry
off, with it on, and with pg_stat_statements instead, in alternating rounds on servers that are up at once. MODULE
is the built tandem.so. No ClickHouse is asked: this is the cost in the foreground, and with 7 statements in a
transaction of TPC-B that of one statement."""

import argparse
import os
import statistics
import subprocess

from cluster import PG_BIN, Cluster

SETTINGS = {"fsync": "off", "shared_buffers": "256MB", "max_wal_size": "4GB", "autovacuum": "off"}
TICK = 1 / os.sysconf("SC_CLK_TCK")
STATEMENTS = {"TPC-B": 7, "SELECT": 1}


def cpu_of_ended_children(cluster):
    """Seconds of all backends that have ended, as their parent has them."""
    pid = open(f"{cluster.data}/postmaster.pid").readline().strip()
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) * TICK


def settled(cluster):
    """Once the sessions have ended."""
    while cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'") != "0":
        pass
    return cpu_of_ended_children(cluster)


def us_per_transaction(cluster, workload, options):
    before = settled(cluster)
    arguments = ["-S"] if workload == "SELECT" else []
    count = options.transactions * (10 if workload == "SELECT" else 1)
    subprocess.run([f"{PG_BIN}/pgbench", "-n", *arguments, "-c", str(options.clients), "-t", str(count)],
                   env=cluster.environment(), check=True, capture_output=True)
    return (settled(cluster) - before) * 1e6 / count / options.clients


def report(workload, taken):
    plain = taken["off"]
    for name, values in taken.items():
        ratio = statistics.median(value / base for value, base in zip(values, plain))
        more = statistics.median(value - base for value, base in zip(values, plain))
        print(f"{workload}, {name}: {statistics.median(values):.1f} us of CPU per transaction, ratio {ratio:.3f}, "
              f"{more / STATEMENTS[workload]:+.2f} us per statement")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("module")
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--clients", type=int, default=8)
    arguments.add_argument("--transactions", type=int, default=1000)
    options = arguments.parse_args()
    with Cluster(SETTINGS) as off, Cluster(SETTINGS) as on, Cluster(SETTINGS) as statements:
        off.start(shared_preload_libraries=options.module)
        on.start(shared_preload_libraries=options.module, **{"tandem.telemetry": "on"})
        statements.start(shared_preload_libraries=f"{options.module},pg_stat_statements")
        servers = {"off": off, "telemetry": on, "pg_stat_statements": statements}
        for server in servers.values():
            subprocess.run([f"{PG_BIN}/pgbench", "-i", "-q", "-s", "10"], env=server.environment(), check=True,
                           capture_output=True)
        for workload in STATEMENTS:
            taken = {name: [] for name in servers}
            for turn in range(options.rounds):
                order = list(servers) if turn % 2 else list(servers)[::-1]
                for name in order:
                    taken[name].append(us_per_transaction(servers[name], workload, options))
            report(workload, taken)


if __name__ == "__main__":
    main()
