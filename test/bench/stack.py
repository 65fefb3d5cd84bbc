"""A private stack for a benchmark: `tandem up` in a directory of its own, taken down at the end."""

import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from urllib.parse import urlparse

PG_BIN = "/usr/lib/postgresql/15/bin"


class Stack:
    def __init__(self, build):
        self.tandem = f"{build}/bin/tandem"
        self.data = tempfile.mkdtemp(prefix="tandem-bench.", dir="/var/tmp")
        os.chmod(self.data, 0o755)

    def call(self, *arguments, **options):
        return subprocess.run([self.tandem, *arguments, "--data", self.data], check=True,
                              capture_output=True, text=True, **options).stdout

    def __enter__(self):
        self.call("up")
        self.endpoints = json.loads(self.call("status", "--json"))["endpoints"]
        return self

    def __exit__(self, *_):
        subprocess.run([self.tandem, "down", "--data", self.data], capture_output=True)
        shutil.rmtree(self.data, ignore_errors=True)

    def pid(self, name):
        """Of "postgres", "clickhouse" or "daemon"."""
        processes = json.loads(self.call("status", "--json"))["processes"]
        return next(process["pid"] for process in processes if process["name"] == name)

    def environment(self):
        """What a libpq program needs to connect."""
        return {**os.environ, **json.loads(self.call("sql", "--print-environment"))}

    def psql(self, text, **options):
        done = subprocess.run([f"{PG_BIN}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text],
                              env=self.environment(), check=True, capture_output=True, text=True,
                              **options)
        return done.stdout.strip()

    def wait_until(self, condition, seconds=600):
        """Until the SQL expression is true; answers how long it took, in seconds."""
        start = time.monotonic()
        done = subprocess.run([f"{PG_BIN}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1"], check=True,
                              env=self.environment(), text=True, capture_output=True, timeout=seconds,
                              input=f"""DO $$ BEGIN
                                  WHILE NOT coalesce(({condition}), false) LOOP
                                      COMMIT;
                                      PERFORM pg_sleep(0.01);
                                  END LOOP;
                              END $$""")
        del done
        return time.monotonic() - start


class ByHand:
    """ClickHouse itself, asked over HTTP on one connection, or another when it was idle for too long."""

    def __init__(self, stack):
        url = urlparse(stack.endpoints["clickhouse_http"])
        netrc = open(f"{stack.data}/run/netrc").read()
        user, password = re.search(r"login (\S+) password (\S+)", netrc).groups()
        self.connection = http.client.HTTPConnection(url.hostname, url.port)
        self.headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}

    def ask(self, sql, path="/"):
        """Milliseconds and the answer's text."""
        start = time.monotonic()
        try:
            self.connection.request("POST", path, sql.encode(), self.headers)
            response = self.connection.getresponse()
        except (ConnectionError, http.client.BadStatusLine):
            self.connection.close()
            start = time.monotonic()
            self.connection.request("POST", path, sql.encode(), self.headers)
            response = self.connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            raise RuntimeError(text)
        return (time.monotonic() - start) * 1000, text
