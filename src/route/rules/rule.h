// The rule table: for each operator, function, cast, aggregate and window function, by argument
// classes: may it ship, under which conditions, and how is it written.
//
// One row answers both questions, so that they cannot drift apart. One file per family; rows are
// looked up in order, the first that matches name, form and argument classes counts. In the SQL $1,
// $2, $3 are the arguments, $T is the ClickHouse type of the result (Nullable when an argument may
// be NULL), $t the same without Nullable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "route/sql/value.h"

namespace tandem::route {

enum class Form : uint8_t { kOperator, kFunction, kCast, kAggregate, kWindow };

// Conditions of a row, and what it does beyond its template.
namespace rule {
inline constexpr uint32_t kDeterministic = 1 << 0;   // equality by bytes is right for the collation
inline constexpr uint32_t kBytewise = 1 << 1;        // so is order
inline constexpr uint32_t kUtc = 1 << 2;             // only while TimeZone means UTC
inline constexpr uint32_t kNotNull = 1 << 3;         // never NULL (count)
inline constexpr uint32_t kMaybeNull = 1 << 4;       // NULL also for arguments that are not
inline constexpr uint32_t kAddScale = 1 << 5;        // numeric +, -: scale and digits of a sum
inline constexpr uint32_t kMulScale = 1 << 6;        // numeric *: scales add up
inline constexpr uint32_t kKeepScale = 1 << 7;       // numeric result as the first argument
inline constexpr uint32_t kDistinct = 1 << 8;        // aggregate(DISTINCT x)
inline constexpr uint32_t kRaises = 1 << 9;          // may fail the query on purpose
inline constexpr uint32_t kIntegerScale = 1 << 10;   // numeric(38, 0)
inline constexpr uint32_t kSumScale = 1 << 11;       // numeric sum: the widest digits of its width
inline constexpr uint32_t kLiteralSecond = 1 << 12;  // the second argument is a literal
inline constexpr uint32_t kScaleFree = 1 << 13;      // digits that are not known will do
inline constexpr uint32_t kRefuse = 1 << 14;         // known, and refused: float_aggregate_order
inline constexpr uint32_t kAsciiCase = 1 << 15;  // the locale treats ASCII letters as ASCII does
}  // namespace rule

struct Rule {
    Form form;
    std::string_view name;
    Class arguments[3];
    Class result;
    std::string_view sql;  // of an aggregate the function
    uint32_t flags = 0;
    std::string_view argument = {};  // of an aggregate: how its argument is written
};

// The rows of each family.
std::span<const Rule> compare_rules();
std::span<const Rule> arithmetic_rules();
std::span<const Rule> text_rules();
std::span<const Rule> cast_rules();
std::span<const Rule> time_rules();
std::span<const Rule> aggregate_rules();
std::span<const std::span<const Rule>> rule_table();

// The first row for these arguments, or null. The classes of `arguments` decide.
const Rule* find_rule(Form form, std::string_view name, std::span<const Class> arguments,
                      Class result, bool distinct = false, bool literal_second = false);

}  // namespace tandem::route
