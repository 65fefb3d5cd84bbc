// Dates and times.
#include "route/rules/rule.h"

namespace tandem::route {
namespace {

using enum Class;
using enum Form;
using namespace rule;

// Of infinite dates and times none is in ClickHouse: their column is not exact.
constexpr std::string_view kFinite = "CAST(if($1 IS NULL, NULL, true), $T)";
// With the operations of Postgres in their order: it counts microseconds from 2000 on.
constexpr std::string_view kToTimestamp =
    "arrayMap(s -> if(throwIf(ifNull(s NOT BETWEEN -2208988800 AND 10413791999, 0)) = 0, "
    "fromUnixTimestamp64Micro(toInt64(roundBankers((s - toFloat64(946684800)) * "
    "toFloat64(1000000))) + toInt64(946684800000000), 'UTC'), NULL), [$1])[1]";

constexpr Rule kRules[] = {
    {kFunction, "isfinite", {kDate}, kBool, kFinite},
    {kFunction, "isfinite", {kTimestamp}, kBool, kFinite},
    {kFunction, "isfinite", {kTimestamptz}, kBool, kFinite},
    {kFunction, "to_timestamp", {kFloat8}, kTimestamptz, kToTimestamp, kMaybeNull | kRaises},
};

}  // namespace

std::span<const Rule> time_rules() {
    return kRules;
}

}  // namespace tandem::route
