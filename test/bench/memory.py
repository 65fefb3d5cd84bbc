#!/usr/bin/env python3
"""The daemon's largest resident memory while it loads and streams what is hard on memory, one thing after the other: a
large table, a large transaction, rows of many columns without values, large rows, ClickHouse away while writes go on. The
target is 256 MiB and four times the largest row. `--scale 1` is what is asked of a release."""

import argparse
import os
import signal
import time

from stack import Stack

MIB = 1 << 20
BAR = 256 * MIB
COLUMNS = """id bigint PRIMARY KEY, ts timestamptz NOT NULL DEFAULT now(), user_id int NOT NULL, country text NOT NULL,
    amount numeric(12, 2), value double precision, flag boolean, note text"""
ROWS = """SELECT i, now(), i % 100003, (ARRAY['US','UK','DE','FR'])[i % 4 + 1], (i % 1000000) / 100.0, sqrt(i), i % 3 = 0,
    'note number ' || i FROM generate_series({first}, {last}) i"""
SPARSE_TYPES = ("int", "bigint", "text", "numeric", "timestamptz", "uuid", "double precision", "text[]", "jsonb", "boolean")


class Daemon:
    """The process of the stack that the figures are of."""

    def __init__(self, stack):
        self.stack = stack
        self.pid = stack.pid("daemon")

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w") as file:
            file.write("5")

    def read(self, name):
        with open(f"/proc/{self.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, stack, scale):
        self.stack = stack
        self.scale = scale
        self.daemon = Daemon(stack)
        self.exceeded = []

    def measure(self, title, work, row=0):
        before = self.daemon.read("VmRSS")
        self.daemon.forget_peak()
        cpu, start = self.daemon.cpu_seconds(), time.monotonic()
        work()
        peak, bar = self.daemon.read("VmHWM"), BAR + 4 * row
        print(f"  {title:<62} peak {peak / MIB:6.0f} MiB of {bar / MIB:.0f}  (before {before / MIB:.0f} MiB; "
              f"{time.monotonic() - start:.0f} s, {self.daemon.cpu_seconds() - cpu:.1f} s of CPU)", flush=True)
        if peak > bar:
            self.exceeded.append(title)

    def mirror(self, *tables):
        for table in tables:
            self.stack.psql(f"SELECT tandem.create_mirror('{table}', ARRAY['public.{table}'])")
        self.stack.wait_until("SELECT bool_and(state = 'live') FROM tandem.mirror_tables", 7200)

    def followed(self, mirror):
        """Until everything that is committed now is in ClickHouse."""
        self.stack.psql(f"""DO $$ DECLARE wanted pg_lsn := pg_current_wal_insert_lsn(); BEGIN
            PERFORM pg_logical_emit_message(true, 'tandem', 'flush');
            COMMIT;
            WHILE (SELECT confirmed_flush_lsn < wanted FROM pg_replication_slots WHERE slot_name = 'tandem_{mirror}')
            LOOP COMMIT; PERFORM pg_sleep(0.1); END LOOP;
        END $$""")

    def drop(self, mirror):
        self.stack.psql(f"SELECT tandem.drop_mirror('{mirror}')")
        self.stack.wait_until(f"SELECT count(*) = 0 FROM tandem.mirror WHERE name = '{mirror}'")
        self.stack.psql(f"DROP TABLE {mirror}")

    def fill(self, table, rows, first=1):
        self.stack.psql(f"INSERT INTO {table} " + ROWS.format(first=first, last=first + rows - 1))

    def load(self):
        rows = int(50_000_000 * self.scale)
        self.stack.psql(f"CREATE TABLE loaded ({COLUMNS})")
        for first in range(1, rows + 1, 1_000_000):
            self.fill("loaded", min(1_000_000, rows - first + 1), first)
        self.measure(f"{rows:,} rows loaded", lambda: self.mirror("loaded"))
        self.drop("loaded")

    def transaction(self):
        rows = int(10_000_000 * self.scale)
        self.stack.psql(f"CREATE TABLE streamed ({COLUMNS})")
        self.mirror("streamed")

        def work():
            self.fill("streamed", rows)
            self.followed("streamed")
        self.measure(f"one transaction of {rows:,} rows", work)

        def update():
            self.stack.psql("UPDATE streamed SET value = value + 1")
            self.followed("streamed")
        self.measure(f"one update of {rows:,} rows", update)
        self.drop("streamed")

    def sparse(self):
        rows = int(400_000 * self.scale)
        columns = ", ".join(f"c{i} {SPARSE_TYPES[i % len(SPARSE_TYPES)]}" for i in range(999))
        self.stack.psql(f"CREATE TABLE sparse (id bigint PRIMARY KEY, {columns})")
        insert = "INSERT INTO sparse (id, c{c}) SELECT i, {v} FROM generate_series({first}, {last}) i"
        self.stack.psql(insert.format(c=0, v="i", first=1, last=rows))
        self.measure(f"{rows:,} rows of 1,000 sparse columns loaded", lambda: self.mirror("sparse"))

        def work():
            for part in range(4):
                first = rows + part * (rows // 4) + 1
                self.stack.psql(insert.format(c=10, v="i", first=first, last=first + rows // 4 - 1))
            self.followed("sparse")
        self.measure(f"{rows:,} rows of 1,000 sparse columns streamed", work)
        self.drop("sparse")

    def large(self):
        size = int(100 * MIB * min(1, self.scale * 10))
        rows = 4
        self.stack.psql("CREATE TABLE large (id bigint PRIMARY KEY, n int, v text)")
        self.stack.psql("ALTER TABLE large ALTER v SET STORAGE EXTERNAL")
        insert = f"INSERT INTO large SELECT i, 0, repeat(md5(i::text), {size // 32}) FROM generate_series({{}}, {{}}) i"
        self.stack.psql(insert.format(1, rows))
        self.measure(f"{rows} rows of {size / MIB:.0f} MiB loaded", lambda: self.mirror("large"), size)

        def work():
            self.stack.psql(insert.format(rows + 1, rows * 2))
            self.followed("large")
        self.measure(f"{rows} rows of {size / MIB:.0f} MiB streamed", work, size)

        def update():
            self.stack.psql("UPDATE large SET n = n + 1")
            self.followed("large")
        self.measure(f"{rows * 2} rows of {size / MIB:.0f} MiB updated, the value unchanged", update, size)
        self.drop("large")

    def outage(self):
        seconds = max(10, int(600 * self.scale))
        self.stack.psql(f"CREATE TABLE away ({COLUMNS})")
        self.mirror("away")

        def work():
            clickhouse = self.stack.pid("clickhouse")
            os.kill(clickhouse, signal.SIGSTOP)
            try:
                end, first = time.monotonic() + seconds, 1
                while time.monotonic() < end:
                    self.fill("away", 20_000, first)
                    first += 20_000
            finally:
                os.kill(clickhouse, signal.SIGCONT)
            self.followed("away")
        self.measure(f"ClickHouse stands still for {seconds} s of writes", work)
        self.drop("away")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("build")
    arguments.add_argument("--scale", type=float, default=0.04)
    arguments.add_argument("--only", default="load,transaction,sparse,large,outage")
    options = arguments.parse_args()
    with Stack(options.build) as stack:
        bench = Bench(stack, options.scale)
        for name in options.only.split(","):
            getattr(bench, name)()
    print(f"memory of the daemon above 256 MiB + 4 rows: {'; '.join(bench.exceeded) or 'never'}")


if __name__ == "__main__":
    main()
