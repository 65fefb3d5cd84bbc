#!/usr/bin/env python3
"""The demo query, routed, against the same SQL sent by the project's own client; on a private stack
with the demo's data."""

import argparse
import re
import subprocess
from urllib.parse import urlparse

from stack import Stack


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        stack.call("demo", "--json")
        native = urlparse(stack.endpoints["clickhouse_native"])
        netrc = open(f"{stack.data}/run/netrc").read()
        login = re.search(r"login (\S+) password (\S+)", netrc)
        environment = {**stack.environment(), "TANDEM_CLICKHOUSE_PASSWORD": login.group(2)}
        subprocess.run([f"{options.build}/test/bench/route_bench", stack.endpoints["postgres"],
                        native.hostname, str(native.port), login.group(1)], env=environment, check=True)


if __name__ == "__main__":
    main()
