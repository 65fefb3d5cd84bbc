#!/usr/bin/env bash
# try_image.sh: builds the images of packaging/image and .devcontainer with buildah, from a bookworm made here
# with debootstrap, so that no registry is needed; runs the daemon's image against a stack of this checkout until a
# row that was written to Postgres is in ClickHouse; checks that the other has all that setup asks for. Needs
# root, buildah, debootstrap, a build and `make packages`.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "try_image: must be root (chroot, mounts)" >&2; exit 77; }
packages=(build/packages/tandem_*.deb)
[ -f "${packages[0]}" ] || { echo "try_image: run make packages first" >&2; exit 66; }
work=$(mktemp -d /var/tmp/tandem-image.XXXXXX)
chmod 0755 "$work"
export TANDEM_DATA=$work/stack

. tools/fresh_root.sh
image() { buildah --storage-driver vfs --root "$work/store" --runroot "$work/run" "$@"; }
daemon=
port=
# buildah hands no signal on, so it goes to the daemon itself, which is known by its port.
stop_daemon() {
    local process
    for process in /proc/[0-9]*; do
        [ "$(basename "$(readlink "$process/exe" 2>/dev/null)")" = tandem-daemon ] &&
            grep -qz "^TANDEM_CONSOLE_PORT=$port$" "$process/environ" && kill "${process#/proc/}"
    done
    return 0
}
finish() {
    [ -z "$daemon" ] || stop_daemon
    [ ! -d "$work/stack" ] || build/release/bin/tandem down >/dev/null 2>&1 || true
    leave_root "$work/root" 1
    image rm --all >/dev/null 2>&1 || true
    rm -rf --one-file-system "$work"
}
trap finish EXIT
fail() { printf 'FAILED: %s\n' "$1" >&2; tail -n 20 "$work"/*.log >&2 || true; exit 1; }
# eventually WANTED COMMAND...
eventually() {
    local wanted=$1 deadline=$((SECONDS + 60)) got=
    shift
    while [ "$SECONDS" -lt "$deadline" ]; do
        got=$("$@" 2>/dev/null) && [ "$got" = "$wanted" ] && return 0
    done
    fail "$*: '$got', expected '$wanted'"
}

echo "== a bookworm as base image"
make_root "$work/root"
leave_root "$work/root" 1
base=$(image from scratch)
image add -q "$base" "$work/root" / >/dev/null
image config --cmd /bin/bash "$base"
for name in debian:bookworm-slim debian:bookworm; do
    image commit -q "$base" "docker.io/library/$name" >/dev/null
done

echo "== the daemon's image"
image bud -q --pull-never --isolation chroot -f packaging/image/Containerfile -t tandem build/packages \
    >"$work/image.log" 2>&1 || fail "packaging/image/Containerfile"

echo "== it mirrors a Postgres into a ClickHouse"
build/release/bin/tandem up >"$work/up.log" 2>&1 || fail "tandem up"
sql() { build/release/bin/tandem sql -- -XAtq -v ON_ERROR_STOP=1 -d shop -c "$1"; }
build/release/bin/tandem sql -- -XAtqc 'CREATE DATABASE shop' >/dev/null
sql 'CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12, 2));
     INSERT INTO orders SELECT i, i FROM generate_series(1, 5000) i'
secrets=$work/secrets
install -d -m 0755 "$secrets"
endpoints=$(build/release/bin/tandem status --json)
endpoint() { python3 -c 'import json, sys; print(json.load(sys.stdin)["endpoints"][sys.argv[1]])' "$1" <<<"$endpoints"; }
setting() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/stack/run/settings.json" "$1"; }
setting clickhouse_password | tr -d '\n' >"$secrets/tandem_clickhouse_password"
setting postgres_password | tr -d '\n' >"$secrets/tandem_postgres_password"
chmod 0644 "$secrets"/*
postgres=$(endpoint postgres)
postgres=${postgres%%\?*}
native=$(endpoint clickhouse_native)
http=$(endpoint clickhouse_http)
clickhouse() { curl -sf --netrc-file "$work/stack/run/netrc" "$http" --data-binary "$1"; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
container=$(image from --pull-never tandem)
image run --isolation chroot --network host -v "$secrets:/run/secrets:ro" \
    -e "TANDEM_POSTGRES=${postgres%/*}/shop" -e "TANDEM_CLICKHOUSE=clickhouse://tandem@${native##*//}" \
    -e "TANDEM_CONSOLE_PORT=$port" "$container" -- \
    /usr/bin/tandem-daemon --config /etc/tandem/tandem.toml >"$work/daemon.log" 2>&1 &
daemon=$!
eventually 1 sql "SELECT 1 FROM pg_namespace WHERE nspname = 'tandem'"
eventually ok curl -sf "http://127.0.0.1:$port/healthz"
sql "SELECT tandem.create_mirror('shop', ARRAY['public.orders'])" >/dev/null
sql "INSERT INTO orders VALUES (5001, 1)"
eventually 5001 clickhouse "SELECT count() FROM tandem.orders"
stop_daemon
wait "$daemon" || fail "the daemon did not end with 0"
daemon=

echo "== the image for developers"
image bud -q --pull-never --isolation chroot -f .devcontainer/Containerfile -t developer . \
    >"$work/developer.log" 2>&1 || fail ".devcontainer/Containerfile"
container=$(image from --pull-never developer)
image run --isolation chroot --network host -v "$PWD:/tandem" "$container" -- bash -c \
    'cd /tandem && . /dev/stdin && missing_packages' <<<"$(sed -n '/^missing_packages() {/,/^}/p' tools/setup.sh)" \
    >"$work/missing.log" || fail "missing_packages"
[ ! -s "$work/missing.log" ] || fail "packages are missing"
echo "== both images work"
