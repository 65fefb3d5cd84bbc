// What the cost model wants to know of a query: read off Postgres' finished plan, the statistics of
// the tables and what ClickHouse is going to read.
#pragma once

extern "C" {
#include "nodes/plannodes.h"
}

#include "extension/route/plan.h"
#include "route/cost/facade.h"

namespace tandem::shell {

// Travels with the plan.
struct PlannedFacts {
    uint64 query_id;
    route::cost::Facts facts;
};

// Postgres' own id where it computes one, else a hash of the query that its constants do not enter.
uint64 query_id_of(const PlannedStmt* local, const ::Query* query);
// The plan finds all its rows by indexes, and they are few: what Postgres is for, whatever the
// planner's settings make of its cost.
bool finds_few_rows_by_index(const PlannedStmt* local);

route::cost::Facts gather_facts(const PlannedPiece& piece);
// Of a query that Postgres answers by `local`: of all pieces and of what is done with them here.
route::cost::Facts sum_of_facts(const PlannedStmt* local, PgList* pieces, const PlannedStmt* rest);
// Into the choice node, and out of it again.
void attach_facts(CustomScan* choice, const PlannedFacts& facts);
PlannedFacts facts_of(const CustomScan& choice);

}  // namespace tandem::shell
