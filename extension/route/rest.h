// What may be left of a query for Postgres when its tables are read in ClickHouse.
#pragma once

extern "C" {
#include "nodes/plannodes.h"
}

#include "base/boundary.h"

namespace tandem::shell {

// The rest returns over the results of the pieces what the query would have returned: it calls
// nothing that may read tables at another moment, and nothing in it depends on an order of rows
// that no ORDER BY defines. `any_order`: it adds up floating point numbers, which was allowed.
bool rest_may_run_here(::Query* rest, bool any_float_order, bool* any_order, Failure* failure);
// The session's own temporary tables, which nobody else writes to, unless tandem.as_of asks for the
// past; what other RTEs read is no table.
bool may_be_read_here(const RangeTblEntry* rte);
// All that its scans read.
bool reads_only_here(const PlannedStmt* plan);

}  // namespace tandem::shell
