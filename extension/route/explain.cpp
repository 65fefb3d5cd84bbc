// Why a query stays is no property of a plan, so it is written behind the plan: the group "Query",
// which Postgres has closed by then, is opened once more for it.
#include "extension/shell/pg.h"

extern "C" {
#include "commands/explain.h"
#include "executor/instrument.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
}

#include "extension/route/bind.h"
#include "extension/route/explain.h"
#include "extension/route/finish_scan.h"
#include "extension/route/plan.h"
#include "extension/route/planner.h"
#include "extension/shell/explain_compat.h"

namespace tandem::shell {

namespace {

ExplainOneQuery_hook_type previous_explain = nullptr;

void explain_in_postgres(Query* query, int cursor_options, IntoClause* into, ExplainState* es,
                         const char* text, ParamListInfo parameters,
                         QueryEnvironment* environment) {
    if (previous_explain != nullptr)
        previous_explain(query, cursor_options, into, es, text, parameters, environment);
    else
        explain_one_query(query, cursor_options, into, es, text, parameters, environment);
}

struct Explanation {
    Query* query;
    int cursor_options;
    IntoClause* into;
    ExplainState* es;
    const char* text;
    ParamListInfo parameters;
    QueryEnvironment* environment;
};

void explain_one(void* argument) {
    const Explanation& e = *static_cast<Explanation*>(argument);
    explain_in_postgres(e.query, e.cursor_options, e.into, e.es, e.text, e.parameters,
                        e.environment);
}

// Takes back what closing the group "Query" has written, so that it can hold one more property.
void reopen_query_group(ExplainState* es) {
    StringInfo text = es->str;
    if (es->format == EXPLAIN_FORMAT_JSON)  // a line with the brace, after the last property
        text->len -= static_cast<int>(strlen("\n}")) + 2 * es->indent;
    if (es->format == EXPLAIN_FORMAT_XML)  // a line of its own
        text->len -= 2 * es->indent + static_cast<int>(strlen("</Query>\n"));
    text->data[text->len] = '\0';
    if (es->format != EXPLAIN_FORMAT_XML) es->grouping_stack = lcons_int(1, es->grouping_stack);
    ++es->indent;
}

void explain_refusal(const Failure& failure, ExplainState* es) {
    if (es->format == EXPLAIN_FORMAT_TEXT) {
        appendStringInfo(es->str, "Tandem: not routed (%s): %s.%s%s\n", failure.code,
                         failure.message, failure.advice[0] == '\0' ? "" : " ", failure.advice);
        return;
    }
    reopen_query_group(es);
    ExplainOpenGroup("Tandem", "Tandem", true, es);
    ExplainPropertyBool("Routed", false, es);
    ExplainPropertyText("Reason", failure.code, es);
    ExplainPropertyText("Message", failure.message, es);
    if (failure.advice[0] != '\0') ExplainPropertyText("Advice", failure.advice, es);
    ExplainCloseGroup("Tandem", "Tandem", true, es);
    ExplainCloseGroup("Query", nullptr, true, es);
}

void explain(Query* query, int cursor_options, IntoClause* into, ExplainState* es, const char* text,
             ParamListInfo parameters, QueryEnvironment* environment) {
    Explanation explanation = {query, cursor_options, into, es, text, parameters, environment};
    RouteOutcome outcome = {};
    observe_planning(explain_one, &explanation, &outcome);
    bool say = outcome.concerned && !outcome.routed && outcome.failure.code[0] != '\0';
    if (say) explain_refusal(outcome.failure, es);
}

Query* analyse_one(const char* sql) {
    PgList* statements = pg_parse_query(sql);
    if (list_length(statements) != 1)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("tandem.explain_route takes exactly one statement")));
    Oid* types = nullptr;
    int count = 0;
    PgList* queries = pg_analyze_and_rewrite_varparams(linitial_node(RawStmt, statements), sql,
                                                       &types, &count, nullptr);
    if (list_length(queries) != 1) return nullptr;
    return linitial_node(Query, queries);
}

void explain_routed(const CustomScan& choice, Datum* values, bool* nulls) {
    StringInfoData sql;
    initStringInfo(&sql);
    for (int i = 0; i < piece_count(choice); ++i)
        appendStringInfo(&sql, "%s%s", i > 0 ? ";\n" : "", laid_out_sql(choice, i, 0, true));
    values[4] = CStringGetTextDatum(sql.data);
    nulls[4] = false;
    const char* code;
    const char* why;
    if (!is_partly_routed(choice, &code, &why)) return;
    values[1] = CStringGetTextDatum("partly");
    values[2] =
        CStringGetTextDatum(psprintf("the rest of the query runs in Postgres (%s: %s)", code, why));
    nulls[1] = nulls[2] = false;
}

// The values of explain_route's row, for one statement.
void explain_route(const char* sql, Datum* values, bool* nulls) {
    Query* query = analyse_one(sql);
    RouteOutcome outcome = {};
    CustomScan* choice = nullptr;
    if (query != nullptr && query->commandType != CMD_UTILITY)
        choice = find_choice(plan_for_explanation(query, sql, &outcome));
    for (int i = 0; i < 5; ++i) nulls[i] = true;
    values[0] = BoolGetDatum(choice != nullptr);
    nulls[0] = false;
    if (choice != nullptr) return explain_routed(*choice, values, nulls);
    const char* code = outcome.failure.code;
    const char* words = outcome.failure.message;
    if (code[0] == '\0') {
        bool select = query != nullptr && query->commandType == CMD_SELECT;
        code = select ? "unmirrored_relation" : "not_select";
        words = select ? "the query reads no mirrored table" : "only SELECT is routed";
    }
    values[1] = CStringGetTextDatum(code);
    values[2] = CStringGetTextDatum(words);
    values[3] = CStringGetTextDatum(outcome.failure.advice);
    nulls[1] = nulls[2] = false;
    nulls[3] = outcome.failure.advice[0] == '\0';
}

void explain_learnt(const Prospect& prospect, ExplainState* es) {
    const route::cost::Timing& remote = prospect.learnt.remote;
    const route::cost::Timing& local = prospect.learnt.local;
    if (remote.runs == 0 && local.runs == 0) return;
    StringInfoData text;
    initStringInfo(&text);
    if (remote.runs > 0)
        appendStringInfo(&text, "%u runs, %.1f ms in ClickHouse", remote.runs, remote.ms);
    if (local.runs > 0)
        appendStringInfo(&text, "%s%u runs, %.1f ms in Postgres", text.len > 0 ? "; " : "",
                         local.runs, local.ms);
    uint32 again = route::cost::runs_until_again(prospect.learnt);
    if (again > 0)
        appendStringInfo(&text, "; ClickHouse is tried again with the %s",
                         again == 1 ? "next run" : psprintf("%u. run from now", again));
    ExplainPropertyText("Tandem Learnt", text.data, es);
}

}  // namespace

void explain_prospect(const Measurement& measurement, bool compared, ExplainState* es) {
    if (!es->costs) return;
    bool decided = measurement.prospect.choice.side != route::cost::Side::kUndecided;
    Prospect prospect =
        decided ? measurement.prospect
                : prospect_of(measurement.key, measurement.planned.facts, prospect_options());
    ExplainPropertyText("Tandem Estimate",
                        psprintf("Postgres %.1f ms, ClickHouse %.1f ms",
                                 prospect.estimate.postgres_ms, prospect.estimate.clickhouse_ms),
                        es);
    explain_learnt(prospect, es);
    if (!compared) return;
    bool postgres = prospect.choice.side == route::cost::Side::kPostgres;
    ExplainPropertyText("Tandem Choice", postgres ? "Postgres" : "ClickHouse", es);
}

void install_explain_hook() {
    previous_explain = ExplainOneQuery_hook;
    ExplainOneQuery_hook = explain;
}

}  // namespace tandem::shell

extern "C" {
PG_FUNCTION_INFO_V1(tandem_explain_route);
PGDLLEXPORT Datum tandem_explain_route(PG_FUNCTION_ARGS);
}

Datum tandem_explain_route(PG_FUNCTION_ARGS) {
    TupleDesc row;
    if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("tandem.explain_route must be called where a row is accepted")));
    Datum values[5];
    bool nulls[5];
    tandem::shell::explain_route(text_to_cstring(PG_GETARG_TEXT_PP(0)), values, nulls);
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
}
