// Queries that are routed partly: what ClickHouse can answer becomes pieces, the rest reads their
// results in Postgres. docs/decisions/0020 says what makes that one moment.
#pragma once

extern "C" {
#include "nodes/params.h"
#include "nodes/plannodes.h"
}

#include "base/boundary.h"
#include "route/cost/facade.h"

namespace tandem::shell {

struct QueryToSplit {
    const ::Query* query;  // as it was before the planner saw it
    PlannedStmt* local;
    ParamListInfo parameters;
    int cursor_options;
};

// Cheap: whether it is worth trying, where the query as a whole stays because of `why`.
bool may_be_split(const ::Query* query, const Failure& why);
// nullptr when a table of the query would have to be read here, when pieces would bring most of
// what they read, or when the rest is not surely the same over the results, which is added to what
// `why` says.
PlannedStmt* plan_in_pieces(const QueryToSplit& query, Failure* why, route::cost::Facts* facts);

}  // namespace tandem::shell
