#!/usr/bin/env bash
# make_packages.sh [BUILD]: Debian packages from what is built in BUILD (default build/release), into
# build/packages: tandem, and tandem-postgresql-NN for each Postgres whose headers are installed. Checked
# with lintian when that is there. tools/try_packages.sh installs them into a fresh bookworm.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
build=$(realpath "${1:-build/release}")
version=$(sed -nE 's/^project\(tandem VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
out=build/packages
command -v dh >/dev/null || { echo "make_packages: install debhelper" >&2; exit 72; }
rm -rf "$out"
mkdir -p "$out/tandem-$version"

# BUILD has the extension for one major; the others get a build tree of their own.
own_config=$(sed -nE 's/^PG_CONFIG:FILEPATH=//p' "$build/CMakeCache.txt")
majors='' trees=''
for config in /usr/lib/postgresql/*/bin/pg_config; do
    [ -f "$("$config" --includedir-server)/postgres.h" ] || continue
    major=$("$config" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
    tree=$build
    if [ "$("$own_config" --version)" != "$("$config" --version)" ]; then
        tree=$build-pg$major
        cmake --preset release -B "$tree" -DPG_CONFIG="$config" -DTANDEM_TESTS=OFF -DTANDEM_BENCH=OFF >/dev/null
        cmake --build "$tree" --target tandem_extension >/dev/null
    fi
    majors+=" $major"
    trees+=" $major=$tree"
done

debian=$out/tandem-$version/debian
cp -r packaging/debian "$debian"
dependencies='' extensions=''
for major in $majors; do
    dependencies+="${dependencies:+, }postgresql-server-dev-$major"
    extensions+="${extensions:+, }tandem-postgresql-$major"
done
sed -e "s/@BUILD_DEPENDS@/$dependencies/; s/@EXTENSIONS@/$extensions/" packaging/debian/control.in >"$debian/control"
for major in $majors; do
    sed "s/@MAJOR@/$major/g" packaging/debian/control.extension.in >>"$debian/control"
done
rm "$debian"/control*.in
cp packaging/systemd/tandem.service "$debian/"
for release in "$version" 0.1.0; do
    date=$(git log -1 --format=%cD)
    [ "$release" != 0.1.0 ] || date=$(git log --max-parents=0 -1 --format=%cD)
    printf 'tandem (%s) unstable; urgency=medium\n\n  * CHANGELOG.md says what is new.\n\n -- %s  %s\n\n' "$release" \
        "$(sed -n 's/^Maintainer: //p' "$debian/control")" "$date"
done >"$debian/changelog"

export TANDEM_REPOSITORY=$repository TANDEM_BUILD=$build TANDEM_TREES=$trees
(cd "$out/tandem-$version" && dpkg-buildpackage -b -us -uc -d >../build.log 2>&1) ||
    { tail -30 "$out/build.log" >&2; exit 1; }
if command -v lintian >/dev/null; then
    lintian --fail-on error,warning --suppress-tags-from-file packaging/lintian-suppressed "$out"/*.deb
fi
ls "$out"/*.deb
