// Casts.
#include "route/rules/rule.h"

namespace tandem::route {
namespace {

using enum Class;
using enum Form;
using namespace rule;

constexpr std::string_view kToInt4FromText =
    "if(throwIf(ifNull(NOT match($1, '^-?[0-9]{1,9}$'), 0)) = 0, toInt32OrNull($1), NULL)";
constexpr std::string_view kToInt8FromText =
    "if(throwIf(ifNull(NOT match($1, '^-?[0-9]{1,18}$'), 0)) = 0, toInt64OrNull($1), NULL)";

constexpr Rule kRules[] = {
    {kCast, "int4", {kInt2}, kInt4, "toInt32($1)"},
    {kCast, "int8", {kInt2}, kInt8, "toInt64($1)"},
    {kCast, "int8", {kInt4}, kInt8, "toInt64($1)"},
    {kCast, "int2", {kInt4}, kInt2, "accurateCast($1, $T)", kRaises},
    {kCast, "int2", {kInt8}, kInt2, "accurateCast($1, $T)", kRaises},
    {kCast, "int4", {kInt8}, kInt4, "accurateCast($1, $T)", kRaises},
    {kCast, "float8", {kInt2}, kFloat8, "toFloat64($1)"},
    {kCast, "float8", {kInt4}, kFloat8, "toFloat64($1)"},
    {kCast, "float8", {kInt8}, kFloat8, "toFloat64($1)"},
    {kCast, "float8", {kFloat4}, kFloat8, "toFloat64($1)"},
    {kCast, "float4", {kInt2}, kFloat4, "toFloat32($1)"},
    {kCast, "numeric", {kInt2}, kNumeric, "toDecimal64($1, 0)", kIntegerScale},
    {kCast, "numeric", {kInt4}, kNumeric, "toDecimal64($1, 0)", kIntegerScale},
    {kCast, "numeric", {kInt8}, kNumeric, "toDecimal128($1, 0)", kIntegerScale},
    {kCast, "bool", {kInt4}, kBool, "($1 != 0)"},
    {kCast, "int4", {kBool}, kInt4, "toInt32($1)"},
    {kCast, "text", {kBool}, kText, "if($1, 'true', if($1 IS NULL, NULL, 'false'))", kMaybeNull},
    {kCast, "text", {kBpchar}, kText, "trimRight($1)"},
    {kCast, "text", {kAnyInt}, kText, "toString($1)"},
    {kCast, "text", {kUuid}, kText, "toString($1)"},
    {kCast, "int4", {kText}, kInt4, kToInt4FromText, kMaybeNull | kRaises},
    {kCast, "int8", {kText}, kInt8, kToInt8FromText, kMaybeNull | kRaises},
    {kCast, "timestamp", {kDate}, kTimestamp, "toDateTime64($1, 6, 'UTC')"},
    {kCast, "timestamptz", {kDate}, kTimestamptz, "toDateTime64($1, 6, 'UTC')", kUtc},
    {kCast, "timestamptz", {kTimestamp}, kTimestamptz, "toTimeZone($1, 'UTC')", kUtc},
    {kCast, "timestamp", {kTimestamptz}, kTimestamp, "$1", kUtc},
    {kCast, "date", {kTimestamp}, kDate, "toDate32($1, 'UTC')"},
    {kCast, "date", {kTimestamptz}, kDate, "toDate32($1, 'UTC')", kUtc},
};

}  // namespace

std::span<const Rule> cast_rules() {
    return kRules;
}

}  // namespace tandem::route
