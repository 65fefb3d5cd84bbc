#!/bin/sh
# Fails when an object file refers to _Unwind_Resume: then some frame of the shell holds an object with a
# destructor across a call that may longjmp over it.
status=0
for object in "$@"; do
    if nm -u "$object" | grep -q '_Unwind_Resume'; then
        echo "$object: a destructor is live across a call that may not return" >&2
        status=1
    fi
done
[ $# -gt 0 ] || { echo "no object files given" >&2; exit 1; }
exit $status
