# Sourced: a minimal Debian bookworm made with debootstrap, entered by chroot. The machine's own apt
# sources are used inside, so it works behind mirrors.

# make_root DIRECTORY
make_root() {
    local root=$1 mirror
    mkdir -p "$root"
    chmod 0755 "$root"  # servers inside run as users of their own
    mirror=$(grep -rhoE '(URIs: |deb (\[[^]]*\] )?)https?://[^ ]+' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
        grep -oE 'https?://[^ ]+' | grep -m1 debian || true)
    [ -x "$root/usr/bin/apt-get" ] ||
        debootstrap --variant=minbase --include=ca-certificates bookworm "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
        { tail -20 "$root.log" >&2; return 1; }
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
    [ ! -f "$HOME/.npmrc" ] || cp "$HOME/.npmrc" "$root/root/.npmrc"
}

# inside DIRECTORY COMMAND...
inside() {
    local root=$1
    shift
    chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        ${SSL_CERT_FILE:+NODE_EXTRA_CA_CERTS=/root/ca.pem SSL_CERT_FILE=/root/ca.pem} "$@"
}

# leave_root DIRECTORY KEEP: ends what still runs inside, or the mounts stay busy; removes it unless KEEP is 1.
leave_root() {
    local root=$1 pid mount
    for pid in /proc/[0-9]*; do
        [ "$(readlink "$pid/root" 2>/dev/null)" = "$root" ] && kill -9 "${pid#/proc/}" 2>/dev/null
    done
    for mount in dev/shm dev/pts dev proc sys; do
        mountpoint -q "$root/$mount" && umount -l "$root/$mount"
    done
    [ "$2" = 1 ] || rm -rf --one-file-system "$root"
}
