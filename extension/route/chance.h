// Gives Postgres' plan a limited time to answer a query that ClickHouse would be asked otherwise:
// the planner may have taken it for far dearer than it is.
#pragma once

extern "C" {
#include "nodes/execnodes.h"
#include "utils/tuplestore.h"
}

namespace tandem::shell {

// Whether it can be done for this execution: nothing is measured by EXPLAIN, read backwards or too
// large to keep, and there are subtransactions.
bool may_have_a_chance(const EState* estate, const Plan* plan, int eflags);
struct Chance {
    Plan* plan;
    int jit_flags;
    double ms;
};
// All rows of the plan, in es_query_cxt; nullptr when they were not there in time, or the plan
// raised an error, which has been dropped: whoever answers the query raises it again.
Tuplestorestate* run_for_a_while(const EState* estate, const Chance& chance);

}  // namespace tandem::shell
