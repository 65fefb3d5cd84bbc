// EXPLAIN of one query without a hook: exported by Postgres since 17 only.
#pragma once

extern "C" {
#include "commands/explain.h"
// COMPAT(pg18): the printing functions moved (upstream c65bc2e1d1).
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "executor/instrument.h"
#include "portability/instr_time.h"
#include "tcop/tcopprot.h"
}

namespace tandem::shell {

// COMPAT(pg17): standard_ExplainOneQuery exists since 17 (upstream 5de890e361's release); before,
// the same steps are taken here: plan with timing, then show.
inline void explain_one_query(Query* query, int cursor_options, IntoClause* into, ExplainState* es,
                              const char* text, ParamListInfo parameters,
                              QueryEnvironment* environment) {
#if PG_VERSION_NUM >= 170000
    standard_ExplainOneQuery(query, cursor_options, into, es, text, parameters, environment);
#else
    BufferUsage before = pgBufferUsage;
    instr_time start;
    instr_time duration;
    INSTR_TIME_SET_CURRENT(start);
    PlannedStmt* plan = pg_plan_query(query, text, cursor_options, parameters);
    INSTR_TIME_SET_CURRENT(duration);
    INSTR_TIME_SUBTRACT(duration, start);
    BufferUsage used;
    memset(&used, 0, sizeof used);
    if (es->buffers) BufferUsageAccumDiff(&used, &pgBufferUsage, &before);
    ExplainOnePlan(plan, into, es, text, parameters, environment, &duration,
                   es->buffers ? &used : nullptr);
#endif
}

}  // namespace tandem::shell
