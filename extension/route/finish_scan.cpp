// The rest has a range table, parameters and subplans of its own, which cannot be merged into those
// of the statement around it; so it runs in an executor of its own, as chance.cpp's does. It reads
// the results of the pieces as named tuplestores, which the planner and the executor know.
//
// Privileges are those of the statement around: its range table has all tables of the query.
#include "extension/shell/pg.h"

extern "C" {
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "tcop/dest.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"
}

#include "extension/route/finish_scan.h"
#include "extension/route/plan.h"
#include "extension/route/remote_scan.h"
#include "extension/shell/explain_compat.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

struct FinishState {
    CustomScanState custom;  // first: Postgres sees this struct as a CustomScanState
    int eflags;
    int count;
    PlanState** pieces;
    Tuplestorestate** stores;  // what the pieces have answered; nullptr until the rest is started
    QueryDesc* rest;           // nullptr until it is started
    uint64 rows;               // of all pieces
    const Failure* failure;    // of a piece
};

const CustomExecMethods* finish_methods();

FinishState* finish_of(PlanState* side) {
    if (side == nullptr || !IsA(side, CustomScanState)) return nullptr;
    CustomScanState* state = reinterpret_cast<CustomScanState*>(side);
    return state->methods == finish_methods() ? reinterpret_cast<FinishState*>(state) : nullptr;
}

const CustomScan* plan_of(const FinishState* state) {
    return reinterpret_cast<const CustomScan*>(state->custom.ss.ps.plan);
}

void begin(CustomScanState* node, EState* estate, int eflags) {
    FinishState* state = reinterpret_cast<FinishState*>(node);
    state->eflags = eflags;
    state->count = list_length(plan_of(state)->custom_plans);
    state->pieces = make_array<PlanState*>(state->count);
    int at = 0;
    ListCell* cell;
    foreach (cell, plan_of(state)->custom_plans)
        state->pieces[at++] = ExecInitNode(static_cast<Plan*>(lfirst(cell)), estate, eflags);
}

TupleDesc columns_of(const FinishState* state, int piece) {
    return ExecCleanTypeFromTL(state->pieces[piece]->plan->targetlist);
}

// False when ClickHouse fails.
bool keep_piece(FinishState* state, int piece, TupleDesc columns) {
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        TupleTableSlot* slot = ExecProcNode(state->pieces[piece]);
        if (TupIsNull(slot)) break;
        slot_getallattrs(slot);
        tuplestore_putvalues(state->stores[piece], columns, slot->tts_values, slot->tts_isnull);
        ++state->rows;
    }
    state->failure = remote_scan_failure(state->pieces[piece]);
    return state->failure == nullptr;
}

void register_piece(const FinishState* state, int piece, TupleDesc columns,
                    QueryEnvironment* environment) {
    PgList* names = static_cast<PgList*>(list_nth(plan_of(state)->custom_private, kFinishNames));
    EphemeralNamedRelation relation =
        static_cast<EphemeralNamedRelation>(palloc0(sizeof(EphemeralNamedRelationData)));
    relation->md.name = strVal(list_nth(names, piece));
    relation->md.tupdesc = columns;
    relation->md.enrtype = ENR_NAMED_TUPLESTORE;
    relation->reldata = state->stores[piece];
    register_ENR(environment, relation);
}

void start_rest(FinishState* state, QueryEnvironment* environment) {
    EState* estate = state->custom.ss.ps.state;
    PlannedStmt* plan =
        static_cast<PlannedStmt*>(list_nth(plan_of(state)->custom_private, kFinishPlan));
    state->rest = CreateQueryDesc(plan, estate->es_sourceText, estate->es_snapshot, InvalidSnapshot,
                                  None_Receiver, estate->es_param_list_info, environment,
                                  estate->es_instrument);
    standard_ExecutorStart(state->rest,
                           (state->eflags & EXEC_FLAG_EXPLAIN_ONLY) | EXEC_FLAG_SKIP_TRIGGERS);
}

// Waits for all pieces; false when one fails.
bool prepare(FinishState* state, bool with_rows) {
    MemoryContext before = MemoryContextSwitchTo(state->custom.ss.ps.state->es_query_cxt);
    state->stores = make_array<Tuplestorestate*>(state->count);
    QueryEnvironment* environment = create_queryEnv();
    bool kept = true;
    for (int i = 0; i < state->count && kept; ++i) {
        TupleDesc columns = columns_of(state, i);
        state->stores[i] = tuplestore_begin_heap(true, false, work_mem);
        kept = !with_rows || keep_piece(state, i, columns);
        register_piece(state, i, columns, environment);
    }
    if (kept) start_rest(state, environment);
    MemoryContextSwitchTo(before);
    return kept;
}

// What the rest computes is in the same place; what Postgres' plan has besides is seen by nobody.
void fill_slot(const FinishState* state, TupleTableSlot* from, TupleTableSlot* slot) {
    slot_getallattrs(from);
    PgList* targets = state->rest->plannedstmt->planTree->targetlist;
    int columns = from->tts_tupleDescriptor->natts;
    for (int i = 0; i < slot->tts_tupleDescriptor->natts; ++i) {
        bool there = i < columns && !list_nth_node(TargetEntry, targets, i)->resjunk;
        slot->tts_isnull[i] = !there || from->tts_isnull[i];
        slot->tts_values[i] = there ? from->tts_values[i] : Datum(0);
    }
    ExecStoreVirtualTuple(slot);
}

TupleTableSlot* next_of_rest(const FinishState* state) {
    EState* estate = state->rest->estate;
    MemoryContext before = MemoryContextSwitchTo(estate->es_query_cxt);
    ResetPerTupleExprContext(estate);
    TupleTableSlot* slot = ExecProcNode(state->rest->planstate);
    MemoryContextSwitchTo(before);
    return slot;
}

TupleTableSlot* execute(CustomScanState* node) {
    FinishState* state = reinterpret_cast<FinishState*>(node);
    TupleTableSlot* slot = node->ss.ss_ScanTupleSlot;
    ExecClearTuple(slot);
    if (state->failure != nullptr) return nullptr;
    if (state->rest == nullptr && !prepare(state, true)) return nullptr;
    TupleTableSlot* row = next_of_rest(state);
    if (TupIsNull(row)) return nullptr;
    fill_slot(state, row, slot);
    ExprContext* context = node->ss.ps.ps_ExprContext;
    ResetExprContext(context);
    context->ecxt_scantuple = slot;
    return node->ss.ps.ps_ProjInfo == nullptr ? slot : ExecProject(node->ss.ps.ps_ProjInfo);
}

void stop(FinishState* state) {
    if (state->rest != nullptr) {
        if ((state->eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0) standard_ExecutorFinish(state->rest);
        standard_ExecutorEnd(state->rest);
        FreeQueryDesc(state->rest);
    }
    state->rest = nullptr;
    if (state->stores != nullptr)
        for (int i = 0; i < state->count; ++i)
            if (state->stores[i] != nullptr) tuplestore_end(state->stores[i]);
    state->stores = nullptr;
    for (int i = 0; i < state->count; ++i) remote_scan_stop(state->pieces[i]);
}

void end(CustomScanState* node) {
    FinishState* state = reinterpret_cast<FinishState*>(node);
    stop(state);
    for (int i = 0; i < state->count; ++i) ExecEndNode(state->pieces[i]);
}

// The choice node starts the pieces anew.
void rescan(CustomScanState* node) {
    FinishState* state = reinterpret_cast<FinishState*>(node);
    stop(state);
    for (int i = 0; i < state->count; ++i) ExecReScan(state->pieces[i]);
}

const CustomExecMethods kFinishExecMethods = {
    .CustomName = "Tandem Finish",
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
    .ExplainCustomScan = nullptr,
};

const CustomExecMethods* finish_methods() {
    return &kFinishExecMethods;
}

Node* create_state(CustomScan*) {
    FinishState* state = static_cast<FinishState*>(palloc0(sizeof(FinishState)));
    NodeSetTag(state, T_CustomScanState);
    state->custom.methods = &kFinishExecMethods;
    return reinterpret_cast<Node*>(state);
}

void add_progress(clickhouse::RunProgress* all, const clickhouse::RunProgress& one) {
    all->rows_read += one.rows_read;
    all->bytes_read += one.bytes_read;
    all->elapsed_ns = Max(all->elapsed_ns, one.elapsed_ns);
}

}  // namespace

const CustomScanMethods kFinishMethods = {"Tandem Finish", create_state};

bool start_remote_side(PlanState* side, const RunAtPosition& run, Failure* failure) {
    FinishState* state = finish_of(side);
    if (state == nullptr)
        return remote_scan_start(side, *run.target, run.database, run.sqls[0], failure);
    state->rows = 0;
    state->failure = nullptr;
    for (int i = 0; i < state->count; ++i) {
        if (remote_scan_start(state->pieces[i], *run.target, run.database, run.sqls[i], failure))
            continue;
        stop(state);
        return false;
    }
    return true;
}

const Failure* remote_side_failure(PlanState* side) {
    const FinishState* state = finish_of(side);
    return state == nullptr ? remote_scan_failure(side) : state->failure;
}

void stop_remote_side(PlanState* side) {
    FinishState* state = finish_of(side);
    if (state == nullptr)
        remote_scan_stop(side);
    else
        stop(state);
}

clickhouse::RunProgress remote_side_progress(PlanState* side) {
    const FinishState* state = finish_of(side);
    if (state == nullptr) return remote_scan_progress(side);
    clickhouse::RunProgress all = {};
    for (int i = 0; i < state->count; ++i)
        add_progress(&all, remote_scan_progress(state->pieces[i]));
    return all;
}

uint64 remote_side_rows(PlanState* side) {
    const FinishState* state = finish_of(side);
    return state == nullptr ? remote_scan_rows(side) : state->rows;
}

bool is_bare_remote_side(const PlanState* side) {
    return is_remote_scan(side);
}

bool is_partly_routed(const CustomScan& choice, const char** code, const char** message) {
    const Plan* remote = static_cast<const Plan*>(lsecond(choice.custom_plans));
    if (!IsA(remote, CustomScan)) return false;
    const CustomScan* finish = reinterpret_cast<const CustomScan*>(remote);
    if (finish->methods != &kFinishMethods) return false;
    PgList* reason = static_cast<PgList*>(list_nth(finish->custom_private, kFinishReason));
    *code = strVal(linitial(reason));
    *message = strVal(lsecond(reason));
    return true;
}

void explain_rest(PlanState* side, ExplainState* es) {
    FinishState* state = finish_of(side);
    if (state == nullptr) return;
    if (state->rest == nullptr && (state->eflags & EXEC_FLAG_EXPLAIN_ONLY)) prepare(state, false);
    if (state->rest == nullptr) return;
    bool text = es->format == EXPLAIN_FORMAT_TEXT;
    ExplainState* inner = NewExplainState();
    inner->analyze = es->analyze;
    inner->verbose = es->verbose;
    inner->costs = es->costs;
    inner->timing = es->timing;
    inner->indent = text ? es->indent : 0;
    ExplainPrintPlan(inner, state->rest);
    if (text)
        appendStringInfoString(es->str, inner->str->data);
    else
        ExplainPropertyText("Plan of the Rest", inner->str->data, es);
}

}  // namespace tandem::shell
