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

// Whether the option of the table, or of its server, asks for UPDATE and DELETE.
bool is_updatable(::Oid relid);
const char* database_of(const ForeignSource& table);
// Name and type of each column that ClickHouse has, as a list of pairs of texts. An ERROR when
// there is no table.
::List* remote_columns(const CatalogTarget& target, const char* database,
                       const ForeignSource& table);
const char* remote_type(::List* columns, const ForeignColumn& column);

}  // namespace tandem::shell
