// jsonb ->> 'key' over Postgres' own jsonb text.
//
// ClickHouse' parser gives up on whole documents that Postgres holds (numbers beyond its range),
// and then every key reads as missing. So every "missing" is checked with isValidJSON, and a
// document it cannot read fails the query, which then runs in Postgres. Numbers with a fraction and
// nested values would be printed differently and fail it as well.
#include <cstdio>

#include "route/translate/translator.h"
#include "sqltext/quote.h"

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
    std::string arguments =
        "(" + document.sql + ", " + sqltext::ch_string(expr.args[1]->known_text) + ")";
    std::string type = "JSONType" + arguments;
    std::string sql = "multiIf(" + type + " = 'String', JSONExtractString" + arguments + ", " +
                      type + " = 'Bool', if(JSONExtractBool" + arguments + ", 'true', 'false'), " +
                      type + " = 'Int64', toString(JSONExtractInt" + arguments + "), " + type +
                      " = 'UInt64', toString(JSONExtractUInt" + arguments + "), throwIf(ifNull(" +
                      type + " != 'Null' OR NOT isValidJSON(" + document.sql +
                      "), 0)) = 0, NULL, NULL)";
    return Value{.sql = std::move(sql), .cls = Class::kText};
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
    std::string key(left->args[1]->known_text);
    std::string wanted(right->known_text);
    std::string piece = jsonb_string(key) + ": " + jsonb_string(wanted);
    std::string sql = document.sql;
    if (document.nullable) sql = "ifNull(" + sql + ", '')";
    std::string test = "((startsWith(" + sql + ", " + sqltext::ch_string("{" + piece) +
                       ") OR position(" + sql + ", " + sqltext::ch_string(", " + piece) +
                       ") > 0) AND (position(" + sql + ", '{', 2) = 0 OR JSONExtractString(" + sql +
                       ", " + sqltext::ch_string(key) + ") = " + sqltext::ch_string(wanted) +
                       " OR throwIf(NOT isValidJSON(" + sql + ")) = 1))";
    return std::optional<Value>(
        Value{.sql = std::move(test), .cls = Class::kBool, .nullable = false});
}

}  // namespace tandem::route
