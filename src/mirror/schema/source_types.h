// From Postgres' catalog to what the mirror works with: types, columns, tables, their DDL.
//
// Pure: reads the structs of postgres/introspect/introspect.h, never a server.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "mirror/schema/table.h"
#include "postgres/introspect/introspect.h"

namespace tandem::mirror {

// The type of a column, resolved through domains, arrays, enums and composites.
Result<types::PgTypePtr> source_type(const postgres::TypeMap& types, Oid type, int32_t typmod);

// How one column is mirrored. Not for generated columns: the stream does not carry them.
Result<TableColumn> map_column(const postgres::TypeMap& types, const postgres::ColumnInfo& column,
                               int key_position);

struct TargetName {
    std::string database;
    std::string table;
};

// kNoReplicaIdentity when changes do not tell which row they are of: REPLICA IDENTITY NOTHING, or
// DEFAULT without a primary key. kUnsupportedType and kInvalidArgument (a column named
// _tandem_...) name the column.
Result<TablePtr> map_table(const postgres::TableInfo& info, const postgres::TypeMap& types,
                           const TargetName& target);

// CREATE TABLE IF NOT EXISTS for ClickHouse: the two tables of a copy, see store/README.md.
std::string create_main_sql(const Table& table);
std::string create_delta_sql(const Table& table);
// "`name` Type", with what old rows have (" DEFAULT ...") and the codec.
std::string column_definition(const TableColumn& column, std::string_view old_value = "");

}  // namespace tandem::mirror
