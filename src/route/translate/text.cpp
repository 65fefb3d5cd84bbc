// Functions of text whose arguments have to be known.
#include <algorithm>

#include "route/translate/translator.h"

namespace tandem::route {

Result<Value> Translator::substring(const Expr& expr) {
    bool literals = expr.args.size >= 2 && expr.args.size <= 3;
    for (uint32_t i = 1; i < expr.args.size && literals; ++i) {
        const Expr& at = *expr.args[i];
        literals = at.kind == ExprKind::kConstant && at.known && !at.constant_null &&
                   at.type == oid::kInt4 && at.known_text[0] != '-' &&
                   (i == 2 || at.known_text != "0");
    }
    if (!literals) return apply(expr, Form::kFunction, expr.name);
    Value text = TRY(value(*expr.args[0]));
    if (text.cls != Class::kText) return refuse(Reason::kFunction, "substring");
    Nodes args = {text.node};
    for (uint32_t i = 1; i < expr.args.size; ++i) {
        Value at = TRY(constant(*expr.args[i]));
        args.push_back(at.node);
    }
    text.node = sql_.form("substringUTF8($,)", std::move(args));
    text.literal = false;
    return text;
}

namespace {

// Patterns that both sides read alike: backslash stands before %, _ or itself only.
bool plain_pattern(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') continue;
        if (i + 1 == text.size() ||
            std::string_view("%_\\").find(text[i + 1]) == std::string_view::npos)
            return false;
        ++i;
    }
    return true;
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 128; });
}

bool known_pattern(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null;
}

}  // namespace

Result<Value> Translator::like(const Expr& expr) {
    const Expr& pattern = *expr.args[1];
    if (pattern.kind != ExprKind::kConstant) return like_value(expr);
    if (!known_pattern(pattern) || !plain_pattern(pattern.known_text))
        return refuse(Reason::kLikePattern);
    std::string text(pattern.known_text);
    Value left = TRY(value(*expr.args[0]));
    // char(n) is matched with its blanks, which it is stored with.
    if (left.cls != Class::kText && left.cls != Class::kBpchar)
        return refuse(Reason::kOperator, "LIKE");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    const Node* subject = left.node;
    const Node* wanted = sql_.string(text);
    bool letters = expr.name.ends_with('*') && !is_ascii(text);
    if (letters) {
        if (!expr.letter_case) return refuse(Reason::kLikePattern, "ILIKE beyond ASCII");
        subject = in_other_case(subject, "lowerUTF8");
        wanted = in_other_case(wanted, "lowerUTF8");
    } else if (expr.name.ends_with('*')) {
        // Letters of ASCII only, and none beyond that may become one of them: the Kelvin sign and
        // the dotted I do.
        if (!expr.ascii_case) return refuse(Reason::kCollation, "upper and lower case");
        for (char& c : text)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        wanted = sql_.string(text);
        const Node* wrong = sql_.form(
            "position($1, '\xe2\x84\xaa') > 0 OR position($1, '\xc4\xb0') > 0", {subject});
        subject = sql_.guarded(wrong, sql_.form("lower($1)", {subject}));
    }
    std::string_view form = expr.name[0] == '!' ? "($1 NOT LIKE $2)" : "($1 LIKE $2)";
    return Value{.node = sql_.form(form, {subject, wanted}),
                 .cls = Class::kBool,
                 .nullable = left.nullable || expr.name.ends_with('*')};
}

// The value as Postgres' output function writes it; no node for a type that is not known to.
const sql::Node* Translator::as_text(const Value& value) {
    if (value.cls == Class::kText || value.cls == Class::kJsonb) return value.node;
    if (value.cls == Class::kBpchar && value.padded > 0) return value.node;
    if (value.cls == Class::kEnum) return sql_.form("toString($1)", {value.node});
    if (is_int(value.cls) || value.cls == Class::kUuid)
        return sql_.form("toString($1)", {value.node});
    if (value.cls == Class::kBool)
        return sql_.form("if($1 IS NULL, NULL, if($1, 't', 'f'))", {value.node});
    if (value.cls == Class::kDate || value.cls == Class::kTimestamp) return iso_text(value);
    if (value.cls == Class::kTime) return clock_text(value.node);
    if (value.cls == Class::kNumeric && value.digits == nullptr && value.digits_known)
        return sql_.form(sql_.keep("toDecimalString($1, " + std::to_string(value.scale) + ")"),
                         {value.node});
    return nullptr;
}

// LIKE of a pattern that is a value of the row. A backslash means the same only before some signs.
Result<Value> Translator::like_value(const Expr& expr) {
    if (expr.name.ends_with('*')) return refuse(Reason::kLikePattern);
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    Value left = TRY(value(*expr.args[0]));
    Value pattern = TRY(value(*expr.args[1]));
    if (left.cls != Class::kText || pattern.cls != Class::kText)
        return refuse(Reason::kOperator, "LIKE");
    const Node* wrong = sql_.form("position($1, '\\\\') > 0", {pattern.node});
    std::string_view form = expr.name[0] == '!' ? "($1 NOT LIKE $2)" : "($1 LIKE $2)";
    return Value{.node = sql_.guarded(wrong, sql_.form(form, {left.node, pattern.node})),
                 .cls = Class::kBool};
}

// concat() and concat_ws() pass over NULL.
Result<Value> Translator::concatenated(const Expr& expr) {
    bool separated = expr.name == "concat_ws";
    Value separator;
    Nodes parts;
    for (uint32_t i = 0; i < expr.args.size; ++i) {
        Value part = TRY(value(*expr.args[i]));
        const Node* text = as_text(part);
        if (text == nullptr)
            return refuse(Reason::kFunction, "concat of " + std::string(class_name(part.cls)));
        if (separated && i == 0) {
            separator = part;
            continue;
        }
        parts.push_back(separated ? text : sql_.form("ifNull($1, '')", {text}));
    }
    if (parts.empty()) return refuse(Reason::kFunction, "concat of nothing");
    Value result{.cls = Class::kText, .nullable = false};
    if (!separated) {
        parts.push_back(sql_.string(""));
        result.node = sql_.form("concat($,)", std::move(parts));
        return result;
    }
    const Node* list = sql_.form("[$,]", std::move(parts));
    if (!separator.literal) return refuse(Reason::kConstantUnknown, "the separator of concat_ws");
    result.node = sql_.form(
        "arrayStringConcat(arrayMap(x -> assumeNotNull(x), arrayFilter(x -> x "
        "IS NOT NULL, $1)), $2)",
        {list, separator.node});
    return result;
}

// format(), of %s and %% only.
Result<Value> Translator::formatted(const Expr& expr) {
    if (expr.args.empty() || !known_pattern(*expr.args[0]))
        return refuse(Reason::kFunction, "format of this form");
    std::string_view form = expr.args[0]->known_text;
    Nodes parts;
    uint32_t next = 1;
    while (!form.empty()) {
        size_t percent = form.find('%');
        if (percent != 0) parts.push_back(sql_.string(form.substr(0, percent)));
        if (percent == std::string_view::npos) break;
        char what = percent + 1 < form.size() ? form[percent + 1] : '\0';
        form.remove_prefix(std::min(percent + 2, form.size()));
        if (what == '%') {
            parts.push_back(sql_.string("%"));
            continue;
        }
        if (what != 's' || next >= expr.args.size)
            return refuse(Reason::kFunction, "format of this form");
        Value part = TRY(value(*expr.args[next++]));
        const Node* text = as_text(part);
        if (text == nullptr)
            return refuse(Reason::kFunction, "format of " + std::string(class_name(part.cls)));
        parts.push_back(sql_.form("ifNull($1, '')", {text}));
    }
    parts.push_back(sql_.string(""));
    return Value{
        .node = sql_.form("concat($,)", std::move(parts)), .cls = Class::kText, .nullable = false};
}

// btrim, ltrim and rtrim of given characters.
Result<Value> Translator::trimmed(const Expr& expr) {
    const Expr& characters = *expr.args[1];
    if (!known_pattern(characters) || !is_ascii(characters.known_text) ||
        characters.known_text.empty())
        return refuse(Reason::kFunction, std::string(expr.name) + " of this form");
    Value text = TRY(value(*expr.args[0]));
    if (text.cls != Class::kText) return refuse(Reason::kFunction, std::string(expr.name));
    std::string_view function = expr.name == "ltrim"   ? "trimLeft"
                                : expr.name == "rtrim" ? "trimRight"
                                                       : "trimBoth";
    text.node = sql_.call(function, {text.node, sql_.string(characters.known_text)});
    text.literal = false;
    return text;
}

// translate(), of different characters of ASCII.
Result<Value> Translator::translated(const Expr& expr) {
    if (expr.args.size != 3 || !known_pattern(*expr.args[1]) || !known_pattern(*expr.args[2]))
        return refuse(Reason::kFunction, "translate of this form");
    std::string_view from = expr.args[1]->known_text;
    std::string_view to = expr.args[2]->known_text.substr(0, from.size());
    bool plain = is_ascii(from) && is_ascii(expr.args[2]->known_text);
    for (size_t i = 0; i < from.size(); ++i) plain = plain && from.find(from[i]) == i;
    if (!plain || from.empty()) return refuse(Reason::kFunction, "translate of this form");
    Value text = TRY(value(*expr.args[0]));
    if (text.cls != Class::kText) return refuse(Reason::kFunction, "translate");
    text.node = sql_.call("translate", {text.node, sql_.string(from), sql_.string(to)});
    text.literal = false;
    return text;
}

// The text in small or capital letters, where the locale has them as Unicode has. Of letters
// without the other form, or with more than one, nothing is known.
const sql::Node* Translator::in_other_case(const Node* text, std::string_view function) {
    // Those without a capital form are their own small form.
    constexpr std::string_view kSmall = "\\x{aa}\\x{b5}\\x{ba}\\x{df}\\x{ff}]";
    constexpr std::string_view kUnknown =
        "[^\\x00-\\x7f\\x{a0}-\\x{a9}\\x{ab}-\\x{b4}\\x{b6}-\\x{b9}\\x{bb}-\\x{de}\\x{e0}-\\x{fe}"
        "\\x{100}-\\x{12f}\\x{132}-\\x{137}\\x{139}-\\x{148}\\x{14a}-\\x{177}\\x{179}-\\x{17e}"
        "\\x{401}\\x{410}-\\x{44f}\\x{451}\\x{2010}-\\x{2026}\\x{20ac}\\x{3041}-\\x{30ff}"
        "\\x{4e00}-\\x{9fff}\\x{ac00}-\\x{d7a3}]";
    std::string unknown(kUnknown);
    if (function == "lowerUTF8") unknown.replace(unknown.size() - 1, 1, kSmall);
    const Node* wrong = sql_.form("length($1) != lengthUTF8($1) AND match($1, $2)",
                                  {text, sql_.string(sql_.keep(unknown))});
    return sql_.guarded(wrong, sql_.call(function, {text}));
}

// lower() and upper()
Result<Value> Translator::folded(const Expr& expr) {
    Value text = TRY(value(*expr.args[0]));
    if (text.cls != Class::kText) return refuse(Reason::kFunction, std::string(expr.name));
    text.node = in_other_case(text.node, expr.name == "lower" ? "lowerUTF8" : "upperUTF8");
    text.nullable = true;
    text.literal = false;
    return text;
}

// num_nulls() and num_nonnulls()
Result<Value> Translator::nulls_counted(const Expr& expr) {
    Nodes tests;
    for (const Expr* item : expr.args) {
        Value one = TRY(value(*item));
        if (!one.nullable && one.node->raises) return refuse(Reason::kFunction, "num_nulls");
        tests.push_back(
            sql_.form(expr.name == "num_nulls" ? "toUInt8($1 IS NULL)" : "toUInt8($1 IS NOT NULL)",
                      {one.node}));
    }
    if (tests.empty()) return refuse(Reason::kFunction, "num_nulls");
    return Value{.node = sql_.form("toInt32(arraySum([$,]))", std::move(tests)),
                 .cls = Class::kInt4,
                 .nullable = false};
}

namespace {

// A literal integer from 1 to 1000, or the opposite of one; 0 for anything else.
int64_t small_number(const Expr& expr, bool negative = false) {
    if (!known_pattern(expr) || expr.type != oid::kInt4) return 0;
    int64_t number = std::strtoll(std::string(expr.known_text).c_str(), nullptr, 10);
    if (negative) number = -number;
    return number >= 1 && number <= 1000 ? number : 0;
}

}  // namespace

Result<Value> Translator::split_part(const Expr& expr) {
    int64_t at = expr.args.size == 3 ? small_number(*expr.args[2]) : 0;
    if (expr.args.size == 3 && at == 0) at = -small_number(*expr.args[2], true);
    if (at == 0 || !known_pattern(*expr.args[1]) || expr.args[1]->known_text.empty())
        return refuse(Reason::kFunction, "split_part of this form");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    Value text = TRY(value(*expr.args[0]));
    if (text.cls != Class::kText) return refuse(Reason::kFunction, "split_part");
    Nodes parts = {sql_.string(expr.args[1]->known_text),
                   sql_.form("assumeNotNull($1)", {text.node}), sql_.int64(at), text.node};
    text.node = sql_.form(text.nullable ? "if($4 IS NULL, NULL, splitByString($1, $2)[$3])"
                                        : "splitByString($1, $2)[$3]",
                          parts);
    text.literal = false;
    return text;
}

Result<Value> Translator::padded(const Expr& expr) {
    int64_t length = expr.args.size >= 2 ? small_number(*expr.args[1]) : 0;
    bool filled = expr.args.size == 3;
    if (length == 0 ||
        (filled && (!known_pattern(*expr.args[2]) || expr.args[2]->known_text.empty())))
        return refuse(Reason::kFunction, std::string(expr.name) + " of this form");
    Value text = TRY(value(*expr.args[0]));
    if (text.cls != Class::kText) return refuse(Reason::kFunction, std::string(expr.name));
    Nodes parts = {text.node, sql_.int64(length),
                   sql_.string(filled ? expr.args[2]->known_text : " ")};
    text.node = sql_.form(
        expr.name == "lpad" ? "leftPadUTF8($1, $2, $3)" : "rightPadUTF8($1, $2, $3)", parts);
    text.literal = false;
    return text;
}

}  // namespace tandem::route
