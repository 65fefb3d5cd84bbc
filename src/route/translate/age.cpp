// Intervals of months, days and a rest: age(), and columns of intervals, which are held as text.
#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

// Of two clocks the months, days and microseconds between them, as Postgres borrows: days from the
// month of the earlier one.
constexpr std::string_view kAge =
    "arrayMap((h, l, s) -> arrayMap(t -> arrayMap(d -> (s * ((toYear(h) - toYear(l)) * 12 + "
    "toMonth(h) - toMonth(l) - if(d < 0, 1, 0)), s * (d + if(d < 0, "
    "toDayOfMonth(toLastDayOfMonth(toStartOfSecond(l, 'UTC'))), 0)), s * (t + if(t < 0, "
    "toInt64(86400000000), toInt64(0)))), [toInt64(toDayOfMonth(toStartOfSecond(h, 'UTC'))) - "
    "toDayOfMonth(toStartOfSecond(l, 'UTC')) - if(t < 0, 1, 0)])[1], "
    "[positiveModulo(toUnixTimestamp64Micro(h), toInt64(86400000000)) - "
    "positiveModulo(toUnixTimestamp64Micro(l), toInt64(86400000000))])[1], [greatest($1, $2)], "
    "[least($1, $2)], [toInt64(if($1 < $2, -1, 1))])[1]";

// As Postgres writes intervals.
constexpr std::string_view kText =
    "^(-?[0-9]{1,5} years?)? ?([-+]?[0-9]{1,6} mons?)? ?([-+]?[0-9]{1,8} days?)? "
    "?([-+]?[0-9]{1,9}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?)?$";
constexpr std::string_view kMonths =
    "(toInt64OrZero(extract($1, '(-?[0-9]+) year')) * 12 + toInt64OrZero(extract($1, '(-?[0-9]+) "
    "mon')))";
constexpr std::string_view kDays = "toInt64OrZero(extract($1, '(-?[0-9]+) day'))";
constexpr std::string_view kRest =
    "(if(match($1, '-[0-9]+:'), -1, 1) * (toInt64OrZero(extract($1, '([0-9]+):[0-9]+:')) * "
    "toInt64(3600000000) + toInt64OrZero(extract($1, '[0-9]:([0-9]+):')) * toInt64(60000000) + "
    "toInt64OrZero(extract($1, ':([0-9]+)(?:[.][0-9]+)?$')) * toInt64(1000000) + "
    "toInt64OrZero(rightPad(extract($1, '[.]([0-9]+)$'), 6, '0'))))";

constexpr std::string_view kKeyUp =
    "arrayMap((m, d, r) -> ((toInt256(m) * 30 + d) * toInt256(86400000000) + r + "
    "toInt256('1180591620717411303424')) * toInt256('1208925819614629174706176') + (m + "
    "toInt256(2147483648)) * toInt256(1099511627776) + d + toInt256(2147483648), [$1], [$2], "
    "[$3])[1]";
constexpr std::string_view kKeyDown =
    "arrayMap((m, d, r) -> ((toInt256(m) * 30 + d) * toInt256(86400000000) + r + "
    "toInt256('1180591620717411303424')) * toInt256('1208925819614629174706176') + "
    "(toInt256(2147483648) - m) * toInt256(1099511627776) - d + toInt256(2147483648), [$1], [$2], "
    "[$3])[1]";
// Of both keys the parts; $3 is their text.
constexpr std::string_view kDecode =
    "arrayMap((u, v) -> arrayMap((s, m, d) -> if(throwIf(ifNull(m != toInt64(2147483648) - "
    "toInt64(intDiv(v, toInt256(1099511627776)) % toInt256(1099511627776)) OR d != "
    "toInt64(2147483648) - toInt64(v % toInt256(1099511627776)), 0)) = 0, arrayMap(r -> $3, "
    "[toInt64(s - (toInt256(m) * 30 + d) * toInt256(86400000000))])[1], NULL), [intDiv(u, "
    "toInt256('1208925819614629174706176')) - toInt256('1180591620717411303424')], "
    "[toInt64(intDiv(u, toInt256(1099511627776)) % toInt256(1099511627776)) - "
    "toInt64(2147483648)], [toInt64(u % toInt256(1099511627776)) - toInt64(2147483648)])[1], "
    "[$1], [$2])[1]";

struct Field {
    std::string_view name;
    std::string_view number;  // of $1 months, $2 days, $3 microseconds
};

constexpr Field kFields[] = {
    {"year", "intDiv($1, toInt64(12))"},
    {"month", "($1 % toInt64(12))"},
    {"quarter", "(intDiv($1 % toInt64(12), toInt64(3)) + 1)"},
    {"decade", "intDiv($1, toInt64(120))"},
    {"day", "$2"},
    {"hour", "intDiv($3, toInt64(3600000000))"},
    {"minute", "intDiv($3 % toInt64(3600000000), toInt64(60000000))"},
};

constexpr std::string_view kEpoch =
    "((toDecimal128((intDiv($1, toInt64(12)) * 1461 + ($1 % toInt64(12)) * 120 + $2 * 4) * 21600, "
    "0) * toDecimal128(1000000, 0) + toDecimal128($3, 0)) * toDecimal128('0.000001', 6))";
constexpr std::string_view kFloatEpoch =
    "(toFloat64($3) / 1000000. + toFloat64(31557600) * toFloat64(intDiv($1, toInt64(12))) + "
    "toFloat64(2592000) * toFloat64($1 % toInt64(12)) + toFloat64(86400) * toFloat64($2))";

bool is_age(const Expr& expr) {
    return expr.kind == ExprKind::kFunction && expr.builtin && expr.name == "age" &&
           expr.args.size == 2;
}

}  // namespace

// A difference of a subquery is held as one number.
bool Translator::has_parts(const Expr& expr) {
    if (is_age(expr) || is_clock_span(expr)) return true;
    if (expr.kind != ExprKind::kColumn || expr.type != oid::kInterval) return false;
    Reason reason = reason_;
    Result<Value> column = value(expr);
    reason_ = reason;
    return column.ok() && column->cls == Class::kOther;
}

Result<Translator::IntervalParts> Translator::parts_of_interval(const Expr& expr) {
    IntervalParts parts;
    if (is_clock_span(expr)) return parts_of_clock(expr);
    if (!is_age(expr)) {
        Value column = TRY(value(expr));
        bool text = column.cls == Class::kOther && column.other_type.ends_with("String)");
        if (!text && column.other_type != "String")
            return refuse(Reason::kTypeUnsupported, "an interval of a subquery");
        const Node* wrong = sql_.form("NOT match($1, $2)", {column.node, sql_.string(kText)});
        const Node* plain = sql_.guarded(wrong, column.node);
        const Node* x = sql_.form("x", {});
        for (auto [part, form] :
             {std::pair{&parts.months, kMonths}, {&parts.days, kDays}, {&parts.rest, kRest}})
            *part = sql_.form("arrayMap(x -> $1, [$2])[1]", {sql_.form(form, {x}), plain});
        parts.nullable = true;
        return parts;
    }
    Value until = TRY(value(*expr.args[0]));
    Value from = TRY(value(*expr.args[1]));
    bool times =
        until.cls == from.cls && (from.cls == Class::kTimestamp || from.cls == Class::kTimestamptz);
    if (!times) return refuse(Reason::kFunction, "age of this type");
    parts.nullable = until.nullable || from.nullable;
    const Node* later = TRY(as_clock(until))
    .node;
    const Node* earlier = TRY(as_clock(from))
    .node;
    Nodes clocks;
    for (const Node* clock : {later, earlier})
        clocks.push_back(
            parts.nullable ? sql_.form("ifNull($1, toDateTime64(0, 6, 'UTC'))", {clock}) : clock);
    const Node* all = sql_.form(kAge, clocks);
    constexpr std::string_view kParts[] = {"tupleElement($1, 1)", "tupleElement($1, 2)",
                                           "tupleElement($1, 3)"};
    auto part = [&](size_t at) {
        const Node* one = sql_.form("toInt64($1)", {sql_.form(kParts[at], {all})});
        if (!parts.nullable) return one;
        return sql_.form("if($1 IS NULL OR $2 IS NULL, NULL, $3)", {later, earlier, one});
    };
    parts.months = part(0);
    parts.days = part(1);
    parts.rest = part(2);
    return parts;
}

// The length by which intervals are compared.
Result<Value> Translator::span_of_parts(const Expr& expr) {
    IntervalParts parts = TRY(parts_of_interval(expr));
    return Value{.node = sql_.form("((toInt128($1) * 30 + $2) * toInt128(86400000000) + $3)",
                                   {parts.months, parts.days, parts.rest}),
                 .cls = Class::kInterval,
                 .nullable = parts.nullable};
}

// extract() and date_part()
Result<Value> Translator::field_of_parts(const Expr& expr) {
    std::string_view name = unit_name(*expr.args[0]);
    IntervalParts parts = TRY(parts_of_interval(*expr.args[1]));
    Nodes nodes = {parts.months, parts.days, parts.rest};
    Value result{.cls = class_of(expr.type), .nullable = parts.nullable, .precision = 18};
    bool numeric = result.cls == Class::kNumeric;
    for (const Field& field : kFields) {
        if (field.name != name) continue;
        result.node = sql_.form(numeric ? "toDecimal64($1, 0)" : "toFloat64($1)",
                                {sql_.form(field.number, nodes)});
        return result;
    }
    if (name == "epoch") {
        result.precision = 26;
        result.scale = 6;
        result.node = sql_.form(numeric ? kEpoch : kFloatEpoch, nodes);
        return result;
    }
    if (name != "second") return refuse(Reason::kFunction, "this field of an interval");
    result.precision = 20;
    result.scale = 6;
    result.node = sql_.form(
        numeric ? "(toDecimal128($1 % toInt64(60000000), 0) * toDecimal128('0.000001', 6))"
                : "(toFloat64(intDiv($1 % toInt64(60000000), toInt64(1000000))) + toFloat64($1 % "
                  "toInt64(1000000)) / 1000000.)",
        {parts.rest});
    return result;
}

// Months, days and the rest are added up for themselves.
Result<Value> Translator::sum_of_parts(const Expr& expr) {
    IntervalParts parts = TRY(without_window([&] { return parts_of_interval(*expr.args[0]); }));
    Nodes sums;
    for (const Node* part : {parts.months, parts.days, parts.rest}) {
        const Node* wide = sql_.form("toInt128($1)", {part});
        sums.push_back(TRY(aggregate_call(expr, "sumOrNull", {wide})));
    }
    const Node* wrong = sql_.form(
        "abs($1) > 2000000000 OR abs($2) > 2000000000 OR abs($3) > toInt128(7000000000000000000)",
        sums);
    const Node* text = parts_text(sql_.form("m", {}), sql_.form("d", {}), sql_.form("r", {}));
    text = sql_.form("arrayMap((m, d, r) -> $1, [$2], [$3], [$4])[1]",
                     {text, sums[0], sums[1], sums[2]});
    Value result{.cls = Class::kOther, .other_type = "Nullable(String)"};
    result.node = sql_.guarded(wrong, text);
    return result;
}

const sql::Node* Translator::parts_text(const Node* months, const Node* days, const Node* rest) {
    return sql_.form("concat(toString($1), ' mons ', $2)", {months, interval_text(days, rest)});
}

// min and max: of equal lengths that read differently, which one is shown is up to Postgres. Each
// interval is one number: its length, and behind it months and days, once up and once down.
Result<Value> Translator::extreme_of_parts(const Expr& expr) {
    IntervalParts parts = TRY(without_window([&] { return parts_of_interval(*expr.args[0]); }));
    Nodes nodes = {parts.months, parts.days, parts.rest};
    const Node* keys[2];
    for (int i = 0; i < 2; ++i) {
        const Node* key = sql_.form(i == 0 ? kKeyUp : kKeyDown, nodes);
        keys[i] = TRY(aggregate_call(expr, expr.name == "max" ? "maxOrNull" : "minOrNull", {key}));
    }
    Value result{.cls = Class::kOther, .other_type = "Nullable(String)"};
    Nodes decoded = {keys[0], keys[1],
                     parts_text(sql_.form("m", {}), sql_.form("d", {}), sql_.form("r", {}))};
    result.node = sql_.form(kDecode, decoded, {}, {}, true);
    return result;
}

// A column of intervals as a key: its length. Equal ones that read differently fail the query.
Result<Value> Translator::key_of_parts(const Expr& expr, const Node*& key) {
    key = TRY(span_of_parts(expr))
    .node;
    Value shown = TRY(value(expr));
    const Node* least = sql_.call("minOrNull", {shown.node});
    const Node* most = sql_.call("maxOrNull", {shown.node});
    shown.node = sql_.guarded(sql_.form("$1 != $2", {least, most}), most);
    shown.other_type = "Nullable(String)";
    shown.nullable = true;
    scope_->changed_keys = true;
    return shown;
}

Result<Value> Translator::aggregate_of_parts(const Expr& expr) {
    if (expr.name == "sum" && !expr.distinct) return sum_of_parts(expr);
    if (expr.name == "count") {
        Value span = TRY(without_window([&] { return span_of_parts(*expr.args[0]); }));
        const Node* count = TRY(aggregate_call(expr, "uniqExact", {span.node}));
        return Value{
            .node = sql_.form("toInt64($1)", {count}), .cls = Class::kInt8, .nullable = false};
    }
    if (expr.name == "min" || expr.name == "max") return extreme_of_parts(expr);
    return refuse(Reason::kAggregate, std::string(expr.name) + " of interval");
}

}  // namespace tandem::route
