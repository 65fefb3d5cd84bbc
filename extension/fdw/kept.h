// Rows of a transaction that are sent when it commits: in memory up to work_mem, then in a
// temporary file. What a transaction or a savepoint has kept is forgotten when it is rolled back.
#pragma once

extern "C" {
#include "lib/stringinfo.h"
#include "storage/buffile.h"
}

#include "clickhouse/facade.h"

namespace tandem::shell {

struct Kept {
    Kept* next;
    SubTransactionId owner;
    const char* key;  // rows of the same key are kept together
    ::Oid relid;
    int columns;
    void (*send)(Kept* kept);  // at commit; an ERROR there rolls the transaction back
    void* state;
    StringInfoData memory;
    BufFile* file;  // nullptr: all of it is in memory
    uint64 rows;
    uint64 read;
    int offset;  // of the next row in memory
};

// Rows of the same key of this (sub)transaction; nullptr when there are none.
Kept* find_kept(const char* key);
// In a context that lives as long as the transaction, which is the current one.
Kept* start_keeping(const char* key, ::Oid relid, int columns);
void keep_values(Kept* kept, const clickhouse::RowValue* values);
// The next row, in the current memory context; false at the end.
bool next_kept(Kept* kept, clickhouse::RowValue* values);
// An ERROR when rows of the table wait for the commit: what is done now would be done before.
void refuse_while_kept(::Oid relid, const char* command);

}  // namespace tandem::shell
