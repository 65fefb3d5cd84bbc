// Dates and times: date_trunc, extract, and adding constant intervals.
//
// ClickHouse' times reach from 1900 to 2299 and are clamped at the ends; the guards keep away from
// them. Time zones other than UTC never ship for what depends on one. A column of type timestamp
// names no zone and would be taken apart in that of the server; its values are shown as UTC first.
//
// Before 1970 ClickHouse rounds fractions of seconds towards 1970 where it should go down: the
// start of a day and month arithmetic would fall into the next day. Both get whole seconds.
#include <algorithm>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

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
    {"milliseconds",
     "subtractMicroseconds($1, positiveModulo(toUnixTimestamp64Micro($1), toInt64(1000)))", "",
     false},
    {"decade", "makeDate32(intDiv(toYear($1), 10) * 10, 1, 1)", "intDiv(toYear($1), 10)", true},
    {"century", "", "intDiv(toYear($1) + 99, 100)", true},
    {"millennium", "", "intDiv(toYear($1) + 999, 1000)", true},
};

bool known_text(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           class_of_type(expr.type) == Class::kText;
}

const Unit* find_unit(const Expr& expr) {
    std::string_view name = unit_name(expr);
    for (const Unit& unit : kUnits)
        if (unit.name == name) return &unit;
    return nullptr;
}

}  // namespace

// The value as a time in UTC.
const sql::Node* Translator::in_utc(const Value& value) {
    if (value.cls == Class::kDate) return sql_.form("toDateTime64($1, 6, 'UTC')", {value.node});
    if (value.cls == Class::kTimestamp) return sql_.form("toTimeZone($1, 'UTC')", {value.node});
    return value.node;
}

// Of the parts of an hour Postgres keeps the offset that the clock had.
Result<Value> Translator::date_trunc(const Expr& expr) {
    const Unit* unit = find_unit(*expr.args[0]);
    if (unit == nullptr || unit->truncate.empty())
        return refuse(Reason::kFunction, "date_trunc of this unit");
    Value argument = TRY(value(*expr.args[1]));
    bool with_zone = argument.cls == Class::kTimestamptz;
    if (argument.cls != Class::kTimestamp && !with_zone)
        return refuse(Reason::kFunction, "date_trunc of this type");
    std::string_view zone;
    if (expr.args.size == 3)
        zone = TRY(named_zone(*expr.args[2]));
    else if (with_zone)
        zone = TRY(session_zone());
    const Node* time = in_utc(argument);
    const Node* start = sql_.form(unit->truncate, {clock_of(time, zone)});
    start = sql_.form("toDateTime64($1, 6, 'UTC')", {start});
    if (!zone.empty())
        start = unit->of_date
                    ? instant_of(start, zone)
                    : sql_.form("subtractSeconds($1, $2)",
                                {start,
                                 offset_at(sql_.form("toStartOfSecond($1, 'UTC')", {time}), zone)});
    argument.node = start;
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

namespace {

// Fields with a fraction, of a time on its clock $1.
struct FractionField {
    std::string_view name;
    std::string_view numeric;
    int scale;
    std::string_view floating;  // with the operations of Postgres in their order
};

constexpr FractionField kFractions[] = {
    {"second",
     "(toDecimal128(positiveModulo(toUnixTimestamp64Micro($1), toInt64(60000000)), 0) * "
     "toDecimal128('0.000001', 6))",
     6,
     "(toFloat64(toSecond($1, 'UTC')) + toFloat64(positiveModulo(toUnixTimestamp64Micro($1), "
     "toInt64(1000000))) / 1000000.)"},
    {"milliseconds",
     "(toDecimal128(positiveModulo(toUnixTimestamp64Micro($1), toInt64(60000000)), 0) * "
     "toDecimal128('0.001', 3))",
     3,
     "(toFloat64(toSecond($1, 'UTC')) * 1000. + toFloat64(positiveModulo(toUnixTimestamp64Micro($1)"
     ", toInt64(1000000))) / 1000.)"},
    {"microseconds",
     "toDecimal128(positiveModulo(toUnixTimestamp64Micro($1), toInt64(60000000)), 0)", 0,
     "toFloat64(positiveModulo(toUnixTimestamp64Micro($1), toInt64(60000000)))"},
};

}  // namespace

Result<Value> Translator::fraction_field(const Expr& expr, const Value& clock) {
    Value result{.cls = class_of(expr.type), .nullable = clock.nullable, .precision = 20};
    std::string_view name = unit_name(*expr.args[0]);
    for (const FractionField& field : kFractions) {
        if (field.name != name) continue;
        result.scale = field.scale;
        result.node =
            sql_.form(result.cls == Class::kNumeric ? field.numeric : field.floating, {clock.node});
        return result;
    }
    return refuse(Reason::kFunction, std::string(expr.name) + " of this field");
}

Result<Value> Translator::extract(const Expr& expr) {
    if (expr.args.size != 2) return refuse(Reason::kFunction, std::string(expr.name));
    const Unit* unit = find_unit(*expr.args[0]);
    const Expr& given = *expr.args[1];
    bool seconds = unit_name(*expr.args[0]) == "epoch";
    if (given.type == oid::kInterval) return interval_field(expr);
    Value argument = TRY(value(given));
    bool date = argument.cls == Class::kDate;
    if (argument.cls == Class::kTime) return clock_field(expr, argument);
    if (seconds) return epoch(expr, argument);
    bool numbers = expr.type == oid::kNumeric || expr.type == oid::kFloat8;
    if (known_text(*expr.args[0]) && (unit == nullptr || unit->field.empty()) && numbers &&
        (argument.cls == Class::kTimestamp || argument.cls == Class::kTimestamptz))
        return fraction_field(expr, TRY(as_clock(argument)));
    bool fits = unit != nullptr && !unit->field.empty() &&
                (date ? unit->of_date
                      : argument.cls == Class::kTimestamp || argument.cls == Class::kTimestamptz);
    if (!fits) return refuse(Reason::kFunction, std::string(expr.name) + " of this field");
    if (!date) argument = TRY(as_clock(argument));
    Value result{.cls = class_of(expr.type), .nullable = argument.nullable};
    const Node* field = sql_.form(unit->field, {argument.node});
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

namespace {

struct FormatPiece {
    std::string_view name;
    std::string_view form;             // a String, of a time in UTC
    std::string_view short_form = {};  // behind FM, where that differs
};

#define TANDEM_TWO_DIGITS(name, number) \
    { name, "leftPad(toString(" number "), 2, '0')", "toString(" number ")" }
#define TANDEM_PART(name, list, number) \
    { name, "substring('" list "', 3 * " number " - 2, 3)" }
#define TANDEM_MONTHS                                                                         \
    "'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', " \
    "'October', 'November', 'December'"
#define TANDEM_DAYS "'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'"
#define TANDEM_HALF(name, before, after) \
    { name, "if(toHour($1, 'UTC') < 12, '" before "', '" after "')" }

// Longer names first. Years have four digits: times reach from 1900 to 2299. What has no form is
// known to Postgres and not translated.
constexpr FormatPiece kPieces[] = {
    {"SSSSS", ""},
    {"Month", "rightPad([" TANDEM_MONTHS "][toMonth($1)], 9, ' ')",
     "[" TANDEM_MONTHS "][toMonth($1)]"},
    {"MONTH", "upper(rightPad([" TANDEM_MONTHS "][toMonth($1)], 9, ' '))",
     "upper([" TANDEM_MONTHS "][toMonth($1)])"},
    {"month", "lower(rightPad([" TANDEM_MONTHS "][toMonth($1)], 9, ' '))",
     "lower([" TANDEM_MONTHS "][toMonth($1)])"},
    {"Y,YYY", ""},
    {"SSSS", ""},
    {"YYYY", "toString(toYear($1))"},
    {"IYYY", "toString(toISOYear($1))"},
    {"IDDD", ""},
    TANDEM_TWO_DIGITS("HH24", "toHour($1, 'UTC')"),
    TANDEM_TWO_DIGITS("HH12", "((toHour($1, 'UTC') + 11) % 12 + 1)"),
    {"YYY", ""},
    {"IYY", ""},
    {"Day", "rightPad([" TANDEM_DAYS "][toDayOfWeek($1)], 9, ' ')",
     "[" TANDEM_DAYS "][toDayOfWeek($1)]"},
    {"DAY", "upper(rightPad([" TANDEM_DAYS "][toDayOfWeek($1)], 9, ' '))",
     "upper([" TANDEM_DAYS "][toDayOfWeek($1)])"},
    {"day", "lower(rightPad([" TANDEM_DAYS "][toDayOfWeek($1)], 9, ' '))",
     "lower([" TANDEM_DAYS "][toDayOfWeek($1)])"},
    TANDEM_PART("Mon", "JanFebMarAprMayJunJulAugSepOctNovDec", "toMonth($1)"),
    TANDEM_PART("MON", "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", "toMonth($1)"),
    TANDEM_PART("mon", "janfebmaraprmayjunjulaugsepoctnovdec", "toMonth($1)"),
    {"DDD", "leftPad(toString(toDayOfYear($1)), 3, '0')", "toString(toDayOfYear($1))"},
    TANDEM_TWO_DIGITS("YY", "(toYear($1) % 100)"),
    TANDEM_TWO_DIGITS("MM", "toMonth($1)"),
    TANDEM_TWO_DIGITS("DD", "toDayOfMonth($1)"),
    TANDEM_TWO_DIGITS("HH", "((toHour($1, 'UTC') + 11) % 12 + 1)"),
    TANDEM_TWO_DIGITS("MI", "toMinute($1, 'UTC')"),
    TANDEM_TWO_DIGITS("SS", "toSecond($1, 'UTC')"),
    TANDEM_TWO_DIGITS("IW", "toISOWeek($1)"),
    TANDEM_TWO_DIGITS("WW", "(intDiv(toDayOfYear($1) - 1, 7) + 1)"),
    {"MS",
     "leftPad(toString(intDiv(positiveModulo(toUnixTimestamp64Micro($1), toInt64(1000000)), "
     "1000)), 3, "
     "'0')",
     "none"},
    {"US",
     "leftPad(toString(positiveModulo(toUnixTimestamp64Micro($1), toInt64(1000000))), 6, '0')",
     "none"},
    {"ID", "toString(toDayOfWeek($1))"},
    {"IY", ""},
    TANDEM_PART("Dy", "MonTueWedThuFriSatSun", "toDayOfWeek($1)"),
    TANDEM_PART("DY", "MONTUEWEDTHUFRISATSUN", "toDayOfWeek($1)"),
    TANDEM_PART("dy", "montuewedthufrisatsun", "toDayOfWeek($1)"),
    TANDEM_HALF("AM", "AM", "PM"),
    TANDEM_HALF("PM", "AM", "PM"),
    TANDEM_HALF("am", "am", "pm"),
    TANDEM_HALF("pm", "am", "pm"),
    {"AD", ""},
    {"CC", ""},
    {"D", "toString(toDayOfWeek($1) % 7 + 1)"},
    {"Q", "toString(toQuarter($1))"},
    {"W", "toString(intDiv(toDayOfMonth($1) - 1, 7) + 1)"},
};

// Names of numbers may be written in small letters.
bool begins_with(std::string_view format, const FormatPiece& piece) {
    if (format.starts_with(piece.name)) return true;
    bool number = piece.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,") ==
                      std::string_view::npos &&
                  piece.name != "MON" && piece.name != "DY" && piece.name != "DAY" &&
                  piece.name != "MONTH" && piece.name != "AM" && piece.name != "PM";
    if (!number || format.size() < piece.name.size()) return false;
    for (size_t i = 0; i < piece.name.size(); ++i) {
        char c = piece.name[i];
        if (format[i] != (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c))
            return false;
    }
    return true;
}

// The next form of the format; false when it is none that is translated.
bool parse_piece(std::string_view& format, std::vector<FormatPiece>& pieces) {
    bool filled = !format.starts_with("FM") && !format.starts_with("fm");
    if (!filled) format.remove_prefix(2);
    for (const FormatPiece& piece : kPieces) {
        if (!begins_with(format, piece)) continue;
        if (piece.form.empty() || (!filled && piece.short_form == "none")) return false;
        bool shortened = !filled && !piece.short_form.empty();
        pieces.push_back({piece.name, shortened ? piece.short_form : piece.form});
        format.remove_prefix(piece.name.size());
        // A suffix would change what stands before it.
        return !format.starts_with("TH") && !format.starts_with("th") &&
               !format.starts_with("SP") && !format.starts_with("sp");
    }
    return false;
}

// The forms of a format, separators as text of their own; false when it holds anything else.
bool parse_format(std::string_view format, std::vector<FormatPiece>& pieces) {
    while (!format.empty()) {
        if (std::string_view("-/:., ").find(format[0]) != std::string_view::npos) {
            pieces.push_back({format.substr(0, 1), ""});
            format.remove_prefix(1);
        } else if (format[0] == '"') {
            size_t end = format.find('"', 1);
            if (end == std::string_view::npos) return false;
            std::string_view text = format.substr(1, end - 1);
            if (text.find('\\') != std::string_view::npos) return false;
            pieces.push_back({text, ""});
            format.remove_prefix(end + 1);
        } else if (!parse_piece(format, pieces)) {
            return false;
        }
    }
    return !pieces.empty();
}

}  // namespace

namespace {

// What to_char() of an interval writes as it does of a time: two digits of the clock, and between.
bool is_of_clock(const FormatPiece& piece) {
    constexpr std::string_view kNames[] = {"HH24", "MI", "SS", "MS", "US"};
    return piece.form.empty() ||
           std::find(std::begin(kNames), std::end(kNames), piece.name) != std::end(kNames);
}

}  // namespace

Result<Value> Translator::to_char(const Expr& expr) {
    std::vector<FormatPiece> pieces;
    if (expr.args.size != 2 || !known_text(*expr.args[1]) ||
        !parse_format(expr.args[1]->known_text, pieces))
        return refuse(Reason::kFunction, "to_char of this format");
    Value time;
    if (is_clock_span(*expr.args[0]) && expr.args[0]->args.size == 1) {
        if (!std::all_of(pieces.begin(), pieces.end(), is_of_clock))
            return refuse(Reason::kFunction, "to_char of this format");
        time = TRY(value(*expr.args[0]->args[0]));
        time.node = clock_as_moment(time.node);
        time.nullable = true;
    } else {
        time = TRY(value(*expr.args[0]));
        if (time.cls != Class::kTimestamp && time.cls != Class::kTimestamptz)
            return refuse(Reason::kFunction, "to_char of this type");
        time = TRY(as_clock(time));
    }
    Nodes parts;
    for (const FormatPiece& piece : pieces)
        parts.push_back(piece.form.empty() ? sql_.string(piece.name)
                                           : sql_.form(piece.form, {time.node}));
    parts.push_back(sql_.string(""));
    const Node* text = sql_.form("concat($,)", std::move(parts));
    // Not every part is NULL where the time is: words are not, and a test passes over NULL.
    if (time.nullable) text = sql_.form("if($1 IS NULL, NULL, $2)", {time.node, text});
    return Value{.node = text, .cls = Class::kText, .nullable = time.nullable};
}

// As Postgres writes dates and times while DateStyle is ISO: without zeros at the end.
const sql::Node* Translator::iso_text(const Value& value) {
    if (!options_.iso_dates) return nullptr;
    output_.needs_iso = true;
    if (value.cls == Class::kDate) return sql_.form("toString($1)", {value.node});
    return sql_.form("replaceRegexpOne(toString($1), '[.]?0+$', '')", {in_utc(value)});
}

// Casts to text; of timestamptz the clock of the session's zone and its offset.
Result<Value> Translator::time_as_text(const Value& value) {
    Value text{.cls = Class::kText, .nullable = value.nullable};
    if (value.cls != Class::kTimestamptz) {
        text.node = iso_text(value);
    } else {
        std::string_view zone = TRY(session_zone());
        Value clock = in_zone(value, zone);
        clock.cls = Class::kTimestamp;
        const Node* digits = iso_text(clock);
        if (digits == nullptr) return refuse(Reason::kCast, "with this DateStyle");
        const Node* second = sql_.form("toStartOfSecond($1, 'UTC')", {value.node});
        const Node* offset =
            zone.empty() ? sql_.int64(0) : sql_.form("toInt64($1)", {offset_at(second, zone)});
        text.node = sql_.form(
            "concat($1, if($2 < 0, '-', '+'), leftPad(toString(intDiv(abs($2), 3600)), 2, '0'), "
            "if(abs($2) % 3600 = 0, '', concat(':', leftPad(toString(intDiv(abs($2), 60) % 60), 2, "
            "'0'))), if(abs($2) % 60 = 0, '', concat(':', leftPad(toString(abs($2) % 60), 2, "
            "'0'))))",
            {digits, offset});
    }
    if (text.node == nullptr) return refuse(Reason::kCast, "with this DateStyle");
    return text;
}

}  // namespace tandem::route
