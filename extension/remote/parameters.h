// Runtime constants of a translated query: evaluated when it starts, sent as typed parameters.
#pragma once

extern "C" {
#include "nodes/execnodes.h"
}

#include "clickhouse/facade.h"

namespace tandem::shell {

// Parallel lists, as plans carry them.
struct ParameterPlan {
    PgList* names;        // String
    PgList* types;        // String: of ClickHouse
    PgList* parts;        // int: route::ConstantPart
    PgList* expressions;  // Expr
};

struct Parameters {
    clickhouse::BoundParameter* values;
    uint32 count;
};

// What the type's send function writes, but with texts as they are in the database: send functions
// write them as the client reads them, which ClickHouse is not.
bytea* sent_value(FmgrInfo* send, Datum value);
bytea* sent_value(::Oid send, Datum value);

// In the current memory context. Raises what the expressions raise.
Parameters evaluate_parameters(const ParameterPlan& plan, PlanState* state);

}  // namespace tandem::shell
