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
};

const Unit* find_unit(const Expr& expr) {
    if (expr.kind != ExprKind::kConstant || !expr.known || expr.constant_null) return nullptr;
    for (const Unit& unit : kUnits)
        if (unit.name == expr.known_text) return &unit;
    return nullptr;
}

std::string with(std::string_view sql, const std::string& argument) {
    std::string result(sql);
    for (size_t at = 0; (at = result.find("$1", at)) != std::string::npos; at += argument.size())
        result.replace(at, 2, argument);
    return result;
}

// The value as a time in UTC.
std::string in_utc(const Value& value) {
    if (value.cls == Class::kDate) return "toDateTime64(" + value.sql + ", 6, 'UTC')";
    if (value.cls == Class::kTimestamp) return "toTimeZone(" + value.sql + ", 'UTC')";
    return value.sql;
}

}  // namespace

Result<Value> Translator::date_trunc(const Expr& expr) {
    if (expr.args.size != 2) return refuse(Reason::kFunction, "date_trunc with a time zone");
    const Unit* unit = find_unit(*expr.args[0]);
    if (unit == nullptr || unit->truncate.empty())
        return refuse(Reason::kFunction, "date_trunc of this unit");
    Value argument = TRY(value(*expr.args[1]));
    if (argument.cls != Class::kTimestamp && argument.cls != Class::kTimestamptz)
        return refuse(Reason::kFunction, "date_trunc of this type");
    if (argument.cls == Class::kTimestamptz) {
        if (!options_.session_utc) return refuse(Reason::kTimeZone);
        output_.needs_utc = true;
    }
    argument.sql = "toDateTime64(" + with(unit->truncate, in_utc(argument)) + ", 6, 'UTC')";
    argument.literal = false;
    return argument;
}

Result<Value> Translator::extract(const Expr& expr) {
    if (expr.args.size != 2) return refuse(Reason::kFunction, std::string(expr.name));
    const Unit* unit = find_unit(*expr.args[0]);
    Value argument = TRY(value(*expr.args[1]));
    bool date = argument.cls == Class::kDate;
    bool fits = unit != nullptr &&
                (date ? unit->of_date
                      : argument.cls == Class::kTimestamp || argument.cls == Class::kTimestamptz);
    if (!fits) return refuse(Reason::kFunction, std::string(expr.name) + " of this field");
    if (argument.cls == Class::kTimestamptz) {
        if (!options_.session_utc) return refuse(Reason::kTimeZone);
        output_.needs_utc = true;
    }
    Value result{.cls = class_of_type(expr.type), .nullable = argument.nullable};
    std::string field = with(unit->field, date ? argument.sql : in_utc(argument));
    if (result.cls == Class::kNumeric) {
        result.precision = 18;
        result.sql = "toDecimal64(" + field + ", 0)";
    } else if (result.cls == Class::kFloat8) {
        result.sql = "toFloat64(" + field + ")";
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
    if (argument.cls == Class::kTimestamptz) {
        if (!options_.session_utc) return refuse(Reason::kTimeZone);
        output_.needs_utc = true;
    } else if (argument.cls != Class::kDate && argument.cls != Class::kTimestamp) {
        return refuse(Reason::kOperator, "interval arithmetic");
    }
    std::string months = parameter(*right, "Int32", ConstantPart::kMonths);
    std::string days = parameter(*right, "Int32", ConstantPart::kDays);
    std::string rest = parameter(*right, "Int64", ConstantPart::kMicroseconds);
    bool plus = expr.name == "+";
    std::string time = in_utc(argument);
    std::string guard = "throwIf(ifNull(toYear(" + time +
                        ") NOT BETWEEN 1920 AND 2280, 0) OR abs(" + months + ") > 120 OR abs(" +
                        days + ") > 3650 OR abs(" + rest + ") > 86400000000)";
    std::string fraction = "positiveModulo(toUnixTimestamp64Micro(" + time + "), toInt64(1000000))";
    std::string sql = std::string(plus ? "addMicroseconds(addDays(addMonths("
                                       : "subtractMicroseconds(subtractDays(subtractMonths(") +
                      "toStartOfSecond(" + time + ", 'UTC'), " + months + "), " + days + "), " +
                      rest + (plus ? " + " : " - ") + fraction + ")";
    Value result{.cls = argument.cls == Class::kDate ? Class::kTimestamp : argument.cls};
    result.sql = "if(" + guard + " = 0, " + sql + ", NULL)";
    return result;
}

}  // namespace tandem::route
