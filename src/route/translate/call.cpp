// Functions that are no rows of the table, by their names; and those of several kinds of arguments.
#include <algorithm>

#include "route/translate/calls.h"
#include "route/translate/pattern.h"
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

bool known_text(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           class_of_type(expr.type) == Class::kText;
}

bool is_time(Class cls) {
    return cls == Class::kTimestamp || cls == Class::kTimestamptz;
}

// What the formats of to_date() and to_timestamp() read, as a text of digits only: where years,
// months and days stand in it, and the pattern of the whole.
struct DateFormat {
    std::string_view format;
    std::string_view pattern;
    std::string_view iso;  // of the text $1
};

constexpr std::string_view kIso = "substring($1, 1, 10)";

constexpr DateFormat kDateFormats[] = {
    {"YYYY-MM-DD", "^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T].*)?$", kIso},
    {"YYYYMMDD", "^[0-9]{8}$",
     "concat(substring($1, 1, 4), '-', substring($1, 5, 2), '-', substring($1, 7, 2))"},
    {"YYYY/MM/DD", "^[0-9]{4}/[0-9]{2}/[0-9]{2}$", "replaceAll($1, '/', '-')"},
    {"DD.MM.YYYY", "^[0-9]{2}[.][0-9]{2}[.][0-9]{4}$",
     "concat(substring($1, 7, 4), '-', substring($1, 4, 2), '-', substring($1, 1, 2))"},
    {"DD/MM/YYYY", "^[0-9]{2}/[0-9]{2}/[0-9]{4}$",
     "concat(substring($1, 7, 4), '-', substring($1, 4, 2), '-', substring($1, 1, 2))"},
    {"MM/DD/YYYY", "^[0-9]{2}/[0-9]{2}/[0-9]{4}$",
     "concat(substring($1, 7, 4), '-', substring($1, 1, 2), '-', substring($1, 4, 2))"},
    {"YYYY-MM", "^[0-9]{4}-[0-9]{2}$", "concat($1, '-01')"},
    {"YYYYMM", "^[0-9]{6}$", "concat(substring($1, 1, 4), '-', substring($1, 5, 2), '-01')"},
    {"YYYY", "^[0-9]{4}$", "concat($1, '-01-01')"},
    {"DD-MM-YYYY", "^[0-9]{2}-[0-9]{2}-[0-9]{4}$",
     "concat(substring($1, 7, 4), '-', substring($1, 4, 2), '-', substring($1, 1, 2))"},
    {"MM-DD-YYYY", "^[0-9]{2}-[0-9]{2}-[0-9]{4}$",
     "concat(substring($1, 7, 4), '-', substring($1, 1, 2), '-', substring($1, 4, 2))"},
};

}  // namespace

struct Translator::Call {
    std::string_view name;
    uint32_t least;
    uint32_t most;
    Result<Value> (Translator::*write)(const Expr&);
};

std::span<const Translator::Call> Translator::calls() {
    static constexpr Call kCalls[] = {
        {"jsonb_path_exists", 2, 4, &Translator::json_path_test},
        {"jsonb_path_match", 2, 4, &Translator::json_path_test},
        {"width_bucket", 2, 4, &Translator::width_bucket},
        {"power", 2, 2, &Translator::float_power},
        {"pow", 2, 2, &Translator::float_power},
        {"make_date", 3, 3, &Translator::made_date},
        {"make_time", 3, 3, &Translator::made_time},
        {"make_timestamp", 6, 6, &Translator::made_timestamp},
        {"make_timestamptz", 6, 6, &Translator::made_timestamp},
        {"overlaps", 4, 4, &Translator::overlap},
        {"to_date", 2, 2, &Translator::time_by_format},
        {"to_timestamp", 2, 2, &Translator::time_by_format},
        {"overlay", 3, 4, &Translator::overlaid},
        {"encode", 2, 2, &Translator::encoded},
        {"regexp_substr", 2, 2, &Translator::regexp_whole},
    };
    return kCalls;
}

std::vector<std::string_view> calls_by_name() {
    std::vector<std::string_view> names;
    for (const Translator::Call& call : Translator::calls()) names.push_back(call.name);
    return names;
}

Result<std::optional<Value>> Translator::special_function(const Expr& expr) {
    for (const Call& call : calls())
        if (call.name == expr.name && expr.args.size >= call.least && expr.args.size <= call.most)
            return std::optional<Value>(TRY((this->*call.write)(expr)));
    return std::optional<Value>();
}

Result<Value> Translator::made_date(const Expr& expr) {
    Nodes parts;
    for (const Expr* argument : expr.args) {
        Value one = TRY(value(*argument));
        if (one.cls != Class::kInt4) return refuse(Reason::kFunction, "make_date");
        parts.push_back(one.node);
    }
    const Node* wrong = sql_.form(
        "$1 NOT BETWEEN 1900 AND 2299 OR $2 NOT BETWEEN 1 AND 12 OR $3 NOT BETWEEN 1 AND 31 OR "
        "toDayOfMonth(makeDate32($1, $2, $3)) != $3",
        parts);
    return Value{.node = sql_.guarded(wrong, sql_.form("makeDate32($1, $2, $3)", parts)),
                 .cls = Class::kDate};
}

// make_timestamp() and make_timestamptz(): seconds with as many digits as microseconds have.
Result<Value> Translator::made_timestamp(const Expr& expr) {
    Nodes parts;
    for (uint32_t i = 0; i < 6; ++i) {
        Value one = TRY(value(*expr.args[i]));
        if (one.cls != (i < 5 ? Class::kInt4 : Class::kFloat8))
            return refuse(Reason::kFunction, std::string(expr.name) + " of this type");
        parts.push_back(one.node);
    }
    const Node* wrong = sql_.form(
        "$1 NOT BETWEEN 1900 AND 2299 OR $2 NOT BETWEEN 1 AND 12 OR $3 NOT BETWEEN 1 AND 31 OR "
        "toDayOfMonth(makeDate32($1, $2, $3)) != $3 OR $4 NOT BETWEEN 0 AND 23 OR $5 NOT BETWEEN 0 "
        "AND 59 OR NOT ($6 >= 0 AND $6 < 60) OR $6 != trunc($6)",
        parts);
    const Node* clock = sql_.form(
        "addSeconds(toDateTime64(makeDate32($1, $2, $3), 6, 'UTC'), toInt64($4) * 3600 + $5 * 60 + "
        "toInt64($6))",
        parts);
    Value result{.cls = class_of(expr.type)};
    if (result.cls == Class::kTimestamptz)
        clock = instant_of(clock, TRY(session_zone()), true);
    else if (result.cls != Class::kTimestamp)
        return refuse(Reason::kFunction, std::string(expr.name));
    result.node = sql_.guarded(wrong, clock);
    return result;
}

namespace {

// Of the starts s, u and the ends e, v of two spans, an end being NULL where either of its span is.
// The greater start has to lie before the end of the other.
constexpr std::string_view kOverlap =
    "arrayMap((s, e, u, v) -> multiIf(s IS NULL OR u IS NULL, NULL, ifNull(s > u, false), "
    "if(v IS NULL, NULL, if(s < v, true, if(e IS NULL, NULL, false))), ifNull(s < u, false), "
    "if(e IS NULL, NULL, if(u < e, true, if(v IS NULL, NULL, false))), e IS NULL OR v IS NULL, "
    "NULL, true), [if($1 IS NULL, $2, if($2 IS NULL, $1, least($1, $2)))], [if($1 IS NULL OR $2 IS "
    "NULL, NULL, greatest($1, $2))], [if($3 IS NULL, $4, if($4 IS NULL, $3, least($3, $4)))], "
    "[if($3 IS NULL OR $4 IS NULL, NULL, greatest($3, $4))])[1]";

}  // namespace

// (a, b) OVERLAPS (c, d). What is NULL does not always make the answer NULL.
Result<Value> Translator::overlap(const Expr& expr) {
    Nodes ends;
    for (const Expr* argument : expr.args) {
        Value one = TRY(value(*argument));
        if (!is_time(one.cls)) return refuse(Reason::kFunction, "OVERLAPS of this type");
        ends.push_back(in_utc(one));
    }
    return Value{.node = sql_.cast(sql_.form(kOverlap, ends), "Nullable(Bool)"),
                 .cls = Class::kBool};
}

// to_date() and to_timestamp() of a text that reads like the format does.
Result<Value> Translator::time_by_format(const Expr& expr) {
    if (!known_text(*expr.args[1])) return refuse(Reason::kConstantUnknown, "a format");
    std::string_view format = expr.args[1]->known_text;
    bool clock =
        expr.name == "to_timestamp" && format.size() > 11 && format.substr(10) == " HH24:MI:SS";
    if (clock) format = format.substr(0, 10);
    for (const DateFormat& known : kDateFormats) {
        if (known.format != format || (clock && known.iso != kIso)) continue;
        Value text = TRY(value(*expr.args[0]));
        if (text.cls != Class::kText) break;
        std::string pattern(known.pattern);
        if (clock) pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$";
        const Node* iso = sql_.form(known.iso, {text.node});
        if (clock) iso = text.node;
        const Node* read = sql_.form("toDateTime64OrNull($1, 6, 'UTC')",
                                     {clock ? iso : sql_.form("concat($1, ' 00:00:00')", {iso})});
        const Node* wrong = sql_.form(
            "NOT match($1, $2) OR ifNull(substring(toString($3), 1, length($4)), '') != $4 OR "
            "(($4 IS NOT NULL) AND ifNull(toYear($3) NOT BETWEEN 1901 AND 2298, 1))",
            {text.node, sql_.string(pattern), read, iso});
        Value result{.cls = class_of(expr.type)};
        const Node* time = read;
        if (result.cls == Class::kDate)
            time = sql_.form("toDate32($1, 'UTC')", {read});
        else
            time = instant_of(time, TRY(session_zone()), true);
        result.node = sql_.guarded(wrong, time);
        return result;
    }
    return refuse(Reason::kFunction, std::string(expr.name) + " of this format");
}

// overlay(x PLACING y FROM i FOR n)
Result<Value> Translator::overlaid(const Expr& expr) {
    std::vector<Value> values;
    for (const Expr* argument : expr.args) values.push_back(TRY(value(*argument)));
    bool fits = values[0].cls == Class::kText && values[1].cls == Class::kText &&
                values[2].cls == Class::kInt4 &&
                (values.size() == 3 || values[3].cls == Class::kInt4);
    if (!fits) return refuse(Reason::kFunction, "overlay of this type");
    const Node* length =
        values.size() == 4 ? values[3].node : sql_.form("lengthUTF8($1)", {values[1].node});
    Nodes parts = {values[0].node, values[1].node, values[2].node,
                   sql_.form("toInt64($1)", {length})};
    const Node* wrong = sql_.form("$3 < 1 OR $4 < 0", parts);
    const Node* text = sql_.form(
        "concat(substringUTF8($1, 1, toInt64($3) - 1), $2, substringUTF8($1, toInt64($3) + $4))",
        parts);
    return Value{.node = sql_.guarded(wrong, text), .cls = Class::kText};
}

// encode(bytes, 'hex') and, as long as Postgres makes one line of them, 'base64'.
Result<Value> Translator::encoded(const Expr& expr) {
    Value bytes = TRY(value(*expr.args[0]));
    if (bytes.cls != Class::kBytea || !known_text(*expr.args[1]))
        return refuse(Reason::kFunction, "encode of this form");
    Value result{.cls = Class::kText, .nullable = bytes.nullable};
    if (expr.args[1]->known_text == "hex") {
        result.node = sql_.form("lower(hex($1))", {bytes.node});
        return result;
    }
    if (expr.args[1]->known_text != "base64")
        return refuse(Reason::kFunction, "encode of this form");
    result.nullable = true;
    result.node = sql_.guarded(sql_.form("length($1) > 57", {bytes.node}),
                               sql_.form("base64Encode($1)", {bytes.node}));
    return result;
}

// regexp_substr(x, 'pattern'): the whole match, whatever groups there are.
Result<Value> Translator::regexp_whole(const Expr& expr) {
    Search search = TRY(exact_search(expr, ""));
    if (search.pattern.groups > 0) return refuse(Reason::kLikePattern, "groups of regexp_substr");
    return regexp_substring(expr);
}

}  // namespace tandem::route
