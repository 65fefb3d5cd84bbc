#!/usr/bin/env bash
# try_fresh.sh [-k] [-d DIRECTORY] [TARGET...]: does what a new user does. Makes a minimal Debian bookworm
# with debootstrap, adds git, make and nothing else, clones this repository's HEAD into it and runs
# `make TARGET` for each target (default: demo down test). Needs root and debootstrap.
#
#   -k  keep the root directory (it is removed otherwise)
#   -d  where to make it (default: a new directory under /var/tmp)
#
# The machine's own apt sources and npm registry setting are used inside, so it works behind mirrors.
set -euo pipefail

keep=0
root=
while getopts kd: option; do
    case $option in
        k) keep=1 ;;
        d) root=$OPTARG ;;
        *) exit 64 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- demo down test

repository=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo "try_fresh: must be root (chroot, mounts)" >&2; exit 77; }
command -v debootstrap >/dev/null || { echo "try_fresh: install debootstrap first" >&2; exit 72; }
[ -n "$root" ] || root=$(mktemp -d /var/tmp/tandem-fresh.XXXXXX)

. "$repository/tools/fresh_root.sh"
trap 'leave_root "$root" "$keep"' EXIT

echo "== a minimal bookworm in $root"
make_root "$root"
inside "$root" apt-get -q update >"$root.log" 2>&1
inside "$root" apt-get -q install -y --no-install-recommends git make >>"$root.log" 2>&1

git -C "$repository" bundle create "$root/root/tandem.bundle" HEAD >/dev/null 2>&1
inside "$root" rm -rf /root/tandem
inside "$root" git -c advice.detachedHead=false clone -q /root/tandem.bundle /root/tandem
for target in "$@"; do
    echo "== make $target"
    start=$SECONDS
    inside "$root" make -C /root/tandem "$target"
    echo "== make $target took $((SECONDS - start)) s"
done
