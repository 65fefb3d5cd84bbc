#!/usr/bin/env bash
# What tools/try_packages.sh runs inside of the fresh root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
step() { printf '== %s\n' "$1"; }
fail() { printf 'FAILED: %s\n' "$1" >&2; tail -n 20 /root/*.log >&2 || true; exit 1; }
sql() { su postgres -c "psql -XAtq -v ON_ERROR_STOP=1 -d shop" <<<"$1"; }
expect() { [ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"; }
# eventually WANTED COMMAND...
eventually() {
    local wanted=$1 deadline=$((SECONDS + 60)) got=
    shift
    while [ "$SECONDS" -lt "$deadline" ]; do
        got=$("$@" 2>/dev/null) && [ "$got" = "$wanted" ] && return 0
    done
    fail "$*: '$got', expected '$wanted'"
}

step "install the earlier version"
apt-get -q update >/root/apt.log 2>&1
apt-get -q install -y --no-install-recommends postgresql-client curl /root/old/*.deb >>/root/apt.log 2>&1 || fail "apt install"
expect "version" "$(dpkg-query -W -f '${Version}' tandem)" 0.1.9
[ -x /usr/bin/tandem-daemon ] && [ -f /etc/tandem/tandem.toml ] || fail "files are missing"
[ -f /lib/systemd/system/tandem.service ] || fail "the unit is missing"
man=$(gzip -dc /usr/share/man/man1/tandem.1.gz | grep -c '^.SS') && [ "$man" -gt 10 ] || fail "man page"
tandem --version >/dev/null

step "a cluster of Debian's own, its tables owned by somebody"
pg_lsclusters -h | grep -q '^15 *main' || pg_createcluster 15 main >/dev/null
echo "wal_level = logical
shared_preload_libraries = 'tandem'" >/etc/postgresql/15/main/conf.d/tandem.conf
pg_ctlcluster 15 main restart 2>/dev/null || pg_ctlcluster 15 main start
su postgres -c "psql -XAtqc 'CREATE DATABASE shop'" >/dev/null
sql "CREATE ROLE owner; CREATE ROLE app LOGIN PASSWORD 'secret' REPLICATION;
     CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12, 2));
     INSERT INTO orders SELECT i, i FROM generate_series(1, 5000) i; ALTER TABLE orders OWNER TO owner;
     GRANT CREATE ON DATABASE shop TO app; GRANT SELECT ON orders TO app;
     CREATE EXTENSION tandem; ALTER SCHEMA tandem OWNER TO app;
     CREATE PUBLICATION tandem_shop FOR TABLE ONLY orders;"

step "the daemon, attached"
export TANDEM_POSTGRES=postgresql://app:secret@127.0.0.1/shop TANDEM_ENGINE=/opt/engine/libchdb.so
tandem up --data /var/lib/tandem-test >/root/up.log 2>&1 || fail "tandem up"
tandem doctor --data /var/lib/tandem-test --mirror shop --table public.orders >/root/doctor.log 2>&1 || fail "tandem doctor"
tandem mirror create shop --table public.orders --data /var/lib/tandem-test >/root/create.log 2>&1 || fail "mirror create"
sql "INSERT INTO orders VALUES (5001, 1)"
expect "routed" "$(sql "SET tandem.route = force; SELECT count(*), sum(total) FROM orders")" "5001|12502501.00"

step "upgrade while it runs"
apt-get -q install -y --no-install-recommends /root/new/*.deb >>/root/apt.log 2>&1 || fail "upgrade"
[ "$(dpkg-query -W -f '${Version}' tandem)" != 0.1.9 ] || fail "not upgraded"
tandem down --data /var/lib/tandem-test >/dev/null 2>&1
tandem up --data /var/lib/tandem-test >/root/up.log 2>&1 || fail "tandem up after the upgrade"
pg_ctlcluster 15 main restart
sql "ALTER EXTENSION tandem UPDATE" 2>/dev/null
sql "INSERT INTO orders VALUES (5002, 1)"
eventually 5002 sql "SET tandem.route = force; SELECT count(*) FROM orders"
expect "library" "$(sql "SELECT tandem.version() = extversion FROM pg_extension WHERE extname = 'tandem'")" t

step "the daemon as a service would be run"
clickhouse=$(tandem status --json --data /var/lib/tandem-test | sed -nE 's/.*"clickhouse_native": "tcp:(.*)".*/\1/p')
mkdir -p /run/credentials
printf secret >/run/credentials/tandem_postgres_password
password=$(sed -nE 's/.*password (.*)/\1/p' /var/lib/tandem-test/run/netrc)
user=$(sed -nE 's/.*login ([^ ]*).*/\1/p' /var/lib/tandem-test/run/netrc)
printf %s "$password" >/run/credentials/tandem_clickhouse_password
sed -i "s|^#url = \"postgresql.*|url = \"postgresql://app@127.0.0.1/shop\"|; s|^#url = \"clickhouse.*|url = \"clickhouse://$user@${clickhouse#//}/\"|" /etc/tandem/tandem.toml
env -u TANDEM_POSTGRES CREDENTIALS_DIRECTORY=/run/credentials tandem-daemon --config /etc/tandem/tandem.toml >/root/daemon.log 2>&1 &
daemon=$!
eventually ok curl -sf http://127.0.0.1:9187/healthz
kill "$daemon"
wait "$daemon" || fail "the daemon did not end with 0"

step "remove and purge"
tandem mirror drop shop --data /var/lib/tandem-test >/root/drop.log 2>&1 || fail "mirror drop"
tandem down --data /var/lib/tandem-test >/dev/null 2>&1
apt-get -q purge -y tandem tandem-postgresql-15 >>/root/apt.log 2>&1 || fail "purge"
[ ! -e /etc/tandem/tandem.toml ] && [ ! -e /usr/bin/tandem ] || fail "something is left"
rm /etc/postgresql/15/main/conf.d/tandem.conf
pg_ctlcluster 15 main restart
expect "rows" "$(sql "SELECT count(*) FROM orders")" 5002
pg_ctlcluster 15 main stop
