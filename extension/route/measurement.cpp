// Wall time from the first row asked for to the last one given, by one statement. Time between the
// FETCHes of a cursor is the client's, so what goes over several statements teaches nothing; nor
// does a run whose nodes read the clock for EXPLAIN ANALYZE.
#include "extension/shell/pg.h"

extern "C" {
#include "access/xact.h"
#include "executor/instrument.h"
#include "utils/timestamp.h"
}

#include "extension/route/measurement.h"
#include "extension/shell/settings.h"

namespace tandem::shell {

namespace {

double elapsed_ms(const Measurement& measurement) {
    return Max(measurement.before_ms - measurement.wait_ms, 0) + ms_since(measurement.begun);
}

// What it costs to ask ClickHouse in vain is that and Postgres' time.
void note_failed_try(const Measurement& measurement, double postgres_ms) {
    if (measurement.in_vain_ms == 0) return;
    RunInVain run = {route::cost::Side::kClickHouse, measurement.in_vain_ms + postgres_ms,
                     measurement.again};
    note_run_in_vain(measurement.key, measurement.planned.facts, run);
}

}  // namespace

void measurement_init(Measurement* measurement, const CustomScan& plan) {
    measurement->planned = facts_of(plan);
    measurement->key = query_key(measurement->planned.query_id);
}

ProspectOptions prospect_options() {
    int wanted = freshness_wanted();
    bool may_wait = wanted == kFreshnessStrong || wanted == kFreshnessSession;
    return {may_wait, route_learning};
}

double ms_since(instr_time begun) {
    instr_time now;
    INSTR_TIME_SET_CURRENT(now);
    INSTR_TIME_SUBTRACT(now, begun);
    return INSTR_TIME_GET_MILLISEC(now);
}

void measurement_run(Measurement* measurement) {
    if (likely(measurement->running)) return;
    measurement->running = true;
    measurement->statement = GetCurrentStatementStartTimestamp();
    INSTR_TIME_SET_CURRENT(measurement->begun);
}

void measurement_restart(Measurement* measurement) {
    if (measurement->running) {
        measurement->in_vain_ms = elapsed_ms(*measurement);
        INSTR_TIME_SET_CURRENT(measurement->begun);
    }
    measurement->before_ms = measurement->wait_ms = 0;
}

void measurement_end(Measurement* measurement, const EState* estate, const MeasuredRun& run) {
    if (!measurement->running) return;
    RunRecord record = {};
    record.side = run.side;
    record.ms = elapsed_ms(*measurement);
    record.wait_ms = measurement->wait_ms;
    record.rows_returned = run.rows_returned;
    record.rows_read = run.rows_read;
    record.again = measurement->again;
    record.learn = run.whole && route_learning && !measurement->repeated &&
                   measurement->statement == GetCurrentStatementStartTimestamp() &&
                   (estate->es_instrument & INSTRUMENT_TIMER) == 0;
    note_run(measurement->key, measurement->planned.facts, record);
    if (record.learn) note_failed_try(*measurement, record.ms);
    measurement->running = false;
    measurement->repeated = true;
    measurement->again = false;
    measurement->in_vain_ms = 0;
}

void measurement_abandon(Measurement* measurement, route::cost::Side side) {
    bool learn = measurement->running && route_learning && !measurement->repeated &&
                 measurement->statement == GetCurrentStatementStartTimestamp();
    if (!learn) return;
    double ms = elapsed_ms(*measurement);
    note_failed_try(*measurement, ms);
    const route::cost::Estimate& expected = measurement->prospect.estimate;
    bool remote = side == route::cost::Side::kClickHouse;
    // Less than was expected says nothing, and what was not compared has no estimate.
    if (measurement->prospect.choice.side == route::cost::Side::kUndecided ||
        ms <= (remote ? expected.clickhouse_ms : expected.postgres_ms))
        return;
    RunInVain run = {side, ms, measurement->again};
    note_run_in_vain(measurement->key, measurement->planned.facts, run);
}

}  // namespace tandem::shell
