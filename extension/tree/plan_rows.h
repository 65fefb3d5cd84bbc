// How many rows of a table Postgres expects to be left by its conditions.
#pragma once

extern "C" {
#include "nodes/plannodes.h"
}

namespace tandem::shell {

// Of the scan that yields most; below 0 when the plan does not read the table as a whole.
double planned_rows(const PlannedStmt* plan, ::Oid relid);

}  // namespace tandem::shell
