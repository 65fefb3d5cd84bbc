// Whether a routed plan may run in ClickHouse now: asked when execution starts.
#pragma once

extern "C" {
#include "nodes/plannodes.h"
}

#include "base/boundary.h"
#include "extension/catalog/catalog.h"

namespace tandem::shell {

// Checks in the order of their cost: mode, session, transaction, tables, freshness. Waits for
// freshness.
bool may_run_remotely(const CustomScan& plan, CatalogTarget** target, const char** database,
                      Failure* failure);
// ClickHouse did not answer: for a few seconds this session does not try again.
void note_unreachable();
// True when the session's time zone is UTC under any of its names.
bool session_is_utc();

}  // namespace tandem::shell
