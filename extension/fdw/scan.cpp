// Runs the query of a ForeignScan. Starts when the first row is wanted; nothing is kept but the
// block at hand.
#include "extension/shell/pg.h"

extern "C" {
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "storage/proc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}

#include "extension/catalog/foreign.h"
#include "extension/fdw/scan.h"
#include "extension/remote/datum.h"
#include "extension/remote/parameters.h"
#include "extension/remote/remote.h"
#include "extension/route/bind.h"
#include "extension/shell/explain_compat.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

constexpr uint64 kRunBytesMax = UINT64CONST(256) << 20;

struct ScanState {
    MemoryContext run_context;  // of one execution of the query
    RemoteRun* run;
    ColumnReader* readers;
    int* attributes;  // index in the slot, by column of the result
    uint32 column_count;
    bool finished;
    clickhouse::RunProgress progress;
    const char* query_id;
    Datum keys[kKeysMax];
};

const ForeignScan* plan_of(const ForeignScanState* node) {
    return reinterpret_cast<const ForeignScan*>(node->ss.ps.plan);
}

PgList* list_of(const ForeignScanState* node, ForeignPrivate which) {
    return static_cast<PgList*>(list_nth(plan_of(node)->fdw_private, which));
}

void begin(ForeignScanState* node, int) {
    ScanState* state = make<ScanState>();
    node->fdw_state = state;
    state->run_context = AllocSetContextCreate(node->ss.ps.state->es_query_cxt, "tandem_fdw scan",
                                               ALLOCSET_DEFAULT_SIZES);
    PgList* types = list_of(node, kForeignColumnTypes);
    state->column_count = static_cast<uint32>(list_length(types));
    state->readers = make_array<ColumnReader>(state->column_count);
    state->attributes = make_array<int>(state->column_count);
    for (uint32 i = 0; i < state->column_count; ++i) {
        int at = static_cast<int>(i);
        const char* type = strVal(list_nth(types, at));
        state->attributes[i] = list_nth_int(list_of(node, kForeignAttributes), at) - 1;
        if (prepare_reader(&state->readers[i], type, list_nth_oid(list_of(node, kForeignTypes), at),
                           list_nth_int(list_of(node, kForeignTypmods), at)))
            continue;
        ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
                        errmsg_internal("no reader for a %s column", type)));
    }
}

const char* bound_sql(const ForeignScanState* node) {
    const CatalogTable* table = find_foreign_table(linitial_oid(list_of(node, kForeignTable)));
    return bind_foreign(strVal(list_nth(plan_of(node)->fdw_private, kForeignSql)), *table->foreign,
                        list_of(node, kForeignNames));
}

// Those that a join has brought, in the place of what the plan says.
void use_keys(ForeignScanState* node, Parameters* parameters) {
    const ScanState* state = static_cast<ScanState*>(node->fdw_state);
    for (uint32 i = 0; i < parameters->count; ++i) {
        int number = list_nth_int(list_of(node, kForeignKeys), static_cast<int>(i)) - 1;
        if (number < 0) continue;
        Oid send;
        bool is_varlena;
        getTypeBinaryOutputInfo(parameters->values[i].type, &send, &is_varlena);
        bytea* bytes = sent_value(send, state->keys[number]);
        parameters->values[i].binary = VARDATA_ANY(bytes);
        parameters->values[i].size = VARSIZE_ANY_EXHDR(bytes);
    }
}

clickhouse::RunOptions options_of(ForeignScanState* node) {
    static uint32 number = 0;
    ScanState* state = static_cast<ScanState*>(node->fdw_state);
    Parameters parameters = evaluate_parameters(
        {list_of(node, kForeignParameterNames), list_of(node, kForeignParameterTypes),
         list_of(node, kForeignParameterParts), plan_of(node)->fdw_exprs},
        &node->ss.ps);
    use_keys(node, &parameters);
    PgList* types = list_of(node, kForeignColumnTypes);
    Text* expected = make_array<Text>(state->column_count);
    for (uint32 i = 0; i < state->column_count; ++i)
        expected[i] = text_of(strVal(list_nth(types, static_cast<int>(i))));
    clickhouse::RunOptions options = {};
    options.sql = text_of(bound_sql(node));
    options.parameters = {parameters.values, parameters.count};
    options.expected = {expected, state->column_count};
    state->query_id = psprintf("tandem-fdw-%d-%llx-%u", MyProcPid,
                               static_cast<unsigned long long>(MyStartTimestamp), ++number);
    options.query_id = text_of(state->query_id);
    options.memory_max = kRunBytesMax;
    options.max_execution_ms = static_cast<uint64>(StatementTimeout);
    return options;
}

void start(ForeignScanState* node) {
    ScanState* state = static_cast<ScanState*>(node->fdw_state);
    MemoryContext before = MemoryContextSwitchTo(state->run_context);
    PgList* ids = list_of(node, kForeignTable);
    Oid server = find_foreign_table(linitial_oid(ids))->foreign->server;
    const CatalogTarget* target = find_foreign_target(server, lsecond_oid(ids), linitial_oid(ids));
    clickhouse::RunOptions options = options_of(node);
    use_target_settings(*target, &options);
    Failure failure = {};
    state->run =
        remote_start(*target, foreign_database(server), options, state->run_context, &failure);
    MemoryContextSwitchTo(before);
    if (state->run == nullptr) raise_remote(failure);
}

void stop(ScanState* state) {
    if (state->run != nullptr) state->progress = clickhouse::run_progress(*state->run->run);
    state->run = nullptr;
    MemoryContextReset(state->run_context);
}

bool next_row_is_there(ForeignScanState* node) {
    ScanState* state = static_cast<ScanState*>(node->fdw_state);
    if (state->finished) return false;
    if (state->run == nullptr) start(node);
    if (state->run->row < state->run->block.rows) return true;
    Failure failure = {};
    if (remote_next_block(state->run, &failure)) return true;
    if (!state->run->done) raise_remote(failure);
    state->finished = true;
    stop(state);
    return false;
}

TupleTableSlot* iterate(ForeignScanState* node) {
    ScanState* state = static_cast<ScanState*>(node->fdw_state);
    TupleTableSlot* slot = node->ss.ss_ScanTupleSlot;
    ExecClearTuple(slot);
    if (!next_row_is_there(node)) return slot;
    memset(slot->tts_isnull, true, static_cast<size_t>(slot->tts_tupleDescriptor->natts));
    uint64 row = state->run->row++;
    MemoryContext before = MemoryContextSwitchTo(node->ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
    for (uint32 i = 0; i < state->column_count; ++i) {
        const clickhouse::ColumnView& column = state->run->block.columns[i];
        if (state->attributes[i] < 0 || (column.nulls != nullptr && column.nulls[row] != 0))
            continue;
        slot->tts_isnull[state->attributes[i]] = false;
        slot->tts_values[state->attributes[i]] = read_datum(&state->readers[i], column, row);
    }
    MemoryContextSwitchTo(before);
    return ExecStoreVirtualTuple(slot);
}

// Its parameters may be others now.
void rescan(ForeignScanState* node) {
    ScanState* state = static_cast<ScanState*>(node->fdw_state);
    stop(state);
    state->finished = false;
}

void end(ForeignScanState* node) {
    if (node->fdw_state != nullptr) stop(static_cast<ScanState*>(node->fdw_state));
}

void explain(ForeignScanState* node, ExplainState* es) {
    uint32 indent = es->format == EXPLAIN_FORMAT_TEXT ? static_cast<uint32>(es->indent) * 2 + 4 : 0;
    ExplainPropertyText("Remote SQL", laid_out(bound_sql(node), indent, es->verbose), es);
    ScanState* state = static_cast<ScanState*>(node->fdw_state);
    if (!es->analyze) return;
    if (es->verbose && state->query_id != nullptr)
        ExplainPropertyText("Query ID", state->query_id, es);
    ExplainPropertyUInteger("Rows Read", nullptr, state->progress.rows_read, es);
    ExplainPropertyUInteger("Bytes Read", "B", state->progress.bytes_read, es);
}

}  // namespace

void set_scan_keys(ForeignScanState* node, int number, Datum keys) {
    static_cast<ScanState*>(node->fdw_state)->keys[number] = keys;
}

void set_scan_execution(FdwRoutine* routine) {
    routine->BeginForeignScan = begin;
    routine->IterateForeignScan = iterate;
    routine->ReScanForeignScan = rescan;
    routine->EndForeignScan = end;
    routine->ExplainForeignScan = explain;
}

}  // namespace tandem::shell
