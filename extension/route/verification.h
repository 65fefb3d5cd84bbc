// Compares two results as multisets of rows in constant memory: a commutative sum over the rows.
#pragma once

extern "C" {
#include "executor/tuptable.h"
}

namespace tandem::shell {

struct Verification;

// `rows`: the columns that a client sees, which come first.
Verification* verification_new(TupleDesc rows, MemoryContext owner);
void verification_add_remote(Verification* verification, TupleTableSlot* slot);
void verification_add_local(Verification* verification, TupleTableSlot* slot);
// The remote side failed: there is nothing to compare.
void verification_abandon(Verification* verification);
// Counts equality or difference; a difference goes to the server's log with the SQL.
void verification_finish(Verification* verification, const char* remote_sql);

}  // namespace tandem::shell
