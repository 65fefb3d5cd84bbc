#!/usr/bin/env bash
# lint.sh [FILE...]: formatting and clang-tidy, version 16, over the given or all sources, and the
# rules of tools/tidy.py. Fails on the first kind of finding.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <(git ls-files 'src/*.cpp' 'src/*.h' 'extension/*.cpp' 'extension/*.h' 'test/*.cpp' 'test/*.h')
fi

echo "== clang-format"
clang-format-16 --dry-run --Werror "${files[@]}"
echo "== tidy"
tools/tidy.py
echo "== clang-tidy (takes minutes)"
cmake --preset lint >/dev/null
sources=()
for file in "${files[@]}"; do
    case $file in
        extension/test/compile/*) ;;  # they must not compile
        src/*.cpp | extension/*.cpp) sources+=("$file") ;;
    esac
done
printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy-16 --quiet -p build/lint
