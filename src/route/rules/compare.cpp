// Comparisons.
#include "route/rules/rule.h"

namespace tandem::route {
namespace {

using enum Class;
using enum Form;
using namespace rule;

// Postgres: NaN equals NaN and is greater than every other value.
constexpr std::string_view kFloatEq = "($1 = $2 OR (isNaN($1) AND isNaN($2)))";
constexpr std::string_view kFloatNe = "(NOT ($1 = $2 OR (isNaN($1) AND isNaN($2))))";
constexpr std::string_view kFloatLt = "($1 < $2 OR (isNaN($2) AND NOT isNaN($1)))";
constexpr std::string_view kFloatLe = "($1 <= $2 OR (isNaN($2) AND $1 IS NOT NULL))";
constexpr std::string_view kFloatGt = "($1 > $2 OR (isNaN($1) AND NOT isNaN($2)))";
constexpr std::string_view kFloatGe = "($1 >= $2 OR (isNaN($1) AND $2 IS NOT NULL))";

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

// Addresses by their family, then by their number; of networks Postgres compares less than that.
#define TANDEM_INET_KEY(x)                                                \
    "if(throwIf(ifNull(position(" x ", '/') > 0, 0)) = 0, if(position(" x \
    ", ':') > 0, concat('6', hex(IPv6StringToNumOrNull(" x                \
    "))), concat('4', leftPad(hex("                                       \
    "IPv4StringToNumOrNull(" x ")), 8, '0'))), NULL)"
#define TANDEM_COMPARE_INET(name)                                                                  \
    {                                                                                              \
        kOperator, name, {kInet, kInet}, kBool,                                                    \
            "(" TANDEM_INET_KEY("$1") " " name " " TANDEM_INET_KEY("$2") ")", kMaybeNull | kRaises \
    }

constexpr Rule kRules[] = {
    TANDEM_COMPARE(kAnyInt, kAnyInt, 0, 0),
    TANDEM_COMPARE(kNumeric, kNumeric, kScaleFree, kScaleFree),
    TANDEM_COMPARE(kText, kText, kDeterministic, kBytewise),
    TANDEM_COMPARE_AS(kBpchar, kBpchar, "trimRight($1)", "trimRight($2)", kDeterministic,
                      kBytewise),
    TANDEM_COMPARE(kBool, kBool, 0, 0),
    // The order of labels is that of the type; see Translator::position_of().
    {kOperator, "=", {kEnum, kEnum}, kBool, "($1 = $2)"},
    {kOperator, "<>", {kEnum, kEnum}, kBool, "($1 != $2)"},
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
    // Of equal addresses the texts are equal.
    {kOperator, "=", {kInet, kInet}, kBool, "($1 = $2)"},
    {kOperator, "<>", {kInet, kInet}, kBool, "($1 != $2)"},
    TANDEM_COMPARE_INET("<"),
    TANDEM_COMPARE_INET("<="),
    TANDEM_COMPARE_INET(">"),
    TANDEM_COMPARE_INET(">="),
    TANDEM_COMPARE(kBytea, kBytea, 0, 0),
    TANDEM_COMPARE(kOid, kOid, 0, 0),
    TANDEM_COMPARE(kTime, kTime, 0, 0),
    TANDEM_COMPARE(kMoney, kMoney, 0, 0),
    TANDEM_COMPARE_FLOAT(kFloat8, kFloat8),
    TANDEM_COMPARE_FLOAT(kFloat4, kFloat4),
    TANDEM_COMPARE_FLOAT(kFloat4, kFloat8),
    TANDEM_COMPARE_FLOAT(kFloat8, kFloat4),
};

}  // namespace

std::span<const Rule> compare_rules() {
    return kRules;
}

}  // namespace tandem::route
