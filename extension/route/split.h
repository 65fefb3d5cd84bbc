// Surgery on analysed queries: one query becomes a query over another.
#pragma once

extern "C" {
#include "nodes/parsenodes.h"
}

namespace tandem::shell {

// A query that returns what `piece` does, kept under `name`.
::Query* reader_of(const ::Query* piece, const char* name, double rows);
// Nothing in it refers to a query around it.
bool is_closed(const ::Query* query);
// It or a query inside reads a table.
bool reads_tables(::Query* query);

// The query over a subquery, which is the first entry of its range table.
::Query*& subquery_of(::Query* outer);
// Grouped below, everything else above; HAVING on either side. nullptr when the query has no groups
// or needs more of them than their columns.
::Query* over_groups(const ::Query* query, bool having_above);
// FROM and the conditions whose number is in `below` below, everything else above.
::Query* over_rows(const ::Query* query, const Bitmapset* below);
int condition_count(const ::Query* query);

}  // namespace tandem::shell
