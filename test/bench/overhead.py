#!/usr/bin/env python3
"""What the extension costs a statement that it leaves alone: pgbench -S on a server that has it loaded
against one that has not, both up at once, in many short alternating pairs. Prints the median of the
ratios; 1 is free."""

import argparse
import re
import statistics
import subprocess

from cluster import PG_BIN, Cluster

SETTINGS = {"fsync": "off", "shared_buffers": "256MB", "max_wal_size": "4GB"}


def pgbench(cluster, *arguments):
    done = subprocess.run([f"{PG_BIN}/pgbench", "-n", *arguments], env=cluster.environment(), check=True,
                          capture_output=True, text=True)
    return done.stdout


def tps(cluster, seconds):
    printed = pgbench(cluster, "-S", "-M", "prepared", "-c", "2", "-j", "1", "-T", str(seconds))
    return float(re.search(r"tps = ([0-9.]+)", printed).group(1))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=30)
    arguments.add_argument("--seconds", type=int, default=1)
    options = arguments.parse_args()
    with Cluster(SETTINGS) as plain, Cluster(SETTINGS) as loaded:
        plain.start()
        loaded.start(shared_preload_libraries="tandem")
        loaded.sql("CREATE EXTENSION tandem")
        for cluster in (plain, loaded):
            pgbench(cluster, "-i", "-q", "-s", "10")
            tps(cluster, 1)  # warms the cache
        ratios = []
        for pair in range(options.pairs):
            # The order alternates, so that a drift of the machine hits both sides.
            order = (loaded, plain) if pair % 2 else (plain, loaded)
            result = {cluster: tps(cluster, options.seconds) for cluster in order}
            ratios.append(result[loaded] / result[plain])
    quarters = statistics.quantiles(ratios, n=4)
    print(f"pgbench -S with the extension / without: {statistics.median(ratios):.3f} "
          f"(quartiles {quarters[0]:.3f} to {quarters[2]:.3f} of {options.pairs} pairs; target 0.98)")


if __name__ == "__main__":
    main()
