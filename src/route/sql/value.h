// Value: a node of ClickHouse SQL together with what is known about it.
//
// The class says which ClickHouse type carries the Postgres type while the query computes; every
// rule states its arguments and its result in these classes:
//   bool Bool/UInt8 · int2/4/8 Int16/32/64 · numeric Decimal(p, s) of known scale · float4/8
//   Float32/64 · text, bpchar, jsonb String · date Date32 · timestamp, timestamptz
//   DateTime64(6, 'UTC') · uuid UUID · oid UInt32 · enum String (its label) ·
//   inet String (as Postgres writes it) · bytea String · interval, of differences, and time of day
//   Int64 (microseconds) · money Int64 (cents)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "route/sql/node.h"
#include "route/tree/tree.h"
#include "types/oid.h"

namespace tandem::route {

enum class Class : uint8_t {
    kNone,
    kBool,
    kInt2,
    kInt4,
    kInt8,
    kNumeric,
    kFloat4,
    kFloat8,
    kText,
    kBpchar,
    kDate,
    kTimestamp,
    kTimestamptz,
    kUuid,
    kJsonb,
    kOid,
    kInterval,
    kEnum,
    kInet,
    kBytea,
    kTime,
    kMoney,
    kOther,  // passed through and tested for NULL, never computed with
    // Only in rules: sets of classes.
    kAnyInt,
    kAny,
    kSame,  // the class of the first argument
};

namespace oid = types::oid;

inline constexpr int kDecimalDigitsMax = 76;

struct Value {
    const sql::Node* node = nullptr;
    Class cls = Class::kOther;
    bool nullable = true;
    // numeric: at most `precision` digits, `scale` of them behind the point. Postgres shows `scale`
    // digits unless `digits`, an Int32, says how many for each value; `scale` is enough for all of
    // them. Without digits_known the value may only be compared.
    int precision = 0;
    int scale = 0;
    const sql::Node* digits = nullptr;
    bool digits_known = true;
    bool literal = false;              // never NULL and never NaN
    bool null = false;                 // the constant NULL
    bool reprinted = false;            // kJsonb: not as Postgres writes it
    bool number_as_text = false;       // kOther: a numeric held as its text
    std::string_view other_type = {};  // kOther: the ClickHouse type of the column
    uint32_t type = 0;                 // kEnum: which
    int padded = 0;  // kBpchar: the length in characters that every value has, if there is one
    // Integers: no value is outside; without `bounded` any of the type may be.
    bool bounded = false;
    int64_t least = 0;
    int64_t greatest = 0;
};

// A column whose values all have the same length as they are stored, spaces at the end included.
inline bool is_padded(const Value& value) {
    return value.padded > 0 && value.node->kind == sql::Kind::kColumn;
}

Class class_of_type(uint32_t type);
std::string_view class_name(Class cls);
bool is_int(Class cls);
bool is_float(Class cls);

// The ClickHouse type of the value, Nullable(...) when it may be NULL.
std::string clickhouse_type(const Value& value);
std::string clickhouse_type(Class cls, bool nullable, int precision = 0, int scale = 0);

// Postgres typmod of numeric(precision, scale).
int32_t numeric_typmod(int precision, int scale);

}  // namespace tandem::route
