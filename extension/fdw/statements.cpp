// tandem.query() and tandem.execute(): ClickHouse's own SQL on a foreign server.
#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_foreign_server.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
}

#include "extension/catalog/foreign.h"
#include "extension/fdw/ask.h"
#include "extension/remote/datum.h"
#include "extension/shell/foreign_compat.h"
#include "extension/shell/memory.h"
#include "route/source/facade.h"

namespace tandem::shell {

namespace {

constexpr uint64 kRunBytesMax = UINT64CONST(256) << 20;

// A server of ours that the user may use.
Oid server_of(Name name) {
    Oid server = get_foreign_server_oid(NameStr(*name), false);
    if (!is_our_server(server))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("server \"%s\" is not of tandem_fdw", NameStr(*name))));
    AclResult right = may_use_server(server);
    if (right != ACLCHECK_OK) aclcheck_error(right, OBJECT_FOREIGN_SERVER, NameStr(*name));
    return server;
}

// The query as a table with the columns that the caller has named.
ForeignSource source_of(TupleDesc row, const char* sql) {
    ForeignSource source = {};
    source.query = sql;
    source.database = source.table = "";
    source.columns = make_array<ForeignColumn>(static_cast<size_t>(row->natts));
    for (int i = 0; i < row->natts; ++i) {
        ForeignColumn& column = source.columns[source.column_count++];
        column.attnum = i + 1;
        column.name = NameStr(TupleDescAttr(row, i)->attname);
        column.remote_type = "";
        column.typmod = TupleDescAttr(row, i)->atttypmod;
        column.type = getBaseTypeAndTypmod(TupleDescAttr(row, i)->atttypid, &column.typmod);
    }
    return source;
}

struct QueryRun {
    RemoteRun* run;
    ColumnReader* readers;
    uint32 count;
};

const char* select_of(const ForeignSource& source) {
    PgList* names = NIL;
    for (int i = 0; i < source.column_count; ++i)
        names = lappend(names, makeString(pstrdup(source.columns[i].name)));
    return psprintf("SELECT * FROM %s", foreign_source_sql(source, names));
}

QueryRun start_query(Oid server, TupleDesc row, const char* sql) {
    ForeignSource source = source_of(row, sql);
    QueryRun query = {};
    query.count = static_cast<uint32>(row->natts);
    query.readers = make_array<ColumnReader>(query.count);
    Text* expected = make_array<Text>(query.count);
    for (uint32 i = 0; i < query.count; ++i) {
        const ForeignColumn& column = source.columns[i];
        route::source::Form form = {};
        Failure failure = {};
        if (!foreign_form(column, &form, &failure)) raise_remote(failure);
        expected[i] = text_of(pstrdup(form.target_type));
        if (!prepare_reader(&query.readers[i], form.target_type, column.type, column.typmod))
            ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
                            errmsg("column \"%s\" cannot be of type %s", column.name,
                                   format_type_be(column.type))));
    }
    clickhouse::RunOptions options = {};
    options.sql = text_of(select_of(source));
    options.expected = {expected, query.count};
    options.memory_max = kRunBytesMax;
    options.max_execution_ms = static_cast<uint64>(StatementTimeout);
    const CatalogTarget* target = find_foreign_target(server, InvalidOid, InvalidOid);
    use_target_settings(*target, &options);
    Failure failure = {};
    query.run =
        remote_start(*target, foreign_database(server), options, CurrentMemoryContext, &failure);
    if (query.run == nullptr) raise_remote(failure);
    return query;
}

void put_row(QueryRun* query, ReturnSetInfo* result) {
    Datum* values = make_array<Datum>(query->count);
    bool* nulls = make_array<bool>(query->count);
    uint64 row = query->run->row++;
    for (uint32 i = 0; i < query->count; ++i) {
        const clickhouse::ColumnView& column = query->run->block.columns[i];
        nulls[i] = column.nulls != nullptr && column.nulls[row] != 0;
        if (!nulls[i]) values[i] = read_datum(&query->readers[i], column, row);
    }
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

void put_rows(QueryRun* query, ReturnSetInfo* result) {
    MemoryContext one_row =
        AllocSetContextCreate(CurrentMemoryContext, "tandem.query row", ALLOCSET_DEFAULT_SIZES);
    Failure failure = {};
    while (remote_next_block(query->run, &failure)) {
        MemoryContext before = MemoryContextSwitchTo(one_row);
        while (query->run->row < query->run->block.rows) {
            put_row(query, result);
            MemoryContextReset(one_row);
        }
        MemoryContextSwitchTo(before);
    }
    if (!query->run->done) raise_remote(failure);
    remote_stop(query->run);
}

}  // namespace

}  // namespace tandem::shell

extern "C" {
PG_FUNCTION_INFO_V1(tandem_query);
PGDLLEXPORT Datum tandem_query(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(tandem_execute);
PGDLLEXPORT Datum tandem_execute(PG_FUNCTION_ARGS);
}

Datum tandem_query(PG_FUNCTION_ARGS) {
    using namespace tandem::shell;
    Oid server = server_of(PG_GETARG_NAME(0));
    InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
    ReturnSetInfo* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    QueryRun query = start_query(server, result->setDesc, text_to_cstring(PG_GETARG_TEXT_PP(1)));
    put_rows(&query, result);
    return Datum(0);
}

Datum tandem_execute(PG_FUNCTION_ARGS) {
    using namespace tandem::shell;
    Oid server = server_of(PG_GETARG_NAME(0));
    tell_server({find_foreign_target(server, InvalidOid, InvalidOid), foreign_database(server),
                 text_to_cstring(PG_GETARG_TEXT_PP(1)), 0});
    PG_RETURN_VOID();
}
