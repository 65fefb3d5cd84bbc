#!/usr/bin/env bash
# check_majors.sh [MAJOR=WHERE...]: compiles the extension, warnings as errors, against the server headers
# of other Postgres majors (default: 17=trixie 18=forky). It compiles only: running is another test's work.
#
# WHERE is one of
#   a Debian suite   whose postgresql-server-dev-MAJOR is unpacked below build/majors, nothing installed
#   a directory      what `pg_config --includedir-server` prints, or src/include of a configured source tree
#                    (./configure && make -C src/backend generated-headers): bookworm and later have no 16
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 17=trixie 18=forky

# The first Debian mirror that this machine's apt uses.
debian_mirror() {
    grep -rhE '^(URIs:|deb )' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
        grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1
}

# fetch_headers MAJOR SUITE: prints the directory of the headers. Uses an apt state of its own.
fetch_headers() {
    local major=$1 suite=$2 root
    root=$PWD/build/majors/$suite
    mkdir -p "$root"/apt/{lists/partial,cache/archives/partial} "$root/files"
    echo "deb $(debian_mirror) $suite main" >"$root/apt/sources.list"
    : >"$root/apt/status"
    local apt=(apt-get -qq -o Dir::Etc::SourceList="$root/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o Dir::State="$root/apt" -o Dir::State::Status="$root/apt/status" -o Dir::Cache="$root/apt/cache"
        -o APT::Sandbox::User=root)
    (
        cd "$root"
        "${apt[@]}" update
        "${apt[@]}" download "postgresql-server-dev-$major" libpq-dev
        for package in ./*.deb; do dpkg-deb -x "$package" files; done
        rm -f ./*.deb
    ) >&2
    echo "$root/files/usr/include/postgresql/$major/server"
}

major_of() {
    cat "$1"/pg_config*.h 2>/dev/null | sed -nE 's/^#define PG_VERSION_NUM ([0-9]+)[0-9]{4}$/\1/p' | sort -u
}

# As cmake/add_pg_extension.cmake has it: the modules with facades and no others.
rm -rf build/majors/core
mkdir -p build/majors/core
for module in base clickhouse route sqltext telemetry types; do ln -s "$PWD/src/$module" "build/majors/core/$module"; done

failed=0
for pair in "$@"; do
    major=${pair%%=*} where=${pair#*=}
    case $where in
        */*)
            [ -d "$where" ] || { echo "check_majors: there is no directory $where" >&2; exit 66; }
            headers=$(cd "$where" && pwd)
            ;;
        *) headers=$(fetch_headers "$major" "$where") ;;
    esac
    found=$(major_of "$headers")
    [ "$found" = "$major" ] || { echo "check_majors: $headers holds the headers of ${found:-no Postgres}, not of $major" >&2; exit 65; }
    for source in extension/*/*.cpp; do
        g++ -std=gnu++20 -c -o /dev/null -O1 -fPIC -Wall -Wextra -Werror -Wno-register -fno-exceptions -fno-rtti \
            -fno-strict-aliasing -fwrapv -D_GNU_SOURCE '-DTANDEM_VERSION="check"' -DTANDEM_MIGRATIONS_KNOWN=0 -I. -Ibuild/majors/core \
            -isystem "$headers" -isystem "$headers/.." -isystem "$headers/../internal" \
            -isystem "$(pg_config --includedir)" "$source" ||
            { echo "check_majors: $source does not compile against $major" >&2; failed=1; }
    done
    [ "$failed" = 1 ] || echo "the extension compiles against Postgres $major ($headers)"
done
exit "$failed"
