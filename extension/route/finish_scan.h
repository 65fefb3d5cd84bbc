// The remote side of a choice node: one remote scan, or the pieces of a query that is routed partly
// and, in the node "Custom Scan (Tandem Finish)", Postgres' plan of what is left.
//
// The pieces are asked at the same time and kept whole before the rest is started. So nothing can
// fail for ClickHouse' sake once the first row is there, the rest may read a piece as often as it
// likes, and no expression of the rest is computed twice when Postgres has to answer after all.
#pragma once

extern "C" {
#include "commands/explain.h"
#include "nodes/execnodes.h"
}

#include "extension/remote/remote.h"
#include "extension/route/decision.h"

namespace tandem::shell {

// Sends the queries. False and a reason when one cannot run.
bool start_remote_side(PlanState* side, const RunAtPosition& run, Failure* failure);
// Why it ended early; nullptr when it did not. It returns no rows after a failure.
const Failure* remote_side_failure(PlanState* side);
void stop_remote_side(PlanState* side);
// Sums over the pieces.
clickhouse::RunProgress remote_side_progress(PlanState* side);
uint64 remote_side_rows(PlanState* side);
// Whether it is but a scan, of which EXPLAIN has nothing to show.
bool is_bare_remote_side(const PlanState* side);
// The plan of the rest, and why the query is not routed as a whole; nothing for other sides.
void explain_rest(PlanState* side, ExplainState* es);
// Why the query that the plan is for is not routed as a whole; false when it is.
bool is_partly_routed(const CustomScan& choice, const char** code, const char** message);

}  // namespace tandem::shell
