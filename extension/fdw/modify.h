// Writing to foreign tables.
#pragma once

extern "C" {
#include "foreign/fdwapi.h"
}

#include "extension/catalog/foreign.h"

namespace tandem::shell {

void set_modification(FdwRoutine* routine);
// UPDATE and DELETE.
void set_mutation(FdwRoutine* routine);

// An option of the table that is a switch, or of its server: off unless it is said.
bool has_option(::Oid relid, const char* name);
const char* database_of(const ForeignSource& table);
// Name and type of each column that ClickHouse has, as a list of pairs of texts. An ERROR when
// there is no table.
::List* remote_columns(const CatalogTarget& target, const char* database,
                       const ForeignSource& table);
const char* remote_type(::List* columns, const ForeignColumn& column);

}  // namespace tandem::shell
