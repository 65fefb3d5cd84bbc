// A Postgres value as a ClickHouse query parameter: {name:Type} and the text that goes into it.
//
// The router sends the runtime constants of a query this way. The text is ClickHouse's own form
// of the value, not escaped: what travels (TSV escaping, quoting) is the client's business.
#pragma once

#include <string>
#include <string_view>

#include "types/mapping.h"

namespace tandem::types {

struct ParameterValue {
    std::string type;  // ClickHouse type for {name:Type}
    std::string text;  // value in ClickHouse's text form
};

// `binary` is what the send function of the type wrote. kValueOutOfRange when no ClickHouse value
// is exactly equal (infinity, a date in year 5000, NaN for numeric, arrays of two dimensions),
// kUnsupportedType when the type has no mapping. The type is the one that map_type() gives to a
// NOT NULL column of the type, except: numeric without precision and scale becomes the smallest
// Decimal that holds the value exactly.
Result<ParameterValue> parameter_from_binary(const PgType& type, std::string_view binary);
// For built-in types by OID.
Result<ParameterValue> parameter_from_binary(Oid type, int32_t typmod, std::string_view binary);

}  // namespace tandem::types
