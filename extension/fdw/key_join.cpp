// Runs the join: a batch of rows here, its keys to ClickHouse, what comes back against the batch.
//
// Row by row there is one tuple that is both rows, of which the conditions and the targets are
// expressions; its first columns are those here, the others those there.
#include "extension/shell/pg.h"

extern "C" {
#include "commands/explain.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
}

#include "extension/fdw/key_join.h"
#include "extension/fdw/key_set.h"
#include "extension/fdw/scan.h"
#include "extension/shell/explain_compat.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

struct Row {
    MinimalTuple tuple;
    uint32 hash;
    int next;  // in the same bucket; -1: none
    bool keyed;
    bool matched;
};

struct Key {
    FmgrInfo hash;
    FmgrInfo other_hash;
    Oid collation;
    ExprState* here;
    ExprState* there;
    int sent;     // number of the scan's key; -1: not sent
    Datum value;  // of the row at hand
    KeySet set;
};

enum class Phase : uint8_t { kBatch, kMatch, kRest, kDone };

struct KeyJoinState {
    CustomScanState custom;  // first: Postgres sees this struct as a CustomScanState
    JoinType kind;
    PlanState* here;
    PlanState* there;
    ExprState* conditions;
    Key* keys;
    int key_count;
    int columns_here;
    int columns;
    TupleTableSlot* stored;  // a row of the batch
    MemoryContext batch;
    Row* rows;
    int row_count;
    int row_capacity;
    int* buckets;
    uint32 bucket_mask;
    bool no_more;  // rows here
    Phase phase;
    bool there_is_row;  // of the other side, in the tuple
    int next;           // row of the batch to try
    uint32 hash;        // of the other side's row
    uint64 batches;
    uint64 keys_sent;
};

KeyJoinState* state_of(CustomScanState* node) {
    return reinterpret_cast<KeyJoinState*>(node);
}

const CustomScan* plan_of(const KeyJoinState* state) {
    return reinterpret_cast<const CustomScan*>(state->custom.ss.ps.plan);
}

PgList* list_of(const KeyJoinState* state, KeyJoinPrivate which) {
    return static_cast<PgList*>(list_nth(plan_of(state)->custom_private, which));
}

void prepare_key(KeyJoinState* state, int at, Expr* here, Expr* there) {
    Key& key = state->keys[at];
    fmgr_info(list_nth_oid(list_of(state, kKeyJoinHashes), at), &key.hash);
    fmgr_info(list_nth_oid(list_of(state, kKeyJoinOtherHashes), at), &key.other_hash);
    key.collation = list_nth_oid(list_of(state, kKeyJoinCollations), at);
    key.sent = list_nth_int(list_of(state, kKeyJoinSent), at);
    key.here = ExecInitExpr(here, &state->custom.ss.ps);
    key.there = ExecInitExpr(there, &state->custom.ss.ps);
    prepare_keys(&key.set, exprType(reinterpret_cast<Node*>(here)));
}

void begin(CustomScanState* node, EState* estate, int eflags) {
    KeyJoinState* state = state_of(node);
    const CustomScan* plan = plan_of(state);
    state->here = ExecInitNode(static_cast<Plan*>(linitial(plan->custom_plans)), estate, eflags);
    state->there = ExecInitNode(static_cast<Plan*>(lsecond(plan->custom_plans)), estate, eflags);
    node->custom_ps = list_make2(state->here, state->there);
    state->kind = static_cast<JoinType>(linitial_int(list_of(state, kKeyJoinKind)));
    state->columns_here = list_length(state->here->plan->targetlist);
    state->columns = list_length(plan->custom_scan_tlist);
    PgList* conditions = static_cast<PgList*>(list_nth(plan->custom_exprs, kKeyJoinConditions));
    PgList* here = static_cast<PgList*>(list_nth(plan->custom_exprs, kKeyJoinKeys));
    PgList* there = static_cast<PgList*>(list_nth(plan->custom_exprs, kKeyJoinOtherKeys));
    state->conditions = ExecInitQual(conditions, &node->ss.ps);
    state->key_count = list_length(here);
    state->keys = make_array<Key>(static_cast<size_t>(state->key_count));
    for (int i = 0; i < state->key_count; ++i)
        prepare_key(state, i, static_cast<Expr*>(list_nth(here, i)),
                    static_cast<Expr*>(list_nth(there, i)));
    state->stored =
        ExecInitExtraTupleSlot(estate, ExecGetResultType(state->here), &TTSOpsMinimalTuple);
    state->batch = AllocSetContextCreate(estate->es_query_cxt, "tandem_fdw batch of keys",
                                         ALLOCSET_DEFAULT_SIZES);
}

void fill(KeyJoinState* state, TupleTableSlot* from, int first, int end) {
    TupleTableSlot* both = state->custom.ss.ss_ScanTupleSlot;
    slot_getallattrs(from);
    memcpy(&both->tts_values[first], from->tts_values,
           sizeof(Datum) * static_cast<size_t>(end - first));
    memcpy(&both->tts_isnull[first], from->tts_isnull, static_cast<size_t>(end - first));
}

void fill_nulls(KeyJoinState* state, int first, int end) {
    TupleTableSlot* both = state->custom.ss.ss_ScanTupleSlot;
    for (int i = first; i < end; ++i) {
        both->tts_values[i] = Datum(0);
        both->tts_isnull[i] = true;
    }
}

// The context of expressions, with the tuple that is both rows.
ExprContext* context_of(KeyJoinState* state) {
    ExprContext* context = state->custom.ss.ps.ps_ExprContext;
    context->ecxt_scantuple = state->custom.ss.ss_ScanTupleSlot;
    return context;
}

// False when a key is NULL, which is equal to none.
bool hash_of(KeyJoinState* state, bool here, uint32* hash) {
    ExprContext* context = context_of(state);
    *hash = 0;
    for (int i = 0; i < state->key_count; ++i) {
        Key& key = state->keys[i];
        bool is_null;
        key.value = ExecEvalExprSwitchContext(here ? key.here : key.there, context, &is_null);
        if (is_null) return false;
        FmgrInfo* function = here ? &key.hash : &key.other_hash;
        uint32 one = DatumGetUInt32(FunctionCall1Coll(function, key.collation, key.value));
        *hash = hash_combine(*hash, murmurhash32(one));
    }
    return true;
}

void keep_row(KeyJoinState* state, TupleTableSlot* slot) {
    if (state->row_count == state->row_capacity) {
        state->row_capacity *= 2;
        Size size = sizeof(Row) * static_cast<Size>(state->row_capacity);
        state->rows = static_cast<Row*>(repalloc_huge(state->rows, size));
    }
    Row& row = state->rows[state->row_count++];
    row = {ExecCopySlotMinimalTuple(slot), 0, -1, false, false};
    fill(state, slot, 0, state->columns_here);
    ResetExprContext(state->custom.ss.ps.ps_ExprContext);
    row.keyed = hash_of(state, true, &row.hash);
    if (!row.keyed) return;
    for (int i = 0; i < state->key_count; ++i)
        if (state->keys[i].sent >= 0) add_value(&state->keys[i].set, state->keys[i].value);
}

bool is_full(const KeyJoinState* state) {
    if (state->row_count == 0) return false;
    if (MemoryContextMemAllocated(state->batch, false) > static_cast<Size>(work_mem) * 1024)
        return true;
    for (int i = 0; i < state->key_count; ++i)
        if (state->keys[i].sent >= 0 && state->keys[i].set.count >= kKeysOfBatch) return true;
    return false;
}

void fill_buckets(KeyJoinState* state) {
    uint32 count = pg_nextpower2_32(static_cast<uint32>(Max(state->row_count, 16)));
    state->buckets = make_array<int>(count);
    state->bucket_mask = count - 1;
    for (uint32 i = 0; i < count; ++i) state->buckets[i] = -1;
    // So that the rows of a bucket are in their order.
    for (int i = state->row_count - 1; i >= 0; --i) {
        if (!state->rows[i].keyed) continue;
        int* bucket = &state->buckets[state->rows[i].hash & state->bucket_mask];
        state->rows[i].next = *bucket;
        *bucket = i;
    }
}

// False when no row of the batch has a key.
bool send_keys(KeyJoinState* state) {
    ForeignScanState* scan = reinterpret_cast<ForeignScanState*>(state->there);
    for (int i = 0; i < state->key_count; ++i) {
        const Key& key = state->keys[i];
        if (key.sent < 0) continue;
        if (key.set.count == 0) return false;
        set_scan_keys(scan, key.sent, array_of_keys(key.set));
        state->keys_sent += static_cast<uint64>(key.set.count);
    }
    ++state->batches;
    ExecReScan(state->there);
    return true;
}

void collect(KeyJoinState* state) {
    MemoryContextReset(state->batch);
    MemoryContext before = MemoryContextSwitchTo(state->batch);
    state->row_count = 0;
    state->row_capacity = 256;
    state->rows = make_array<Row>(static_cast<size_t>(state->row_capacity));
    for (int i = 0; i < state->key_count; ++i) start_keys(&state->keys[i].set);
    while (!state->no_more && !is_full(state)) {
        CHECK_FOR_INTERRUPTS();
        MemoryContextSwitchTo(before);
        TupleTableSlot* slot = ExecProcNode(state->here);
        MemoryContextSwitchTo(state->batch);
        if (TupIsNull(slot))
            state->no_more = true;
        else
            keep_row(state, slot);
    }
    fill_buckets(state);
    state->there_is_row = false;
    state->next = 0;
    if (state->row_count == 0)
        state->phase = Phase::kDone;
    else
        state->phase = send_keys(state) ? Phase::kMatch : Phase::kRest;
    MemoryContextSwitchTo(before);
}

void take_row(KeyJoinState* state, int row) {
    ExecStoreMinimalTuple(state->rows[row].tuple, state->stored, false);
    fill(state, state->stored, 0, state->columns_here);
}

// The next row of the other side that may have partners; false at their end.
bool fetch(KeyJoinState* state) {
    for (;;) {
        TupleTableSlot* slot = ExecProcNode(state->there);
        if (TupIsNull(slot)) return false;
        fill(state, slot, state->columns_here, state->columns);
        ResetExprContext(state->custom.ss.ps.ps_ExprContext);
        if (!hash_of(state, false, &state->hash)) continue;
        state->next = state->buckets[state->hash & state->bucket_mask];
        state->there_is_row = true;
        return true;
    }
}

// Both rows are in the tuple: do they fit, and is the pair one of the result?
bool is_result(KeyJoinState* state, Row* row) {
    if (!ExecQual(state->conditions, context_of(state))) return false;
    bool first = !row->matched;
    row->matched = true;
    if (state->kind == JOIN_ANTI || (state->kind == JOIN_SEMI && !first)) return false;
    return ExecQual(state->custom.ss.ps.qual, context_of(state));
}

bool match(KeyJoinState* state) {
    for (;;) {
        if (!state->there_is_row && !fetch(state)) return false;
        while (state->next >= 0) {
            int at = state->next;
            Row* row = &state->rows[at];
            state->next = row->next;
            if (row->hash != state->hash) continue;
            take_row(state, at);
            ResetExprContext(state->custom.ss.ps.ps_ExprContext);
            if (is_result(state, row)) return true;
        }
        state->there_is_row = false;
    }
}

// Rows here without a partner.
bool next_of_rest(KeyJoinState* state) {
    if (state->kind != JOIN_LEFT && state->kind != JOIN_ANTI) return false;
    while (state->next < state->row_count) {
        int at = state->next++;
        if (state->rows[at].matched) continue;
        take_row(state, at);
        fill_nulls(state, state->columns_here, state->columns);
        ResetExprContext(state->custom.ss.ps.ps_ExprContext);
        if (ExecQual(state->custom.ss.ps.qual, context_of(state))) return true;
    }
    return false;
}

bool next_pair(KeyJoinState* state) {
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        switch (state->phase) {
            case Phase::kBatch:
                collect(state);
                break;
            case Phase::kMatch:
                if (match(state)) return true;
                state->phase = Phase::kRest;
                state->next = 0;
                break;
            case Phase::kRest:
                if (next_of_rest(state)) return true;
                state->phase = state->no_more ? Phase::kDone : Phase::kBatch;
                break;
            case Phase::kDone:
                return false;
        }
    }
}

TupleTableSlot* execute(CustomScanState* node) {
    KeyJoinState* state = state_of(node);
    TupleTableSlot* both = node->ss.ss_ScanTupleSlot;
    // Its values are filled in place, part by part.
    if (TTS_EMPTY(both)) ExecStoreVirtualTuple(both);
    if (!next_pair(state)) return nullptr;
    context_of(state);
    return node->ss.ps.ps_ProjInfo == nullptr ? both : ExecProject(node->ss.ps.ps_ProjInfo);
}

void rescan(CustomScanState* node) {
    KeyJoinState* state = state_of(node);
    state->phase = Phase::kBatch;
    state->no_more = false;
    // Postgres does not know which nodes are below this one.
    for (PlanState* side : {state->here, state->there})
        if (node->ss.ps.chgParam != nullptr) UpdateChangedParamSet(side, node->ss.ps.chgParam);
    if (state->here->chgParam == nullptr) ExecReScan(state->here);
}

void end(CustomScanState* node) {
    KeyJoinState* state = state_of(node);
    ExecEndNode(state->here);
    ExecEndNode(state->there);
}

const char* kind_name(JoinType kind) {
    switch (kind) {
        case JOIN_LEFT:
            return "Left";
        case JOIN_SEMI:
            return "Semi";
        case JOIN_ANTI:
            return "Anti";
        default:
            return "Inner";
    }
}

void explain(CustomScanState* node, PgList* ancestors, ExplainState* es) {
    KeyJoinState* state = state_of(node);
    ExplainPropertyText("Join Type", kind_name(state->kind), es);
    PgList* context = set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, ancestors);
    Node* conditions =
        static_cast<Node*>(list_nth(plan_of(state)->custom_exprs, kKeyJoinConditions));
    Node* all = reinterpret_cast<Node*>(
        make_ands_explicit(reinterpret_cast<PgList*>(copyObjectImpl(conditions))));
    ExplainPropertyText("Join Cond", deparse_expression(all, context, true, false), es);
    if (!es->analyze) return;
    ExplainPropertyUInteger("Batches", nullptr, state->batches, es);
    ExplainPropertyUInteger("Keys Sent", nullptr, state->keys_sent, es);
}

const CustomExecMethods kExecMethods = {
    .CustomName = "Tandem Key Join",
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
    KeyJoinState* state = static_cast<KeyJoinState*>(palloc0(sizeof(KeyJoinState)));
    NodeSetTag(state, T_CustomScanState);
    state->custom.methods = &kExecMethods;
    return reinterpret_cast<Node*>(state);
}

}  // namespace

const CustomScanMethods kKeyJoinMethods = {"Tandem Key Join", create_state};

}  // namespace tandem::shell
