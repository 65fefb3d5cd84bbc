// Bytes that identify a value of a column: two rows have the same bytes if and only if the values
// are the same. Used to match keys that ClickHouse or the source returned. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "types/clickhouse/column.h"

namespace tandem::mirror {

void append_value_bytes(const types::Column& column, size_t row, std::string& out);

// Of the key columns of a row, in key order. The same in every session.
uint64_t hash_of_key(std::span<const types::NamedColumn> key, size_t row, std::string& scratch);

// Of all values of a row of a table without a key; `order`: indexes into `columns`, in the order of
// the table's columns. The same in every session, however the row came.
types::UInt128 hash_of_row(std::span<const types::NamedColumn> columns,
                           std::span<const size_t> order, size_t row, std::string& scratch);

}  // namespace tandem::mirror
