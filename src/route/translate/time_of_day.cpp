// Time of day: microseconds since midnight, as which 24:00:00 is one more than the last.
#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {

// As Postgres writes it, in every DateStyle: without zeros behind the point.
const sql::Node* Translator::clock_text(const Node* time) {
    return sql_.form(
        "concat(leftPad(toString(intDiv($1, toInt64(3600000000))), 2, '0'), ':', "
        "leftPad(toString(intDiv($1, toInt64(60000000)) % 60), 2, '0'), ':', "
        "leftPad(toString(intDiv($1, toInt64(1000000)) % 60), 2, '0'), replaceRegexpOne(concat('.',"
        " leftPad(toString($1 % toInt64(1000000)), 6, '0')), '[.]?0+$', ''))",
        {time});
}

// What has no days nor months: a difference of times of day, or one of them as an interval.
bool Translator::is_clock_span(const Expr& expr) const {
    if (!expr.builtin || expr.type != oid::kInterval) return false;
    if (expr.kind == ExprKind::kOperator)
        return expr.name == "-" && expr.args.size == 2 && expr.args[0]->type == oid::kTime &&
               expr.args[1]->type == oid::kTime;
    bool cast = expr.kind == ExprKind::kCast || expr.kind == ExprKind::kFunction;
    return cast && expr.name == "interval" && expr.args.size == 1 &&
           expr.args[0]->type == oid::kTime;
}

Result<Translator::IntervalParts> Translator::parts_of_clock(const Expr& expr) {
    Value first = TRY(value(*expr.args[0]));
    if (first.cls != Class::kTime) return refuse(Reason::kTypeUnsupported, "a time of day");
    IntervalParts parts{.months = sql_.int64(0), .days = sql_.int64(0), .rest = first.node};
    parts.nullable = first.nullable;
    if (expr.args.size == 2) {
        Value second = TRY(value(*expr.args[1]));
        if (second.cls != Class::kTime) return refuse(Reason::kTypeUnsupported, "a time of day");
        parts.rest = sql_.form("($1 - $2)", {first.node, second.node});
        parts.nullable = first.nullable || second.nullable;
    }
    if (!parts.nullable) return parts;
    // Where there is no rest there are no days either.
    for (const Node** part : {&parts.months, &parts.days})
        *part = sql_.form("if($1 IS NULL, NULL, $2)", {parts.rest, *part});
    return parts;
}

// time + interval, interval + time, time - interval: what is more than a day does not count.
Result<Value> Translator::moved_clock(const Expr& expr) {
    bool swapped = expr.args[0]->type == oid::kInterval;
    if (swapped && expr.name == "-") return refuse(Reason::kOperator, "interval arithmetic");
    IntervalParts by = TRY(interval_parts(*expr.args[swapped ? 0 : 1]));
    Value result = TRY(value(*expr.args[swapped ? 1 : 0]));
    if (result.cls != Class::kTime) return refuse(Reason::kOperator, "interval arithmetic");
    const Node* moved = sql_.form(expr.name == "+" ? "(toInt128($1) + $2)" : "(toInt128($1) - $2)",
                                  {result.node, by.rest});
    result.node = sql_.form("toInt64(positiveModulo($1, toInt128(86400000000)))", {moved});
    result.nullable = true;
    result.literal = false;
    return result;
}

// interval::time
Result<Value> Translator::clock_of_interval(const Expr& span) {
    const Node* rest = nullptr;
    if (has_parts(span)) {
        rest = TRY(parts_of_interval(span))
        .rest;
    } else {
        Value one = TRY(value(span));
        if (one.cls != Class::kInterval) return refuse(Reason::kCast, "interval to time");
        rest = one.node;
    }
    return Value{.node = sql_.form("toInt64(positiveModulo($1, toInt64(86400000000)))", {rest}),
                 .cls = Class::kTime};
}

namespace {

struct ClockField {
    std::string_view name;
    std::string_view numeric;
    int scale;
    std::string_view floating;  // with the operations of Postgres in their order
};

constexpr ClockField kClockFields[] = {
    {"hour", "toDecimal128(intDiv($1, toInt64(3600000000)), 0)", 0,
     "toFloat64(intDiv($1, toInt64(3600000000)))"},
    {"minute", "toDecimal128(intDiv($1, toInt64(60000000)) % 60, 0)", 0,
     "toFloat64(intDiv($1, toInt64(60000000)) % 60)"},
    {"second", "(toDecimal128($1 % toInt64(60000000), 0) * toDecimal128('0.000001', 6))", 6,
     "(toFloat64(intDiv($1 % toInt64(60000000), toInt64(1000000))) + toFloat64($1 % "
     "toInt64(1000000)) / 1000000.)"},
    {"milliseconds", "(toDecimal128($1 % toInt64(60000000), 0) * toDecimal128('0.001', 3))", 3,
     "(toFloat64(intDiv($1 % toInt64(60000000), toInt64(1000000))) * 1000. + toFloat64($1 % "
     "toInt64(1000000)) / 1000.)"},
    {"microseconds", "toDecimal128($1 % toInt64(60000000), 0)", 0,
     "toFloat64($1 % toInt64(60000000))"},
    {"epoch", "(toDecimal128($1, 0) * toDecimal128('0.000001', 6))", 6,
     "(toFloat64($1) / 1000000.)"},
};

}  // namespace

// extract() and date_part() of a time of day
Result<Value> Translator::clock_field(const Expr& expr, const Value& time) {
    std::string_view name = unit_name(*expr.args[0]);
    Value result{.cls = class_of(expr.type), .nullable = time.nullable, .precision = 26};
    bool numeric = result.cls == Class::kNumeric;
    for (const ClockField& field : kClockFields) {
        if (field.name != name || (!numeric && result.cls != Class::kFloat8)) continue;
        result.scale = field.scale;
        result.node = sql_.form(numeric ? field.numeric : field.floating, {time.node});
        return result;
    }
    return refuse(Reason::kFunction, std::string(expr.name) + " of this field");
}

// make_time(h, m, s): whole seconds.
Result<Value> Translator::made_time(const Expr& expr) {
    Nodes parts;
    for (uint32_t i = 0; i < 3; ++i) {
        Value one = TRY(value(*expr.args[i]));
        if (one.cls != (i < 2 ? Class::kInt4 : Class::kFloat8))
            return refuse(Reason::kFunction, "make_time of this type");
        parts.push_back(one.node);
    }
    const Node* wrong = sql_.form(
        "$1 NOT BETWEEN 0 AND 23 OR $2 NOT BETWEEN 0 AND 59 OR NOT ($3 >= 0 AND $3 < 60) OR $3 != "
        "trunc($3)",
        parts);
    const Node* time =
        sql_.form("((toInt64($1) * 60 + $2) * 60 + toInt64($3)) * toInt64(1000000)", parts);
    return Value{.node = sql_.guarded(wrong, time), .cls = Class::kTime};
}

// to_char() of a time of day, which is one of an interval: the clock of a day counts on.
const sql::Node* Translator::clock_as_moment(const Node* time) {
    return sql_.guarded(sql_.form("$1 >= 86400000000", {time}),
                        sql_.form("fromUnixTimestamp64Micro($1, 'UTC')", {time}));
}

namespace {

// Which end of all times a constant is: below zero the first, above zero the last, 0 for none.
int end_of_time(const Expr& expr) {
    bool time =
        expr.type == oid::kDate || expr.type == oid::kTimestamp || expr.type == oid::kTimestamptz;
    if (!time || expr.kind != ExprKind::kConstant || !expr.known || expr.constant_null) return 0;
    return expr.known_text == "infinity" ? 1 : expr.known_text == "-infinity" ? -1 : 0;
}

// What `x name y` is when x is before, or behind, every other time.
bool answer_at_end(std::string_view name, int end) {
    if (name == "=") return false;
    if (name == "<>") return true;
    return (name[0] == '<') == (end < 0);
}

bool is_comparison(std::string_view name) {
    return name == "=" || name == "<>" || name == "<" || name == "<=" || name == ">" ||
           name == ">=";
}

std::string_view turned_round(std::string_view name) {
    return name == "<" ? ">" : name == "<=" ? ">=" : name == ">" ? "<" : name == ">=" ? "<=" : name;
}

}  // namespace

// Comparisons with `infinity`, and with what is that where it would be NULL: the mirror's times are
// all finite.
Result<std::optional<Value>> Translator::compare_with_end(const Expr& expr) {
    std::optional<Value> found;
    if (expr.args.size != 2 || !is_comparison(expr.name)) return found;
    for (uint32_t side = 0; side < 2; ++side) {
        const Expr& end = *expr.args[side];
        const Expr& other = *expr.args[1 - side];
        std::string_view name = side == 0 ? std::string_view(expr.name) : turned_round(expr.name);
        bool either =
            end.kind == ExprKind::kCoalesce && end.args.size == 2 && end_of_time(*end.args[1]) != 0;
        int which = either ? end_of_time(*end.args[1]) : end_of_time(end);
        if (which == 0) continue;
        Value time = TRY(value(other));
        const Node* answer = sql_.form(answer_at_end(name, which) ? "true" : "false", {});
        answer = sql_.form("if($1 IS NULL, NULL, $2)", {time.node, answer});
        if (either) {
            Value first = TRY(value(*end.args[0]));
            Value pair[] = {first, time};
            if (side == 1) std::swap(pair[0], pair[1]);
            Value finite = TRY(apply_values(expr, Form::kOperator, expr.name, pair));
            answer = sql_.form("if($1 IS NULL, $2, $3)", {first.node, answer, finite.node});
        }
        return std::optional<Value>(
            Value{.node = sql_.cast(answer, "Nullable(Bool)"), .cls = Class::kBool});
    }
    return found;
}

}  // namespace tandem::route
