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
    {kOperator, "-", {kFloat8}, kFloat8, "(-$1)"},
    {kOperator, "-", {kDate, kDate}, kInt4, "toInt32(toInt32($1) - toInt32($2))"},
    {kOperator, "+", {kDate, kAnyInt}, kDate, kDatePlus, kMaybeNull | kRaises},
    {kOperator, "-", {kDate, kAnyInt}, kDate, kDateMinus, kMaybeNull | kRaises},
};

}  // namespace

std::span<const Rule> arithmetic_rules() {
    return kRules;
}

}  // namespace tandem::route
