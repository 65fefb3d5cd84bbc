// The rows. What is not here does not ship. Each guard (accurateCast, throwIf) turns a value for
// which Postgres would raise an error, or ClickHouse would answer differently, into an error of the
// query, upon which the Postgres plan runs.
#include "route/rules/rule.h"

namespace tandem::route {
namespace {

using enum Class;
using enum Form;
using namespace rule;

// Which letters beyond ASCII have cases, and which ones, differs from locale to locale.
constexpr std::string_view kLowerAscii =
    "if(throwIf(ifNull(length($1) != lengthUTF8($1), 0)) = 0, lower($1), NULL)";
constexpr std::string_view kUpperAscii =
    "if(throwIf(ifNull(length($1) != lengthUTF8($1), 0)) = 0, upper($1), NULL)";
// Date32 ends in 2299 and would clamp.
constexpr std::string_view kDatePlus =
    "if(throwIf(ifNull(toInt64(toInt32($1)) + $2 NOT BETWEEN -25567 AND 120529, 0)) = 0, "
    "addDays($1, $2), NULL)";
constexpr std::string_view kDateMinus =
    "if(throwIf(ifNull(toInt64(toInt32($1)) - $2 NOT BETWEEN -25567 AND 120529, 0)) = 0, "
    "subtractDays($1, $2), NULL)";
// Postgres: NaN equals NaN and is greater than every other value.
constexpr std::string_view kFloatEq = "($1 = $2 OR (isNaN($1) AND isNaN($2)))";
constexpr std::string_view kFloatNe = "NOT ($1 = $2 OR (isNaN($1) AND isNaN($2)))";
constexpr std::string_view kFloatLt = "($1 < $2 OR (isNaN($2) AND NOT isNaN($1)))";
constexpr std::string_view kFloatLe = "($1 <= $2 OR isNaN($2))";
constexpr std::string_view kFloatGt = "($1 > $2 OR (isNaN($1) AND NOT isNaN($2)))";
constexpr std::string_view kFloatGe = "($1 >= $2 OR isNaN($1))";
constexpr std::string_view kToInt4FromText =
    "if(throwIf(ifNull(NOT match($1, '^-?[0-9]{1,9}$'), 0)) = 0, toInt32OrNull($1), NULL)";
constexpr std::string_view kToInt8FromText =
    "if(throwIf(ifNull(NOT match($1, '^-?[0-9]{1,18}$'), 0)) = 0, toInt64OrNull($1), NULL)";

// The six comparisons of two classes, written with the operator's own name.
#define TANDEM_COMPARE(a, b, eq_flags, order_flags)                  \
    {kOperator, "=", {a, b}, kBool, "($1 = $2)", eq_flags},          \
        {kOperator, "<>", {a, b}, kBool, "($1 != $2)", eq_flags},    \
        {kOperator, "<", {a, b}, kBool, "($1 < $2)", order_flags},   \
        {kOperator, "<=", {a, b}, kBool, "($1 <= $2)", order_flags}, \
        {kOperator, ">", {a, b}, kBool, "($1 > $2)", order_flags}, { \
        kOperator, ">=", {a, b}, kBool, "($1 >= $2)", order_flags    \
    }
// The same with each side written in another way first.
#define TANDEM_COMPARE_AS(a, b, left, right, eq_flags, order_flags)               \
    {kOperator, "=", {a, b}, kBool, "(" left " = " right ")", eq_flags},          \
        {kOperator, "<>", {a, b}, kBool, "(" left " != " right ")", eq_flags},    \
        {kOperator, "<", {a, b}, kBool, "(" left " < " right ")", order_flags},   \
        {kOperator, "<=", {a, b}, kBool, "(" left " <= " right ")", order_flags}, \
        {kOperator, ">", {a, b}, kBool, "(" left " > " right ")", order_flags}, { \
        kOperator, ">=", {a, b}, kBool, "(" left " >= " right ")", order_flags    \
    }
// A literal on the right is never NaN, so that only the left side needs care.
#define TANDEM_COMPARE_FLOAT(a, b)                                                             \
    {kOperator, "=", {a, b}, kBool, "($1 = $2)", kLiteralSecond},                              \
        {kOperator, "<>", {a, b}, kBool, "($1 != $2)", kLiteralSecond},                        \
        {kOperator, "<", {a, b}, kBool, "($1 < $2)", kLiteralSecond},                          \
        {kOperator, "<=", {a, b}, kBool, "($1 <= $2)", kLiteralSecond},                        \
        {kOperator, ">", {a, b}, kBool, "($1 > $2 OR isNaN($1))", kLiteralSecond},             \
        {kOperator, ">=", {a, b}, kBool, "($1 >= $2 OR isNaN($1))", kLiteralSecond},           \
        {kOperator, "=", {a, b}, kBool, kFloatEq}, {kOperator, "<>", {a, b}, kBool, kFloatNe}, \
        {kOperator, "<", {a, b}, kBool, kFloatLt}, {kOperator, "<=", {a, b}, kBool, kFloatLe}, \
        {kOperator, ">", {a, b}, kBool, kFloatGt}, {                                           \
        kOperator, ">=", {a, b}, kBool, kFloatGe                                               \
    }
// Integer arithmetic: computed wider, then brought back with an error on overflow. Divisions are
// computed in a wider signed type than those of both sides, in which no quotient overflows.
#define TANDEM_DIVIDE(function, wide)                                                   \
    "accurateCast(" function "(" wide "($1), nullIf(" wide "($2), " wide "(0)) + " wide \
    "(throwIf(ifNull($2 = 0, 0)))), 'Nullable($t)')"
#define TANDEM_ARITHMETIC(a, b, result)                                                     \
    {kOperator, "+", {a, b}, result, "accurateCast($1 + $2, '$T')"},                        \
        {kOperator, "-", {a, b}, result, "accurateCast($1 - $2, '$T')"},                    \
        {kOperator, "*", {a, b}, result, "accurateCast($1 * $2, '$T')"},                    \
        {kOperator, "/", {a, b}, result, TANDEM_DIVIDE("intDiv", "toInt64"), kMaybeNull}, { \
        kOperator, "%", {a, b}, result, TANDEM_DIVIDE("modulo", "toInt64"), kMaybeNull      \
    }
#define TANDEM_ARITHMETIC_WIDE(a, b)                                                        \
    {kOperator, "+", {a, b}, kInt8, "accurateCast(toInt128($1) + $2, '$T')"},               \
        {kOperator, "-", {a, b}, kInt8, "accurateCast(toInt128($1) - $2, '$T')"},           \
        {kOperator, "*", {a, b}, kInt8, "accurateCast(toInt128($1) * $2, '$T')"},           \
        {kOperator, "/", {a, b}, kInt8, TANDEM_DIVIDE("intDiv", "toInt128"), kMaybeNull}, { \
        kOperator, "%", {a, b}, kInt8, TANDEM_DIVIDE("modulo", "toInt128"), kMaybeNull      \
    }
#define TANDEM_MIN_MAX(cls, flags)                                                   \
    {kAggregate, "min", {cls}, cls, "minOrNull", flags | kMaybeNull | kKeepScale}, { \
        kAggregate, "max", {cls}, cls, "maxOrNull", flags | kMaybeNull | kKeepScale  \
    }

constexpr Rule kRules[] = {
    // --- comparisons
    TANDEM_COMPARE(kAnyInt, kAnyInt, 0, 0),
    TANDEM_COMPARE(kNumeric, kNumeric, kScaleFree, kScaleFree),
    TANDEM_COMPARE(kText, kText, kDeterministic, kBytewise),
    TANDEM_COMPARE_AS(kBpchar, kBpchar, "trimRight($1)", "trimRight($2)", kDeterministic,
                      kBytewise),
    TANDEM_COMPARE(kBool, kBool, 0, 0),
    TANDEM_COMPARE(kDate, kDate, 0, 0),
    TANDEM_COMPARE(kTimestamp, kTimestamp, 0, 0),
    TANDEM_COMPARE(kTimestamptz, kTimestamptz, 0, 0),
    TANDEM_COMPARE_AS(kDate, kTimestamp, "toDateTime64($1, 6, 'UTC')", "$2", 0, 0),
    TANDEM_COMPARE_AS(kTimestamp, kDate, "$1", "toDateTime64($2, 6, 'UTC')", 0, 0),
    TANDEM_COMPARE_AS(kDate, kTimestamptz, "toDateTime64($1, 6, 'UTC')", "$2", kUtc, kUtc),
    TANDEM_COMPARE_AS(kTimestamptz, kDate, "$1", "toDateTime64($2, 6, 'UTC')", kUtc, kUtc),
    TANDEM_COMPARE(kTimestamp, kTimestamptz, kUtc, kUtc),
    TANDEM_COMPARE(kTimestamptz, kTimestamp, kUtc, kUtc),
    {kOperator, "=", {kUuid, kUuid}, kBool, "($1 = $2)"},
    {kOperator, "<>", {kUuid, kUuid}, kBool, "($1 != $2)"},
    {kOperator, "<", {kUuid, kUuid}, kBool, "(toString($1) < toString($2))"},
    {kOperator, "<=", {kUuid, kUuid}, kBool, "(toString($1) <= toString($2))"},
    {kOperator, ">", {kUuid, kUuid}, kBool, "(toString($1) > toString($2))"},
    {kOperator, ">=", {kUuid, kUuid}, kBool, "(toString($1) >= toString($2))"},
    TANDEM_COMPARE(kOid, kOid, 0, 0),
    TANDEM_COMPARE_FLOAT(kFloat8, kFloat8),
    TANDEM_COMPARE_FLOAT(kFloat4, kFloat4),
    TANDEM_COMPARE_FLOAT(kFloat4, kFloat8),
    TANDEM_COMPARE_FLOAT(kFloat8, kFloat4),

    // --- arithmetic
    TANDEM_ARITHMETIC(kInt2, kInt2, kInt2),
    TANDEM_ARITHMETIC(kInt2, kInt4, kInt4),
    TANDEM_ARITHMETIC(kInt4, kInt2, kInt4),
    TANDEM_ARITHMETIC(kInt4, kInt4, kInt4),
    TANDEM_ARITHMETIC_WIDE(kInt8, kAnyInt),
    TANDEM_ARITHMETIC_WIDE(kAnyInt, kInt8),
    {kOperator, "-", {kAnyInt}, kSame, "accurateCast(-toInt128($1), '$T')"},
    {kOperator, "+", {kAnyInt}, kSame, "$1"},
    {kOperator, "+", {kNumeric, kNumeric}, kNumeric, "($1 + $2)", kAddScale},
    {kOperator, "-", {kNumeric, kNumeric}, kNumeric, "($1 - $2)", kAddScale},
    {kOperator, "*", {kNumeric, kNumeric}, kNumeric, "($1 * $2)", kMulScale},
    {kOperator, "-", {kNumeric}, kNumeric, "(-$1)", kKeepScale},
    {kFunction, "abs", {kNumeric}, kNumeric, "abs($1)", kKeepScale},
    {kFunction, "abs", {kAnyInt}, kSame, "accurateCast(abs(toInt128($1)), '$T')"},
    {kOperator, "-", {kFloat8}, kFloat8, "(-$1)"},
    {kOperator, "-", {kDate, kDate}, kInt4, "toInt32(toInt32($1) - toInt32($2))"},
    {kOperator, "+", {kDate, kAnyInt}, kDate, kDatePlus, kMaybeNull},
    {kOperator, "-", {kDate, kAnyInt}, kDate, kDateMinus, kMaybeNull},

    // --- text
    {kOperator, "||", {kText, kText}, kText, "concat($1, $2)"},
    {kFunction, "length", {kText}, kInt4, "toInt32(lengthUTF8($1))"},
    {kFunction, "char_length", {kText}, kInt4, "toInt32(lengthUTF8($1))"},
    {kFunction, "character_length", {kText}, kInt4, "toInt32(lengthUTF8($1))"},
    {kFunction, "octet_length", {kText}, kInt4, "toInt32(length($1))"},
    {kFunction, "lower", {kText}, kText, kLowerAscii, kAsciiCase | kMaybeNull},
    {kFunction, "upper", {kText}, kText, kUpperAscii, kAsciiCase | kMaybeNull},
    {kFunction, "starts_with", {kText, kText}, kBool, "startsWith($1, $2)", kDeterministic},
    {kOperator, "^@", {kText, kText}, kBool, "startsWith($1, $2)", kDeterministic},

    // --- casts
    {kCast, "int4", {kInt2}, kInt4, "toInt32($1)"},
    {kCast, "int8", {kInt2}, kInt8, "toInt64($1)"},
    {kCast, "int8", {kInt4}, kInt8, "toInt64($1)"},
    {kCast, "int2", {kInt4}, kInt2, "accurateCast($1, '$T')"},
    {kCast, "int2", {kInt8}, kInt2, "accurateCast($1, '$T')"},
    {kCast, "int4", {kInt8}, kInt4, "accurateCast($1, '$T')"},
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
    {kCast, "text", {kAnyInt}, kText, "toString($1)"},
    {kCast, "text", {kUuid}, kText, "toString($1)"},
    {kCast, "int4", {kText}, kInt4, kToInt4FromText, kMaybeNull},
    {kCast, "int8", {kText}, kInt8, kToInt8FromText, kMaybeNull},
    {kCast, "timestamp", {kDate}, kTimestamp, "toDateTime64($1, 6, 'UTC')"},
    {kCast, "timestamptz", {kDate}, kTimestamptz, "toDateTime64($1, 6, 'UTC')", kUtc},
    {kCast, "timestamptz", {kTimestamp}, kTimestamptz, "toTimeZone($1, 'UTC')", kUtc},
    {kCast, "timestamp", {kTimestamptz}, kTimestamp, "$1", kUtc},
    {kCast, "date", {kTimestamp}, kDate, "toDate32($1, 'UTC')"},
    {kCast, "date", {kTimestamptz}, kDate, "toDate32($1, 'UTC')", kUtc},

    // --- aggregates; FILTER and DISTINCT are put in by the writer
    {kAggregate, "count", {}, kInt8, "count", kNotNull},
    {kAggregate, "count", {kAny}, kInt8, "count", kNotNull | kScaleFree},
    {kAggregate, "count", {kAnyInt}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kText}, kInt8, "uniqExact", kNotNull | kDistinct | kDeterministic},
    {kAggregate, "count", {kDate}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kTimestamp}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kTimestamptz}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kUuid}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kBool}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kNumeric}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "sum", {kInt2}, kInt8, "sumOrNull", kMaybeNull},
    {kAggregate, "sum", {kInt4}, kInt8, "sumOrNull", kMaybeNull},
    {kAggregate,
     "sum",
     {kInt8},
     kNumeric,
     "sumOrNull:toDecimal128($1, 0)",
     kMaybeNull | kIntegerScale},
    {kAggregate, "sum", {kNumeric}, kNumeric, "sumOrNull", kMaybeNull | kSumScale},
    {kAggregate, "sum", {kFloat4}, kFloat4, "float_aggregate_order", kRefuse},
    {kAggregate, "sum", {kFloat8}, kFloat8, "float_aggregate_order", kRefuse},
    {kAggregate, "avg", {kFloat4}, kFloat8, "float_aggregate_order", kRefuse},
    {kAggregate, "avg", {kFloat8}, kFloat8, "float_aggregate_order", kRefuse},
    {kAggregate,
     "avg",
     {kInt2},
     kNumeric,
     "sumOrNull:toDecimal128($1, 0)",
     kAverage | kIntegerScale | kMaybeNull},
    {kAggregate,
     "avg",
     {kInt4},
     kNumeric,
     "sumOrNull:toDecimal128($1, 0)",
     kAverage | kIntegerScale | kMaybeNull},
    {kAggregate,
     "avg",
     {kInt8},
     kNumeric,
     "sumOrNull:toDecimal128($1, 0)",
     kAverage | kIntegerScale | kMaybeNull},
    {kAggregate, "avg", {kNumeric}, kNumeric, "sumOrNull", kAverage | kSumScale | kMaybeNull},
    TANDEM_MIN_MAX(kInt2, 0),
    TANDEM_MIN_MAX(kInt4, 0),
    TANDEM_MIN_MAX(kInt8, 0),
    TANDEM_MIN_MAX(kNumeric, 0),
    TANDEM_MIN_MAX(kText, kBytewise),
    TANDEM_MIN_MAX(kDate, 0),
    TANDEM_MIN_MAX(kTimestamp, 0),
    TANDEM_MIN_MAX(kTimestamptz, 0),
    {kAggregate, "bool_and", {kBool}, kBool, "minOrNull", kMaybeNull},
    {kAggregate, "every", {kBool}, kBool, "minOrNull", kMaybeNull},
    {kAggregate, "bool_or", {kBool}, kBool, "maxOrNull", kMaybeNull},

    // --- window functions
    {kWindow, "row_number", {}, kInt8, "row_number()", kNotNull},
    {kWindow, "rank", {}, kInt8, "rank()", kNotNull},
    {kWindow, "dense_rank", {}, kInt8, "dense_rank()", kNotNull},
};

}  // namespace

std::span<const Rule> rule_table() {
    return kRules;
}

}  // namespace tandem::route
