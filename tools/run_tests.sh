#!/usr/bin/env bash
# run_tests.sh BUILD FUZZ_BUILD: every test of both build trees; the last line sums them up as
# "N passed, N failed" and the exit code is 1 when one failed or none ran.
set -uo pipefail
# Tests wait for servers more than they compute; those that go by times run alone.
passed=0
failed=0
for tree in "$@"; do
    log=$tree/ctest.log
    ctest --test-dir "$tree" --output-on-failure --no-tests=error -j "${TEST_JOBS:-3}" | tee "$log"
    # ctest prints "97% tests passed, 3 tests failed out of 120".
    summary=$(grep -E 'tests passed, [0-9]+ tests? failed out of [0-9]+' "$log" | tail -1)
    if [ -z "$summary" ]; then
        echo "no test ran in $tree" >&2
        failed=$((failed + 1))
        continue
    fi
    total=${summary##* }
    bad=$(sed -E 's/.*passed, ([0-9]+) tests? failed.*/\1/' <<<"$summary")
    passed=$((passed + total - bad))
    failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
