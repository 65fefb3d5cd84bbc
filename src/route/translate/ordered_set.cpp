// Ordered-set aggregates: percentiles, mode.
#include <charconv>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

bool is_fraction(std::string_view text) {
    double fraction = -1;
    std::from_chars(text.data(), text.data() + text.size(), fraction);
    return fraction >= 0 && fraction <= 1;
}

// Of the sorted values $1 at the fraction $2, by the operations of Postgres'
// percentile_cont_float8_final and percentile_disc_final in the same order.
constexpr std::string_view kContinuous =
    "arrayMap(a -> if(empty(a), NULL, if(floor(($2 * (length(a) - 1))) = ceil(($2 * "
    "(length(a) - 1))), a[toInt64(floor(($2 * (length(a) - 1)))) + 1], "
    "a[toInt64(floor(($2 * (length(a) - 1)))) + 1] + (($2 * (length(a) - 1)) - "
    "floor(($2 * (length(a) - 1)))) * (a[toInt64(ceil(($2 * (length(a) - 1)))) + 1] - "
    "a[toInt64(floor(($2 * (length(a) - 1)))) + 1]))), [$1])[1]";
constexpr std::string_view kDiscrete =
    "arrayMap(a -> if(empty(a), NULL, a[greatest(1, toInt64(ceil($2 * length(a))))]), [$1])[1]";

// Of sorted microseconds: days and the rest, each for itself between its two neighbours, as
// Postgres computes (hi - lo) * x + lo of intervals.
constexpr std::string_view kBetween =
    "arrayMap(a -> if(empty(a), NULL, arrayMap((p, n) -> arrayMap((lo, hi, x) -> arrayMap((l, m, "
    "d, "
    "t) -> arrayMap(s -> arrayMap(k -> (toInt64(l + trunc(d * x) + k), toInt64(m + roundBankers(t "
    "* "
    "x + (s - k * 86400) * 1000000))), [trunc(s / 86400)])[1], [roundBankers((d * x - trunc(d * "
    "x)) "
    "* 86400 * 1000000) / 1000000])[1], [toInt64(intDiv(lo, toInt64(86400000000)))], [toInt64(lo % "
    "toInt64(86400000000))], [toFloat64(intDiv(hi, toInt64(86400000000)) - intDiv(lo, "
    "toInt64(86400000000)))], [toFloat64(hi % toInt64(86400000000) - lo % "
    "toInt64(86400000000))])[1], [a[toInt64(floor(p)) + 1]], [a[toInt64(ceil(p)) + 1]], [p - "
    "floor(p)])[1], [$2 * (length(a) - 1)], [1])[1]), [$1])[1]";

}  // namespace

// Values that sort alike on both sides.
bool Translator::is_sortable_set(const Value& argument, const Expr& expr) const {
    return is_int(argument.cls) || is_float(argument.cls) || argument.cls == Class::kDate ||
           argument.cls == Class::kInterval || argument.cls == Class::kTime ||
           argument.cls == Class::kMoney ||
           (argument.cls == Class::kNumeric && argument.digits == nullptr) ||
           argument.cls == Class::kTimestamp || argument.cls == Class::kTimestamptz ||
           (argument.cls == Class::kText && expr.collation == Collation::kBytewise);
}

Result<Value> Translator::ordered_set(const Expr& expr) {
    if (expr.distinct || expr.within_group.size != 1 || !expr.within_group[0].default_operator)
        return refuse(Reason::kAggregate, std::string(expr.name));
    const SortKey& key = expr.within_group[0];
    bool placed = expr.name.ends_with("rank") || expr.name == "cume_dist";
    if (placed && expr.direct_args.size == 1) return hypothetical(expr);
    if (expr.name == "mode" && expr.direct_args.empty()) return mode(expr, key);
    bool continuous = expr.name == "percentile_cont";
    if (!(continuous || expr.name == "percentile_disc") || expr.direct_args.size != 1)
        return refuse(Reason::kAggregate, std::string(expr.name));
    Value argument = TRY(value(*key.expr));
    bool number = is_int(argument.cls) || is_float(argument.cls);
    bool interval = argument.cls == Class::kInterval;
    if (!(continuous ? number || interval : is_sortable_set(argument, *key.expr)))
        return refuse(Reason::kAggregate, std::string(expr.name) + " of this type");
    bool time = argument.cls == Class::kTimestamp || argument.cls == Class::kTimestamptz;
    if (time) argument.node = in_utc(argument);
    const Node* one =
        continuous && !interval ? sql_.form("toFloat64($1)", {argument.node}) : argument.node;
    const Node* values = TRY(aggregate_call(expr, "groupArray", {one}));
    // NaN is the greatest value either way.
    values = sql_.form(key.descending ? "arrayReverse(arraySort($1))" : "arraySort($1)", {values});
    if (continuous && interval) return percentile_of_intervals(expr, values);
    Value result = argument;
    result.nullable = true;
    result.literal = false;
    result.bounded = false;
    if (continuous) result.cls = Class::kFloat8;
    return percentile(expr, result, values);
}

Result<Value> Translator::percentile(const Expr& expr, Value result, const Node* values) {
    const Expr& at = *expr.direct_args[0];
    if (at.kind != ExprKind::kConstant || !at.known || at.constant_null)
        return refuse(Reason::kConstantUnknown, "the fraction of " + std::string(expr.name));
    std::string_view form = expr.name == "percentile_cont" ? kContinuous : kDiscrete;
    if (at.type == oid::kFloat8) {
        if (!is_fraction(at.known_text)) return refuse(Reason::kConstant, "not from 0 to 1");
        result.node = sql_.form(form, {values, float_parameter(at, false)});
        return result;
    }
    std::vector<const Expr*> fractions;
    if (at.type != oid::kFloat8Array || !known_elements(at, fractions, oid::kFloat8) ||
        fractions.empty())
        return refuse(Reason::kConstantUnknown, "the fractions of " + std::string(expr.name));
    Nodes parts;
    for (const Expr* fraction : fractions) {
        if (fraction->constant_null || !is_fraction(fraction->known_text))
            return refuse(Reason::kConstant, "not from 0 to 1");
        // The text is Postgres' own and the shortest that reads back as the same number.
        const Node* text = sql_.string(fraction->known_text);
        parts.push_back(sql_.form(form, {values, sql_.form("toFloat64($1)", {text})}));
    }
    // No values at all are no percentiles, not NULL ones.
    const Node* array = sql_.form("if(empty($1), [], [$2])", {values, sql_.form("$,", parts)});
    return array_text(array, result);
}

Result<Value> Translator::percentile_of_intervals(const Expr& expr, const Node* values) {
    const Expr& at = *expr.direct_args[0];
    bool known = at.kind == ExprKind::kConstant && at.known && !at.constant_null &&
                 at.type == oid::kFloat8 && is_fraction(at.known_text);
    if (!known)
        return refuse(Reason::kConstantUnknown, "the fraction of " + std::string(expr.name));
    const Node* parts = sql_.form(kBetween, {values, float_parameter(at, false)});
    const Node* text = interval_text(sql_.form("q.1", {}), sql_.form("q.2", {}));
    Value result{.cls = Class::kOther, .other_type = "Nullable(String)"};
    result.node =
        sql_.form("if(empty($1), NULL, arrayMap(q -> $2, [$3])[1])", {values, text, parts});
    return result;
}

// The most frequent value; of several the first in their order.
Result<Value> Translator::mode(const Expr& expr, const SortKey& key) {
    Value argument = TRY(value(*key.expr));
    if (!is_sortable_set(argument, *key.expr) || is_float(argument.cls))
        return refuse(Reason::kAggregate, "mode of this type");
    const Node* keys = sql_.form("if($1 IS NULL, [], [assumeNotNull($1)])", {argument.node});
    const Node* ones = sql_.form("if($1 IS NULL, [], [toUInt64(1)])", {argument.node});
    const Node* counts = TRY(aggregate_call(expr, "sumMap", {keys, ones}));
    Value result = argument;
    result.nullable = true;
    result.literal = result.bounded = false;
    result.node = sql_.form(
        key.descending ? "if(empty($1.1), NULL, arrayReverse($1.1)[indexOf(arrayReverse($1.2), "
                         "arrayMax($1.2))])"
                       : "if(empty($1.1), NULL, $1.1[indexOf($1.2, arrayMax($1.2))])",
        {counts});
    return result;
}

}  // namespace tandem::route
