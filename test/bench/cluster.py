"""A private Postgres for a benchmark: started on a free port in a private directory, as an
unprivileged user, removed at the end. Not for tests (those use test/support)."""

import os
import shutil
import socket
import subprocess
import tempfile

PG_BIN = "/usr/lib/postgresql/15/bin"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def unprivileged():
    """Prefix that drops root: servers never run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


class Cluster:
    def __init__(self, settings):  # names and values, as in postgresql.conf
        self.dir = tempfile.mkdtemp(prefix="tandem-bench.", dir="/var/tmp")
        self.port = free_port()
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres", "postgres")
        self.run([f"{PG_BIN}/initdb", "-D", self.data, "-A", "trust", "-U", "postgres",
                  "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync"])
        self.settings = settings

    @property
    def data(self):
        return f"{self.dir}/data"

    def run(self, command, **options):
        return subprocess.run(unprivileged() + command, check=True, cwd="/",
                              stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, **options)

    def start(self, **extra):
        settings = {**self.settings, **extra, "port": self.port,
                    "unix_socket_directories": self.dir, "listen_addresses": ""}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self.run([f"{PG_BIN}/pg_ctl", "-D", self.data, "-w", "-l", f"{self.dir}/log", "-o", options,
                  "start"])

    def stop(self):
        self.run([f"{PG_BIN}/pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop"])

    def environment(self):
        return {**os.environ, "PGHOST": self.dir, "PGPORT": str(self.port), "PGUSER": "postgres",
                "PGDATABASE": "postgres"}

    def sql(self, text):
        done = subprocess.run([f"{PG_BIN}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", text],
                              env=self.environment(), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(unprivileged() + [f"{PG_BIN}/pg_ctl", "-D", self.data, "-m", "immediate", "stop"],
                       cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)
