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
// Plans a rewritten query as if it were expensive enough; says what became of it, raising nothing.
PlannedStmt* plan_for_explanation(::Query* query, const char* text, RouteOutcome* outcome);
// Says what became of the query that `action` plans, which is planned as it would be without.
void observe_planning(void (*action)(void*), void* argument, RouteOutcome* outcome);

}  // namespace tandem::shell
