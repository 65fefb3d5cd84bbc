// From an analysed query to ClickHouse SQL, as far as the planner hook wants to know.
#pragma once

extern "C" {
#include "nodes/params.h"
#include "nodes/plannodes.h"
}

#include "extension/tree/query_tree.h"
#include "route/facade.h"

namespace tandem::shell {

struct TranslationWish {
    ::Query* query;  // a copy, which is rewritten
    ParamListInfo parameters;
    const PlannedStmt* local;  // what Postgres would do
    bool any_float_order;
    bool any_session;  // what the session says of time zones and dates may be another later
};

struct Translated {
    QueryTree* tree;
    const route::TranslationResult* result;
};

// Everything lives in the current memory context. False and a reason when the query does not ship.
bool translate_query(const TranslationWish& wish, Translated* translated, Failure* failure);

}  // namespace tandem::shell
