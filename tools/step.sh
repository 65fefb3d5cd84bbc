#!/usr/bin/env bash
# step.sh NAME COMMAND...: runs a build step. On a terminal its output is shown as it comes;
# elsewhere it goes to a log under build/, with a line when it starts and the tail when it fails.
set -uo pipefail
name=$1
shift
if [ -t 1 ]; then
    printf '\033[1m==> %s\033[0m\n' "$name"
    exec "$@"
fi
printf '==> %s\n' "$name"
mkdir -p build
log=build/$(tr -cs 'a-z0-9' '-' <<<"$name" | sed 's/-*$//').log
start=$SECONDS
if ! "$@" >"$log" 2>&1; then
    tail -60 "$log" >&2
    printf '==> failed: %s (all of it: %s)\n' "$name" "$log" >&2
    exit 1
fi
printf '    done in %d s\n' "$((SECONDS - start))"
