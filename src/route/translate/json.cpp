// jsonb ->> 'key' over Postgres' own jsonb text.
//
// ClickHouse' parser gives up on whole documents that Postgres holds (numbers beyond its range),
// and then every key reads as missing. So every "missing" is checked with isValidJSON, and a
// document it cannot read fails the query, which then runs in Postgres. Numbers with a fraction and
// nested values would be printed differently and fail it as well.
#include <cstdio>

#include "route/translate/translator.h"

namespace tandem::route {
namespace {

bool is_json_text(const Expr& expr) {
    return expr.builtin && expr.args.size == 2 &&
           ((expr.kind == ExprKind::kOperator && expr.name == "->>") ||
            (expr.kind == ExprKind::kFunction && expr.name == "jsonb_object_field_text"));
}

bool known_text(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           class_of_type(expr.type) == Class::kText;
}

// A string as Postgres prints it inside jsonb.
std::string jsonb_string(std::string_view text) {
    std::string result = "\"";
    for (char c : text) {
        switch (c) {
            case '"':
                result += "\\\"";
                break;
            case '\\':
                result += "\\\\";
                break;
            case '\b':
                result += "\\b";
                break;
            case '\f':
                result += "\\f";
                break;
            case '\n':
                result += "\\n";
                break;
            case '\r':
                result += "\\r";
                break;
            case '\t':
                result += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    char escaped[8];
                    std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
                    result += escaped;
                } else {
                    result += c;
                }
        }
    }
    return result + "\"";
}

// Whether ->> may yield this text from something else than a string.
bool only_from_string(std::string_view text) {
    if (text.empty() || text == "true" || text == "false") return false;
    return std::string_view("-0123456789{[").find(text[0]) == std::string_view::npos;
}

// What may follow the closing quote of a string in a document. A key that begins like that could be
// found where a string ends in ", " and the structure up to the next string reads like the key.
bool may_follow_string(std::string_view key) {
    return !key.empty() && std::string_view(",:}]").find(key[0]) != std::string_view::npos;
}

}  // namespace

Result<Value> Translator::json_text(const Expr& expr) {
    if (!is_json_text(expr) || expr.args[0]->kind != ExprKind::kColumn ||
        !known_text(*expr.args[1]))
        return refuse(Reason::kOperator, "->> of this form");
    Value document = TRY(value(*expr.args[0]));
    if (document.cls != Class::kJsonb) return refuse(Reason::kOperator, "->> of this type");
    const Node* key = sql_.string(expr.args[1]->known_text);
    const Node* text = sql_.form(
        "multiIf(JSONType($1, $2) = 'String', JSONExtractString($1, $2), JSONType($1, $2) = "
        "'Bool', if(JSONExtractBool($1, $2), 'true', 'false'), JSONType($1, $2) = 'Int64', "
        "toString(JSONExtractInt($1, $2)), JSONType($1, $2) = 'UInt64', "
        "toString(JSONExtractUInt($1, $2)), throwIf(ifNull(JSONType($1, $2) != 'Null' OR NOT "
        "isValidJSON($1), 0)) = 0, NULL, NULL)",
        {document.node, key}, {}, {}, true);
    return Value{.node = text, .cls = Class::kText};
}

// `document ->> 'key' = 'value'` where NULL counts as false. jsonb prints canonically, and a quote
// inside of a string is always escaped: the pair can only stand behind the document's first brace
// or behind `, `. In a document with one brace only, that pair is one of the outermost object. What
// is left, documents with nested objects that hold such a pair somewhere, is parsed.
Result<std::optional<Value>> Translator::json_equals(const Expr& expr) {
    const Expr* left = expr.args[0];
    const Expr* right = expr.args[1];
    if (is_json_text(*right)) std::swap(left, right);
    bool fast = is_json_text(*left) && known_text(*right) && only_from_string(right->known_text) &&
                left->args[0]->kind == ExprKind::kColumn && known_text(*left->args[1]) &&
                !may_follow_string(left->args[1]->known_text) &&
                expr.input_collation != Collation::kNondeterministic;
    if (!fast) return std::optional<Value>();
    Value document = TRY(value(*left->args[0]));
    if (document.cls != Class::kJsonb) return std::optional<Value>();
    std::string_view key = left->args[1]->known_text;
    std::string piece = jsonb_string(key) + ": " + jsonb_string(right->known_text);
    const Node* text = document.node;
    if (document.nullable) text = sql_.form("ifNull($1, '')", {text});
    const Node* test = sql_.form(
        "((startsWith($1, $2) OR position($1, $3) > 0) AND (position($1, '{', 2) = 0 OR "
        "JSONExtractString($1, $4) = $5 OR throwIf(NOT isValidJSON($1)) = 1))",
        {text, sql_.string("{" + piece), sql_.string(", " + piece), sql_.string(key),
         sql_.string(right->known_text)},
        {}, {}, true);
    return std::optional<Value>(Value{.node = test, .cls = Class::kBool, .nullable = false});
}

}  // namespace tandem::route
