// ClickHouse values as they lie in a column become Datums of the Postgres type.
#pragma once

#include "clickhouse/facade.h"

namespace tandem::shell {

// How the bytes of one remote column are read.
enum class ReadKind : uint8_t { kSigned, kUnsigned, kDecimal, kFloat, kString, kUuid, kTime };

// Prepared once per column and execution.
struct ColumnReader {
    ReadKind kind;
    int scale;  // decimals after the point; for kTime digits of the fraction of a second
    Oid type;   // Postgres type, never a domain
    int32 typmod;
    FmgrInfo input;  // of types that are made from their text
    Oid input_parameter;
    bool by_text;
};

// False when the pair of types has no reader.
bool prepare_reader(ColumnReader* reader, const char* clickhouse_type, Oid type, int32 typmod);

// The value of a row that is not NULL, in the current memory context. An out of range value is an
// ERROR of Postgres.
Datum read_datum(ColumnReader* reader, const clickhouse::ColumnView& column, uint64 row);

}  // namespace tandem::shell
