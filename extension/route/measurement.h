// How long a routed plan takes on the side it runs on, for what is learnt of the query.
#pragma once

extern "C" {
#include "nodes/execnodes.h"
#include "portability/instr_time.h"
}

#include "extension/route/facts.h"
#include "extension/route/query_stats.h"

namespace tandem::shell {

// In the state of a choice node; all zero: nothing has begun.
struct Measurement {
    PlannedFacts planned;
    QueryKey key;
    Prospect prospect;
    double before_ms;  // the first row was asked for: starting the query
    double wait_ms;
    double in_vain_ms;  // that ClickHouse took before it failed
    bool again;         // ClickHouse is tried again
    bool running;       // the first row has been asked for
    bool repeated;      // the plan is being run once more, which says little of a first run
    instr_time begun;
    TimestampTz statement;  // that asked for the first row
};

void measurement_init(Measurement* measurement, const CustomScan& plan);
// What the side is, and what was expected, now; a query is decided about when it starts.
ProspectOptions prospect_options();
double ms_since(instr_time begun);
// Rows are asked for. Called before each; only the first counts.
void measurement_run(Measurement* measurement);
// ClickHouse could not be asked, or has failed; Postgres starts from nothing.
void measurement_restart(Measurement* measurement);
// No more rows are coming. Not `whole`: nobody has asked for all of them.
struct MeasuredRun {
    route::cost::Side side;
    bool whole;
    uint64 rows_returned;
    uint64 rows_read;
};
void measurement_end(Measurement* measurement, const EState* estate, const MeasuredRun& run);
// The transaction aborts in the middle of a run on `side`. Raises nothing.
void measurement_abandon(Measurement* measurement, route::cost::Side side);

}  // namespace tandem::shell
