// Intervals: differences of times, and times that are moved by a constant one.
//
// A difference is held as its microseconds. Postgres makes days of 24 hours of them, so that equal
// ones look alike. Intervals of tables and sums of differences are texts, and only passed on.
#include <algorithm>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

constexpr std::string_view kDays = "intDiv($1, toInt64(86400000000))";
constexpr std::string_view kRest = "($1 % toInt64(86400000000))";

bool is_comparison(std::string_view name) {
    constexpr std::string_view kNames[] = {"=", "<>", "<", "<=", ">", ">="};
    return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Which parts the text of a constant interval may have. Of styles other than Postgres' own: all.
struct Parts {
    bool months = true;
    bool days = true;
};

Parts parts_of(const Expr& expr) {
    if (!expr.known || expr.constant_null) return {};
    std::string_view text = expr.known_text;
    Parts parts{false, false};
    while (!text.empty()) {
        size_t start = text.find_first_not_of("-+0123456789:. ");
        if (start == std::string_view::npos) break;
        text.remove_prefix(start);
        std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(word.size());
        if (word == "day" || word == "days")
            parts.days = true;
        else if (word == "mon" || word == "mons" || word == "year" || word == "years")
            parts.months = true;
        else
            return {};
    }
    bool any_word = parts.days || parts.months;
    bool clock = expr.known_text.find(':') != std::string_view::npos &&
                 expr.known_text.find(' ') == std::string_view::npos;
    return any_word || clock ? parts : Parts{};
}

}  // namespace

// The difference of two times, without regard to zones.
Result<Value> Translator::difference(const Expr& expr) {
    Value until = TRY(value(*expr.args[0]));
    Value from = TRY(value(*expr.args[1]));
    bool times =
        from.cls == until.cls && (from.cls == Class::kTimestamp || from.cls == Class::kTimestamptz);
    if (!times) return refuse(Reason::kOperator, "the difference of these types");
    return Value{.node = sql_.form("(toUnixTimestamp64Micro($1) - toUnixTimestamp64Micro($2))",
                                   {in_utc(until), in_utc(from)}),
                 .cls = Class::kInterval,
                 .nullable = from.nullable || until.nullable};
}

// As Postgres reads it: days, and the rest as a clock.
const sql::Node* Translator::interval_text(const Node* days, const Node* rest) {
    return sql_.form(
        "concat(toString($1), ' days ', if($2 < 0, '-', ''), toString(intDiv(abs($2), "
        "toInt64(3600000000))), ':', leftPad(toString(intDiv(abs($2), toInt64(60000000)) % "
        "toInt64(60)), 2, '0'), ':', "
        "leftPad(toString(intDiv(abs($2), toInt64(1000000)) % toInt64(60)), 2, '0'), '.', "
        "leftPad(toString(abs($2) % toInt64(1000000)), 6, '0'))",
        {days, rest});
}

// What a column of the result holds of it.
Value Translator::shown_interval(const Value& value) {
    Value shown = value;
    shown.cls = Class::kOther;
    shown.other_type = value.nullable ? "Nullable(String)" : "String";
    shown.node = interval_text(sql_.form(kDays, {value.node}), sql_.form(kRest, {value.node}));
    return shown;
}

// The length by which intervals are compared: a month has 30 days, a day 24 hours.
Result<Value> Translator::span_of(const Expr& expr) {
    if (expr.kind == ExprKind::kConstant) {
        if (expr.known && expr.constant_null) return refuse(Reason::kConstant, "NULL");
        Nodes parts = {parameter(expr, "Int32", ConstantPart::kMonths),
                       parameter(expr, "Int32", ConstantPart::kDays),
                       parameter(expr, "Int64", ConstantPart::kMicroseconds)};
        return Value{
            .node = sql_.form("((toInt128($1) * 30 + $2) * toInt128(86400000000) + $3)", parts),
            .cls = Class::kInterval,
            .nullable = false};
    }
    if (has_parts(expr)) return span_of_parts(expr);
    Value span = TRY(value(expr));
    if (span.cls != Class::kInterval) return refuse(Reason::kOperator, "of intervals");
    span.node = sql_.form("toInt128($1)", {span.node});
    return span;
}

Result<Value> Translator::compare_intervals(const Expr& expr) {
    if (!is_comparison(expr.name)) return refuse(Reason::kOperator, "of intervals");
    Value left = TRY(span_of(*expr.args[0]));
    Value right = TRY(span_of(*expr.args[1]));
    std::string form = "($1 " + std::string(expr.name == "<>" ? "!=" : expr.name) + " $2)";
    return Value{.node = sql_.form(sql_.keep(form), {left.node, right.node}),
                 .cls = Class::kBool,
                 .nullable = left.nullable || right.nullable};
}

// extract() and date_part() of a difference.
Result<Value> Translator::interval_field(const Expr& expr) {
    const Expr& field = *expr.args[0];
    if (field.kind != ExprKind::kConstant || !field.known || field.constant_null)
        return refuse(Reason::kFunction, std::string(expr.name));
    if (has_parts(*expr.args[1])) return field_of_parts(expr);
    Value span = TRY(value(*expr.args[1]));
    Value result{.cls = class_of(expr.type), .nullable = span.nullable};
    bool numeric = result.cls == Class::kNumeric;
    if (span.cls != Class::kInterval || (!numeric && result.cls != Class::kFloat8))
        return refuse(Reason::kFunction, std::string(expr.name) + " of an interval");
    std::string_view name = unit_name(field);
    if (name == "epoch" || name == "second") {
        std::string_view part = name == "epoch" ? "$1" : "($1 % toInt64(60000000))";
        result.precision = 26;
        result.scale = 6;
        std::string form =
            "(toDecimal128(" + std::string(part) + ", 0) * toDecimal128('0.000001', 6))";
        if (!numeric)
            form = name == "epoch" ? "(toFloat64($1 % toInt64(86400000000)) / 1000000. + 86400. * "
                                     "toFloat64(intDiv($1, toInt64(86400000000))))"
                                   : "(toFloat64(intDiv($1 % toInt64(60000000), toInt64(1000000))) "
                                     "+ toFloat64($1 % "
                                     "toInt64(1000000)) / 1000000.)";
        result.node = sql_.form(sql_.keep(form), {span.node});
        return result;
    }
    std::string_view part =
        name == "day"      ? "intDiv($1, toInt64(86400000000))"
        : name == "hour"   ? "intDiv($1 % toInt64(86400000000), toInt64(3600000000))"
        : name == "minute" ? "intDiv($1 % toInt64(3600000000), toInt64(60000000))"
                           : "";
    if (part.empty()) return refuse(Reason::kFunction, std::string(expr.name) + " of an interval");
    result.precision = 18;
    result.node =
        sql_.form(numeric ? "toDecimal64($1, 0)" : "toFloat64($1)", {sql_.form(part, {span.node})});
    return result;
}

// Postgres adds up days and the rest for themselves.
Result<Value> Translator::interval_sum(const Expr& expr, const Value& argument) {
    const Node* days = TRY(
        aggregate_call(expr, "sumOrNull",
                       {sql_.form("toInt64(intDiv($1, toInt64(86400000000)))", {argument.node})}));
    const Node* rest = TRY(aggregate_call(
        expr, "sumOrNull", {sql_.form("toInt128($1 % toInt64(86400000000))", {argument.node})}));
    const Node* wrong =
        sql_.form("abs($1) > 2000000000 OR abs($2) > toInt128(7000000000000000000)", {days, rest});
    Value result{.cls = Class::kOther, .other_type = "Nullable(String)"};
    result.node = sql_.guarded(wrong, interval_text(days, rest));
    return result;
}

Result<Value> Translator::interval_aggregate(const Expr& expr, const Value& argument) {
    if (expr.name == "sum" && !expr.distinct) return interval_sum(expr, argument);
    if (expr.name == "count") {
        const Node* count = TRY(aggregate_call(expr, "uniqExact", {argument.node}));
        return Value{
            .node = sql_.form("toInt64($1)", {count}), .cls = Class::kInt8, .nullable = false};
    }
    if (expr.name != "min" && expr.name != "max")
        return refuse(Reason::kAggregate, std::string(expr.name) + " of interval");
    Value result{.cls = Class::kInterval};
    result.node =
        TRY(aggregate_call(expr, expr.name == "min" ? "minOrNull" : "maxOrNull", {argument.node}));
    return result;
}

namespace {

// n of n * interval and interval * n, a whole number made a float8, and the interval.
const Expr* whole_factor(const Expr& expr, const Expr*& interval) {
    bool product =
        expr.kind == ExprKind::kOperator && expr.builtin && expr.name == "*" && expr.args.size == 2;
    if (!product) return nullptr;
    const Expr* factor = expr.args[0];
    interval = expr.args[1];
    if (factor->type == oid::kInterval) std::swap(factor, interval);
    bool whole = factor->kind == ExprKind::kCast && factor->args.size == 1 &&
                 is_int(class_of_type(factor->args[0]->type));
    bool known = interval->kind == ExprKind::kConstant && interval->type == oid::kInterval;
    return whole && known ? factor->args[0] : nullptr;
}

}  // namespace

// The parts of an interval that is a constant, so many times one, or made of whole numbers.
Result<Translator::IntervalParts> Translator::interval_parts(const Expr& expr) {
    if (has_parts(expr)) return parts_of_interval(expr);
    IntervalParts parts;
    const Expr* one = &expr;
    const Expr* factor = whole_factor(expr, one);
    if (expr.kind == ExprKind::kFunction && expr.builtin && expr.name == "make_interval")
        return made_interval(expr);
    if (one->kind != ExprKind::kConstant || (one != &expr && factor == nullptr))
        return refuse(Reason::kOperator, "interval arithmetic with columns");
    if (parts_of(*one).months) parts.months = parameter(*one, "Int32", ConstantPart::kMonths);
    if (parts_of(*one).days) parts.days = parameter(*one, "Int32", ConstantPart::kDays);
    parts.rest = parameter(*one, "Int64", ConstantPart::kMicroseconds);
    if (factor == nullptr) return parts;
    Value times = TRY(value(*factor));
    auto product = [&](const Node* part) {
        return part == nullptr ? nullptr
                               : sql_.form("toInt64(toInt128($1) * $2)", {part, times.node});
    };
    const Node* wrong = sql_.form("ifNull(abs(toInt128($1)) > 100000, 0)", {times.node});
    times.node = sql_.guarded(wrong, times.node);
    parts = {product(parts.months), product(parts.days), product(parts.rest)};
    return parts;
}

// make_interval(years, months, weeks, days, hours, mins, 0)
Result<Translator::IntervalParts> Translator::made_interval(const Expr& expr) {
    bool plain = expr.args.size == 7 && expr.args[6]->kind == ExprKind::kConstant &&
                 expr.args[6]->known && expr.args[6]->known_text == "0";
    if (!plain) return refuse(Reason::kFunction, "make_interval with seconds");
    Nodes numbers;
    for (uint32_t i = 0; i < 6; ++i) {
        Value one = TRY(value(*expr.args[i]));
        const Node* wrong = sql_.form("ifNull(abs(toInt64($1)) > 100000, 0)", {one.node});
        numbers.push_back(sql_.guarded(wrong, sql_.form("toInt64($1)", {one.node})));
    }
    IntervalParts parts;
    parts.months = sql_.form("($1 * 12 + $2)", {numbers[0], numbers[1]});
    parts.days = sql_.form("($1 * 7 + $2)", {numbers[2], numbers[3]});
    parts.rest = sql_.form("(($1 * 60 + $2) * toInt64(60000000))", {numbers[4], numbers[5]});
    return parts;
}

// Months, then days, then the rest, as Postgres does. For timestamptz days and months count on the
// clock of the session's time zone.
Result<Value> Translator::plus_interval(const Expr& expr) {
    const Expr* left = expr.args[0];
    const Expr* right = expr.args[1];
    if (left->type == oid::kInterval && expr.name == "+") std::swap(left, right);
    if (right->type != oid::kInterval) return refuse(Reason::kOperator, "interval arithmetic");
    if (left->type == oid::kTime) return moved_clock(expr);
    IntervalParts by = TRY(interval_parts(*right));
    Value argument = TRY(value(*left));
    std::string_view zone;
    if (argument.cls == Class::kTimestamptz)
        zone = TRY(session_zone());
    else if (argument.cls != Class::kDate && argument.cls != Class::kTimestamp)
        return refuse(Reason::kOperator, "interval arithmetic");
    const Node* time = in_utc(argument);
    const Node* none = sql_.int64(0);
    const Node* wrong = sql_.form(
        "ifNull(toYear($1) NOT BETWEEN 1920 AND 2280, 0) OR ifNull(abs($2) > 120, 0) OR "
        "ifNull(abs($3) > 3650, 0) OR ifNull(abs($4) > 31536000000000, 0)",
        {time, by.months != nullptr ? by.months : none, by.days != nullptr ? by.days : none,
         by.rest});
    bool plus = expr.name == "+";
    // Whole seconds are moved; their fraction comes back at the end.
    const Node* to = moved_by(sql_.form("toStartOfSecond($1, 'UTC')", {time}), zone, plus ? 1 : -1,
                              by.months, by.days);
    const Node* fraction =
        sql_.form("positiveModulo(toUnixTimestamp64Micro($1), toInt64(1000000))", {time});
    to = sql_.form(plus ? "addMicroseconds($1, $2 + $3)" : "subtractMicroseconds($1, $2 - $3)",
                   {to, by.rest, fraction});
    Value result{.cls = argument.cls == Class::kDate ? Class::kTimestamp : argument.cls};
    result.node = sql_.guarded(wrong, to);
    return result;
}

// `time` moved by months and then by days, where there are any, on the clock of the zone.
const sql::Node* Translator::moved_by(const Node* time, std::string_view zone, int sign,
                                      const Node* months, const Node* days) {
    auto step = [&](const Node* from, std::string_view function, const Node* by) {
        std::string form = std::string(function) + "($1, " + (sign < 0 ? "-" : "") + "$2)";
        const Node* there = sql_.form(sql_.keep(form), {clock_of(from, zone), by});
        if (zone.empty()) return there;
        return sql_.form("if(ifNull($1 = 0, 0), $2, $3)",
                         {by, from, instant_of(there, zone, true)});
    };
    if (months == nullptr) return days == nullptr ? time : step(time, "addDays", days);
    const Node* moved = step(time, "addMonths", months);
    if (days == nullptr) return moved;
    if (zone.empty()) return step(moved, "addDays", days);
    // A name for the first step keeps the text of the second one short.
    const Node* second = step(sql_.form("x", {}), "addDays", days);
    return sql_.form("arrayMap(x -> $1, [$2])[1]", {second, moved});
}

// The start of the bin that the time falls into; bins are counted from the third argument on.
Result<Value> Translator::date_bin(const Expr& expr) {
    const Expr& stride = *expr.args[0];
    if (expr.args.size != 3 || stride.kind != ExprKind::kConstant || stride.type != oid::kInterval)
        return refuse(Reason::kFunction, "date_bin of this form");
    Value time = TRY(value(*expr.args[1]));
    Value origin = TRY(value(*expr.args[2]));
    if (time.cls != origin.cls ||
        (time.cls != Class::kTimestamp && time.cls != Class::kTimestamptz))
        return refuse(Reason::kFunction, "date_bin of this type");
    const Node* months = parameter(stride, "Int32", ConstantPart::kMonths);
    const Node* days = parameter(stride, "Int32", ConstantPart::kDays);
    const Node* rest = parameter(stride, "Int64", ConstantPart::kMicroseconds);
    const Node* length = sql_.form("(toInt64($1) * toInt64(86400000000) + $2)", {days, rest});
    const Node* at = sql_.form("toUnixTimestamp64Micro($1)", {in_utc(time)});
    const Node* first = sql_.form("toUnixTimestamp64Micro($1)", {in_utc(origin)});
    const Node* wrong = sql_.form("$1 != 0 OR $2 <= 0 OR abs($3) > 36500 OR $4 < $5",
                                  {months, length, days, at, first});
    const Node* start = sql_.form(
        "fromUnixTimestamp64Micro($1 - ($1 - $2) % greatest($3, 1), 'UTC')", {at, first, length});
    return Value{.node = sql_.guarded(wrong, start), .cls = time.cls};
}

}  // namespace tandem::route
