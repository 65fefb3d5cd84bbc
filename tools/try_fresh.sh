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

cleanup() {
    # Whatever still runs inside goes first, or the mounts stay busy.
    local pid
    for pid in /proc/[0-9]*; do
        [ "$(readlink "$pid/root" 2>/dev/null)" = "$root" ] && kill -9 "${pid#/proc/}" 2>/dev/null
    done
    for mount in dev/shm dev/pts dev proc sys; do
        mountpoint -q "$root/$mount" && umount -l "$root/$mount"
    done
    [ "$keep" = 1 ] || rm -rf --one-file-system "$root"
}
trap cleanup EXIT

first_mirror() {
    grep -rhoE '(URIs: |deb (\[[^]]*\] )?)https?://[^ ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
        grep -oE 'https?://[^ ]+' | grep -m1 debian || true
}

echo "== a minimal bookworm in $root"
mirror=$(first_mirror)
[ -x "$root/usr/bin/apt-get" ] ||
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
    { tail -20 "$root.log" >&2; exit 1; }

mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount --bind /dev "$root/dev"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mountpoint -q "$root/dev/shm" || mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp -r /etc/apt/sources.list.d/debian* /etc/apt/sources.list "$root/etc/apt/sources.list.d/" 2>/dev/null || true
cp -r /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
# A machine behind a mirror may have certificates of its own.
[ ! -f "${SSL_CERT_FILE:-}" ] || cp "$SSL_CERT_FILE" "$root/root/ca.pem"
for file in .npmrc; do [ ! -f "$HOME/$file" ] || cp "$HOME/$file" "$root/root/$file"; done

inside() {
    chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        ${SSL_CERT_FILE:+NODE_EXTRA_CA_CERTS=/root/ca.pem SSL_CERT_FILE=/root/ca.pem} "$@"
}

inside apt-get -q update >"$root.log" 2>&1
inside apt-get -q install -y --no-install-recommends git make >>"$root.log" 2>&1

git -C "$repository" bundle create "$root/root/tandem.bundle" HEAD >/dev/null 2>&1
inside rm -rf /root/tandem
inside git -c advice.detachedHead=false clone -q /root/tandem.bundle /root/tandem
for target in "$@"; do
    echo "== make $target"
    start=$SECONDS
    inside make -C /root/tandem "$target"
    echo "== make $target took $((SECONDS - start)) s"
done
