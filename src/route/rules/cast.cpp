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
constexpr std::string_view kIntFromFloat = "accurateCast(roundBankers($1), $T)";
constexpr std::string_view kToFloat4 =
    "if(throwIf(ifNull((isInfinite(toFloat32($1)) AND NOT isInfinite($1)) OR (toFloat32($1) = 0 "
    "AND $1 != 0), 0)) = 0, toFloat32($1), NULL)";
constexpr std::string_view kToBoolFromText =
    "if(throwIf(ifNull($1 NOT IN ('true', 'false', 't', 'f'), 0)) = 0, $1 IN ('true', 't'), "
    "NULL)";
constexpr std::string_view kToDateFromText =
    "if(throwIf($1 IS NOT NULL AND ifNull(NOT match($1, "
    "'^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$') OR toDate32OrNull($1) IS NULL OR "
    "toString(toDate32OrNull($1)) != $1, 0)) = 0, "
    "toDate32OrNull($1), NULL)";

// At most 15 digits, and a power of ten that is exact as well: their quotient is the nearest
// number.
constexpr std::string_view kToFloatFromText =
    "if(throwIf(ifNull(NOT match($1, '^-?[0-9]+([.][0-9]+)?$') OR length($1) > 16 OR match($1, "
    "'^-[0.]+$'), 0)) = 0, toFloat64(toInt64OrNull(replaceOne($1, '.', ''))) / "
    "toFloat64(intExp10(if(position($1, '.') = 0, 0, length($1) - position($1, '.')))), NULL)";
constexpr std::string_view kInetText =
    "if(position($1, '/') > 0, $1, concat($1, if(position($1, ':') > 0, '/128', '/32')))";
constexpr std::string_view kToUuidFromText =
    "if(throwIf(ifNull(NOT match($1, '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'), 0)) "
    "= 0, toUUIDOrNull($1), NULL)";

// A backslash begins an escape.
constexpr std::string_view kToBytea =
    "if(throwIf(ifNull(position($1, '\\\\') > 0, 0)) = 0, $1, NULL)";

constexpr std::string_view kTimeOfDay =
    "toInt64(positiveModulo(toUnixTimestamp64Micro($1), toInt64(86400000000)))";

constexpr Rule kRules[] = {
    {kCast, "float8", {kText}, kFloat8, kToFloatFromText, kMaybeNull | kRaises},
    {kCast, "uuid", {kText}, kUuid, kToUuidFromText, kMaybeNull | kRaises},
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
    {kCast, "text", {kEnum}, kText, "CAST($1, $T)"},
    {kCast, "float4", {kFloat8}, kFloat4, kToFloat4, kMaybeNull | kRaises},
    {kCast, "int2", {kFloat8}, kInt2, kIntFromFloat, kRaises},
    {kCast, "int4", {kFloat8}, kInt4, kIntFromFloat, kRaises},
    {kCast, "int8", {kFloat8}, kInt8, kIntFromFloat, kRaises},
    {kCast, "bool", {kText}, kBool, kToBoolFromText, kMaybeNull | kRaises},
    {kCast, "date", {kText}, kDate, kToDateFromText, kMaybeNull | kRaises},
    {kCast, "bytea", {kText}, kBytea, kToBytea, kMaybeNull | kRaises},
    {kCast, "text", {kBpchar}, kText, "trimRight($1)"},
    {kCast, "text", {kAnyInt}, kText, "toString($1)"},
    {kCast, "text", {kUuid}, kText, "toString($1)"},
    {kCast, "text", {kInet}, kText, kInetText},
    {kCast, "int4", {kText}, kInt4, kToInt4FromText, kMaybeNull | kRaises},
    {kCast, "int8", {kText}, kInt8, kToInt8FromText, kMaybeNull | kRaises},
    {kCast, "text", {kText}, kText, "$1"},
    {kCast, "timestamp", {kDate}, kTimestamp, "toDateTime64($1, 6, 'UTC')"},
    {kCast, "timestamptz", {kDate}, kTimestamptz, "toDateTime64($1, 6, 'UTC')", kUtc},
    {kCast, "timestamptz", {kTimestamp}, kTimestamptz, "toTimeZone($1, 'UTC')", kUtc},
    {kCast, "timestamp", {kTimestamptz}, kTimestamp, "$1", kUtc},
    {kCast, "date", {kTimestamp}, kDate, "toDate32($1, 'UTC')"},
    {kCast, "date", {kTimestamptz}, kDate, "toDate32($1, 'UTC')", kUtc},
    {kCast, "time", {kTimestamp}, kTime, kTimeOfDay},
    {kCast, "time", {kTimestamptz}, kTime, kTimeOfDay, kUtc},
};

}  // namespace

std::span<const Rule> cast_rules() {
    return kRules;
}

}  // namespace tandem::route
