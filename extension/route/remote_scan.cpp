// Constants of the query that no column takes part in are evaluated when the scan starts, under an
// error trap: Postgres' own plan might never have evaluated them, so an error there is a reason to
// stay and no error of the query. Values are handed over in the binary form of their types.
#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/nodeFuncs.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
}

#include "extension/remote/datum.h"
#include "extension/remote/parameters.h"
#include "extension/remote/zones.h"
#include "extension/route/plan.h"
#include "extension/route/remote_scan.h"
#include "extension/shell/memory.h"
#include "extension/shell/route_note.h"
#include "extension/shell/subtransaction.h"
#include "extension/tree/query_tree.h"

namespace tandem::shell {

namespace {

// What one run may hold in this backend.
constexpr uint64 kRunBytesMax = UINT64CONST(256) << 20;
// Rows are held back up to this many bytes until the query has ended well, because until the first
// row is returned Postgres can still answer instead. What may fail on purpose is kept whole, in a
// temporary file from there on.
constexpr uint64 kHoldBytes = UINT64CONST(16) << 20;

struct RemoteScanState {
    CustomScanState custom;  // first: Postgres sees this struct as a CustomScanState
    RemoteRun* run;
    ColumnReader* readers;
    uint32 column_count;
    bool failed;
    Failure failure;
    clickhouse::RunProgress progress;
    uint64 rows;  // returned
    Tuplestorestate* kept;
    TupleTableSlot* kept_slot;
};

RemoteScanState* state_of(PlanState* top) {
    while (top != nullptr && !IsA(top, CustomScanState)) top = outerPlanState(top);
    return reinterpret_cast<RemoteScanState*>(top);
}

PgList* private_list(const RemoteScanState* state, RemotePrivate which) {
    const CustomScan* plan = reinterpret_cast<const CustomScan*>(state->custom.ss.ps.plan);
    return static_cast<PgList*>(list_nth(plan->custom_private, which));
}

void begin(CustomScanState* node, EState*, int) {
    RemoteScanState* state = reinterpret_cast<RemoteScanState*>(node);
    PgList* names = private_list(state, kRemoteColumnTypes);
    PgList* types = private_list(state, kRemoteTypes);
    PgList* typmods = private_list(state, kRemoteTypmods);
    state->column_count = static_cast<uint32>(list_length(names));
    state->readers = make_array<ColumnReader>(state->column_count);
    for (uint32 i = 0; i < state->column_count; ++i) {
        int at = static_cast<int>(i);
        if (prepare_reader(&state->readers[i], strVal(list_nth(names, at)), list_nth_oid(types, at),
                           list_nth_int(typmods, at)))
            continue;
        state->failed = true;
        set_failure(&state->failure, "internal",
                    psprintf("no reader for a %s column", strVal(list_nth(names, at))), "");
    }
}

// Evaluates all constants with an error trap, because Postgres might never have evaluated them.
void evaluate_all(RemoteScanState* state, Parameters* constants) {
    const CustomScan* plan = reinterpret_cast<const CustomScan*>(state->custom.ss.ps.plan);
    ParameterPlan parameters = {private_list(state, kRemoteParameterNames),
                                private_list(state, kRemoteParameterTypes),
                                private_list(state, kRemoteParameterParts), plan->custom_exprs};
    *constants = evaluate_parameters(parameters, &state->custom.ss.ps);
}

bool only_values(PgList* expressions) {
    ListCell* cell;
    foreach (cell, expressions) {
        Node* node = static_cast<Node*>(lfirst(cell));
        if (!IsA(node, Const) && !IsA(node, Param)) return false;
    }
    return true;
}

struct Evaluation {
    RemoteScanState* state;
    Parameters* constants;
};

void evaluate_protected(void* argument) {
    Evaluation* evaluation = static_cast<Evaluation*>(argument);
    evaluate_all(evaluation->state, evaluation->constants);
}

// A failed evaluation is undone by a subtransaction and reported.
bool evaluate(RemoteScanState* state, Parameters* constants, Failure* failure) {
    const CustomScan* plan = reinterpret_cast<const CustomScan*>(state->custom.ss.ps.plan);
    if (only_values(plan->custom_exprs)) {
        evaluate_all(state, constants);
        return true;
    }
    Evaluation evaluation = {state, constants};
    ErrorData* error = run_in_subtransaction(evaluate_protected, &evaluation);
    if (error == nullptr) return true;
    set_failure(failure, "constant", psprintf("a constant cannot be computed: %s", error->message),
                "Postgres decides whether it is needed.");
    return false;
}

// Compares the time zones that the query uses on both sides, unless that has been done.
bool compare_zones(const RemoteScanState* state, const CatalogTarget& target, const char* database,
                   Failure* failure) {
    const CustomScan* plan = reinterpret_cast<const CustomScan*>(state->custom.ss.ps.plan);
    ListCell* part;
    ListCell* expression;
    forboth(part, private_list(state, kRemoteParameterParts), expression, plan->custom_exprs) {
        if (lfirst_int(part) != static_cast<int>(route::ConstantPart::kZoneSince)) continue;
        const char* zone = TextDatumGetCString(lfirst_node(Const, expression)->constvalue);
        if (!zone_agrees(zone, target, database, failure)) return false;
    }
    return true;
}

bool next_row_is_there(RemoteScanState* state) {
    RemoteRun* run = state->run;
    if (run->row < run->block.rows) return true;
    if (remote_next_block(run, &state->failure)) return true;
    if (!run->done) {
        state->failed = true;
        return false;
    }
    state->progress = clickhouse::run_progress(*run->run);
    remote_stop(run);
    state->run = nullptr;
    return false;
}

void fill_slot(RemoteScanState* state, TupleTableSlot* slot) {
    RemoteRun* run = state->run;
    uint64 row = run->row++;
    ++state->rows;
    for (uint32 i = 0; i < state->column_count; ++i) {
        const clickhouse::ColumnView& column = run->block.columns[i];
        bool is_null = column.nulls != nullptr && column.nulls[row] != 0;
        slot->tts_isnull[i] = is_null;
        slot->tts_values[i] = is_null ? Datum(0) : read_datum(&state->readers[i], column, row);
    }
    ExecStoreVirtualTuple(slot);
}

// The next row as ClickHouse sent it, until the expression context is reset.
bool take_row(RemoteScanState* state, TupleTableSlot* slot) {
    ExecClearTuple(slot);
    if (!next_row_is_there(state)) return false;
    ExprContext* context = state->custom.ss.ps.ps_ExprContext;
    ResetExprContext(context);
    MemoryContext before = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
    fill_slot(state, slot);
    MemoryContextSwitchTo(before);
    return true;
}

// With the first block in hand: all rows into a store, if what is still to come may fail.
void keep_all(RemoteScanState* state, TupleTableSlot* slot) {
    if (linitial_int(private_list(state, kRemoteRaises)) == 0 ||
        clickhouse::run_is_complete(*state->run->run))
        return;
    EState* estate = state->custom.ss.ps.state;
    MemoryContext before = MemoryContextSwitchTo(estate->es_query_cxt);
    Tuplestorestate* kept = tuplestore_begin_heap(false, false, work_mem);
    state->kept_slot = MakeSingleTupleTableSlot(slot->tts_tupleDescriptor, &TTSOpsMinimalTuple);
    MemoryContextSwitchTo(before);
    while (take_row(state, slot)) tuplestore_puttupleslot(kept, slot);
    state->kept = kept;
}

bool take_kept_row(RemoteScanState* state, TupleTableSlot* slot) {
    ExecClearTuple(slot);
    ResetExprContext(state->custom.ss.ps.ps_ExprContext);
    if (!tuplestore_gettupleslot(state->kept, true, false, state->kept_slot)) return false;
    slot_getallattrs(state->kept_slot);
    for (uint32 i = 0; i < state->column_count; ++i) {
        slot->tts_values[i] = state->kept_slot->tts_values[i];
        slot->tts_isnull[i] = state->kept_slot->tts_isnull[i];
    }
    ExecStoreVirtualTuple(slot);
    return true;
}

bool next_row(RemoteScanState* state, TupleTableSlot* slot) {
    if (state->kept == nullptr && state->rows == 0 && state->run != nullptr &&
        next_row_is_there(state))
        keep_all(state, slot);
    if (state->failed) return false;
    if (state->kept == nullptr) return state->run != nullptr && take_row(state, slot);
    return take_kept_row(state, slot);
}

TupleTableSlot* execute(CustomScanState* node) {
    RemoteScanState* state = reinterpret_cast<RemoteScanState*>(node);
    TupleTableSlot* slot = node->ss.ss_ScanTupleSlot;
    if (state->failed || !next_row(state, slot)) {
        ExecClearTuple(slot);
        return nullptr;
    }
    ExprContext* context = node->ss.ps.ps_ExprContext;
    context->ecxt_scantuple = slot;
    return node->ss.ps.ps_ProjInfo == nullptr ? slot : ExecProject(node->ss.ps.ps_ProjInfo);
}

void end(CustomScanState* node) {
    RemoteScanState* state = reinterpret_cast<RemoteScanState*>(node);
    if (state->run != nullptr) remote_stop(state->run);
    state->run = nullptr;
    if (state->kept == nullptr) return;
    ExecDropSingleTupleTableSlot(state->kept_slot);
    tuplestore_end(state->kept);
    state->kept = nullptr;
}

// The choice node starts the scan anew; there is nothing to rewind here.
void rescan(CustomScanState* node) {
    end(node);
}

const CustomExecMethods kRemoteExecMethods = {
    .CustomName = "Tandem Remote",
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

Node* create_state(CustomScan*) {
    RemoteScanState* state = static_cast<RemoteScanState*>(palloc0(sizeof(RemoteScanState)));
    NodeSetTag(state, T_CustomScanState);
    state->custom.methods = &kRemoteExecMethods;
    return reinterpret_cast<Node*>(state);
}

}  // namespace

const CustomScanMethods kRemoteMethods = {"Tandem Remote", create_state};

bool remote_scan_start(PlanState* top, const CatalogTarget& target, const char* database,
                       const char* sql, Failure* failure) {
    RemoteScanState* state = state_of(top);
    if (state->failed) {
        *failure = state->failure;
        return false;
    }
    EState* estate = state->custom.ss.ps.state;
    MemoryContext before = MemoryContextSwitchTo(estate->es_query_cxt);
    Parameters constants = {};
    bool started =
        compare_zones(state, target, database, failure) && evaluate(state, &constants, failure);
    if (started) {
        static uint32 number = 0;
        PgList* names = private_list(state, kRemoteColumnTypes);
        Text* expected = make_array<Text>(state->column_count);
        for (uint32 i = 0; i < state->column_count; ++i)
            expected[i] = text_of(strVal(list_nth(names, static_cast<int>(i))));
        clickhouse::RunOptions options = {};
        options.sql = text_of(sql);
        options.parameters = {constants.values, constants.count};
        options.expected = {expected, state->column_count};
        options.query_id =
            text_of(psprintf("tandem-%d-%llx-%u", MyProcPid,
                             static_cast<unsigned long long>(MyStartTimestamp), ++number));
        note_remote_query(options.query_id.data());
        options.memory_max = kRunBytesMax;
        options.hold_bytes = kHoldBytes;
        options.max_execution_ms = static_cast<uint64>(StatementTimeout);
        use_target_settings(target, &options);
        state->rows = 0;
        state->progress = {};
        state->run = remote_start(target, database, options, estate->es_query_cxt, failure);
        started = state->run != nullptr;
    }
    MemoryContextSwitchTo(before);
    return started;
}

const Failure* remote_scan_failure(PlanState* top) {
    RemoteScanState* state = state_of(top);
    return state->failed ? &state->failure : nullptr;
}

void remote_scan_stop(PlanState* top) {
    end(&state_of(top)->custom);
}

clickhouse::RunProgress remote_scan_progress(PlanState* top) {
    const RemoteScanState* state = state_of(top);
    return state->run != nullptr ? clickhouse::run_progress(*state->run->run) : state->progress;
}

uint64 remote_scan_rows(PlanState* top) {
    return state_of(top)->rows;
}

bool is_remote_scan(const PlanState* state) {
    return IsA(state, CustomScanState);
}

}  // namespace tandem::shell
