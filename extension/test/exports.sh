#!/bin/sh
# exports.sh NAME MODULE: fails when the module exports a symbol Postgres has no use for. The server loads
# modules with RTLD_GLOBAL, so a stray export could take the place of another extension's symbol.
stray=$(nm -D --defined-only "$2" | awk '{ sub(/@.*/, "", $NF); print $NF }' |
        grep -Ev "^(Pg_magic_func|_PG_init|pg_finfo_$1_[a-z0-9_]+|$1_[a-z0-9_]+)$")
if [ -n "$stray" ]; then
    echo "exported without need:" >&2
    echo "$stray" >&2
    exit 1
fi
nm -D --defined-only "$2" | grep -q '_PG_init$' || { echo "_PG_init is not exported" >&2; exit 1; }
