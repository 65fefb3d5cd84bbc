// Whether a routed plan may run in ClickHouse now: asked when execution starts.
#pragma once

extern "C" {
#include "nodes/plannodes.h"
}

#include "base/boundary.h"
#include "extension/catalog/catalog.h"

namespace tandem::shell {

struct RunAtPosition {
    CatalogTarget* target;
    int target_id;
    const char* database;
    const char** sqls;  // one for each piece; all read every table at `position`
    uint64 position;
    double wait_ms;  // what freshness has taken
};

// Checks in the order of their cost: mode, session, transaction, freshness, tables. Waits for
// freshness, then picks the position; what is known of the tables is read after that, so that
// it holds for the position. All in the current memory context.
bool may_run_remotely(const CustomScan& plan, RunAtPosition* run, Failure* failure);
// True when the session's time zone is UTC under any of its names.
bool session_is_utc();

}  // namespace tandem::shell
