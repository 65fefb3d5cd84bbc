// INSERT and COPY: rows are collected in a block and sent when it is large, each block by an insert
// of its own, which ClickHouse takes as a whole or not at all. What was sent stays, also when the
// transaction fails later. With the option transactional nothing is sent before the commit, and
// then in larger blocks. The types of the columns are asked for when the statement begins.
#include "extension/shell/pg.h"

extern "C" {
#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "optimizer/planmain.h"
#include "parser/parsetree.h"
#include "port/pg_bswap.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

#include "extension/catalog/foreign.h"
#include "extension/fdw/ask.h"
#include "extension/fdw/kept.h"
#include "extension/fdw/modify.h"
#include "extension/remote/parameters.h"
#include "extension/shell/foreign_compat.h"
#include "extension/shell/memory.h"
#include "route/source/facade.h"

namespace tandem::shell {

namespace source = route::source;

const char* database_of(const ForeignSource& table) {
    return *table.database != '\0' ? table.database : foreign_database(table.server);
}

PgList* remote_columns(const CatalogTarget& target, const char* database,
                       const ForeignSource& table) {
    const char* sql = psprintf(
        "SELECT name, type FROM system.columns WHERE database = %s AND table = %s ORDER BY "
        "position",
        quoted_text(database_of(table)), quoted_text(table.table));
    RemoteRun* run = ask_server({&target, database, sql, 2});
    PgList* columns = NIL;
    const char* texts[2];
    while (next_answer(run, 2, texts))
        columns = lappend(columns,
                          list_make2(makeString(pstrdup(texts[0])), makeString(pstrdup(texts[1]))));
    if (columns == NIL)
        ereport(ERROR, (errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
                        errmsg("there is no table \"%s\" in ClickHouse database \"%s\"",
                               table.table, database_of(table))));
    return columns;
}

const char* remote_type(PgList* columns, const ForeignColumn& column) {
    ListCell* cell;
    foreach (cell, columns) {
        PgList* pair = static_cast<PgList*>(lfirst(cell));
        if (strcmp(strVal(linitial(pair)), column.name) == 0) return strVal(lsecond(pair));
    }
    ereport(ERROR, (errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
                    errmsg("there is no column \"%s\" in ClickHouse", column.name)));
    pg_unreachable();
}

bool has_option(Oid relid, const char* name) {
    const ForeignTable* table = GetForeignTable(relid);
    bool otherwise = option_bool(GetForeignServer(table->serverid)->options, name, false);
    return option_bool(table->options, name, otherwise);
}

namespace {

constexpr uint64 kBlockBytes = 8 << 20;
constexpr uint64 kBlockRows = 100000;
// At commit.
constexpr uint64 kKeptBlockBytes = 32 << 20;
constexpr uint64 kKeptBlockRows = 1000000;

// A column that is written.
struct Written {
    const ForeignColumn* column;
    const char* remote_type;
    bool as_text;
    FmgrInfo output;  // send function, or the one that writes the text
    uint64 bytes;     // of a value that is sent in a few bytes
};

struct InsertState {
    MemoryContextCallback callback;
    MemoryContext row_context;
    const CatalogTarget* target;
    const char* database;
    const char* sql;
    clickhouse::Rows* rows;
    Written* columns;
    clickhouse::RowValue* values;
    int column_count;
    Kept* kept;  // nullptr: rows are sent at once
};

void free_rows(void* argument) {
    InsertState* state = static_cast<InsertState*>(argument);
    clickhouse::rows_free(state->rows);
    state->rows = nullptr;
}

PgList* plan_modify(PlannerInfo*, ModifyTable* plan, Index, int) {
    if (plan->operation != CMD_INSERT)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("a foreign table of tandem_fdw cannot be changed row by row"),
                 errdetail("It has triggers for rows, generated columns or is seen through a view "
                           "that checks them.")));
    if (plan->onConflictAction != ONCONFLICT_NONE)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("ON CONFLICT is not possible on a foreign table of tandem_fdw"),
                        errdetail("ClickHouse has no unique keys: it would not find the conflict."),
                        errhint("Use an engine such as ReplacingMergeTree and the option final.")));
    return NIL;
}

// Does Postgres give it a value: one of the statement's, a default, or what a trigger says?
bool gets_a_value(const ResultRelInfo* info, EState* estate, int attnum) {
    Relation relation = info->ri_RelationDesc;
    if (TupleDescAttr(RelationGetDescr(relation), attnum - 1)->atthasdef) return true;
    if (relation->trigdesc != nullptr && relation->trigdesc->trig_insert_before_row) return true;
    Bitmapset* columns = ExecGetInsertedCols(const_cast<ResultRelInfo*>(info), estate);
    return columns == nullptr ||
           bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, columns);
}

// What ClickHouse has no type for travels as its text.
bool travels_as_text(Oid type, const char* remote) {
    switch (type) {
        case INETOID:
        case CIDROID:
        case JSONOID:
        case JSONBOID:
            return true;
        case NUMERICOID:
            return source::numeric_typmod(remote) < 0;
        default:
            return type >= FirstNormalObjectId;
    }
}

void prepare_output(Written* to) {
    Oid function;
    bool is_varlena;
    if (to->as_text)
        getTypeOutputInfo(to->column->type, &function, &is_varlena);
    else
        getTypeBinaryOutputInfo(to->column->type, &function, &is_varlena);
    fmgr_info(function, &to->output);
}

// IntList: which columns of the table get values.
PgList* given_columns(const ForeignSource& table, const ResultRelInfo* info, EState* estate) {
    PgList* given = NIL;
    for (int i = 0; i < table.column_count; ++i)
        if (gets_a_value(info, estate, table.columns[i].attnum)) given = lappend_int(given, i);
    return given;
}

void prepare_columns(InsertState* state, const ForeignSource& table, PgList* given) {
    PgList* remote = remote_columns(*state->target, state->database, table);
    state->columns = make_array<Written>(static_cast<size_t>(table.column_count));
    ListCell* cell;
    foreach (cell, given) {
        int i = lfirst_int(cell);
        Written& to = state->columns[state->column_count++];
        to.column = &table.columns[i];
        to.remote_type = remote_type(remote, table.columns[i]);
        to.as_text = travels_as_text(to.column->type, to.remote_type);
        prepare_output(&to);
    }
    state->values = make_array<clickhouse::RowValue>(static_cast<size_t>(state->column_count));
}

void prepare_rows(InsertState* state) {
    auto* columns = make_array<clickhouse::RowColumn>(static_cast<size_t>(state->column_count));
    for (int i = 0; i < state->column_count; ++i) {
        const Written& from = state->columns[i];
        int32 typmod = from.column->type == NUMERICOID && !from.as_text
                           ? source::numeric_typmod(from.remote_type)
                           : from.column->typmod;
        columns[i] = {text_of(psprintf("c%d", i + 1)), from.column->type, typmod, from.as_text};
    }
    Failure failure = {};
    state->rows =
        clickhouse::rows_new({columns, static_cast<uint32>(state->column_count)}, &failure);
    if (state->rows == nullptr) raise_remote(failure);
    state->callback.func = free_rows;
    state->callback.arg = state;
    MemoryContextRegisterResetCallback(CurrentMemoryContext, &state->callback);
}

void prepare_sql(InsertState* state, const ForeignSource& table) {
    source::Target* targets = make_array<source::Target>(static_cast<size_t>(state->column_count));
    for (int i = 0; i < state->column_count; ++i)
        targets[i] = {
            text_of(state->columns[i].column->name), text_of(state->columns[i].remote_type),
            text_of(psprintf("c%d", i + 1)),
            text_of(c_string_of(clickhouse::rows_type(*state->rows, static_cast<uint32>(i))))};
    tandem::List<source::Target> list = {targets, static_cast<uint32>(state->column_count)};
    Failure failure = {};
    Text database = text_of(database_of(table));
    int64 length = source::write_insert(database, text_of(table.table), list, nullptr, 0, &failure);
    if (length < 0) raise_remote(failure);
    char* sql = static_cast<char*>(palloc(static_cast<Size>(length) + 1));
    source::write_insert(database, text_of(table.table), list, sql, static_cast<size_t>(length) + 1,
                         &failure);
    state->sql = sql;
}

// As whom the table is written: the owner of the view, or the user who asks.
Oid writer(const ResultRelInfo* info, EState* estate) {
    Oid user = written_as(const_cast<ResultRelInfo*>(info), estate);
    return OidIsValid(user) ? user : GetUserId();
}

void flush(InsertState* state) {
    uint64 count = clickhouse::rows_count(*state->rows);
    if (count == 0) return;
    clickhouse::InsertOptions options = {};
    clickhouse::RunOptions limits = {};
    limits.max_execution_ms = static_cast<uint64>(StatementTimeout);
    use_target_settings(*state->target, &limits);
    options.sql = text_of(state->sql);
    options.block = clickhouse::rows_block(*state->rows);
    options.settings = limits.settings;
    options.max_execution_ms = limits.max_execution_ms;
    Failure failure = {};
    if (!remote_insert(*state->target, state->database, options, &failure)) raise_remote(failure);
    clickhouse::rows_clear(state->rows);
}

// At commit; of rows that were looked at when they came.
void send_kept(Kept* kept) {
    InsertState* state = static_cast<InsertState*>(kept->state);
    clickhouse::rows_clear(state->rows);
    MemoryContext before = MemoryContextSwitchTo(state->row_context);
    Failure failure = {};
    while (next_kept(kept, state->values)) {
        CHECK_FOR_INTERRUPTS();
        if (!clickhouse::rows_append(state->rows, state->values, &failure)) raise_remote(failure);
        if (clickhouse::rows_count(*state->rows) >= kKeptBlockRows ||
            clickhouse::rows_bytes(*state->rows) >= kKeptBlockBytes)
            flush(state);
        MemoryContextReset(state->row_context);
    }
    flush(state);
    MemoryContextSwitchTo(before);
}

// Statements of a transaction that write the same columns of the same table in the same way.
const char* key_of_kept(const CatalogTable& table, Oid user, PgList* given) {
    StringInfoData key;
    initStringInfo(&key);
    appendStringInfo(&key, "%u %u %llx", table.relid, user,
                     static_cast<unsigned long long>(table.fingerprint));
    ListCell* cell;
    foreach (cell, given) appendStringInfo(&key, " %d", lfirst_int(cell));
    return key.data;
}

InsertState* new_state(const CatalogTable& table, Oid user, PgList* given) {
    InsertState* state = make<InsertState>();
    state->target = find_foreign_target(table.foreign->server, user, table.relid);
    state->database = foreign_database(table.foreign->server);
    state->row_context =
        AllocSetContextCreate(CurrentMemoryContext, "tandem_fdw row", ALLOCSET_DEFAULT_SIZES);
    prepare_columns(state, *table.foreign, given);
    prepare_rows(state);
    prepare_sql(state, *table.foreign);
    return state;
}

InsertState* keeping_state(const CatalogTable& table, Oid user, PgList* given) {
    const char* key = key_of_kept(table, user, given);
    if (Kept* kept = find_kept(key); kept != nullptr) return static_cast<InsertState*>(kept->state);
    MemoryContextSwitchTo(AllocSetContextCreate(TopTransactionContext, "tandem_fdw kept rows",
                                                ALLOCSET_DEFAULT_SIZES));
    InsertState* state = new_state(*find_foreign_table(table.relid), user, given);
    state->kept = start_keeping(key, table.relid, state->column_count);
    state->kept->state = state;
    state->kept->send = send_kept;
    return state;
}

void begin(EState* estate, ResultRelInfo* info) {
    MemoryContext before = MemoryContextSwitchTo(estate->es_query_cxt);
    Oid relid = RelationGetRelid(info->ri_RelationDesc);
    const CatalogTable* table = find_foreign_table(relid);
    if (*table->foreign->query != '\0')
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("foreign table \"%s\" is a query: it has no rows to write",
                               get_rel_name(relid))));
    PgList* given = given_columns(*table->foreign, info, estate);
    Oid user = writer(info, estate);
    info->ri_FdwState = has_option(relid, "transactional") ? keeping_state(*table, user, given)
                                                           : new_state(*table, user, given);
    MemoryContextSwitchTo(before);
}

void begin_modify(ModifyTableState* node, ResultRelInfo* info, PgList*, int, int flags) {
    if ((flags & EXEC_FLAG_EXPLAIN_ONLY) == 0) begin(node->ps.state, info);
}

void begin_insert(ModifyTableState* node, ResultRelInfo* info) {
    begin(node->ps.state, info);
}

clickhouse::RowValue number_of(Written* column, uint64 bytes, size_t size) {
    column->bytes = bytes;
    return {reinterpret_cast<const char*>(&column->bytes), size};
}

// What the send function would write, where that is plain to see: a call for each value is dear.
bool plain_value(Written* column, Datum datum, clickhouse::RowValue* value) {
    switch (column->column->type) {
        case BOOLOID:
            *value = number_of(column, DatumGetBool(datum) ? 1 : 0, 1);
            return true;
        case INT2OID:
            *value = number_of(column, pg_hton16(static_cast<uint16>(DatumGetInt16(datum))), 2);
            return true;
        case INT4OID:
        case DATEOID:
        case FLOAT4OID:
            *value = number_of(column, pg_hton32(DatumGetUInt32(datum)), 4);
            return true;
        case INT8OID:
        case FLOAT8OID:
        case TIMESTAMPOID:
        case TIMESTAMPTZOID:
            *value = number_of(column, pg_hton64(DatumGetUInt64(datum)), 8);
            return true;
        case TEXTOID:
        case VARCHAROID:
        case BPCHAROID: {
            text* bytes = DatumGetTextPP(datum);
            *value = {VARDATA_ANY(bytes), static_cast<size_t>(VARSIZE_ANY_EXHDR(bytes))};
            return true;
        }
        default:
            return false;
    }
}

clickhouse::RowValue value_of(Written* column, TupleTableSlot* slot) {
    bool is_null;
    Datum datum = slot_getattr(slot, column->column->attnum, &is_null);
    if (is_null) return {nullptr, 0};
    if (column->as_text) {
        const char* text = OutputFunctionCall(&column->output, datum);
        return {text, strlen(text)};
    }
    clickhouse::RowValue plain = {};
    if (plain_value(column, datum, &plain)) return plain;
    bytea* bytes = sent_value(&column->output, datum);
    return {VARDATA_ANY(bytes), static_cast<size_t>(VARSIZE_ANY_EXHDR(bytes))};
}

// A block that is kept was made to see that it can be.
void finish_block(InsertState* state) {
    if (state->kept == nullptr)
        flush(state);
    else
        clickhouse::rows_clear(state->rows);
}

TupleTableSlot* insert(EState*, ResultRelInfo* info, TupleTableSlot* slot, TupleTableSlot*) {
    InsertState* state = static_cast<InsertState*>(info->ri_FdwState);
    MemoryContext before = MemoryContextSwitchTo(state->row_context);
    for (int i = 0; i < state->column_count; ++i)
        state->values[i] = value_of(&state->columns[i], slot);
    Failure failure = {};
    if (!clickhouse::rows_append(state->rows, state->values, &failure)) raise_remote(failure);
    if (state->kept != nullptr) keep_values(state->kept, state->values);
    if (clickhouse::rows_count(*state->rows) >= kBlockRows ||
        clickhouse::rows_bytes(*state->rows) >= kBlockBytes)
        finish_block(state);
    MemoryContextSwitchTo(before);
    MemoryContextReset(state->row_context);
    return slot;
}

void end(EState*, ResultRelInfo* info) {
    InsertState* state = static_cast<InsertState*>(info->ri_FdwState);
    if (state != nullptr) finish_block(state);
}

int updatable(Relation relation) {
    const CatalogTable* table = find_foreign_table(RelationGetRelid(relation));
    if (table == nullptr || *table->foreign->query != '\0') return 0;
    int changes = has_option(table->relid, "updatable") ? (1 << CMD_UPDATE) | (1 << CMD_DELETE) : 0;
    return (1 << CMD_INSERT) | changes;
}

void truncate(PgList* relations, DropBehavior, bool restart) {
    if (restart)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("RESTART IDENTITY is not possible: ClickHouse has no sequences")));
    ListCell* cell;
    foreach (cell, relations) {
        Oid relid = RelationGetRelid(static_cast<Relation>(lfirst(cell)));
        const ForeignSource& table = *find_foreign_table(relid)->foreign;
        if (*table.query != '\0')
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("foreign table \"%s\" is a query: it has no rows to remove",
                                   get_rel_name(relid))));
        refuse_while_kept(relid, "TRUNCATE");
        char name[1024];
        if (source::write_name(text_of(database_of(table)), text_of(table.table), name,
                               sizeof name) >= static_cast<int64>(sizeof name))
            ereport(ERROR,
                    (errcode(ERRCODE_NAME_TOO_LONG), errmsg("the table's name is too long")));
        tell_server({find_foreign_target(table.server, InvalidOid, relid),
                     foreign_database(table.server), psprintf("TRUNCATE TABLE %s", name), 0});
    }
}

}  // namespace

void set_modification(FdwRoutine* routine) {
    routine->PlanForeignModify = plan_modify;
    routine->BeginForeignModify = begin_modify;
    routine->ExecForeignInsert = insert;
    routine->EndForeignModify = end;
    routine->BeginForeignInsert = begin_insert;
    routine->EndForeignInsert = end;
    routine->IsForeignRelUpdatable = updatable;
    routine->ExecForeignTruncate = truncate;
}

}  // namespace tandem::shell
