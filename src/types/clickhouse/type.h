// ClickHouse data types as a parsed tree, e.g. Nullable(Decimal(38, 2)).
//
// Immutable once built and shared by pointer, so a type may be used from any thread.
// Source of names and parameters: system.data_type_families of ClickHouse 26.7.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tandem::types {

enum class ChKind : uint8_t {
    kNothing,
    kBool,
    kInt8,
    kInt16,
    kInt32,
    kInt64,
    kInt128,
    kInt256,
    kUInt8,
    kUInt16,
    kUInt32,
    kUInt64,
    kUInt128,
    kUInt256,
    kFloat32,
    kFloat64,
    kBFloat16,
    kDecimal32,
    kDecimal64,
    kDecimal128,
    kDecimal256,
    kString,
    kFixedString,
    kDate,
    kDate32,
    kDateTime,
    kDateTime64,
    kTime,
    kTime64,
    kInterval,
    kUuid,
    kIpv4,
    kIpv6,
    kEnum8,
    kEnum16,
    kNullable,
    kLowCardinality,
    kArray,
    kTuple,
    kMap,
    kVariant,
    kDynamic,
    kJson,
    kAggregateFunction,
    kSimpleAggregateFunction,
};

struct ChType;
using ChTypePtr = std::shared_ptr<const ChType>;

struct ChType {
    ChKind kind = ChKind::kNothing;
    // As ClickHouse writes it, aliases resolved (Decimal32(2) is Decimal(9, 2)), alternatives of a
    // Variant in the server's order; what goes on the wire and into DDL.
    std::string name;
    // Decimal: precision and scale; DateTime64, Time64: scale; FixedString: length in bytes.
    int precision = 0;
    int scale = 0;
    size_t fixed_length = 0;
    std::string timezone;  // DateTime, DateTime64; empty when none is given
    // Nullable, LowCardinality, Array: one. Tuple, Variant: all. Map: key, value.
    // Nested(a T, ...) parses as Array(Tuple(a T, ...)); geo types as what they alias.
    std::vector<ChTypePtr> children;
    // Tuple with named elements: one name per child. JSON: the typed paths, types in children.
    std::vector<std::string> child_names;
    std::vector<std::pair<std::string, int>> enum_values;  // Enum8, Enum16, in declared order

    // Bytes of one value in a flat column, 0 when the kind has no fixed width (String, Array, ...).
    // Nullable, LowCardinality and SimpleAggregateFunction answer for their inner type.
    size_t width() const;
    // The type below Nullable, LowCardinality and SimpleAggregateFunction.
    const ChType& value_type() const;
    bool nullable() const;  // Nullable(T), LowCardinality(Nullable(T)), Variant, Dynamic
};

// Nesting deeper than this is refused, so that hostile type names cannot exhaust the stack.
inline constexpr int kTypeDepthMax = 32;
inline constexpr size_t kTypeNameMax = 1 << 20;
// Limits of the server itself.
inline constexpr long long kFixedStringMax = 0xFFFFFF;
inline constexpr size_t kVariantAlternativesMax = 254;

// kMalformedData when the text is not a type, kUnsupportedType when it is one we cannot hold.
Result<ChTypePtr> parse_clickhouse_type(std::string_view text);

// The kind for Decimal(precision, scale): 1..9, 10..18, 19..38, 39..76 digits.
ChKind decimal_kind(int precision);

}  // namespace tandem::types
