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

bool is_json_step(const Expr& expr) {
    return expr.builtin && expr.args.size == 2 && expr.kind == ExprKind::kOperator &&
           expr.name == "->";
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

namespace {

constexpr size_t kKeysMax = 8;

// The keys of '{a,b}', none of which could be the index of an array.
bool keys_of_path(std::string_view text, std::vector<std::string_view>& keys) {
    if (text.size() < 3 || text.front() != '{' || text.back() != '}') return false;
    text = text.substr(1, text.size() - 2);
    while (true) {
        size_t comma = text.find(',');
        std::string_view key = text.substr(0, comma);
        bool plain = !key.empty() && key != "NULL" && key.find_first_of("\"\\{}") == key.npos &&
                     key.find_first_not_of("0123456789-+ ") != key.npos;
        if (!plain) return false;
        keys.push_back(key);
        if (comma == std::string_view::npos) return true;
        text.remove_prefix(comma + 1);
    }
}

// The document that a chain of -> and ->> starts from, and the keys on the way.
const Expr* find_document(const Expr& expr, std::vector<std::string_view>& keys) {
    if (expr.kind == ExprKind::kOperator && expr.builtin && expr.name == "#>>") {
        const Expr& path = *expr.args[1];
        bool known = path.kind == ExprKind::kConstant && path.known && !path.constant_null;
        return known && keys_of_path(path.known_text, keys) ? expr.args[0] : nullptr;
    }
    if (!is_json_text(expr) && !is_json_step(expr)) return nullptr;
    if (!known_text(*expr.args[1])) return nullptr;
    const Expr* document = expr.args[0];
    if (document->kind != ExprKind::kColumn) document = find_document(*document, keys);
    keys.push_back(expr.args[1]->known_text);
    return document;
}

}  // namespace

Result<Value> Translator::json_text(const Expr& expr) {
    std::vector<std::string_view> keys;
    const Expr* from = find_document(expr, keys);
    if (from == nullptr || from->kind != ExprKind::kColumn || keys.size() > kKeysMax)
        return refuse(Reason::kOperator, std::string(expr.name) + " of this form");
    Value document = TRY(value(*from));
    if (document.cls != Class::kJsonb)
        return refuse(Reason::kOperator, std::string(expr.name) + " of this type");
    Nodes path = {document.node};
    for (std::string_view key : keys) path.push_back(sql_.string(key));
    auto of_path = [&](std::string_view function) { return sql_.call(function, path); };
    Nodes parts = {of_path("JSONType"),        of_path("JSONExtractString"),
                   of_path("JSONExtractBool"), of_path("JSONExtractInt"),
                   of_path("JSONExtractUInt"), document.node};
    const Node* text = sql_.form(
        "multiIf($1 = 'String', $2, $1 = 'Bool', if($3, 'true', 'false'), $1 = 'Int64', "
        "toString($4), $1 = 'UInt64', toString($5), throwIf(ifNull($1 != 'Null' OR NOT "
        "isValidJSON($6), 0)) = 0, NULL, NULL)",
        parts, {}, {}, true);
    return Value{.node = text, .cls = Class::kText};
}

// document ? 'key'. Of what is no object Postgres looks at the elements.
Result<Value> Translator::json_has(const Expr& expr) {
    if (expr.args.size != 2 || expr.args[0]->kind != ExprKind::kColumn ||
        !known_text(*expr.args[1]))
        return refuse(Reason::kOperator, "? of this form");
    Value document = TRY(value(*expr.args[0]));
    if (document.cls != Class::kJsonb) return refuse(Reason::kOperator, "? of this type");
    const Node* wrong =
        sql_.form("NOT isValidJSON($1) OR JSONType($1) != 'Object'", {document.node});
    const Node* has =
        sql_.form("JSONHas($1, $2)", {document.node, sql_.string(expr.args[1]->known_text)});
    if (document.nullable) has = sql_.form("if($1 IS NULL, NULL, $2)", {document.node, has});
    return Value{.node = sql_.cast(sql_.guarded(wrong, has), "Nullable(Bool)"),
                 .cls = Class::kBool};
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
