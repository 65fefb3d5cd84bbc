// How values of ClickHouse become those a mirror would have made, and back: pieces of SQL.
#pragma once

#include <string>

#include "base/result.h"
#include "route/source/facade.h"

namespace tandem::route::source {

// The column as a value of its form, without naming a relation.
Result<std::string> read_column(const Column& column);

// `value`, of the type the target is given, as one of the column's type. Texts are read by
// ClickHouse; other values have to be the same again when they are cast back, or the query fails.
Result<std::string> written_value(const Target& target, const std::string& value);

std::string table_name(Text database, Text table);

}  // namespace tandem::route::source
