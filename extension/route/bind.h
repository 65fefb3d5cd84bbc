// Fills the places of a routed query's SQL: with tables read at a position, or with names for
// people.
#pragma once

extern "C" {
#include "nodes/pg_list.h"
#include "nodes/plannodes.h"
}

#include "extension/catalog/catalog.h"

namespace tandem::shell {

// Of foreign tables, which no mirror has: read as they are, with no position.
bool is_foreign(const CustomScan& choice);
// One of the plan's relids, as the catalog has it now; nullptr when it has left the mirror.
CatalogTable* find_planned_table(const CustomScan& choice, int at, uint64 position);
// `tables` in the order of the plan's relids, each with a copy; position 0: names. In the current
// memory context. Out of memory is an ERROR.
const char* bind_sql(const CustomScan& choice, int piece, CatalogTable* const* tables,
                     uint64 position);
// Queries that the plan asks ClickHouse: 1, or one for each piece of a query.
int piece_count(const CustomScan& choice);
// All of them, the tables under the names that people find them by, on one line.
const char* readable_sql(const CustomScan& choice);
// One for EXPLAIN: a clause to a line, all but the first behind `indent` spaces.
const char* laid_out_sql(const CustomScan& choice, int piece, uint32 indent, bool settings);
const char* laid_out(const char* sql, uint32 indent, bool settings);
// SQL that reads one foreign table.
const char* bind_foreign(const char* sql, const ForeignSource& table, List* names);

}  // namespace tandem::shell
