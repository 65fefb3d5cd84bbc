#!/usr/bin/env python3
"""What the extension costs a statement that it leaves alone: pgbench -S with it loaded against
without, in alternating pairs on the same cluster. Prints the median of the ratios; 1 is free."""

import argparse
import re
import statistics
import subprocess

from cluster import PG_BIN, Cluster


def tps(cluster, seconds):
    done = subprocess.run([f"{PG_BIN}/pgbench", "-n", "-S", "-M", "prepared", "-c", "2", "-j", "1",
                           "-T", str(seconds)], env=cluster.environment(), check=True,
                          capture_output=True, text=True)
    return float(re.search(r"tps = ([0-9.]+)", done.stdout).group(1))


def measure(cluster, libraries, seconds):
    cluster.start(shared_preload_libraries=libraries)
    try:
        tps(cluster, 1)  # warms the cache
        return tps(cluster, seconds)
    finally:
        cluster.stop()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=int, default=7)
    arguments.add_argument("--seconds", type=int, default=5)
    options = arguments.parse_args()
    with Cluster({"fsync": "off", "shared_buffers": "256MB", "max_wal_size": "4GB"}) as cluster:
        cluster.start()
        cluster.sql("CREATE EXTENSION tandem")
        subprocess.run([f"{PG_BIN}/pgbench", "-i", "-q", "-s", "10"], env=cluster.environment(),
                       check=True, capture_output=True)
        cluster.stop()
        ratios = []
        for pair in range(options.pairs):
            # The order alternates, so that a drift of the machine hits both sides.
            order = ["tandem", ""] if pair % 2 else ["", "tandem"]
            result = {libraries: measure(cluster, libraries, options.seconds) for libraries in order}
            ratios.append(result["tandem"] / result[""])
            print(f"  pair {pair + 1}: with {result['tandem']:.0f} tps, without {result['']:.0f} tps, "
                  f"ratio {ratios[-1]:.3f}", flush=True)
    print(f"pgbench -S with the extension / without: {statistics.median(ratios):.3f} "
          f"(min {min(ratios):.3f}, max {max(ratios):.3f}; target 0.98)")


if __name__ == "__main__":
    main()
