#!/usr/bin/env bash
# try_packages.sh [-k] [-d DIRECTORY]: installs build/packages into a fresh, minimal Debian bookworm, mirrors
# a cluster of Debian's own with a role that owns nothing, routes a query, upgrades, removes. Needs root,
# debootstrap and the packages of tools/make_packages.sh.
#
#   -k  keep the root directory (it is removed otherwise)
#   -d  where to make it (default: a new directory under /var/tmp)
set -euo pipefail
cd "$(dirname "$0")/.."
keep=0
root=
while getopts kd: option; do
    case $option in
        k) keep=1 ;;
        d) root=$OPTARG ;;
        *) exit 64 ;;
    esac
done
[ "$(id -u)" = 0 ] || { echo "try_packages: must be root (chroot, mounts)" >&2; exit 77; }
packages=(build/packages/*.deb)
[ -f "${packages[0]}" ] || { echo "try_packages: run make packages first" >&2; exit 66; }
engine=$(find -L node_modules -name libchdb.so | head -1)
[ -n "$root" ] || root=$(mktemp -d /var/tmp/tandem-packages.XXXXXX)

. tools/fresh_root.sh
trap 'leave_root "$root" "$keep"' EXIT
echo "== a minimal bookworm in $root"
make_root "$root"

mkdir -p "$root/root/old" "$root/root/new" "$root/opt/engine"
cp "${packages[@]}" "$root/root/new/"
cp "$engine" "$root/opt/engine/libchdb.so"
# The same as an earlier version, to upgrade from.
for package in "${packages[@]}"; do
    unpacked=$(mktemp -d "$root/root/unpack.XXXXXX")
    dpkg-deb -R "$package" "$unpacked"
    sed -i -E 's/^Version: .*/Version: 0.1.9/' "$unpacked/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$unpacked" "$root/root/old/$(basename "$package")" >/dev/null
    rm -rf "$unpacked"
done
cp tools/try_packages_inside.sh "$root/root/inside.sh"
inside "$root" bash /root/inside.sh
echo "== the packages install, mirror, route, upgrade and go"
