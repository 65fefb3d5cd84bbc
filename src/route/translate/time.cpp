// Dates and times: date_trunc, extract, and adding constant intervals.
//
// ClickHouse' times reach from 1900 to 2299 and are clamped at the ends; the guards keep away from
// them. Time zones other than UTC never ship for what depends on one. A column of type timestamp
// names no zone and would be taken apart in that of the server; its values are shown as UTC first.
//
// Before 1970 ClickHouse rounds fractions of seconds towards 1970 where it should go down: the
// start of a day and month arithmetic would fall into the next day. Both get whole seconds.
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

struct Unit {
    std::string_view name;
    std::string_view truncate;  // over DateTime64 $1
    std::string_view field;     // extract, of $1; empty when it is not an integer
    bool of_date;               // extract knows it for dates
};

constexpr Unit kUnits[] = {
    {"minute", "toStartOfMinute(toStartOfSecond($1, 'UTC'), 'UTC')", "toMinute($1, 'UTC')", false},
    {"hour", "toStartOfHour(toStartOfSecond($1, 'UTC'), 'UTC')", "toHour($1, 'UTC')", false},
    {"day", "toStartOfDay(toStartOfSecond($1, 'UTC'), 'UTC')", "toDayOfMonth($1)", true},
    {"week", "toMonday($1, 'UTC')", "toISOWeek($1)", true},
    {"month", "toStartOfMonth($1, 'UTC')", "toMonth($1)", true},
    {"quarter", "toStartOfQuarter($1, 'UTC')", "toQuarter($1)", true},
    {"year", "toStartOfYear($1, 'UTC')", "toYear($1)", true},
    {"dow", "", "(toDayOfWeek($1) % 7)", true},
    {"isodow", "", "toDayOfWeek($1)", true},
    {"doy", "", "toDayOfYear($1)", true},
    {"isoyear", "", "toISOYear($1)", true},
    {"second", "toStartOfSecond($1, 'UTC')", "", false},
};

bool known_text(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           class_of_type(expr.type) == Class::kText;
}

const Unit* find_unit(const Expr& expr) {
    if (expr.kind != ExprKind::kConstant || !expr.known || expr.constant_null) return nullptr;
    for (const Unit& unit : kUnits)
        if (unit.name == expr.known_text) return &unit;
    return nullptr;
}

}  // namespace

Status Translator::needs_utc() {
    if (!options_.session_utc) return refuse(Reason::kTimeZone);
    output_.needs_utc = true;
    return {};
}

// The value as a time in UTC.
const sql::Node* Translator::in_utc(const Value& value) {
    if (value.cls == Class::kDate) return sql_.form("toDateTime64($1, 6, 'UTC')", {value.node});
    if (value.cls == Class::kTimestamp) return sql_.form("toTimeZone($1, 'UTC')", {value.node});
    return value.node;
}

Result<Value> Translator::date_trunc(const Expr& expr) {
    if (expr.args.size != 2) return refuse(Reason::kFunction, "date_trunc with a time zone");
    const Unit* unit = find_unit(*expr.args[0]);
    if (unit == nullptr || unit->truncate.empty())
        return refuse(Reason::kFunction, "date_trunc of this unit");
    Value argument = TRY(value(*expr.args[1]));
    if (argument.cls != Class::kTimestamp && argument.cls != Class::kTimestamptz)
        return refuse(Reason::kFunction, "date_trunc of this type");
    if (argument.cls == Class::kTimestamptz) TRY(needs_utc());
    const Node* start = sql_.form(unit->truncate, {in_utc(argument)});
    argument.node = sql_.form("toDateTime64($1, 6, 'UTC')", {start});
    argument.literal = false;
    return argument;
}

// Seconds since 1970, with six digits behind the point. Of a timestamp those of its own clock.
Result<Value> Translator::epoch(const Expr& expr, const Value& time) {
    if (time.cls != Class::kDate && time.cls != Class::kTimestamp &&
        time.cls != Class::kTimestamptz)
        return refuse(Reason::kFunction, std::string(expr.name) + " of this field");
    Value result{.cls = class_of(expr.type), .nullable = time.nullable};
    const Node* micros = sql_.form("toUnixTimestamp64Micro($1)", {in_utc(time)});
    if (result.cls == Class::kFloat8) {
        result.node = sql_.form("($1 / toFloat64(1000000))", {micros});
        return result;
    }
    if (result.cls != Class::kNumeric) return refuse(Reason::kFunction, std::string(expr.name));
    // Of a date Postgres shows whole seconds.
    result.precision = time.cls == Class::kDate ? 20 : 26;
    result.scale = time.cls == Class::kDate ? 0 : 6;
    result.node =
        sql_.form(time.cls == Class::kDate ? "toDecimal128(intDiv($1, 1000000), 0)"
                                           : "(toDecimal128($1, 0) * toDecimal128('0.000001', 6))",
                  {micros});
    return result;
}

// Seconds between two times, which no zone and no day of 23 hours changes.
Result<Value> Translator::seconds_between(const Expr& expr) {
    const Expr& difference = *expr.args[1];
    Value from = TRY(value(*difference.args[1]));
    Value until = TRY(value(*difference.args[0]));
    bool times =
        from.cls == until.cls && (from.cls == Class::kTimestamp || from.cls == Class::kTimestamptz);
    if (!times || expr.type != oid::kNumeric)
        return refuse(Reason::kFunction, "the seconds of this difference");
    Value result{.cls = Class::kNumeric,
                 .nullable = from.nullable || until.nullable,
                 .precision = 26,
                 .scale = 6};
    result.node = sql_.form(
        "(toDecimal128(toUnixTimestamp64Micro($1) - toUnixTimestamp64Micro($2), 0) * "
        "toDecimal128('0.000001', 6))",
        {in_utc(until), in_utc(from)});
    return result;
}

Result<Value> Translator::extract(const Expr& expr) {
    if (expr.args.size != 2) return refuse(Reason::kFunction, std::string(expr.name));
    const Unit* unit = find_unit(*expr.args[0]);
    const Expr& given = *expr.args[1];
    bool seconds = known_text(*expr.args[0]) && expr.args[0]->known_text == "epoch";
    if (seconds && given.kind == ExprKind::kOperator && given.builtin && given.name == "-" &&
        given.args.size == 2 && given.type == oid::kInterval &&
        given.args[1]->type != oid::kInterval)
        return seconds_between(expr);
    Value argument = TRY(value(given));
    bool date = argument.cls == Class::kDate;
    if (seconds) return epoch(expr, argument);
    bool fits = unit != nullptr && !unit->field.empty() &&
                (date ? unit->of_date
                      : argument.cls == Class::kTimestamp || argument.cls == Class::kTimestamptz);
    if (!fits) return refuse(Reason::kFunction, std::string(expr.name) + " of this field");
    if (argument.cls == Class::kTimestamptz) TRY(needs_utc());
    Value result{.cls = class_of(expr.type), .nullable = argument.nullable};
    const Node* field = sql_.form(unit->field, {date ? argument.node : in_utc(argument)});
    if (result.cls == Class::kNumeric) {
        result.precision = 18;
        result.node = sql_.form("toDecimal64($1, 0)", {field});
    } else if (result.cls == Class::kFloat8) {
        result.node = sql_.form("toFloat64($1)", {field});
    } else {
        return refuse(Reason::kFunction, std::string(expr.name));
    }
    return result;
}

// Months, then days, then the rest, as Postgres does. For timestamptz days and months count in the
// session's time zone.
Result<Value> Translator::plus_interval(const Expr& expr) {
    const Expr* left = expr.args[0];
    const Expr* right = expr.args[1];
    if (left->type == oid::kInterval && expr.name == "+") std::swap(left, right);
    if (right->kind != ExprKind::kConstant || right->type != oid::kInterval)
        return refuse(Reason::kOperator, "interval arithmetic with columns");
    Value argument = TRY(value(*left));
    if (argument.cls == Class::kTimestamptz)
        TRY(needs_utc());
    else if (argument.cls != Class::kDate && argument.cls != Class::kTimestamp)
        return refuse(Reason::kOperator, "interval arithmetic");
    const Node* time = in_utc(argument);
    Nodes parts = {time, parameter(*right, "Int32", ConstantPart::kMonths),
                   parameter(*right, "Int32", ConstantPart::kDays),
                   parameter(*right, "Int64", ConstantPart::kMicroseconds)};
    const Node* wrong = sql_.form(
        "ifNull(toYear($1) NOT BETWEEN 1920 AND 2280, 0) OR abs($2) > 120 OR "
        "abs($3) > 3650 OR abs($4) > 86400000000",
        parts);
    parts.push_back(
        sql_.form("positiveModulo(toUnixTimestamp64Micro($1), toInt64(1000000))", {time}));
    std::string_view form =
        expr.name == "+" ? "addMicroseconds(addDays(addMonths(toStartOfSecond($1, 'UTC'), $2), "
                           "$3), $4 + $5)"
                         : "subtractMicroseconds(subtractDays(subtractMonths(toStartOfSecond($1, "
                           "'UTC'), $2), $3), $4 - $5)";
    Value result{.cls = argument.cls == Class::kDate ? Class::kTimestamp : argument.cls};
    result.node = sql_.guarded(wrong, sql_.form(form, parts));
    return result;
}

namespace {

struct FormatPiece {
    std::string_view name;
    std::string_view form;  // a String, of a time in UTC
};

// Longer names first. Years have four digits: times reach from 1900 to 2299.
constexpr FormatPiece kPieces[] = {
    {"YYYY", "toString(toYear($1))"},
    {"IYYY", "toString(toISOYear($1))"},
    {"MM", "leftPad(toString(toMonth($1)), 2, '0')"},
    {"DDD", "leftPad(toString(toDayOfYear($1)), 3, '0')"},
    {"DD", "leftPad(toString(toDayOfMonth($1)), 2, '0')"},
    {"HH24", "leftPad(toString(toHour($1, 'UTC')), 2, '0')"},
    {"MI", "leftPad(toString(toMinute($1, 'UTC')), 2, '0')"},
    {"SS", "leftPad(toString(toSecond($1, 'UTC')), 2, '0')"},
    {"IW", "leftPad(toString(toISOWeek($1)), 2, '0')"},
    {"ID", "toString(toDayOfWeek($1))"},
    {"Mon", "substring('JanFebMarAprMayJunJulAugSepOctNovDec', 3 * toMonth($1) - 2, 3)"},
    {"Dy", "substring('MonTueWedThuFriSatSun', 3 * toDayOfWeek($1) - 2, 3)"},
    {"Q", "toString(toQuarter($1))"},
};

// The forms of a format, separators as text of their own; false when it holds anything else.
bool parse_format(std::string_view format, std::vector<FormatPiece>& pieces) {
    while (!format.empty()) {
        size_t before = pieces.size();
        if (std::string_view("-/:., ").find(format[0]) != std::string_view::npos) {
            pieces.push_back({format.substr(0, 1), ""});
        } else if (format[0] == '"') {
            size_t end = format.find('"', 1);
            if (end == std::string_view::npos) return false;
            std::string_view text = format.substr(1, end - 1);
            if (text.find('\\') != std::string_view::npos) return false;
            pieces.push_back({text, ""});
            format.remove_prefix(end + 1);
            continue;
        }
        for (const FormatPiece& piece : kPieces) {
            if (pieces.size() > before) break;
            if (format.starts_with(piece.name)) pieces.push_back(piece);
        }
        if (pieces.size() == before) return false;
        format.remove_prefix(pieces.back().name.size());
        // A suffix would change what stands before it.
        if (format.starts_with("TH") || format.starts_with("th") || format.starts_with("SP"))
            return false;
    }
    return !pieces.empty();
}

}  // namespace

Result<Value> Translator::to_char(const Expr& expr) {
    std::vector<FormatPiece> pieces;
    if (expr.args.size != 2 || !known_text(*expr.args[1]) ||
        !parse_format(expr.args[1]->known_text, pieces))
        return refuse(Reason::kFunction, "to_char of this format");
    Value time = TRY(value(*expr.args[0]));
    if (time.cls != Class::kTimestamp && time.cls != Class::kTimestamptz)
        return refuse(Reason::kFunction, "to_char of this type");
    if (time.cls == Class::kTimestamptz) TRY(needs_utc());
    Nodes parts;
    for (const FormatPiece& piece : pieces)
        parts.push_back(piece.form.empty() ? sql_.string(piece.name)
                                           : sql_.form(piece.form, {in_utc(time)}));
    parts.push_back(sql_.string(""));
    return Value{.node = sql_.form("concat($,)", std::move(parts)),
                 .cls = Class::kText,
                 .nullable = time.nullable};
}

// x AT TIME ZONE 'UTC'
Result<Value> Translator::at_zone(const Expr& expr) {
    if (expr.args.size != 2 || !known_text(*expr.args[0]) || expr.args[0]->known_text != "UTC")
        return refuse(Reason::kTimeZone);
    Value time = TRY(value(*expr.args[1]));
    if (time.cls != Class::kTimestamp && time.cls != Class::kTimestamptz)
        return refuse(Reason::kFunction, "AT TIME ZONE of this type");
    time.node = in_utc(time);
    time.cls = time.cls == Class::kTimestamp ? Class::kTimestamptz : Class::kTimestamp;
    time.literal = false;
    return time;
}

}  // namespace tandem::route
