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
    if (!literals) return refuse(Reason::kFunction, "substring with these positions");
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
    if (!known_pattern(pattern) || !plain_pattern(pattern.known_text))
        return refuse(Reason::kLikePattern);
    std::string text(pattern.known_text);
    Value left = TRY(value(*expr.args[0]));
    // char(n) is matched with its blanks, which it is stored with.
    if (left.cls != Class::kText && left.cls != Class::kBpchar)
        return refuse(Reason::kOperator, "LIKE");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    const Node* subject = left.node;
    if (expr.name.ends_with('*')) {
        // Letters of ASCII only, and none beyond that may become one of them: the Kelvin sign and
        // the dotted I do.
        if (!is_ascii(text)) return refuse(Reason::kLikePattern, "ILIKE beyond ASCII");
        if (!expr.ascii_case) return refuse(Reason::kCollation, "upper and lower case");
        for (char& c : text)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        const Node* wrong = sql_.form(
            "position($1, '\xe2\x84\xaa') > 0 OR position($1, '\xc4\xb0') > 0", {subject});
        subject = sql_.guarded(wrong, sql_.form("lower($1)", {subject}));
    }
    std::string_view form = expr.name[0] == '!' ? "($1 NOT LIKE $2)" : "($1 LIKE $2)";
    return Value{.node = sql_.form(form, {subject, sql_.string(text)}),
                 .cls = Class::kBool,
                 .nullable = left.nullable || expr.name.ends_with('*')};
}

namespace {

// Regular expressions that mean the same to both sides when asked whether they match at all:
// letters, digits and a few signs, the dot, anchors at the ends, plain classes, ?, *, + and |.
bool plain_expression(std::string_view text) {
    int depth = 0;
    bool repeatable = false;
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view(" _-@:/,;#%&=~<>!'\"").find(c) != std::string_view::npos;
        if (letter || c == '.') {
            repeatable = true;
        } else if (c == '^') {
            if (i != 0) return false;
            repeatable = false;
        } else if (c == '$') {
            if (i + 1 != text.size()) return false;
        } else if (c == '*' || c == '+' || c == '?') {
            if (!repeatable) return false;
            repeatable = false;
        } else if (c == '(') {
            if (i + 1 < text.size() && text[i + 1] == '?') return false;
            ++depth;
            repeatable = false;
        } else if (c == ')') {
            if (--depth < 0 || text[i - 1] == '(' || text[i - 1] == '|') return false;
            repeatable = true;
        } else if (c == '|') {
            if (i == 0 || i + 1 == text.size() || text[i - 1] == '(' || text[i - 1] == '|')
                return false;
            repeatable = false;
        } else if (c == '\\' && i + 1 < text.size() &&
                   std::string_view(".$^*+?()|[]{}\\").find(text[i + 1]) !=
                       std::string_view::npos) {
            ++i;
            repeatable = true;
        } else if (c == '[') {
            size_t end = text.find(']', i);
            std::string_view inside =
                end == std::string_view::npos ? "" : text.substr(i + 1, end - i - 1);
            if (inside.starts_with('^')) inside.remove_prefix(1);
            if (inside.empty() || inside.find_first_of("[\\:=.^") != std::string_view::npos)
                return false;
            i = end;
            repeatable = true;
        } else {
            return false;
        }
    }
    return depth == 0 && text.find('|') == std::string_view::npos
               ? true
               : depth == 0 && text.find_first_of("^$") == std::string_view::npos;
}

}  // namespace

// x ~ 'regular expression'
Result<Value> Translator::matches(const Expr& expr) {
    const Expr& pattern = *expr.args[1];
    if (!known_pattern(pattern) || !is_ascii(pattern.known_text) ||
        !plain_expression(pattern.known_text))
        return refuse(Reason::kLikePattern, "a regular expression");
    Value left = TRY(value(*expr.args[0]));
    if (left.cls != Class::kText) return refuse(Reason::kOperator, "~");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    const Node* test = sql_.form("CAST(match($1, $2), $3)",
                                 {left.node, sql_.string(pattern.known_text),
                                  sql_.type(clickhouse_type(Class::kBool, left.nullable))});
    return Value{.node = test, .cls = Class::kBool, .nullable = left.nullable};
}

// concat() and concat_ws() pass over NULL.
Result<Value> Translator::concatenated(const Expr& expr) {
    bool separated = expr.name == "concat_ws";
    Value separator;
    Nodes parts;
    for (uint32_t i = 0; i < expr.args.size; ++i) {
        Value part = TRY(value(*expr.args[i]));
        if (is_int(part.cls)) part.node = sql_.form("toString($1)", {part.node});
        if (part.cls != Class::kText && !is_int(part.cls))
            return refuse(Reason::kFunction, "concat of " + std::string(class_name(part.cls)));
        if (separated && i == 0) {
            separator = part;
            continue;
        }
        parts.push_back(separated ? part.node : sql_.form("ifNull($1, '')", {part.node}));
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

namespace {

// A literal integer from 1 to 1000; 0 for anything else.
int64_t small_number(const Expr& expr) {
    if (!known_pattern(expr) || expr.type != oid::kInt4) return 0;
    int64_t number = std::strtoll(std::string(expr.known_text).c_str(), nullptr, 10);
    return number >= 1 && number <= 1000 ? number : 0;
}

}  // namespace

Result<Value> Translator::split_part(const Expr& expr) {
    int64_t at = expr.args.size == 3 ? small_number(*expr.args[2]) : 0;
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
