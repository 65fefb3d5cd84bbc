// Aggregates and window functions. FILTER and DISTINCT are put in by the writer; of avg the row is
// that of its sum. Sums of smallint and integer are those of Int64, as in Postgres.
#include "route/rules/rule.h"

namespace tandem::route {
namespace {

using enum Class;
using enum Form;
using namespace rule;

#define TANDEM_MIN_MAX(cls, flags)                                                   \
    {kAggregate, "min", {cls}, cls, "minOrNull", flags | kMaybeNull | kKeepScale}, { \
        kAggregate, "max", {cls}, cls, "maxOrNull", flags | kMaybeNull | kKeepScale  \
    }

// Zeros of both signs are equal, and so are all NaNs.
constexpr std::string_view kFloatKey = "if(isNaN($1), nan, $1 + 0)";

constexpr Rule kRules[] = {
    {kAggregate, "count", {}, kInt8, "count", kNotNull},
    {kAggregate, "count", {kAny}, kInt8, "count", kNotNull | kScaleFree},
    {kAggregate, "count", {kAnyInt}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kText}, kInt8, "uniqExact", kNotNull | kDistinct | kDeterministic},
    {kAggregate, "count", {kDate}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kTimestamp}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kTimestamptz}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kInet}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kBytea}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kUuid}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kBool}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kNumeric}, kInt8, "uniqExact", kNotNull | kDistinct | kScaleFree},
    {kAggregate, "count", {kTime}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kMoney}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate, "count", {kFloat4}, kInt8, "uniqExact", kNotNull | kDistinct, kFloatKey},
    {kAggregate, "count", {kFloat8}, kInt8, "uniqExact", kNotNull | kDistinct, kFloatKey},
    {kAggregate, "count", {kEnum}, kInt8, "uniqExact", kNotNull | kDistinct},
    {kAggregate,
     "count",
     {kBpchar},
     kInt8,
     "uniqExact",
     kNotNull | kDistinct | kDeterministic,
     "trimRight($1)"},
    {kAggregate, "sum", {kInt2}, kInt8, "sumOrNull", kMaybeNull},
    {kAggregate, "sum", {kInt4}, kInt8, "sumOrNull", kMaybeNull},
    {kAggregate,
     "sum",
     {kInt8},
     kNumeric,
     "sumOrNull",
     kMaybeNull | kIntegerScale,
     "toDecimal128($1, 0)"},
    {kAggregate, "sum", {kNumeric}, kNumeric, "sumOrNull", kMaybeNull | kSumScale},
    {kAggregate, "sum", {kFloat4}, kFloat4, "sumOrNull", kRefuse | kMaybeNull},
    {kAggregate, "sum", {kFloat8}, kFloat8, "sumOrNull", kRefuse | kMaybeNull},
    {kAggregate, "avg", {kFloat4}, kFloat8, "sumOrNull", kRefuse | kMaybeNull},
    {kAggregate, "avg", {kFloat8}, kFloat8, "sumOrNull", kRefuse | kMaybeNull},
    {kAggregate, "avg", {kInt2}, kNumeric, "sumOrNull", kMaybeNull | kIntegerScale},
    {kAggregate, "avg", {kInt4}, kNumeric, "sumOrNull", kMaybeNull | kIntegerScale},
    {kAggregate,
     "avg",
     {kInt8},
     kNumeric,
     "sumOrNull",
     kMaybeNull | kIntegerScale,
     "toDecimal128($1, 0)"},
    {kAggregate, "avg", {kNumeric}, kNumeric, "sumOrNull", kSumScale | kMaybeNull},
    TANDEM_MIN_MAX(kInt2, 0),
    TANDEM_MIN_MAX(kInt4, 0),
    TANDEM_MIN_MAX(kInt8, 0),
    TANDEM_MIN_MAX(kNumeric, 0),
    TANDEM_MIN_MAX(kText, kBytewise),
    TANDEM_MIN_MAX(kDate, 0),
    TANDEM_MIN_MAX(kTimestamp, 0),
    TANDEM_MIN_MAX(kTimestamptz, 0),
    TANDEM_MIN_MAX(kTime, 0),
    TANDEM_MIN_MAX(kMoney, 0),
    // Brought back to 64 bits by sum_of(), with an error on overflow.
    {kAggregate, "sum", {kMoney}, kMoney, "sumOrNull", kMaybeNull, "toInt128($1)"},
    {kAggregate, "bit_and", {kInt2}, kInt2, "groupBitAndOrNull", kMaybeNull},
    {kAggregate, "bit_and", {kInt4}, kInt4, "groupBitAndOrNull", kMaybeNull},
    {kAggregate, "bit_and", {kInt8}, kInt8, "groupBitAndOrNull", kMaybeNull},
    {kAggregate, "bit_or", {kInt2}, kInt2, "groupBitOrOrNull", kMaybeNull},
    {kAggregate, "bit_or", {kInt4}, kInt4, "groupBitOrOrNull", kMaybeNull},
    {kAggregate, "bit_or", {kInt8}, kInt8, "groupBitOrOrNull", kMaybeNull},
    {kAggregate, "bit_xor", {kInt2}, kInt2, "groupBitXorOrNull", kMaybeNull},
    {kAggregate, "bit_xor", {kInt4}, kInt4, "groupBitXorOrNull", kMaybeNull},
    {kAggregate, "bit_xor", {kInt8}, kInt8, "groupBitXorOrNull", kMaybeNull},
    {kAggregate, "bool_and", {kBool}, kBool, "minOrNull", kMaybeNull},
    {kAggregate, "every", {kBool}, kBool, "minOrNull", kMaybeNull},
    {kAggregate, "bool_or", {kBool}, kBool, "maxOrNull", kMaybeNull},

    // --- window functions
    {kWindow, "row_number", {}, kInt8, "row_number()", kNotNull},
    {kWindow, "rank", {}, kInt8, "rank()", kNotNull},
    {kWindow, "dense_rank", {}, kInt8, "dense_rank()", kNotNull},
};

}  // namespace

std::span<const Rule> aggregate_rules() {
    return kRules;
}

}  // namespace tandem::route
