#include "extension/shell/pg.h"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
#include "common/pg_prng.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"
}

#include "extension/shell/explain_compat.h"
#include "extension/shell/subtransaction.h"
#include "extension/telemetry/plans.h"
#include "extension/telemetry/relations.h"
#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"

namespace tandem::shell {

namespace {

bool wants_plan(const OpenStatement& statement) {
    double ms = static_cast<double>(statement.run_ns + statement.planning_ns) / 1e6;
    if (ms >= telemetry_slow_ms) return true;
    return telemetry_plans == kPlansSampled &&
           pg_prng_double(&pg_global_prng_state) < telemetry_plan_rate;
}

struct Explained {
    QueryDesc* query;
    StringInfoData text;
    StringInfoData json;
    StringInfoData relations;
};

void explain_as(QueryDesc* query, ExplainFormat format, StringInfo into) {
    ExplainState* es = NewExplainState();
    es->format = format;
    es->costs = true;
    ExplainBeginOutput(es);
    ExplainOpenGroup("Query", nullptr, true, es);
    ExplainPrintPlan(es, query);
    ExplainCloseGroup("Query", nullptr, true, es);
    ExplainEndOutput(es);
    int size = es->str->len;
    while (size > 0 && es->str->data[size - 1] == '\n') --size;
    appendBinaryStringInfo(into, es->str->data, size);
}

void explain(void* argument) {
    Explained* explained = static_cast<Explained*>(argument);
    explain_as(explained->query, EXPLAIN_FORMAT_TEXT, &explained->text);
    explain_as(explained->query, EXPLAIN_FORMAT_JSON, &explained->json);
    append_relations(explained->query->plannedstmt->relationOids, false, &explained->relations);
}

Text text_in(const StringInfoData& data) {
    return {data.data, static_cast<size_t>(data.len)};
}

// There are no subtransactions in parallel mode, nor after a failure.
bool may_explain(const QueryDesc* query) {
    return query->planstate != nullptr && IsTransactionState() && !IsInParallelMode();
}

void send_texts(const OpenStatement& statement, QueryDesc* query) {
    MemoryContext own = AllocSetContextCreate(CurrentMemoryContext, "tandem telemetry plan",
                                              ALLOCSET_DEFAULT_SIZES);
    MemoryContext before = MemoryContextSwitchTo(own);
    Explained explained = {};
    explained.query = query;
    initStringInfo(&explained.text);
    initStringInfo(&explained.json);
    initStringInfo(&explained.relations);
    if (run_in_subtransaction(explain, &explained) != nullptr)
        note_text_sent(plan_key(statement.query_id, statement.plan_id));  // not again and again
    else
        send_plan({statement.query_id, statement.plan_id, text_in(explained.text),
                   text_in(explained.json), text_in(explained.relations)});
    MemoryContextSwitchTo(before);
    MemoryContextDelete(own);
}

}  // namespace

void take_plan(OpenStatement* statement, QueryDesc* query) {
    if (!wants_plan(*statement)) return;
    statement->plan_id = hash_plan(query->plannedstmt);
    if (text_was_sent(plan_key(statement->query_id, statement->plan_id))) return;
    if (may_explain(query)) send_texts(*statement, query);
}

void identify_plan(OpenStatement* statement, const QueryDesc* query) {
    int code = geterrcode();
    // Walking takes stack.
    bool poor = code == ERRCODE_OUT_OF_MEMORY || code == ERRCODE_STATEMENT_TOO_COMPLEX;
    if (!poor && wants_plan(*statement)) statement->plan_id = hash_plan(query->plannedstmt);
}

}  // namespace tandem::shell
