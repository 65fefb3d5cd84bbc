// Value: one expression in ClickHouse SQL together with what is known about it.
//
// The class says which ClickHouse type carries the Postgres type while the query computes; every
// rule states its arguments and its result in these classes:
//   bool Bool/UInt8 · int2/4/8 Int16/32/64 · numeric Decimal(p, s) of known scale · float4/8
//   Float32/64 · text, bpchar, jsonb String · date Date32 · timestamp, timestamptz
//   DateTime64(6, 'UTC') · uuid UUID · oid UInt32
#pragma once

#include <cstdint>
#include <string>

#include "route/tree/tree.h"

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
    kOther,  // passed through and tested for NULL, never computed with
    // Only in rules: sets of classes.
    kAnyInt,
    kAny,
    kSame,  // the class of the first argument
};

namespace oid {
inline constexpr uint32_t kBool = 16, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25,
                          kOid = 26, kFloat4 = 700, kFloat8 = 701, kUnknown = 705, kBpchar = 1042,
                          kVarchar = 1043, kDate = 1082, kTimestamp = 1114, kTimestamptz = 1184,
                          kInterval = 1186, kNumeric = 1700, kUuid = 2950, kJsonb = 3802;
}  // namespace oid

inline constexpr int kDecimalDigitsMax = 76;

struct Value {
    std::string sql = {};
    Class cls = Class::kOther;
    bool nullable = true;
    // numeric: at most `precision` digits, `scale` of them behind the point, and printed with
    // exactly `scale`. scale_known is false for parameters, which may only be compared.
    int precision = 0;
    int scale = 0;
    bool scale_known = true;
    // A literal: never NULL and never NaN.
    bool literal = false;
    // Calls an aggregate, so that no other aggregate may contain it.
    std::string other_type = {};  // kOther: the ClickHouse type of the column
};

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
