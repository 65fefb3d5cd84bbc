// The node "Custom Scan (Tandem)": decides when execution starts which of its two plans runs.
//
// INVARIANT: until the first row was returned, a failure on the way to ClickHouse starts the
// Postgres plan instead (or raises an error in mode force); after it, a failure is an ERROR.
#include "extension/shell/pg.h"

extern "C" {
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "utils/timestamp.h"
}

#include "extension/route/as_of.h"
#include "extension/route/bind.h"
#include "extension/route/breaker.h"
#include "extension/route/chance.h"
#include "extension/route/decision.h"
#include "extension/route/explain.h"
#include "extension/route/finish_scan.h"
#include "extension/route/measurement.h"
#include "extension/route/narrow.h"
#include "extension/route/plan.h"
#include "extension/route/stats.h"
#include "extension/route/verification.h"
#include "extension/shell/explain_compat.h"
#include "extension/shell/route_note.h"
#include "extension/shell/settings.h"

namespace tandem::shell {

namespace {

enum class Side { kUndecided, kRemote, kPostgres };

struct ChoiceState {
    CustomScanState custom;  // first: Postgres sees this struct as a CustomScanState
    PlanState* remote;
    PlanState* local;       // nullptr until it is needed
    Tuplestorestate* kept;  // what Postgres has answered already, instead of it
    TupleTableSlot* kept_slot;
    int eflags;
    Side side;
    bool returned_rows;
    RouteMode mode;
    uint64 position;  // that ClickHouse is read at
    uint64 as_of;     // which value of tandem.as_of it began with
    int target_id;    // 0: ClickHouse has not been asked
    Failure failure;  // why Postgres answers
    Verification* verification;
    Measurement measurement;
};

const CustomScan* plan_of(const ChoiceState* state) {
    return reinterpret_cast<const CustomScan*>(state->custom.ss.ps.plan);
}

void start_local(ChoiceState* state) {
    EState* estate = state->custom.ss.ps.state;
    if (state->local != nullptr) return;
    PgList* flags = static_cast<PgList*>(list_nth(plan_of(state)->custom_private, kChoiceFlags));
    MemoryContext before = MemoryContextSwitchTo(estate->es_query_cxt);
    estate->es_jit_flags = linitial_int(flags);
    state->local = ExecInitNode(static_cast<Plan*>(linitial(plan_of(state)->custom_plans)), estate,
                                state->eflags);
    state->custom.custom_ps = list_make1(state->local);
    MemoryContextSwitchTo(before);
}

[[noreturn]] void raise(const Failure& failure, const char* what) {
    ereport(ERROR,
            (errcode(MAKE_SQLSTATE(failure.sqlstate[0], failure.sqlstate[1], failure.sqlstate[2],
                                   failure.sqlstate[3], failure.sqlstate[4])),
             errmsg("%s (%s): %s", what, failure.code, failure.message),
             failure.advice[0] == '\0' ? 0 : errhint("%s", failure.advice)));
    pg_unreachable();
}

// A sum of values that 64 bits do not hold: the next time it is computed with more.
bool has_overflowed(const CustomScan& plan, const Failure& failure) {
    constexpr int kDecimalOverflow = 407;
    PgList* flags = static_cast<PgList*>(list_nth(plan.custom_private, kChoiceFlags));
    if (lfourth_int(flags) == 0 || failure.clickhouse_code != kDecimalOverflow) return false;
    ListCell* cell;
    foreach (cell, static_cast<PgList*>(list_nth(plan.custom_private, kChoiceSql)))
        note_too_narrow(strVal(lfirst(cell)));
    return true;
}

// Postgres' plan would ask the same server, and has no other rows.
void raise_for_foreign(const CustomScan& plan, const Failure& failure) {
    bool refused = strcmp(failure.code, "authentication_failed") == 0 ||
                   strcmp(failure.code, "timeout") == 0 || strcmp(failure.code, "tls_failed") == 0;
    if (is_foreign(plan) && (is_unreachable(failure) || refused)) raise_remote(failure);
}

void use_postgres(ChoiceState* state, const Failure& failure) {
    raise_for_foreign(*plan_of(state), failure);
    state->failure = failure;
    bool narrow = has_overflowed(*plan_of(state), failure);
    if (is_unreachable(failure) && state->target_id != 0) note_unreachable(state->target_id);
    count_reason(failure.code);
    note_refused(state->measurement.key, failure.code);
    note_stays(failure.code);
    if (as_of_wanted()) raise_as_of(state->failure);
    if (state->mode == kRouteForce && !narrow) raise(state->failure, "query cannot be routed");
    ereport(DEBUG1, (errmsg_internal("tandem: query runs in Postgres (%s): %s", failure.code,
                                     failure.message)));
    state->side = Side::kPostgres;
    start_local(state);
    measurement_restart(&state->measurement);
}

// Others have said where the query runs: whoever asks for one side, or for no comparison.
bool chooses_by_cost(const ChoiceState* state) {
    return state->mode == kRouteOn && route_cost_threshold > 0 && !is_foreign(*plan_of(state));
}

bool is_cheaper_in_postgres(ChoiceState* state, Failure* failure) {
    Measurement* measurement = &state->measurement;
    if (!chooses_by_cost(state) || measurement->repeated) return false;
    measurement->prospect =
        choose_side(measurement->key, measurement->planned.facts, prospect_options());
    const Prospect& prospect = measurement->prospect;
    measurement->again = prospect.choice.again;
    if (prospect.choice.side == route::cost::Side::kClickHouse) return false;
    set_failure(failure, "slower",
                psprintf("Postgres is expected to take %.1f ms and ClickHouse %.1f ms",
                         prospect.estimate.postgres_ms, prospect.estimate.clickhouse_ms),
                "SET tandem.route = force to run it in ClickHouse all the same.");
    return true;
}

void keep_answer(ChoiceState* state, Tuplestorestate* rows, double ms) {
    EState* estate = state->custom.ss.ps.state;
    MemoryContext before = MemoryContextSwitchTo(estate->es_query_cxt);
    state->kept = rows;
    state->kept_slot = MakeSingleTupleTableSlot(
        ExecTypeFromTL(state->custom.ss.ps.plan->targetlist), &TTSOpsMinimalTuple);
    MemoryContextSwitchTo(before);
    set_failure(&state->failure, "slower",
                psprintf("Postgres took %.1f ms, before ClickHouse was asked", ms), "");
    count_reason(state->failure.code);
    note_refused(state->measurement.key, state->failure.code);
    note_stays(state->failure.code);
    state->measurement.before_ms = ms;
    state->side = Side::kPostgres;
}

// Nobody knows how long Postgres takes: it may answer as long as that is no loss.
bool answers_in_time(ChoiceState* state) {
    Measurement* measurement = &state->measurement;
    double ms = measurement->prospect.choice.postgres_first_ms;
    EState* estate = state->custom.ss.ps.state;
    Plan* plan = static_cast<Plan*>(linitial(plan_of(state)->custom_plans));
    if (ms == 0 || measurement->repeated || !may_have_a_chance(estate, plan, state->eflags))
        return false;
    PgList* flags = static_cast<PgList*>(list_nth(plan_of(state)->custom_private, kChoiceFlags));
    Chance chance = {plan, linitial_int(flags), ms};
    instr_time begun;
    INSTR_TIME_SET_CURRENT(begun);
    Tuplestorestate* rows = run_for_a_while(estate, chance);
    double took = ms_since(begun);
    if (rows != nullptr) {
        keep_answer(state, rows, took);
        return true;
    }
    RunInVain run = {route::cost::Side::kPostgres, took, false};
    note_run_in_vain(measurement->key, measurement->planned.facts, run);
    return false;
}

// A cursor that is read once more.
[[noreturn]] void raise_other_moment() {
    ereport(ERROR, (errcode(MAKE_SQLSTATE('T', 'D', '0', '1', '4')),
                    errmsg("tandem.as_of was set while the query ran (as_of_statement)"),
                    errhint("Run the query again.")));
    pg_unreachable();
}

void decide(ChoiceState* state) {
    Failure failure = {};
    RunAtPosition run = {};
    if (state->as_of != as_of_change) raise_other_moment();
    if (is_cheaper_in_postgres(state, &failure)) return use_postgres(state, failure);
    if (answers_in_time(state)) return;
    instr_time begun;
    INSTR_TIME_SET_CURRENT(begun);
    MemoryContext before = MemoryContextSwitchTo(state->custom.ss.ps.state->es_query_cxt);
    bool may = may_run_remotely(*plan_of(state), &run, &failure);
    MemoryContextSwitchTo(before);
    state->target_id = may ? run.target_id : 0;
    if (may && start_remote_side(state->remote, run, &failure)) {
        state->side = Side::kRemote;
        note_goes();
        state->position = run.position;
        state->measurement.before_ms = ms_since(begun);
        state->measurement.wait_ms = run.wait_ms;
        if (prospect_options().may_wait) note_freshness_wait(run.wait_ms);
        if (state->mode == kRouteVerify) start_local(state);
        return;
    }
    use_postgres(state, failure);
}

route::cost::Side cost_side(const ChoiceState* state) {
    return state->side == Side::kRemote ? route::cost::Side::kClickHouse
                                        : route::cost::Side::kPostgres;
}

// By then a run that came to its end has been measured.
void abandon(void* argument) {
    ChoiceState* state = static_cast<ChoiceState*>(argument);
    measurement_abandon(&state->measurement, cost_side(state));
}

void measure(ChoiceState* state, EState* estate) {
    measurement_init(&state->measurement, *plan_of(state));
    MemoryContextCallback* callback = static_cast<MemoryContextCallback*>(
        MemoryContextAllocZero(estate->es_query_cxt, sizeof(MemoryContextCallback)));
    callback->func = abandon;
    callback->arg = state;
    MemoryContextRegisterResetCallback(estate->es_query_cxt, callback);
}

void begin(CustomScanState* node, EState* estate, int eflags) {
    ChoiceState* state = reinterpret_cast<ChoiceState*>(node);
    state->eflags = eflags;
    state->mode = is_foreign(*plan_of(state)) ? kRouteOn : route_mode_wanted();
    state->as_of = as_of_change;
    Plan* remote = static_cast<Plan*>(lsecond(plan_of(state)->custom_plans));
    state->remote = ExecInitNode(remote, estate, eflags);
    // A bare remote scan says nothing that this node does not say.
    if (!is_bare_remote_side(state->remote)) node->custom_ps = list_make1(state->remote);
    measure(state, estate);
    if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0) return decide(state);
    state->measurement.prospect =
        prospect_of(state->measurement.key, state->measurement.planned.facts, prospect_options());
    // The plan that would run is the one to show.
    if (chooses_by_cost(state) &&
        state->measurement.prospect.choice.side == route::cost::Side::kPostgres)
        start_local(state);
}

void finish(ChoiceState* state, bool whole) {
    MeasuredRun run = {};
    run.side = cost_side(state);
    run.whole = whole;
    if (state->side == Side::kRemote) {
        run.rows_returned = remote_side_rows(state->remote);
        run.rows_read = remote_side_progress(state->remote).rows_read;
    }
    measurement_end(&state->measurement, state->custom.ss.ps.state, run);
}

TupleTableSlot* next_remote(ChoiceState* state) {
    TupleTableSlot* slot = ExecProcNode(state->remote);
    if (!TupIsNull(slot)) {
        state->returned_rows = true;
        return slot;
    }
    const Failure* failure = remote_side_failure(state->remote);
    if (failure == nullptr) note_reachable(state->target_id);
    if (failure == nullptr) {
        if (!state->returned_rows) state->returned_rows = true;
        return slot;
    }
    if (state->returned_rows && is_foreign(*plan_of(state))) raise_remote(*failure);
    if (state->returned_rows) raise(*failure, "the routed query failed after its first row");
    stop_remote_side(state->remote);
    use_postgres(state, *failure);
    return ExecProcNode(state->local);
}

// Runs the remote query to its end, keeping only a sum over its rows; Postgres' rows are returned.
TupleTableSlot* next_verified(ChoiceState* state) {
    if (state->verification == nullptr) {
        TupleDesc rows = ExecCleanTypeFromTL(plan_of(state)->scan.plan.targetlist);
        state->verification = verification_new(rows, state->custom.ss.ps.state->es_query_cxt);
        for (;;) {
            TupleTableSlot* slot = ExecProcNode(state->remote);
            if (TupIsNull(slot)) break;
            verification_add_remote(state->verification, slot);
        }
        const Failure* failure = remote_side_failure(state->remote);
        if (failure != nullptr) {
            has_overflowed(*plan_of(state), *failure);
            verification_abandon(state->verification);
            count_reason(failure->code);
        }
    }
    TupleTableSlot* slot = ExecProcNode(state->local);
    if (TupIsNull(slot))
        verification_finish(state->verification, readable_sql(*plan_of(state)));
    else
        verification_add_local(state->verification, slot);
    return slot;
}

TupleTableSlot* next_local(ChoiceState* state) {
    if (state->kept == nullptr) return ExecProcNode(state->local);
    tuplestore_gettupleslot(state->kept, true, false, state->kept_slot);
    return state->kept_slot;
}

TupleTableSlot* execute(CustomScanState* node) {
    ChoiceState* state = reinterpret_cast<ChoiceState*>(node);
    if (state->side != Side::kPostgres && state->mode == kRouteVerify) return next_verified(state);
    measurement_run(&state->measurement);
    TupleTableSlot* slot;
    if (state->side == Side::kPostgres) {
        slot = next_local(state);
    } else {
        bool first = !state->returned_rows;
        slot = next_remote(state);
        if (first && state->side == Side::kRemote && !is_foreign(*plan_of(state)))
            count_reason(kCountRouted);
    }
    if (TupIsNull(slot)) finish(state, true);
    return slot;
}

void end(CustomScanState* node) {
    ChoiceState* state = reinterpret_cast<ChoiceState*>(node);
    finish(state, false);
    if (state->target_id != 0 && state->remote != nullptr) {
        clickhouse::RunProgress progress = remote_side_progress(state->remote);
        note_read(progress.rows_read, progress.bytes_read);
    }
    if (state->kept != nullptr) tuplestore_end(state->kept);
    if (state->remote != nullptr) ExecEndNode(state->remote);
    if (state->local != nullptr) ExecEndNode(state->local);
}

void rescan(CustomScanState* node) {
    ChoiceState* state = reinterpret_cast<ChoiceState*>(node);
    finish(state, false);
    state->measurement.repeated = true;
    state->returned_rows = false;
    state->verification = nullptr;
    if (state->kept != nullptr) tuplestore_rescan(state->kept);
    if (state->local != nullptr) ExecReScan(state->local);
    if (state->side == Side::kPostgres) return;
    ExecReScan(state->remote);
    state->side = Side::kUndecided;
    decide(state);
}

void explain_side(const ChoiceState* state, ExplainState* es) {
    if (state->side == Side::kPostgres) {
        ExplainPropertyText("Executed in", "Postgres", es);
        ExplainPropertyText("Reason",
                            psprintf("%s: %s", state->failure.code, state->failure.message), es);
        return;
    }
    ExplainPropertyText("Executed in",
                        state->mode == kRouteVerify ? "ClickHouse and Postgres" : "ClickHouse", es);
    if (!is_foreign(*plan_of(state)))
        ExplainPropertyText("Position",
                            psprintf("%X/%X", static_cast<uint32>(state->position >> 32),
                                     static_cast<uint32>(state->position)),
                            es);
    clickhouse::RunProgress progress = remote_side_progress(state->remote);
    ExplainPropertyUInteger("Rows Read", nullptr, progress.rows_read, es);
    ExplainPropertyUInteger("Bytes Read", "B", progress.bytes_read, es);
    if (es->timing)
        ExplainPropertyFloat("ClickHouse Time", "ms",
                             static_cast<double>(progress.elapsed_ns) / 1e6, 3, es);
}

// The settings are the same for every query; whoever wants to run the SQL by hand needs them.
void explain_sql(const ChoiceState* state, ExplainState* es) {
    const CustomScan& plan = *plan_of(state);
    uint32 indent = es->format == EXPLAIN_FORMAT_TEXT ? static_cast<uint32>(es->indent) * 2 + 4 : 0;
    const char* code;
    const char* why;
    bool partly = is_partly_routed(plan, &code, &why);
    if (partly) ExplainPropertyText("Rest in Postgres", psprintf("%s: %s", code, why), es);
    for (int i = 0; i < piece_count(plan); ++i)
        ExplainPropertyText(partly ? psprintf("Remote SQL %d", i + 1) : "Remote SQL",
                            laid_out_sql(plan, i, indent, es->verbose), es);
}

void explain(CustomScanState* node, PgList*, ExplainState* es) {
    ChoiceState* state = reinterpret_cast<ChoiceState*>(node);
    if (as_of_wanted()) ExplainPropertyText("As Of", as_of, es);
    explain_prospect(state->measurement, chooses_by_cost(state), es);
    explain_sql(state, es);
    if (es->analyze) explain_side(state, es);
    // Not beside Postgres' own plan, where that is shown.
    bool postgres = state->side == Side::kPostgres || (!es->analyze && state->local != nullptr);
    if (!postgres) explain_rest(state->remote, es);
}

const CustomExecMethods kChoiceExecMethods = {
    .CustomName = "Tandem",
    .BeginCustomScan = begin,
    .ExecCustomScan = execute,
    .EndCustomScan = end,
    .ReScanCustomScan = rescan,
    .MarkPosCustomScan = nullptr,
    .RestrPosCustomScan = nullptr,
    .EstimateDSMCustomScan = nullptr,
    .InitializeDSMCustomScan = nullptr,
    .ReInitializeDSMCustomScan = nullptr,
    .InitializeWorkerCustomScan = nullptr,
    .ShutdownCustomScan = nullptr,
    .ExplainCustomScan = explain,
};

Node* create_state(CustomScan*) {
    ChoiceState* state = static_cast<ChoiceState*>(palloc0(sizeof(ChoiceState)));
    NodeSetTag(state, T_CustomScanState);
    state->custom.methods = &kChoiceExecMethods;
    return reinterpret_cast<Node*>(state);
}

}  // namespace

const CustomScanMethods kChoiceMethods = {"Tandem", create_state};

}  // namespace tandem::shell
