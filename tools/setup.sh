#!/usr/bin/env bash
# Brings a Debian bookworm to the point where Tandem builds and runs: checks the machine, installs
# the Debian packages of packaging/debian-packages.txt that are missing and the npm packages of
# package.json. Safe to run again; a machine that has everything is left alone in about a second.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf 'setup: %s\n' "$1" >&2
    printf '       %s\n' "$2" >&2
    exit 1
}

say() { printf 'setup: %s\n' "$1"; }

check_machine() {
    [ "$(uname -m)" = x86_64 ] || fail "this machine is $(uname -m), not x86-64" \
        "The embedded ClickHouse exists for x86-64 only; attach to a server with --clickhouse."
    local flag
    for flag in avx2 bmi2 fma; do
        grep -qw "$flag" /proc/cpuinfo || fail "the CPU lacks $flag (x86-64-v3)" \
            "The embedded ClickHouse needs it; attach to a server with --clickhouse."
    done
    . /etc/os-release
    [ "${VERSION_CODENAME:-}" = bookworm ] || say "warning: made for Debian bookworm, this is ${PRETTY_NAME:-unknown}"
    local free_kib
    free_kib=$(df -Pk . | awk 'NR == 2 { print $4 }')
    [ "$free_kib" -ge 6000000 ] || fail "only $((free_kib / 1024)) MiB free on this disk" \
        "Build, engine and demo data need 6 GB; free some space."
}

missing_packages() {
    local package
    while read -r package; do
        case "$package" in '' | '#'*) continue ;; esac
        # npm may come from elsewhere than Debian.
        [ "$package" = npm ] && command -v npm >/dev/null && continue
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed' || echo "$package"
    done <packaging/debian-packages.txt
}

# as_root COMMAND...: runs it as root, by sudo when needed.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || fail "packages are missing and there is no sudo" \
            "Run 'make setup' once as root, or install sudo."
        sudo "$@"
    fi
}

install_packages() {
    local packages
    mapfile -t packages < <(missing_packages)
    [ "${#packages[@]}" -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "no apt-get on this machine" \
        "Install by hand: ${packages[*]}"
    mkdir -p build
    say "installing ${#packages[@]} Debian packages (a few minutes the first time; log: build/setup.log)"
    local run=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0)
    "${run[@]}" update >build/setup.log 2>&1 || {
        tail -5 build/setup.log >&2
        fail "apt-get update failed" "Check the network and /etc/apt/sources.list."
    }
    "${run[@]}" install -y --no-install-recommends "${packages[@]}" >>build/setup.log 2>&1 || {
        tail -15 build/setup.log >&2
        fail "apt-get install failed" "The last lines are above, all of them in build/setup.log."
    }
}

# The engine is installed by version and checksum of package-lock.json; the stamp saves npm's start.
install_engine() {
    local stamp=node_modules/.tandem-lock
    cmp -s package-lock.json "$stamp" && return 0
    command -v npm >/dev/null || fail "npm is missing" "Install Debian's npm package."
    say "fetching the embedded ClickHouse from npm (180 MB, 600 MB on disk)"
    mkdir -p build
    npm ci --ignore-scripts --no-audit --no-fund >build/npm.log 2>&1 || {
        tail -15 build/npm.log >&2
        fail "npm ci failed" "Check the network and npm's registry setting; log: build/npm.log."
    }
    cp package-lock.json "$stamp"
}

check_machine
install_packages
install_engine
