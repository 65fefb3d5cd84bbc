// The scan node that reads a ClickHouse result; child of the choice node.
#pragma once

extern "C" {
#include "nodes/execnodes.h"
}

#include "extension/catalog/catalog.h"
#include "extension/remote/remote.h"

namespace tandem::shell {

// Evaluates the runtime constants and sends the query. False and a reason when it cannot run. The
// node may have Sort and Limit above it; `top` is the topmost.
bool remote_scan_start(PlanState* top, const CatalogTarget& target, const char* database,
                       const char* sql, Failure* failure);
// Why the scan ended early; nullptr when it did not. The scan returns no rows after a failure.
const Failure* remote_scan_failure(PlanState* top);
// Ends the query early.
void remote_scan_stop(PlanState* top);
// What ClickHouse has read for it so far.
clickhouse::RunProgress remote_scan_progress(PlanState* top);
// Rows that it has returned so far.
uint64 remote_scan_rows(PlanState* top);
// The scan itself below Sort and Limit.
bool is_remote_scan(const PlanState* state);

}  // namespace tandem::shell
