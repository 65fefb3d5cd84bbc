// Each hook takes its part of a statement and hands on, first to whoever was there before. A
// process for which telemetry is off pays for one comparison in each.
#include "extension/shell/pg.h"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "executor/nodeGather.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "tcop/utility.h"
}

#include "extension/shell/memory.h"
#include "extension/shell/query_id.h"
#include "extension/telemetry/executor_totals.h"
#include "extension/telemetry/hooks.h"
#include "extension/telemetry/nesting.h"
#include "extension/telemetry/plans.h"
#include "extension/telemetry/relations.h"
#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"

namespace tandem::shell {

namespace {

post_parse_analyze_hook_type previous_analyze = nullptr;
planner_hook_type previous_planner = nullptr;
ExecutorStart_hook_type previous_start = nullptr;
ExecutorRun_hook_type previous_run = nullptr;
ExecutorFinish_hook_type previous_finish = nullptr;
ExecutorEnd_hook_type previous_end = nullptr;
ProcessUtility_hook_type previous_utility = nullptr;

// The query that was planned last and has not been executed.
struct Planned {
    int64 query_id;
    uint32 number;
    int level;
    TimestampTz message;  // of the client, that it was planned for
    int64 ns;
    int64 ended_ns;
    RouteNote route;
};
Planned planned = {};

bool is_wanted() {
    return telemetry_active() && (telemetry_nested || !is_inside_statement());
}

// --- analysis: the text
// ------------------------------------------------------------------------------

// Whose text holds a password that Postgres' fingerprint would be made of.
bool holds_secret(const Node* statement) {
    if (statement == nullptr) return false;
    switch (nodeTag(statement)) {
        case T_CreateRoleStmt:
        case T_AlterRoleStmt:
        case T_CreateUserMappingStmt:
        case T_AlterUserMappingStmt:
        case T_CreateForeignServerStmt:
        case T_AlterForeignServerStmt:
        case T_CreateSubscriptionStmt:
        case T_AlterSubscriptionStmt:
            return true;
        default:
            return false;
    }
}

void send_analysed(const ParseState* state, const Query* query, const JumbleState* jumble) {
    int64 id = static_cast<int64>(query->queryId);
    if (text_was_sent(id) || holds_secret(query->utilityStmt)) return;
    StatementText text = part_of(state->p_sourcetext, query->stmt_location, query->stmt_len);
    tandem::List<int32_t> constants = {};
    if (jumble != nullptr && !has_squashed_lists(jumble)) {
        int32_t* places = make_array<int32_t>(static_cast<size_t>(jumble->clocations_count));
        for (int i = 0; i < jumble->clocations_count; ++i)
            places[i] = jumble->clocations[i].location - Max(query->stmt_location, 0);
        qsort(places, static_cast<size_t>(jumble->clocations_count), sizeof *places,
              [](const void* a, const void* b) {
                  return *static_cast<const int32_t*>(a) - *static_cast<const int32_t*>(b);
              });
        constants = {places, static_cast<uint32_t>(jumble->clocations_count)};
        text.constants = &constants;
        text.highest_parameter = jumble->highest_extern_param_id;
    }
    text.command = CreateCommandTag(reinterpret_cast<Node*>(const_cast<Query*>(query)));
    StringInfoData relations;
    initStringInfo(&relations);
    append_relations_of(query, &relations);
    text.relations = {relations.data, static_cast<size_t>(relations.len)};
    send_text(id, text);
}

void analyse(ParseState* state, Query* query, JumbleState* jumble) {
    if (previous_analyze != nullptr) previous_analyze(state, query, jumble);
    if (query->queryId != 0 && is_wanted() && state->p_sourcetext != nullptr)
        send_analysed(state, query, jumble);
}

// --- planning
// ------------------------------------------------------------------------------------------

PlannedStmt* plan_on(Query* query, const char* text, int options, ParamListInfo parameters) {
    if (previous_planner != nullptr) return previous_planner(query, text, options, parameters);
    return standard_planner(query, text, options, parameters);
}

void planning_failed(const Query* query, const char* text, const Planned& what) {
    OpenStatement* statement = open_statement(what.ended_ns);
    place_statement(statement, what.number);
    statement->planning_ns = monotonic_ns() - what.ended_ns;
    statement->query_id = static_cast<int64>(query->queryId);
    statement->command = CreateCommandTag(reinterpret_cast<Node*>(const_cast<Query*>(query)));
    statement->route = what.route;
    take_tags(statement, text, query->stmt_location, query->stmt_len);
    fail_statement(statement);
}

PlannedStmt* plan(Query* query, const char* text, int options, ParamListInfo parameters) {
    if (query->queryId == 0 || !is_wanted()) return plan_on(query, text, options, parameters);
    Planned now = {};
    now.query_id = static_cast<int64>(query->queryId);
    now.number = next_statement_number();
    now.level = nesting_level();
    now.message = GetCurrentStatementStartTimestamp();
    now.ended_ns = monotonic_ns();  // until then, when it began
    // The planner scribbles on the query.
    Inside before = enter_planning(now.number, &now.route);
    PlannedStmt* made = nullptr;
    PG_TRY();
    { made = plan_on(query, text, options, parameters); }
    PG_CATCH();
    {
        leave(before);
        planning_failed(query, text, now);
        PG_RE_THROW();
    }
    PG_END_TRY();
    leave(before);
    planned = now;
    planned.ended_ns = monotonic_ns();
    planned.ns = planned.ended_ns - now.ended_ns;
    return made;
}

// --- execution
// -----------------------------------------------------------------------------------------

// Its memory goes without ExecutorEnd: the transaction aborts with a cursor open, or fails.
void on_memory_gone(void* argument) {
    OpenStatement* statement = static_cast<OpenStatement*>(argument);
    statement->watched = false;
    statement->query = nullptr;
    if (statement->closed) return;
    if (!statement->written) {
        stop_clock(statement, monotonic_ns());
        write_statement(statement, nullptr);
    }
    release_statement(statement);
}

bool was_just_planned(int64 query_id) {
    return query_id != 0 && planned.query_id == query_id && planned.level == nesting_level() &&
           planned.message == GetCurrentStatementStartTimestamp();
}

// Takes over what the planner has measured, when it has just planned this.
uint32 take_planned(OpenStatement* statement, int64 query_id) {
    if (!was_just_planned(query_id)) return 0;
    statement->planning_ns = planned.ns;
    statement->route = planned.route;
    planned.query_id = 0;
    return planned.number;
}

// Kept apart: its variables would be taken for ones that a longjmp may spoil.
pg_noinline OpenStatement* open_query(QueryDesc* query) {
    const PlannedStmt* plan = query->plannedstmt;
    int64 id = static_cast<int64>(plan->queryId);
    OpenStatement* statement =
        open_statement(was_just_planned(id) ? planned.ended_ns : monotonic_ns());
    place_statement(statement, take_planned(statement, id));
    statement->query = query;
    statement->command = CreateCommandTag(reinterpret_cast<Node*>(const_cast<PlannedStmt*>(plan)));
    statement->rows_estimated = plan->planTree->plan_rows;
    statement->measures_cpu = plan->planTree->total_cost >= telemetry_cpu_cost;
    statement->query_id = id;
    if (id == 0)
        statement->query_id =
            identify_text(part_of(query->sourceText, plan->stmt_location, plan->stmt_len));
    take_tags(statement, query->sourceText, plan->stmt_location, plan->stmt_len);
    if (unlikely(telemetry_parameters != kParametersOff) && query->params != nullptr)
        take_parameters(statement, query->params);
    return statement;
}

void start_on(QueryDesc* query, int flags) {
    if (previous_start != nullptr)
        previous_start(query, flags);
    else
        standard_ExecutorStart(query, flags);
}

void watch(OpenStatement* statement, const QueryDesc* query) {
    statement->callback.func = on_memory_gone;
    statement->callback.arg = statement;
    MemoryContextRegisterResetCallback(query->estate->es_query_cxt, &statement->callback);
    statement->watched = true;
}

void start(QueryDesc* query, int flags) {
    if (IsParallelWorker()) note_worker_start();
    bool shown_only = (flags & EXEC_FLAG_EXPLAIN_ONLY) != 0;
    if (shown_only || !is_wanted() || query->sourceText == nullptr) return start_on(query, flags);
    OpenStatement* statement = open_query(query);
    start_clock(statement, statement->started_ns);
    Inside before = enter(statement);
    PG_TRY();
    { start_on(query, flags); }
    PG_CATCH();
    {
        leave(before);
        fail_statement(statement);
        PG_RE_THROW();
    }
    PG_END_TRY();
    leave(before);
    watch(statement, query);
}

// COMPAT(pg18): the executor is not told any more that it runs once (upstream 3eea7a0c97).
#if PG_VERSION_NUM >= 180000
#define TANDEM_ONCE_DECLARED
#define TANDEM_ONCE
#else
#define TANDEM_ONCE_DECLARED , bool once
#define TANDEM_ONCE , once
#endif

void run_on(QueryDesc* query, ScanDirection direction, uint64 count TANDEM_ONCE_DECLARED) {
    if (previous_run != nullptr)
        previous_run(query, direction, count TANDEM_ONCE);
    else
        standard_ExecutorRun(query, direction, count TANDEM_ONCE);
}

void resume(OpenStatement* statement) {
    // The clock has run since the start, unless the client was asked in between.
    if (statement->running_since_ns == 0 ||
        statement->message != GetCurrentStatementStartTimestamp())
        start_clock(statement, monotonic_ns());
    start_counters(statement);
}

void run(QueryDesc* query, ScanDirection direction, uint64 count TANDEM_ONCE_DECLARED) {
    OpenStatement* statement = telemetry_active() ? find_statement(query) : nullptr;
    if (statement == nullptr) return run_on(query, direction, count TANDEM_ONCE);
    resume(statement);
    Inside before = enter(statement);
    PG_TRY();
    { run_on(query, direction, count TANDEM_ONCE); }
    PG_CATCH();
    {
        leave(before);
        statement->rows += query->estate->es_processed;
        stop_clock(statement, monotonic_ns());
        if (unlikely(telemetry_plans != kPlansOff)) identify_plan(statement, query);
        fail_statement(statement);
        PG_RE_THROW();
    }
    PG_END_TRY();
    leave(before);
    stop_clock(statement, monotonic_ns());
    statement->rows += query->estate->es_processed;
}

void finish_on(QueryDesc* query) {
    if (previous_finish != nullptr)
        previous_finish(query);
    else
        standard_ExecutorFinish(query);
}

void finish(QueryDesc* query) {
    OpenStatement* statement = telemetry_active() ? find_statement(query) : nullptr;
    // A plain SELECT has no triggers to fire.
    bool idle = statement == nullptr ||
                (query->operation == CMD_SELECT && !query->plannedstmt->hasModifyingCTE);
    if (idle) return finish_on(query);
    start_clock(statement, monotonic_ns());
    start_counters(statement);
    Inside before = enter(statement);
    PG_TRY();
    { finish_on(query); }
    PG_CATCH();
    {
        leave(before);
        fail_statement(statement);
        PG_RE_THROW();
    }
    PG_END_TRY();
    leave(before);
    stop_clock(statement, monotonic_ns());
}

void end_on(QueryDesc* query) {
    if (previous_end != nullptr)
        previous_end(query);
    else
        standard_ExecutorEnd(query);
}

void end(QueryDesc* query) {
    if (IsParallelWorker()) note_worker_end();
    OpenStatement* statement = telemetry_active() ? find_statement(query) : nullptr;
    if (statement == nullptr) return end_on(query);
    take_executor_totals(statement, query);
    if (unlikely(telemetry_plans != kPlansOff)) take_plan(statement, query);
    refresh_session();
    statement->closed = true;
    Inside before = enter(statement);
    PG_TRY();
    { end_on(query); }
    PG_CATCH();
    {
        leave(before);
        statement->closed = false;
        fail_statement(statement);
        PG_RE_THROW();
    }
    PG_END_TRY();
    leave(before);
    end_statement(statement);
}

// --- utility statements
// --------------------------------------------------------------------------------

struct Utility {
    PlannedStmt* statement;
    const char* text;
    bool read_only;
    ProcessUtilityContext context;
    ParamListInfo parameters;
    QueryEnvironment* environment;
    DestReceiver* destination;
    QueryCompletion* completion;
};

void utility_on(const Utility& utility) {
    (previous_utility != nullptr ? previous_utility : standard_ProcessUtility)(
        utility.statement, utility.text, utility.read_only, utility.context, utility.parameters,
        utility.environment, utility.destination, utility.completion);
}

pg_noinline OpenStatement* open_utility(const Utility& utility) {
    const PlannedStmt* plan = utility.statement;
    OpenStatement* statement = open_statement(monotonic_ns());
    place_statement(statement, 0);
    statement->command = CreateCommandTag(plan->utilityStmt);
    statement->query_id = static_cast<int64>(plan->queryId);
    if (statement->query_id == 0 || holds_secret(plan->utilityStmt)) {
        StatementText text = part_of(utility.text, plan->stmt_location, plan->stmt_len);
        text.command = statement->command;
        statement->query_id = identify_text(text);
    }
    take_tags(statement, utility.text, plan->stmt_location, plan->stmt_len);
    return statement;
}

uint64 rows_of(const QueryCompletion* completion) {
    if (completion == nullptr) return 0;
    switch (completion->commandTag) {
        case CMDTAG_COPY:
        case CMDTAG_FETCH:
        case CMDTAG_MOVE:
        case CMDTAG_SELECT:
        case CMDTAG_REFRESH_MATERIALIZED_VIEW:
            return completion->nprocessed;
        default:
            return 0;
    }
}

void run_utility(const Utility& utility) {
    OpenStatement* statement = open_utility(utility);
    start_clock(statement, statement->started_ns);
    start_counters(statement);
    // The statement's own memory may be gone after a transaction command.
    Inside before = enter(statement);
    PG_TRY();
    { utility_on(utility); }
    PG_CATCH();
    {
        leave(before);
        fail_statement(statement);
        PG_RE_THROW();
    }
    PG_END_TRY();
    leave(before);
    stop_clock(statement, monotonic_ns());
    statement->rows = rows_of(utility.completion);
    if (IsTransactionState()) refresh_session();
    end_statement(statement);
}

void process_utility(PlannedStmt* statement, const char* text, bool read_only,
                     ProcessUtilityContext context, ParamListInfo parameters,
                     QueryEnvironment* environment, DestReceiver* destination,
                     QueryCompletion* completion) {
    Utility utility = {statement,  text,        read_only,   context,
                       parameters, environment, destination, completion};
    // EXECUTE is the statement that was prepared; parts of a statement are no statements.
    bool is_part = context == PROCESS_UTILITY_SUBCOMMAND;
    if (is_part || IsA(statement->utilityStmt, ExecuteStmt) || !is_wanted())
        return utility_on(utility);
    run_utility(utility);
}

}  // namespace

void install_telemetry_hooks() {
    previous_analyze = post_parse_analyze_hook;
    post_parse_analyze_hook = analyse;
    previous_planner = planner_hook;
    planner_hook = plan;
    previous_start = ExecutorStart_hook;
    ExecutorStart_hook = start;
    previous_run = ExecutorRun_hook;
    ExecutorRun_hook = run;
    previous_finish = ExecutorFinish_hook;
    ExecutorFinish_hook = finish;
    previous_end = ExecutorEnd_hook;
    ExecutorEnd_hook = end;
    previous_utility = ProcessUtility_hook;
    ProcessUtility_hook = process_utility;
    install_endings();
}

}  // namespace tandem::shell
