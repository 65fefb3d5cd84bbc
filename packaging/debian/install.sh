#!/bin/sh
# Puts what each package holds into debian/<package>.
set -eu
repository=$TANDEM_REPOSITORY
to=debian/tandem
DESTDIR=$PWD/$to cmake --install "$TANDEM_BUILD" --prefix /usr --component programs >/dev/null
install -d -m 0755 $to/etc/tandem $to/usr/share/man/man1 $to/usr/share/man/man8 $to/usr/share/doc/tandem/examples
install -d $to/etc/tandem/credentials
install -m 0644 "$repository/packaging/systemd/tandem.toml" $to/etc/tandem/tandem.toml
"$TANDEM_BUILD/bin/tandem" _man >$to/usr/share/man/man1/tandem.1
install -m 0644 "$repository"/packaging/man/tandem-daemon.8 $to/usr/share/man/man8/
install -m 0644 "$repository"/packaging/man/tandem-clickhouse.1 $to/usr/share/man/man1/
for shell in bash zsh fish; do
    case $shell in
        bash) file=bash-completion/completions/tandem ;;
        zsh) file=zsh/vendor-completions/_tandem ;;
        fish) file=fish/vendor_completions.d/tandem.fish ;;
    esac
    install -d "$to/usr/share/$(dirname $file)"
    "$TANDEM_BUILD/bin/tandem" completion $shell >"$to/usr/share/$file"
done
cp "$repository"/packaging/grafana/tandem.json $to/usr/share/doc/tandem/examples/grafana-tandem.json
cp "$repository"/packaging/prometheus/tandem.yml $to/usr/share/doc/tandem/examples/prometheus-tandem.yml
cp "$repository"/README.md $to/usr/share/doc/tandem/
cp -r "$repository"/docs/howto "$repository"/docs/reference $to/usr/share/doc/tandem/
chmod -R u=rwX,go=rX $to/usr/share/doc/tandem
for pair in $TANDEM_TREES; do
    DESTDIR=$PWD/debian/tandem-postgresql-${pair%%=*} cmake --install "${pair#*=}" --component extension >/dev/null
done
