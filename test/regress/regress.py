#!/usr/bin/env python3
"""PostgreSQL's own regression queries over mirrored tables: the answer of Postgres, or a refusal.

    regress.py BUILD [--source DIRECTORY] [--only NAME,...] [--verbose]

Runs the scripts of src/test/regress once to make their tables (each script in a schema of its own,
nothing dropped), mirrors all of them, and asks every SELECT of the scripts twice, of Postgres and
routed. The scripts are read from Debian's source package of Postgres, which is fetched when no
--source names an unpacked one. Needs an installed extension. Ends with 1 when an answer differs.
"""

import argparse
import collections
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../bench"))
import stack  # noqa: E402

PSQL = [f"{stack.PG_BIN}/psql", "-XAtq"]
# Of the server or of psql, and not of queries; or they take the cluster apart.
LEFT_OUT = {"tablespace", "create_role", "privileges", "init_privs", "security_label", "database", "async", "psql",
            "psql_crosstab", "publication", "subscription", "event_trigger", "infinite_recurse", "sanity_check",
            "largeobject", "maintain_every", "vacuum_parallel", "encoding", "euc_kr", "amutils", "sysviews", "roleattributes",
            "conversion", "opr_sanity", "type_sanity", "misc_sanity", "oidjoins", "test_setup", "stats", "object_address"}
# What has another answer each time, or does something beside answering.
RESTLESS = re.compile(r"\b(nextval|setval|currval|lastval|random|clock_timestamp|now|current_timestamp|timeofday|"
                      r"localtimestamp|txid_current|pg_sleep|pg_current|pg_advisory\w*|pg_try_advisory\w*|set_config|dblink|lo_\w+|ctid|tableoid|xmin|xmax|"
                      r"pg_notify|hash_join_batches|\w*explain\w*|pg_stat\w*|pg_backend_pid|gen_random_uuid|inet_\w+_addr|pg_relation\w*|pg_table_size|"
                      r"pg_export_snapshot|for\s+(no\s+key\s+)?(update|share|key))\b|\binto\b|current_date|pg_temp", re.I)
# Two right answers, and why.
EXCUSED = {
    ("window", "first_emp = 1 OR last_emp = 1"): "two of a department were enrolled on one day; which comes first is open",
}
SETTING = re.compile(r"(set|reset)\s+(?!role|session\s+auth|transaction|constraints|local|search_path|default_table)", re.I)


def fetch_source(directory):
    """Debian's source package, unpacked; with lists of our own, because machines seldom have deb-src."""
    lists = f"{directory}/lists"
    os.makedirs(f"{lists}/partial")
    with open(f"{directory}/sources.list", "w") as out:
        out.write("deb-src http://deb.debian.org/debian bookworm main\n")
    options = ["-o", f"Dir::Etc::sourcelist={directory}/sources.list", "-o", "Dir::Etc::sourceparts=/dev/null",
               "-o", f"Dir::State::lists={lists}"]
    for command in (["update"], ["source", "--download-only", "postgresql-15"]):
        subprocess.run(["apt-get", "-q", *options, *command], cwd=directory, check=True, capture_output=True)
    subprocess.run(["tar", "xf", *glob.glob(f"{directory}/*.orig.tar.*")], cwd=directory, check=True)
    return glob.glob(f"{directory}/postgresql-15*/")[0]


def end_of_comment(text, at):
    """Behind a comment that began before `at`; they nest."""
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    return len(text)


def statements(text):
    """The script's statements; data of COPY stays with its statement, commands of psql are their own."""
    found, start, at = [], 0, 0
    token = re.compile(r"--[^\n]*|/\*|'|\"|\$(?:[A-Za-z_]\w*)?\$|;|\\[^\n]*|\bbegin\s+atomic\b", re.I)
    while match := token.search(text, at):
        piece, at = match.group(), match.end()
        if piece in ("'", '"') or piece.startswith("$"):
            end = text.find(piece, at)
            at = end + len(piece) if end >= 0 else len(text)
        elif piece == "/*":
            at = end_of_comment(text, at)
        elif piece.startswith("\\"):
            if not text[start:match.start()].strip():
                found.append(piece)
            start = at
        elif piece.lower().startswith("begin"):
            end = re.compile(r"\bend\s*;", re.I).search(text, at)
            at = end.end() - 1 if end else at
        elif piece == ";":
            statement = text[start:at]
            if re.match(r"(\s|--[^\n]*\n)*copy\b[^;]*\bfrom\s+stdin\b", statement, re.I):
                end = text.find("\n\\.", at - 1)
                at = end + 3 if end >= 0 else at
            found.append(text[start:at])
            start = at
    return found


def bare(statement):
    return re.sub(r"^(\s|--[^\n]*\n)+", "", statement).strip()


class Regress:
    def __init__(self, stack_, source):
        self.stack = stack_
        self.directory = f"{source}/src/test/regress"
        self.environment = {**stack_.environment(), "PG_ABS_SRCDIR": self.directory, "PG_LIBDIR": "/nowhere",
                            "PG_DLSUFFIX": ".so"}
        schedule = open(f"{self.directory}/parallel_schedule").read()
        self.names = [name for line in re.findall(r"^test: (.*)$", schedule, re.M) for name in line.split()
                      if name not in LEFT_OUT]

    def script(self, name):
        return statements(open(f"{self.directory}/sql/{name}.sql", encoding="utf-8", errors="replace").read())

    def psql(self, text, **options):
        return subprocess.run(PSQL, env=self.environment, input=text, text=True, capture_output=True, errors="replace",
                              **options)

    def make_tables(self, name):
        """What the script makes, kept: nothing is dropped, nothing is temporary, nothing is rolled back."""
        kept = []
        for statement in self.script(name):
            first = bare(statement)
            if re.match(r"drop\b|rollback|abort|begin|start transaction|commit|end\b|set (role|session auth)|select|"
                        r"with|values|explain|vacuum|table\b|\\(c|!|gexec|crosstab)|savepoint|release|"
                        r"alter (database|system|role|user)|create (database|role|user|tablespace|publication|event)|"
                        r"checkpoint|listen|notify|lock|prepare|execute|declare|fetch|close", first, re.I):
                continue
            kept.append(re.sub(r"\bcreate\s+(local\s+|global\s+)?(temp|temporary|unlogged)\s+table", "CREATE TABLE",
                               statement, flags=re.I))
        schema = "public" if name == "test_setup" else f"rt_{name}"
        self.psql(f"SET client_min_messages = error; SET statement_timeout = '30s'; SET lock_timeout = '5s'; "
                  f"CREATE SCHEMA IF NOT EXISTS {schema}; SET search_path = {schema}, public;\n" + "\n".join(kept))

    def give_keys(self):
        self.psql("""SELECT format('ALTER TABLE %s ADD COLUMN tandem_key serial PRIMARY KEY', c.oid::regclass)
            FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition AND relpersistence = 'p'
            AND (relnamespace::regnamespace::text LIKE 'rt\\_%' OR relnamespace = 'public'::regnamespace)
            AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND indisprimary) AND NOT EXISTS (SELECT
            FROM pg_inherits WHERE inhrelid = c.oid) \\gexec""")

    def mirror(self):
        schemas = self.psql("SELECT string_agg(quote_literal(nspname || '.*'), ',') FROM pg_namespace n WHERE (nspname "
                            "LIKE 'rt\\_%' OR nspname = 'public') AND EXISTS (SELECT FROM pg_class WHERE relnamespace "
                            "= n.oid AND relkind IN ('r', 'p'))").stdout.strip()
        made = self.psql(f"SET client_min_messages = error; SELECT tandem.create_mirror('regress', ARRAY[{schemas}])")
        if made.returncode != 0 or made.stderr:
            sys.exit(made.stderr)
        self.stack.wait_until("SELECT bool_and(state IN ('live', 'failed')) FROM tandem.mirror_tables")
        print(self.psql("SELECT state || ': ' || count(*) || ' tables' FROM tandem.mirror_tables GROUP BY state; "
                        "SELECT schema_name, table_name, error_message FROM tandem.mirror_tables WHERE state = "
                        "'failed'").stdout)
        self.psql("ANALYZE")

    def ask(self, settings, statement, route):
        done = self.psql(f"SET client_min_messages = error; SET tandem.route_cost_threshold = 0; SET tandem.wait_budget = '20s'; "
                         f"SET statement_timeout = '60s'; {settings} SET tandem.route = {route};\n{statement}")
        return sorted(done.stdout.split("\n")), done.stderr

    def compare(self, name, settings, statement):
        """One of same, local, differs, excused, restless, failed; and what there is to show."""
        answer, failed = self.ask(settings, statement, "off")
        if failed:
            return "failed", ""
        routed, refused = self.ask(settings, statement, "force")
        if refused:
            reason = re.search(r"cannot be routed[^\n]*|ERROR[^\n]*", refused)
            return "local", reason.group() if reason else refused
        if routed == answer:
            return "same", ""
        if any(name == test and part in statement for test, part in EXCUSED):
            return "excused", ""
        again, _ = self.ask(settings, statement, "off")
        if again != answer:
            return "restless", ""
        return "differs", "\n".join([bare(statement), "  Postgres: " + repr(answer[:12]), "  routed:   " + repr(routed[:12])])

    def questions(self, name):
        settings = f"SET search_path = rt_{name}, public;"
        for statement in self.script(name):
            first = bare(statement)
            if SETTING.match(first) and ":" not in first:
                settings += first
            if not re.match(r"select|with|values|table\b|\(", first, re.I) or RESTLESS.search(first):
                continue
            if re.search(r":['\"]?\w", first.replace("::", "")) or re.search(
                    r"\b(insert|update|delete|merge)\b", re.sub(r"'[^']*'", "", first), re.I):
                continue
            yield settings, statement


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--source")
    parser.add_argument("--only", type=lambda names: names.split(","))
    parser.add_argument("--verbose", action="store_true", help="every refusal with its reason")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tandem-regress.", dir="/var/tmp") as scratch, \
            stack.Stack(options.build) as servers:
        os.chmod(scratch, 0o755)
        regress = Regress(servers, options.source or fetch_source(scratch))
        names = [name for name in regress.names if options.only is None or name in options.only]
        servers.psql("CREATE EXTENSION IF NOT EXISTS tandem")
        for name in ["test_setup", *names]:
            regress.make_tables(name)
        regress.give_keys()
        regress.mirror()
        total, reasons = collections.Counter(), collections.Counter()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for name in names:
                asked = list(regress.questions(name))
                answers = pool.map(lambda one: regress.compare(name, *one), asked)
                for (_, statement), (outcome, text) in zip(asked, answers):
                    total[outcome] += 1
                    if outcome == "differs":
                        print(f"DIFFERS in {name}: {text}", flush=True)
                    if outcome == "local":
                        reasons[re.sub(r'"[^"]*"|\d+', "_", text)[:90]] += 1
                        if options.verbose:
                            print(f"{name}: {text}\n    {' '.join(bare(statement).split())[:150]}")
        for reason, count in reasons.most_common(40):
            print(f"{count:6} {reason}")
        print(", ".join(f"{count} {outcome}" for outcome, count in total.most_common()))
        sys.exit(1 if total["differs"] or not total["same"] else 0)


if __name__ == "__main__":
    main()
