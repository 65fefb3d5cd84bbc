// Which plan a statement ran with. Nothing here is called while tandem.telemetry_plans is off.
#pragma once

#include "extension/telemetry/statement.h"

namespace tandem::shell {

// A fingerprint of the plan's structure: kinds of nodes, relations, indexes, joins, and expressions
// without their constants. Does not depend on costs. Never 0.
int64 hash_plan(const PlannedStmt* plan);

// At the end of a statement whose executor is still there: its fingerprint, and its texts unless
// they were sent. What explaining raises is dropped.
void take_plan(OpenStatement* statement, QueryDesc* query);
// In a PG_CATCH block: the fingerprint only.
void identify_plan(OpenStatement* statement, const QueryDesc* query);

}  // namespace tandem::shell
