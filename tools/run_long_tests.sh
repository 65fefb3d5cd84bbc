#!/usr/bin/env bash
# run_long_tests.sh BUILD FUZZ_BUILD: the randomised tests with a new seed, each for
# TANDEM_BUDGET_SECONDS (default 300): property tests, simulation, fuzzers, random queries, kills;
# and PostgreSQL's own regression queries, which are fetched.
# TANDEM_LONG_SEED repeats a run. An input a fuzzer fails on is left in test/fuzz/corpus, where it
# belongs in the same commit as the repair. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1
fuzz=$2
export TANDEM_BUDGET_SECONDS=${TANDEM_BUDGET_SECONDS:-300}
seed=${TANDEM_LONG_SEED:-$((RANDOM * 32768 + RANDOM + 1))}
passed=0
failed=0

# attempt NAME COMMAND...
attempt() {
    local name=$1
    shift
    echo "== $name"
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "failed: $name (TANDEM_LONG_SEED=$seed TANDEM_BUDGET_SECONDS=$TANDEM_BUDGET_SECONDS)"
        failed=$((failed + 1))
    fi
}

# rapidcheck counts tries instead of time, so: round after round, each with the next seed.
properties() {
    local end=$((SECONDS + TANDEM_BUDGET_SECONDS)) round=$seed
    while [ "$SECONDS" -lt "$end" ]; do
        echo "RC_PARAMS=seed=$round"
        RC_PARAMS="seed=$round max_success=2000" ctest --test-dir "$build" -L property --quiet \
            --output-on-failure --no-tests=error --timeout 600 || return 1
        round=$((round + 1))
    done
}

# What it finds on the way stays in the build tree, so that the next run starts from there.
fuzzer() {
    local name=$1 grown=$fuzz/test/fuzz/grown/$1 seeds
    local kept=test/fuzz/corpus/$1
    mkdir -p "$grown" "$kept"
    read -r -a seeds <"$fuzz/test/fuzz/$name.seeds"
    "$fuzz/test/fuzz/$name" "$grown" "${seeds[@]}" -seed="$seed" \
        -max_total_time="$TANDEM_BUDGET_SECONDS" -timeout=30 -report_slow_units=30 \
        -rss_limit_mb=1024 -malloc_limit_mb=256 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="$kept/"
    local ended=$?
    rmdir --ignore-fail-on-non-empty "$kept"
    return $ended
}

echo "TANDEM_LONG_SEED=$seed TANDEM_BUDGET_SECONDS=$TANDEM_BUDGET_SECONDS"
attempt "property tests" properties
attempt "simulation" env TANDEM_SIM_SEED="$seed" "$build/test/sim/mirror_sim"
for list in "$fuzz"/test/fuzz/*.seeds; do
    name=$(basename "$list" .seeds)
    attempt "$name" fuzzer "$name"
done
attempt "random queries" env TANDEM_SEED="$seed" "$build/test/integration/integration_route" \
    --gtest_filter='*random*'
attempt "PostgreSQL's regression queries" python3 test/regress/regress.py "$build"
attempt "PostgreSQL's regression tests with telemetry" python3 test/regress/telemetry.py "$build"
attempt "maintenance" env TANDEM_CASE=all "$build/test/linear/maintenance"
attempt "random DDL" env TANDEM_LINEAR_SEED="$seed" "$build/test/linear/ddl_linear"
attempt "kills" env TANDEM_FAULT_SEED="$seed" "$build/test/fault/fault_kill"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
