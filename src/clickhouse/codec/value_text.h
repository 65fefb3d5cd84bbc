// Single values as text, the way ClickHouse's toString and its JSON formats write them.
//
// For the values of Dynamic and JSON columns, whose types are only known row by row, and for tests.
// Not the hot path. One deliberate difference: an instant without a zone, or with one other than
// UTC, is written in UTC with a trailing Z, because the server's zones are not known here.
#pragma once

#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

enum class TextForm : uint8_t {
    kPlain,   // toString(value)
    kQuoted,  // as inside an Array: strings and dates in single quotes
    kJson,
};

void append_value_text(const types::Column& column, size_t row, TextForm form, types::Bytes& out);

// A string as a JSON string, quotes included.
void append_json_string(std::string_view value, types::Bytes& out);

}  // namespace tandem::clickhouse
