// A sample of rows that ClickHouse picks by chance, so that no more of them cross the wire than
// ANALYZE wants to look at.
#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
}

#include <cstdlib>

#include "extension/catalog/foreign.h"
#include "extension/fdw/ask.h"
#include "extension/fdw/statistics.h"
#include "extension/remote/datum.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

constexpr uint64 kRunBytesMax = UINT64CONST(256) << 20;

struct Sample {
    const CatalogTable* table;
    const CatalogTarget* target;
    const char* database;
    PgList* names;  // of the columns that can be read
    Text* expected;
    ColumnReader* readers;
    int* attributes;
    uint32 count;
};

Sample sample_of(Relation relation) {
    Sample sample = {};
    Oid relid = RelationGetRelid(relation);
    sample.table = find_foreign_table(relid);
    Oid server = sample.table->foreign->server;
    sample.target = find_foreign_target(server, InvalidOid, relid);
    sample.database = foreign_database(server);
    size_t most = static_cast<size_t>(sample.table->column_count);
    sample.expected = make_array<Text>(most);
    sample.readers = make_array<ColumnReader>(most);
    sample.attributes = make_array<int>(most);
    for (int i = 0; i < sample.table->column_count; ++i) {
        const CatalogColumn& column = sample.table->columns[i];
        bool readable = column.exact || column.as_text;
        if (!readable || !prepare_reader(&sample.readers[sample.count], column.target_type,
                                         column.type, column.typmod))
            continue;
        sample.names = lappend(sample.names, makeString(pstrdup(column.target_column)));
        sample.expected[sample.count] = text_of(column.target_type);
        sample.attributes[sample.count++] = column.attnum - 1;
    }
    return sample;
}

double count_rows(const Sample& sample) {
    const char* sql = psprintf("SELECT toString(count()) FROM %s AS a",
                               foreign_source_sql(*sample.table->foreign, NIL));
    RemoteRun* run = ask_server({sample.target, sample.database, sql, 1});
    const char* text = "0";
    double rows = 0;
    while (next_answer(run, 1, &text)) rows = strtod(text, nullptr);
    return rows;
}

HeapTuple make_tuple(const Sample& sample, RemoteRun* run, TupleDesc shape) {
    Datum* values = make_array<Datum>(static_cast<size_t>(shape->natts));
    bool* nulls = make_array<bool>(static_cast<size_t>(shape->natts));
    memset(nulls, true, static_cast<size_t>(shape->natts));
    uint64 row = run->row++;
    for (uint32 i = 0; i < sample.count; ++i) {
        const clickhouse::ColumnView& column = run->block.columns[i];
        if (column.nulls != nullptr && column.nulls[row] != 0) continue;
        nulls[sample.attributes[i]] = false;
        values[sample.attributes[i]] = read_datum(&sample.readers[i], column, row);
    }
    return heap_form_tuple(shape, values, nulls);
}

RemoteRun* ask_for_sample(const Sample& sample, double total, int wanted) {
    double share = Max(total / Max(wanted, 1), 1);
    clickhouse::RunOptions options = {};
    options.sql =
        text_of(psprintf("SELECT * FROM %s AS a WHERE rand() %% %.0f = 0 LIMIT %d",
                         foreign_source_sql(*sample.table->foreign, sample.names), share, wanted));
    options.expected = {sample.expected, sample.count};
    options.memory_max = kRunBytesMax;
    options.max_execution_ms = static_cast<uint64>(StatementTimeout);
    use_target_settings(*sample.target, &options);
    Failure failure = {};
    RemoteRun* run =
        remote_start(*sample.target, sample.database, options, CurrentMemoryContext, &failure);
    if (run == nullptr) raise_remote(failure);
    return run;
}

int acquire(Relation relation, int, HeapTuple* rows, int wanted, double* total, double* dead) {
    Sample sample = sample_of(relation);
    *dead = 0;
    *total = count_rows(sample);
    if (*total == 0 || sample.count == 0) return 0;
    RemoteRun* run = ask_for_sample(sample, *total, wanted);
    MemoryContext keeper = CurrentMemoryContext;
    MemoryContext one_row =
        AllocSetContextCreate(keeper, "tandem_fdw sample", ALLOCSET_DEFAULT_SIZES);
    int got = 0;
    Failure failure = {};
    while (remote_next_block(run, &failure)) {
        while (run->row < run->block.rows && got < wanted) {
            MemoryContextSwitchTo(one_row);
            HeapTuple tuple = make_tuple(sample, run, RelationGetDescr(relation));
            MemoryContextSwitchTo(keeper);
            rows[got++] = heap_copytuple(tuple);
            MemoryContextReset(one_row);
        }
    }
    if (!run->done) raise_remote(failure);
    remote_stop(run);
    MemoryContextDelete(one_row);
    return got;
}

bool analyze(Relation, AcquireSampleRowsFunc* function, BlockNumber* pages) {
    *function = acquire;
    *pages = 1;
    return true;
}

}  // namespace

void set_statistics(FdwRoutine* routine) {
    routine->AnalyzeForeignTable = analyze;
}

}  // namespace tandem::shell
