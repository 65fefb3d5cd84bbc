// Turns an analysed Postgres query into the neutral tree of route/tree/tree.h.
//
// Works on a copy of the query made before the planner saw it, which it rewrites on the way (join
// aliases resolved, constants folded). Everything lives in the current memory context.
#pragma once

extern "C" {
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
}

#include "base/boundary.h"
#include "extension/catalog/catalog.h"
#include "route/tree/tree.h"

namespace tandem::shell {

struct QueryTree {
    const route::Query* query;  // nullptr: refused, see failure
    // Of the top level, with join aliases resolved and constants folded; nodes in it are the ones
    // that `nodes` points to.
    ::Query* simplified;
    Node** nodes;  // by Expr::id
    uint32_t node_count;
    PgList* constants;  // runtime constants: expressions without columns, by Expr::constant
    PgList* tables;     // CatalogTable, each mirrored table once
    PgList* enums;      // OIDs of those that occur and whose labels are stable
    Failure failure;
};

// `plan` is what Postgres would do; nullptr when it is not known.
QueryTree* build_query_tree(::Query* query, ParamListInfo parameters, const PlannedStmt* plan);

void set_failure(Failure* failure, const char* code, const char* message, const char* advice);

}  // namespace tandem::shell
