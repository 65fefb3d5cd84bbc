// Time zones: what the clocks of a zone show at a point in time, and which point in time they mean.
//
// ClickHouse brings time zone data of its own. Before the query runs, the extension compares it
// with that of Postgres; from `since` on, a parameter, both agree until 2100. Values outside fail
// the query, which then runs in Postgres.
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

// Names of the database of time zones. Others mean something else to each side, or nothing.
bool is_zone_name(std::string_view name) {
    return name.find('/') != std::string_view::npos && name.size() < 64 &&
           name.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/"
               "+-") == std::string_view::npos;
}

bool means_utc(std::string_view name) {
    return name == "UTC" || name == "Etc/UTC";
}

}  // namespace

// For what is right in UTC only.
Status Translator::needs_utc() {
    if (!options_.session_utc) return refuse(Reason::kTimeZone);
    output_.needs_utc = true;
    return {};
}

// The zone of the session; empty while it means UTC.
Result<std::string_view> Translator::session_zone() {
    if (options_.session_utc) {
        output_.needs_utc = true;
        return std::string_view();
    }
    if (!is_zone_name(options_.zone)) return refuse(Reason::kTimeZone, options_.zone);
    output_.zone = options_.zone;
    return std::string_view(options_.zone);
}

// A zone that the query names.
Result<std::string_view> Translator::named_zone(const Expr& expr) {
    bool known = expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
                 class_of_type(expr.type) == Class::kText;
    if (known && means_utc(expr.known_text)) return std::string_view();
    if (!known || !is_zone_name(expr.known_text)) return refuse(Reason::kTimeZone);
    return std::string_view(expr.known_text);
}

// Zero, or the end of the query where the sides may not agree about the time. Added to an offset it
// leaves the result what it is.
const sql::Node* Translator::agreed(const Node* time, std::string_view zone) {
    Expr& wanted = kept_exprs_.emplace_back();
    wanted.kind = ExprKind::kConstant;
    wanted.type = oid::kText;
    wanted.constant = UINT32_MAX;
    wanted.known = true;
    wanted.known_text = zone;
    const Node* since = parameter(wanted, "Int64", ConstantPart::kZoneSince);
    return sql_.form(
        "throwIf(ifNull($1 < toDateTime64($2, 6, 'UTC') OR $1 > toDateTime64('2099-12-30 "
        "00:00:00', 6, 'UTC'), 0))",
        {time, since}, {}, {}, true);
}

const sql::Node* Translator::offset_at(const Node* time, std::string_view zone) {
    return sql_.form("timeZoneOffset(toTimeZone($1, $2))", {time, sql_.string(zone)});
}

// What the clocks of the zone show.
const sql::Node* Translator::clock_of(const Node* time, std::string_view zone) {
    if (zone.empty()) return time;
    const Node* second = sql_.form("toStartOfSecond($1, 'UTC')", {time});
    return sql_.form("addSeconds($1, $2 + $3)",
                     {time, offset_at(second, zone), agreed(time, zone)});
}

// The point in time that a clock of the zone means. Where the clock is put forward, times that it
// leaves out count from before; where it is put back, times that it shows twice are the later ones.
// That is Postgres' way: the change next to the day before decides.
const sql::Node* Translator::instant_of(const Node* clock, std::string_view zone, bool whole) {
    if (zone.empty()) return clock;
    const Node* second = whole ? clock : sql_.form("toStartOfSecond($1, 'UTC')", {clock});
    const Node* before = offset_at(sql_.form("subtractDays($1, 1)", {second}), zone);
    const Node* after = offset_at(sql_.form("addDays($1, 1)", {second}), zone);
    const Node* then = offset_at(sql_.form("subtractSeconds($1, $2)", {second, after}), zone);
    return sql_.form("subtractSeconds($1, if($2 = $3, $3, $4) + $5)",
                     {clock, then, after, before, agreed(clock, zone)});
}

// The value as a clock shows it: a date at midnight, a timestamptz in the session's zone.
Result<Value> Translator::as_clock(const Value& value) {
    if (value.cls != Class::kTimestamptz) {
        Value same = value;
        same.node = in_utc(value);
        return same;
    }
    return in_zone(value, TRY(session_zone()));
}

Value Translator::in_zone(const Value& value, std::string_view zone) {
    Value result = value;
    result.node = clock_of(in_utc(value), zone);
    result.literal = false;
    return result;
}

// A rule that holds while TimeZone means UTC, in another zone: casts between the types of time,
// and comparisons, which are those of points in time.
Result<Value> Translator::apply_zoned(const Expr& expr, const Rule& row,
                                      std::span<const Value> values, std::string_view zone) {
    auto point = [&](const Value& value) {
        Value result = value;
        result.node = instant_of(in_utc(value), zone);
        result.cls = Class::kTimestamptz;
        result.literal = false;
        return result;
    };
    if (row.form != Form::kCast) {
        std::vector<Value> points;
        for (const Value& value : values)
            points.push_back(value.cls == Class::kTimestamptz ? value : point(value));
        return apply_values(expr, row.form, row.name, points);
    }
    Value result = row.result == Class::kTimestamptz ? point(values[0]) : in_zone(values[0], zone);
    result.cls = row.result;
    result.literal = false;
    if (row.result == Class::kTime) result.node = sql_.form(row.sql, {result.node});
    if (row.result == Class::kDate) result.node = sql_.form("toDate32($1, 'UTC')", {result.node});
    return result;
}

// x AT TIME ZONE 'name'
Result<Value> Translator::at_zone(const Expr& expr) {
    if (expr.args.size != 2) return refuse(Reason::kTimeZone);
    std::string_view zone = TRY(named_zone(*expr.args[0]));
    Value time = TRY(value(*expr.args[1]));
    if (time.cls == Class::kTimestamptz) {
        time = in_zone(time, zone);
        time.cls = Class::kTimestamp;
        return time;
    }
    if (time.cls != Class::kTimestamp)
        return refuse(Reason::kFunction, "AT TIME ZONE of this type");
    time.node = instant_of(in_utc(time), zone);
    time.cls = Class::kTimestamptz;
    time.literal = false;
    return time;
}

namespace {

// A time as ISO 8601 and Postgres write it, with a zone or without: the clock of $1, of which $2 is
// up to the seconds.
constexpr std::string_view kTimePattern =
    "^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?";
constexpr std::string_view kClock =
    "concat(substring($1, 1, 10), ' ', if(length($1) > 10, substring($1, 12, 8), '00:00:00'))";
constexpr std::string_view kFraction =
    "toInt64OrZero(rightPad(extract($1, '[.]([0-9]+)'), 6, '0'))";
constexpr std::string_view kZoneText = "extract(substring($1, 11), '(Z|[+-][0-9:]+)$')";

}  // namespace

// text::timestamp and text::timestamptz
Result<Value> Translator::time_of_text(const Expr& expr, const Value& text) {
    bool zoned = expr.type == oid::kTimestamptz;
    std::string pattern(kTimePattern);
    pattern += zoned ? "(Z|[+-][0-9]{2}(:[0-9]{2})?)?)?$" : ")?$";
    const Node* clock = sql_.form(kClock, {text.node});
    const Node* seconds = sql_.form("toDateTime64OrNull($1, 0, 'UTC')", {clock});
    const Node* wrong = sql_.form("NOT match($1, $2) OR ifNull(toString($3), '') != $4",
                                  {text.node, sql_.string(pattern), seconds, clock});
    const Node* time = sql_.form("addMicroseconds(toDateTime64($1, 6, 'UTC'), $2)",
                                 {seconds, sql_.form(kFraction, {text.node})});
    if (zoned) {
        std::string_view zone = TRY(session_zone());
        const Node* there = sql_.form(kZoneText, {text.node});
        // +02:30 in seconds
        const Node* offset = sql_.form(
            "if($1 = 'Z', toInt64(0), if(startsWith($1, '-'), -1, 1) * (toInt64OrZero(substring("
            "$1, 2, 2)) * 3600 + toInt64OrZero(substring($1, 5, 2)) * 60))",
            {there});
        time = sql_.form("if(empty($1), $2, subtractSeconds($3, $4))",
                         {there, instant_of(time, zone), time, offset});
    }
    return Value{.node = sql_.guarded(wrong, time), .cls = class_of(expr.type)};
}

}  // namespace tandem::route
