// The planner hook: decides which SELECTs may run in ClickHouse.
#pragma once

extern "C" {
#include "nodes/plannodes.h"
}

#include "base/boundary.h"

namespace tandem::shell {

// What the hook made of the query it planned last in this backend.
struct RouteOutcome {
    bool concerned;  // the query reads a mirrored table
    bool routed;
    Failure failure;  // why not
};

void install_planner_hook();
// Plans a rewritten query as if it were dear enough, and says what came of it.
PlannedStmt* plan_for_explanation(::Query* query, const char* text, int cursor_options,
                                  ParamListInfo parameters, RouteOutcome* outcome);
// Of the statement planned last through the hook; reset it before planning.
RouteOutcome* last_outcome();

}  // namespace tandem::shell
