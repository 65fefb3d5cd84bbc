// Ranges that are literals, or made of two values: whether an element lies in them.
#include <algorithm>

#include "route/translate/translator.h"

namespace tandem::route {
namespace {

// The type of the elements; 0 for what is no range.
uint32_t element_type(uint32_t range) {
    switch (range) {
        case 3904:
            return oid::kInt4;
        case 3926:
            return oid::kInt8;
        case 3906:
            return oid::kNumeric;
        case 3908:
            return oid::kTimestamp;
        case 3910:
            return oid::kTimestamptz;
        case 3912:
            return oid::kDate;
        default:
            return 0;
    }
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// 2024-02-29, perhaps with a clock behind it, of the years that both sides know.
bool is_iso(std::string_view text, bool clock) {
    constexpr std::string_view kForm = "0000-00-00 00:00:00";
    if (text.size() != (clock ? 19 : 10)) return false;
    for (size_t i = 0; i < text.size(); ++i)
        if (kForm[i] == '0' ? !is_digit(text[i]) : text[i] != kForm[i]) return false;
    std::string_view century = text.substr(0, 2);
    return century == "19" || century == "20" || century == "21";
}

}  // namespace

bool Translator::is_range_type(uint32_t type) {
    return element_type(type) != 0;
}

// One bound of a range that is known.
Result<const sql::Node*> Translator::range_bound(uint32_t type, std::string_view text) {
    if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
    bool date = type == oid::kDate;
    // Written in the zone of the session: the hours by which its clock is ahead stand behind it.
    if (type == oid::kTimestamptz) {
        std::string_view zone = text.substr(std::min<size_t>(text.size(), 19));
        bool whole = zone.size() == 3 && (zone[0] == '+' || zone[0] == '-') && is_digit(zone[1]) &&
                     is_digit(zone[2]);
        if (!whole || !is_iso(text.substr(0, 19), true))
            return refuse(Reason::kConstant, "a bound of a range");
        int hours = (zone[1] - '0') * 10 + (zone[2] - '0');
        return sql_.form(
            "subtractHours(toDateTime64($1, 6, 'UTC'), $2)",
            {sql_.string(text.substr(0, 19)), sql_.int64(zone[0] == '-' ? -hours : hours)});
    }
    if (date || type == oid::kTimestamp) {
        if (!is_iso(text, !date)) return refuse(Reason::kConstant, "a bound of a range");
        return sql_.form(date ? "toDate32($1)" : "toDateTime64($1, 6, 'UTC')", {sql_.string(text)});
    }
    if (text.find_first_not_of("-0123456789.") != std::string_view::npos)
        return refuse(Reason::kConstant, "a bound of a range");
    Expr& bound = kept_exprs_.emplace_back();
    bound.kind = ExprKind::kConstant;
    bound.type = type;
    bound.constant = UINT32_MAX;
    bound.known = true;
    bound.known_text = sql_.keep(std::string(text));
    return TRY(constant(bound))
    .node;
}

// '[1,10)'
Result<Translator::RangeValue> Translator::known_range(const Expr& expr) {
    std::string_view text = expr.known_text;
    RangeValue range;
    if (text == "empty") {
        range.empty = true;
        return range;
    }
    size_t comma = text.find(',');
    if (text.size() < 3 || comma == std::string_view::npos) return refuse(Reason::kConstant);
    range.lower_inclusive = text.front() == '[';
    range.upper_inclusive = text.back() == ']';
    std::string_view lower = text.substr(1, comma - 1);
    std::string_view upper = text.substr(comma + 1, text.size() - comma - 2);
    uint32_t type = element_type(expr.type);
    if (!lower.empty()) range.lower = TRY(range_bound(type, lower));
    if (!upper.empty()) range.upper = TRY(range_bound(type, upper));
    return range;
}

// A column: the text that Postgres writes, always with the lower bound and without the upper one.
Result<Translator::RangeValue> Translator::stored_range(const Expr& expr) {
    Class element = class_of(element_type(expr.type));
    bool whole = is_int(element) || element == Class::kDate;
    Value column = TRY(value(expr));
    bool text = column.cls == Class::kOther &&
                (column.other_type == "String" || column.other_type == "Nullable(String)");
    if (!whole || !text) return refuse(Reason::kTypeUnsupported, "a range that is a column");
    RangeValue range;
    range.text = column.node;
    range.made = true;
    std::string_view read = element == Class::kInt4   ? "toInt32OrNull($1)"
                            : element == Class::kInt8 ? "toInt64OrNull($1)"
                                                      : "toDate32OrNull($1)";
    auto bound = [&](std::string_view form) {
        const Node* part = sql_.form(form, {column.node});
        const Node* one = sql_.form(read, {part});
        const Node* wrong =
            sql_.form("notEmpty($1) AND ifNull(toString($2), '') != $1", {part, one});
        return sql_.guarded(wrong, one);
    };
    range.lower = bound("extract($1, '^[\\\\[(]([^,]*),')");
    range.upper = bound("extract($1, ',([^,]*)[)\\\\]]$')");
    return range;
}

Result<Translator::RangeValue> Translator::range_of(const Expr& expr) {
    bool known = expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null;
    return known ? known_range(expr) : made_range(expr);
}

// lower(), upper() and isempty() of a column
Result<Value> Translator::range_part(const Expr& expr) {
    RangeValue range = TRY(range_of(*expr.args[0]));
    if (range.text == nullptr) return refuse(Reason::kFunction, std::string(expr.name));
    Value result{.cls = class_of(expr.type)};
    result.node = expr.name == "lower" ? range.lower : range.upper;
    if (expr.name == "isempty")
        result.node = sql_.cast(sql_.form("($1 = 'empty')", {range.text}), clickhouse_type(result));
    return result;
}

// range && range, of columns and literals of whole numbers and dates
Result<Value> Translator::ranges_meet(const Expr& expr) {
    RangeValue sides[2];
    for (uint32_t i = 0; i < 2; ++i) sides[i] = TRY(range_of(*expr.args[i]));
    Nodes tests;
    for (int i = 0; i < 2; ++i) {
        const RangeValue& one = sides[i];
        bool stored = one.text != nullptr;
        bool plain = stored || (!one.made && one.lower_inclusive && !one.upper_inclusive);
        bool open = !one.made && !stored && one.lower == nullptr && !one.upper_inclusive;
        if (!one.empty && !plain && !open) return refuse(Reason::kOperator, "&& of these ranges");
        if (one.empty) tests.push_back(sql_.form("false", {}));
        if (stored) tests.push_back(sql_.form("($1 != 'empty')", {one.text}));
        const Node* upper = sides[1 - i].upper;
        if (one.lower != nullptr && upper != nullptr)
            tests.push_back(sql_.form("ifNull($1 < $2, true)", {one.lower, upper}));
    }
    const Node* test = sql_.form("($&)", std::move(tests));
    for (const RangeValue& one : sides)
        if (one.text != nullptr) test = sql_.form("if($1 IS NULL, NULL, $2)", {one.text, test});
    return Value{.node = sql_.cast(test, "Nullable(Bool)"), .cls = Class::kBool};
}

// daterange(a, b) and its like, with the bounds named or not. NULL is no bound.
Result<Translator::RangeValue> Translator::made_range(const Expr& expr) {
    if (expr.kind == ExprKind::kColumn) return stored_range(expr);
    bool made = expr.kind == ExprKind::kFunction && expr.builtin && expr.name.ends_with("range") &&
                (expr.args.size == 2 || expr.args.size == 3);
    if (!made) return refuse(Reason::kTypeUnsupported, "a range that is a column");
    RangeValue range;
    if (expr.args.size == 3) {
        const Expr& bounds = *expr.args[2];
        if (!bounds.known || bounds.known_text.size() != 2)
            return refuse(Reason::kConstantUnknown, "the bounds of a range");
        range.lower_inclusive = bounds.known_text[0] == '[';
        range.upper_inclusive = bounds.known_text[1] == ']';
    }
    Value lower = TRY(value(*expr.args[0]));
    Value upper = TRY(value(*expr.args[1]));
    Class wanted = class_of(element_type(expr.type));
    if (lower.cls != wanted || upper.cls != wanted) return refuse(Reason::kTypeUnsupported);
    bool time = wanted == Class::kTimestamp;
    range.lower = time ? in_utc(lower) : lower.node;
    range.upper = time ? in_utc(upper) : upper.node;
    range.made = true;
    return range;
}

// range @> element
Result<Value> Translator::range_contains(const Expr& expr) {
    if (expr.name == "&&" && expr.args[0]->type == expr.args[1]->type &&
        (class_of(element_type(expr.args[0]->type)) == Class::kDate ||
         is_int(class_of(element_type(expr.args[0]->type)))))
        return ranges_meet(expr);
    const Expr* from = expr.args[0];
    const Expr* element = expr.args[1];
    if (expr.name == "<@") std::swap(from, element);
    bool known = from->kind == ExprKind::kConstant && from->known && !from->constant_null;
    bool fits = (expr.name == "@>" || expr.name == "<@") && is_range_type(from->type) &&
                element->type == element_type(from->type) &&
                (known || from->kind != ExprKind::kConstant);
    if (!fits) return refuse(Reason::kOperator, std::string(expr.name) + " of these ranges");
    RangeValue range = TRY(range_of(*from));
    Value one = TRY(value(*element));
    const Node* x = one.cls == Class::kTimestamp ? in_utc(one) : one.node;
    Nodes tests;
    if (range.empty) tests.push_back(sql_.form("false", {}));
    auto add = [&](const Node* bound, std::string_view inclusive, std::string_view strict,
                   bool is_inclusive) {
        if (bound == nullptr) return;
        const Node* test = sql_.form(is_inclusive ? inclusive : strict, {x, bound});
        tests.push_back(range.made ? sql_.form("ifNull($1, true)", {test}) : test);
    };
    add(range.lower, "$1 >= $2", "$1 > $2", range.lower_inclusive);
    add(range.upper, "$1 <= $2", "$1 < $2", range.upper_inclusive);
    const Node* test = tests.empty() ? sql_.form("true", {}) : sql_.form("($&)", std::move(tests));
    bool stored = range.text != nullptr;
    if (stored) test = sql_.form("if($1 = 'empty', false, $2)", {range.text, test});
    test = stored ? sql_.form("if($1 IS NULL OR $2 IS NULL, NULL, $3)", {x, range.text, test})
                  : sql_.form("if($1 IS NULL, NULL, $2)", {x, test});
    if (range.made && !stored)
        test = sql_.guarded(sql_.form("$1 > $2", {range.lower, range.upper}), test);
    return Value{.node = sql_.cast(test, "Nullable(Bool)"), .cls = Class::kBool};
}

}  // namespace tandem::route
