// Arithmetic. Each guard (accurateCast, throwIf) turns a value for which Postgres would raise an
// error, or ClickHouse would answer differently, into an error of the query, upon which the
// Postgres plan runs.
#include "route/rules/rule.h"

namespace tandem::route {
namespace {

using enum Class;
using enum Form;
using namespace rule;

// Date32 ends in 2299 and would clamp.
constexpr std::string_view kDatePlus =
    "if(throwIf(ifNull(toInt64(toInt32($1)) + $2 NOT BETWEEN -25567 AND 120529, 0)) = 0, "
    "addDays($1, $2), NULL)";
constexpr std::string_view kDateMinus =
    "if(throwIf(ifNull(toInt64(toInt32($1)) - $2 NOT BETWEEN -25567 AND 120529, 0)) = 0, "
    "subtractDays($1, $2), NULL)";

// 24:00:00 of the last day would be clamped.
constexpr std::string_view kDateAtTime =
    "if(throwIf(ifNull(toInt32($1) > 120528, 0)) = 0, addMicroseconds(toDateTime64($1, 6, 'UTC'), "
    "$2), NULL)";

// Integer arithmetic: computed wider, then brought back with an error on overflow. Divisions are
// computed in a wider signed type than those of both sides, in which no quotient overflows.
#define TANDEM_DIVIDE(function, wide)                                                   \
    "accurateCast(" function "(" wide "($1), nullIf(" wide "($2), " wide "(0)) + " wide \
    "(throwIf(ifNull($2 = 0, 0)))), $T)"
#define TANDEM_CHECKED(name, a, b, to, sql) \
    { kOperator, name, {a, b}, to, sql, kRaises }
#define TANDEM_DIVISION(name, a, b, to, sql) \
    { kOperator, name, {a, b}, to, sql, kRaises | kMaybeNull }
#define TANDEM_ARITHMETIC(a, b, to)                                         \
    TANDEM_CHECKED("+", a, b, to, "accurateCast($1 + $2, $T)"),             \
        TANDEM_CHECKED("-", a, b, to, "accurateCast($1 - $2, $T)"),         \
        TANDEM_CHECKED("*", a, b, to, "accurateCast($1 * $2, $T)"),         \
        TANDEM_DIVISION("/", a, b, to, TANDEM_DIVIDE("intDiv", "toInt64")), \
        TANDEM_DIVISION("%", a, b, to, TANDEM_DIVIDE("modulo", "toInt64"))
#define TANDEM_ARITHMETIC_WIDE(a, b)                                             \
    TANDEM_CHECKED("+", a, b, kInt8, "accurateCast(toInt128($1) + $2, $T)"),     \
        TANDEM_CHECKED("-", a, b, kInt8, "accurateCast(toInt128($1) - $2, $T)"), \
        TANDEM_CHECKED("*", a, b, kInt8, "accurateCast(toInt128($1) * $2, $T)"), \
        TANDEM_DIVISION("/", a, b, kInt8, TANDEM_DIVIDE("intDiv", "toInt128")),  \
        TANDEM_DIVISION("%", a, b, kInt8, TANDEM_DIVIDE("modulo", "toInt128"))

// How far a processor shifts is its own affair beyond the width of the number.
#define TANDEM_SHIFTS(cls, function, last)                                        \
    {kOperator,                                                                   \
     "<<",                                                                        \
     {cls, kInt4},                                                                \
     cls,                                                                         \
     "if(throwIf(ifNull($2 NOT BETWEEN 0 AND " last ", 0)) = 0, " function        \
     "(bitShiftLeft(toInt64($1), toUInt8($2))), NULL)",                           \
     kMaybeNull | kRaises},                                                       \
    {                                                                             \
        kOperator, ">>", {cls, kInt4}, cls,                                       \
            "if(throwIf(ifNull($2 NOT BETWEEN 0 AND " last ", 0)) = 0, " function \
            "(bitShiftRight(toInt64($1), toUInt8($2))), NULL)",                   \
            kMaybeNull | kRaises                                                  \
    }
#define TANDEM_MOD_FUNCTION(cls, wide) \
    { kFunction, "mod", {cls, cls}, cls, TANDEM_DIVIDE("modulo", wide), kMaybeNull | kRaises }
// Cents. What Postgres makes of an overflow depends on its release.
#define TANDEM_MONEY_BY(cls)                                                             \
    TANDEM_CHECKED("*", kMoney, cls, kMoney, "accurateCast(toInt128($1) * $2, $T)"),     \
        TANDEM_CHECKED("*", cls, kMoney, kMoney, "accurateCast(toInt128($1) * $2, $T)"), \
        TANDEM_DIVISION("/", kMoney, cls, kMoney, TANDEM_DIVIDE("intDiv", "toInt128"))
#define TANDEM_BITS(cls)                                       \
    {kOperator, "&", {cls, cls}, cls, "bitAnd($1, $2)"},       \
        {kOperator, "|", {cls, cls}, cls, "bitOr($1, $2)"},    \
        {kOperator, "#", {cls, cls}, cls, "bitXor($1, $2)"}, { \
        kOperator, "~", {cls}, cls, "bitNot($1)"               \
    }
// Postgres raises an error where a result is too large or too small for a number.
#define TANDEM_FLOAT(name, wrong)                                                               \
    {                                                                                           \
        kOperator, name, {kFloat8, kFloat8}, kFloat8,                                           \
            "if(throwIf(ifNull(" wrong ", 0)) = 0, $1 " name " $2, NULL)", kMaybeNull | kRaises \
    }

// A NULL is computed with as well, as the 0 behind it, which gcd refuses.
#define TANDEM_GCD "gcd(toInt64(ifNull(nullIf($1, 0), 1)), toInt64(ifNull(nullIf($2, 0), 1)))"
// Beyond the least number of 64 bits there is no opposite of it.
constexpr std::string_view kGcd =
    "if(throwIf(ifNull(least(toInt64($1), toInt64($2)) < -9223372036854775807, 0)) = 0 AND "
    "$1 IS NOT NULL AND $2 IS NOT NULL, if($1 = 0, toInt64(abs($2)), if($2 = 0, "
    "toInt64(abs($1)), " TANDEM_GCD ")), NULL)";
constexpr std::string_view kLcm =
    "if(throwIf(ifNull(least(toInt64($1), toInt64($2)) < -9223372036854775807, 0)) = 0, if($1 = 0 "
    "OR $2 = 0, toInt64(0) * $1 * $2, accurateCast(abs(toInt128(intDiv(toInt64($1), " TANDEM_GCD
    ")) * $2), $T)), NULL)";
// What fits in 64 bits.
constexpr std::string_view kFactorial =
    "if(throwIf(ifNull($1 NOT BETWEEN 0 AND 20, 0)) = 0, toDecimal64(factorial($1), 0), NULL)";

constexpr Rule kRules[] = {
    TANDEM_ARITHMETIC(kInt2, kInt2, kInt2),
    TANDEM_ARITHMETIC(kInt2, kInt4, kInt4),
    TANDEM_ARITHMETIC(kInt4, kInt2, kInt4),
    TANDEM_ARITHMETIC(kInt4, kInt4, kInt4),
    TANDEM_ARITHMETIC_WIDE(kInt8, kAnyInt),
    TANDEM_ARITHMETIC_WIDE(kAnyInt, kInt8),
    {kOperator, "-", {kAnyInt}, kSame, "accurateCast(-toInt128($1), $T)", kRaises},
    {kOperator, "+", {kAnyInt}, kSame, "$1"},
    {kOperator, "+", {kNumeric, kNumeric}, kNumeric, "($1 + $2)", kAddScale},
    {kOperator, "-", {kNumeric, kNumeric}, kNumeric, "($1 - $2)", kAddScale},
    {kOperator, "*", {kNumeric, kNumeric}, kNumeric, "($1 * $2)", kMulScale},
    {kOperator, "-", {kNumeric}, kNumeric, "(-$1)", kKeepScale},
    {kFunction, "abs", {kNumeric}, kNumeric, "abs($1)", kKeepScale},
    {kFunction, "abs", {kAnyInt}, kSame, "accurateCast(abs(toInt128($1)), $T)", kRaises},
    TANDEM_BITS(kInt2),
    TANDEM_BITS(kInt4),
    TANDEM_BITS(kInt8),
    TANDEM_SHIFTS(kInt4, "toInt32", "31"),
    TANDEM_SHIFTS(kInt8, "toInt64", "63"),
    {kFunction,
     "gcd",
     {kInt4, kInt4},
     kInt4,
     "accurateCast(if(isNull($1) OR isNull($2), NULL, if($1 = 0, abs(toInt64($2)), if($2 = 0, "
     "abs(toInt64($1)), " TANDEM_GCD "))), $T)",
     kRaises},
    {kFunction, "lcm", {kInt4, kInt4}, kInt4, kLcm, kRaises},
    {kFunction, "lcm", {kInt8, kInt8}, kInt8, kLcm, kMaybeNull | kRaises},
    {kFunction, "gcd", {kInt8, kInt8}, kInt8, kGcd, kMaybeNull | kRaises},
    {kFunction, "factorial", {kInt8}, kNumeric, kFactorial, kIntegerScale | kMaybeNull | kRaises},
    {kFunction, "sign", {kFloat8}, kFloat8, "toFloat64(if(isNaN($1), 0, sign($1)))"},
    TANDEM_MOD_FUNCTION(kInt2, "toInt64"),
    TANDEM_MOD_FUNCTION(kInt4, "toInt64"),
    TANDEM_MOD_FUNCTION(kInt8, "toInt128"),
    {kOperator, "-", {kFloat8}, kFloat8, "(-$1)"},
    {kFunction, "abs", {kFloat8}, kFloat8, "abs($1)"},
    TANDEM_FLOAT("+", "isInfinite($1 + $2) AND NOT isInfinite($1) AND NOT isInfinite($2)"),
    TANDEM_FLOAT("-", "isInfinite($1 - $2) AND NOT isInfinite($1) AND NOT isInfinite($2)"),
    TANDEM_FLOAT("*",
                 "(isInfinite($1 * $2) AND NOT isInfinite($1) AND NOT isInfinite($2)) OR "
                 "($1 * $2 = 0 AND $1 != 0 AND $2 != 0)"),
    TANDEM_FLOAT("/",
                 "$2 = 0 OR (isInfinite($1 / $2) AND NOT isInfinite($1)) OR ($1 / $2 = 0 AND "
                 "$1 != 0 AND NOT isInfinite($2))"),
    {kFunction, "floor", {kFloat8}, kFloat8, "floor($1)"},
    {kFunction, "ceil", {kFloat8}, kFloat8, "ceil($1)"},
    {kFunction, "ceiling", {kFloat8}, kFloat8, "ceil($1)"},
    {kFunction, "trunc", {kFloat8}, kFloat8, "trunc($1)"},
    {kFunction, "round", {kFloat8}, kFloat8, "roundBankers($1)"},
    {kFunction,
     "sqrt",
     {kFloat8},
     kFloat8,
     "if(throwIf(ifNull($1 < 0, 0)) = 0, sqrt($1), NULL)",
     kMaybeNull | kRaises},
    {kOperator, "-", {kDate, kDate}, kInt4, "toInt32(toInt32($1) - toInt32($2))"},
    {kOperator, "+", {kDate, kTime}, kTimestamp, kDateAtTime, kMaybeNull | kRaises},
    TANDEM_CHECKED("+", kMoney, kMoney, kMoney, "accurateCast(toInt128($1) + $2, $T)"),
    TANDEM_CHECKED("-", kMoney, kMoney, kMoney, "accurateCast(toInt128($1) - $2, $T)"),
    TANDEM_MONEY_BY(kInt2),
    TANDEM_MONEY_BY(kInt4),
    TANDEM_MONEY_BY(kInt8),
    {kOperator,
     "/",
     {kMoney, kMoney},
     kFloat8,
     "if(throwIf(ifNull($2 = 0, 0)) = 0, toFloat64($1) / toFloat64($2), NULL)",
     kMaybeNull | kRaises},
    {kOperator, "+", {kDate, kAnyInt}, kDate, kDatePlus, kMaybeNull | kRaises},
    {kOperator, "-", {kDate, kAnyInt}, kDate, kDateMinus, kMaybeNull | kRaises},
};

}  // namespace

std::span<const Rule> arithmetic_rules() {
    return kRules;
}

}  // namespace tandem::route
