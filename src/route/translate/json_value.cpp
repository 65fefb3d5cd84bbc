// What jsonb holds at a path: as a value, as a number, whether it is there.
#include <algorithm>
#include <cstdlib>

#include "route/translate/translator.h"

namespace tandem::route {
namespace {

bool known_text(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           class_of_type(expr.type) == Class::kText;
}

// A string as jsonb writes it; what else is escaped fails the query.
constexpr std::string_view kQuotedString =
    "if(throwIf(ifNull(match($1, '[\\\\x00-\\\\x1f]'), 0)) = 0, concat('\"', "
    "replaceAll(replaceAll($1, '\\\\', '\\\\\\\\'), '\"', '\\\\\"'), '\"'), NULL)";

// Whole numbers, true, false, null, and strings without escapes: equal ones have equal texts.
bool is_plain_scalar(std::string_view text) {
    if (text == "true" || text == "false" || text == "null") return true;
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
        return text.find('\\') == std::string_view::npos;
    std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    return !digits.empty() && digits.size() <= 18 &&
           digits.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

const sql::Node* Translator::json_call(std::string_view function, const Node* document,
                                       const JsonPath& path) {
    Nodes args = {document};
    args.insert(args.end(), path.steps.begin(), path.steps.end());
    return sql_.call(function, args);
}

// Whether there is something at the path, NULL counting as something. A place is one of an array.
const sql::Node* Translator::json_there(const Node* document, const JsonPath& path) {
    if (path.steps.empty()) return sql_.form("($1 IS NOT NULL)", {document});
    const Node* there = json_call("JSONHas", document, path);
    for (size_t at : path.array_steps) {
        JsonPath above = path;
        above.steps.resize(at);
        there = sql_.form("($1 = 'Array' AND $2)", {json_call("JSONType", document, above), there});
    }
    return sql_.form("ifNull($1, 0)", {there});
}

const sql::Node* Translator::json_quoted(const Node* text) {
    return sql_.form(kQuotedString, {text}, {}, {}, true);
}

bool Translator::is_json_part(const Expr& expr) {
    return expr.kind == ExprKind::kOperator && expr.builtin && expr.args.size == 2 &&
           expr.type == oid::kJsonb && (expr.name == "->" || expr.name == "#>");
}

// A scalar at a path, as the text of a jsonb. Documents would be printed differently, and equal
// fractions may be written in different ways.
Result<Value> Translator::json_scalar(const Expr& expr) {
    if (StoredKey key = stored_key(expr)) return key_scalar(key);
    JsonPath path;
    Value document = TRY(json_document(expr, path));
    Nodes parts = {json_type(document.node, path),
                   json_quoted(json_call("JSONExtractString", document.node, path)),
                   json_call("JSONExtractBool", document.node, path),
                   json_call("JSONExtractInt", document.node, path),
                   json_call("JSONExtractUInt", document.node, path),
                   document.node,
                   json_there(document.node, path)};
    const Node* text = sql_.form(
        "multiIf($1 = 'String', $2, $1 = 'Bool', if($3, 'true', 'false'), $1 = 'Int64', "
        "toString($4), $1 = 'UInt64', toString($5), throwIf(ifNull($1 != 'Null' OR NOT "
        "isValidJSON($6), 0)) = 0, if($7, 'null', NULL), NULL)",
        parts, {}, {}, true);
    return Value{.node = text, .cls = Class::kJsonb};
}

// `document -> 'key' = '"value"'` and <>, by their texts.
Result<Value> Translator::compare_json(const Expr& expr) {
    const Expr* part = expr.args[0];
    const Expr* wanted = expr.args[1];
    if (part->kind == ExprKind::kConstant) std::swap(part, wanted);
    bool empty = wanted->known && !wanted->constant_null && part->kind == ExprKind::kColumn &&
                 (wanted->known_text == "{}" || wanted->known_text == "[]");
    if (empty && (expr.name == "=" || expr.name == "<>")) {
        Value document = TRY(value(*part));
        if (document.cls != Class::kJsonb) return refuse(Reason::kOperator, "of these jsonb");
        return Value{.node = sql_.form(expr.name == "=" ? "($1 = $2)" : "($1 != $2)",
                                       {document.node, sql_.string(wanted->known_text)}),
                     .cls = Class::kBool,
                     .nullable = document.nullable};
    }
    bool known = is_json_part(*part) && wanted->kind == ExprKind::kConstant && wanted->known &&
                 !wanted->constant_null && is_plain_scalar(wanted->known_text);
    if (!known || (expr.name != "=" && expr.name != "<>"))
        return refuse(Reason::kOperator, std::string(expr.name) + " of these jsonb");
    Value left = TRY(json_scalar(*part));
    return Value{.node = sql_.form(expr.name == "=" ? "($1 = $2)" : "($1 != $2)",
                                   {left.node, sql_.string(wanted->known_text)}),
                 .cls = Class::kBool};
}

// `document -> 'key' IS NULL`: there is nothing there.
Result<Value> Translator::json_null_test(const Expr& expr) {
    if (StoredKey key = stored_key(*expr.args[0]))
        return key_null_test(key, expr.kind == ExprKind::kIsNull);
    JsonPath path;
    Value document = TRY(json_document(*expr.args[0], path));
    const Node* wrong = sql_.form("NOT isValidJSON($1)", {document.node});
    const Node* there = sql_.guarded(wrong, json_there(document.node, path));
    bool is_null = expr.kind == ExprKind::kIsNull;
    return Value{
        .node = sql_.form(
            is_null ? "CAST(NOT ifNull($1, 0), 'Bool')" : "CAST(ifNull($1, 0), 'Bool')", {there}),
        .cls = Class::kBool,
        .nullable = false};
}

// (document -> 'key')::numeric and the like: numbers and booleans only.
Result<Value> Translator::json_cast(const Expr& expr) {
    const Expr& part = *expr.args[0];
    if (StoredKey key = stored_key(part)) return key_cast(key, expr);
    JsonPath path;
    Value document = TRY(json_document(part, path));
    const Node* type = json_type(document.node, path);
    const Node* there = json_there(document.node, path);
    if (expr.type == oid::kBool) {
        const Node* wrong =
            sql_.form("NOT isValidJSON($1) OR ($2 AND $3 != 'Bool')", {document.node, there, type});
        const Node* value = sql_.form("if($1, CAST($2, 'Bool'), NULL)",
                                      {there, json_call("JSONExtractBool", document.node, path)});
        return Value{.node = sql_.guarded(wrong, value), .cls = Class::kBool};
    }
    Nodes parts = {type,
                   json_call("JSONExtractInt", document.node, path),
                   json_call("JSONExtractUInt", document.node, path),
                   json_number(document.node, path),
                   there,
                   document.node};
    const Node* text = sql_.form(
        "multiIf($1 = 'Int64', toString($2), $1 = 'UInt64', toString($3), $1 = 'Double', $4, "
        "throwIf(ifNull($5 OR NOT isValidJSON($6), 0)) = 0, NULL, NULL)",
        parts, {}, {}, true);
    Value number = number_of_text({.node = text, .cls = Class::kText});
    if (expr.type == oid::kNumeric) return number;
    std::optional<Value> cast = TRY(numeric_cast(expr, expr.name, {&number, 1}));
    if (!cast) return refuse(Reason::kCast, "jsonb to this type");
    return *cast;
}

namespace {

// The keys of an array of texts that is known, none of which is NULL.
bool keys_of(const std::vector<const Expr*>& items, std::vector<std::string_view>& keys) {
    for (const Expr* item : items) {
        if (item->constant_null) return false;
        keys.push_back(item->known_text);
    }
    return true;
}

}  // namespace

// document ? 'key', ?| and ?& of several. Of what is no object Postgres looks at the elements.
Result<Value> Translator::json_has(const Expr& expr) {
    std::vector<std::string_view> keys;
    if (expr.name == "?") {
        if (!known_text(*expr.args[1])) return refuse(Reason::kOperator, "? of this form");
        keys.push_back(expr.args[1]->known_text);
    } else {
        std::vector<const Expr*> items;
        if (!known_elements(*expr.args[1], items) || !keys_of(items, keys) || keys.empty())
            return refuse(Reason::kConstantUnknown, "the keys of " + std::string(expr.name));
    }
    if (auto stored = keys_there(*expr.args[0], keys, expr.name == "?&")) return *stored;
    JsonPath path;
    Value document = TRY(json_document(*expr.args[0], path));
    const Node* there = json_there(document.node, path);
    const Node* wrong = sql_.form("NOT isValidJSON($1) OR ($2 AND $3 != 'Object')",
                                  {document.node, there, json_type(document.node, path)});
    Nodes tests;
    for (std::string_view key : keys) {
        JsonPath below = path;
        below.steps.push_back(sql_.string(key));
        tests.push_back(json_call("JSONHas", document.node, below));
    }
    const Node* has = sql_.form(expr.name == "?&" ? "($&)" : "($|)", std::move(tests));
    if (document.nullable || !path.steps.empty()) has = sql_.form("if($1, $2, NULL)", {there, has});
    return Value{.node = sql_.cast(sql_.guarded(wrong, has), "Nullable(Bool)"),
                 .cls = Class::kBool};
}

namespace {

// A path as jsonpath prints it: $."a"."b", perhaps with [*] behind it.
struct SqlPath {
    std::vector<std::string_view> keys;
    bool elements = false;
};

bool parse_path(std::string_view& text, SqlPath& path) {
    if (!text.starts_with('$')) return false;
    text.remove_prefix(1);
    while (text.starts_with(".\"")) {
        size_t end = text.find('"', 2);
        if (end == std::string_view::npos) return false;
        path.keys.push_back(text.substr(2, end - 2));
        if (path.keys.back().find('\\') != std::string_view::npos) return false;
        text.remove_prefix(end + 1);
    }
    path.elements = text.starts_with("[*]");
    if (path.elements) text.remove_prefix(3);
    return true;
}

// A comparison with a literal: == 5, != "x".
struct PathTest {
    std::string_view name;
    std::string_view literal;
};

bool parse_test(std::string_view text, PathTest& test) {
    constexpr std::string_view kNames[] = {"==", "!=", "<>", "<=", ">=", "<", ">"};
    for (std::string_view name : kNames) {
        if (!text.starts_with(name)) continue;
        test.name = name;
        test.literal = text.substr(name.size());
        while (test.literal.starts_with(' ')) test.literal.remove_prefix(1);
        return is_plain_scalar(test.literal) && test.literal != "null";
    }
    return false;
}

}  // namespace

// What a path leads through must not be an array, of which Postgres would take the elements.
const sql::Node* Translator::path_goes_astray(const Node* document, const JsonPath& path,
                                              bool last) {
    Nodes wrong = {sql_.form("NOT isValidJSON($1)", {document})};
    for (size_t steps = 0; steps < path.steps.size() + (last ? 1 : 0); ++steps) {
        JsonPath above = path;
        above.steps.resize(steps);
        wrong.push_back(sql_.form("$1 = 'Array'", {json_call("JSONType", document, above)}));
    }
    return sql_.form("($|)", std::move(wrong));
}

// jsonb_path_exists(document, '$.a.b'), @? and @@ of members and one comparison.
Result<Value> Translator::json_path_test(const Expr& expr) {
    const Expr& wanted = *expr.args[1];
    bool plain = expr.args.size == 2 ||
                 (expr.args.size == 4 && expr.args[2]->known && expr.args[2]->known_text == "{}");
    if (!plain || wanted.kind != ExprKind::kConstant || !wanted.known || wanted.constant_null)
        return refuse(Reason::kConstantUnknown, "a jsonpath");
    std::string_view text = wanted.known_text;
    bool match = expr.name == "@@" || expr.name == "jsonb_path_match";
    if (match) {
        if (!text.starts_with('(') || !text.ends_with(')'))
            return refuse(Reason::kOperator, "@@ of this path");
        text = text.substr(1, text.size() - 2);
    }
    SqlPath asked;
    PathTest test;
    bool known = parse_path(text, asked);
    if (known && match) {
        known = text.starts_with(' ') && !asked.elements && !asked.keys.empty() &&
                parse_test(text.substr(1), test);
    } else if (known && !text.empty()) {
        std::string_view start = "?(@ ";
        if (text.starts_with(" ?")) text.remove_prefix(1);
        known = asked.elements && text.starts_with(start) && text.ends_with(')') &&
                parse_test(text.substr(start.size(), text.size() - start.size() - 1), test) &&
                test.name == "==" && test.literal.starts_with('"');
    }
    if (!known) return refuse(Reason::kOperator, "a jsonpath of this form");
    JsonPath path;
    Value document = TRY(json_document(*expr.args[0], path));
    if (!path.steps.empty()) return refuse(Reason::kOperator, "a jsonpath of a part");
    for (std::string_view key : asked.keys) path.steps.push_back(sql_.string(key));
    const Node* type = json_type(document.node, path);
    const Node* wrong = path_goes_astray(document.node, path, match);
    const Node* found = json_there(document.node, path);
    if (match) {
        found = path_comparison(document.node, path, test.name, test.literal);
    } else if (asked.elements) {
        Nodes parts = {type, json_call("JSONExtractArrayRaw", document.node, path), found};
        if (!test.name.empty()) {
            parts.push_back(sql_.string(test.literal));
            // What is no array counts as one of itself.
            wrong = sql_.form("$1 OR ($2 AND $3 != 'Array')", {wrong, found, type});
        }
        found = sql_.form(test.name.empty() ? "if($1 = 'Array', notEmpty($2), $3)"
                                            : "($1 = 'Array' AND has($2, $4))",
                          parts);
    }
    const Node* answer = sql_.form("if($1 IS NULL, NULL, $2)", {document.node, found});
    return Value{.node = sql_.cast(sql_.guarded(wrong, answer), "Nullable(Bool)"),
                 .cls = Class::kBool};
}

// NULL where the types differ; false where there is nothing.
const sql::Node* Translator::path_comparison(const Node* document, const JsonPath& path,
                                             std::string_view name, std::string_view literal) {
    const Node* type = json_type(document, path);
    const Node* there = json_there(document, path);
    std::string op(name == "==" ? "=" : name == "<>" ? "!=" : name);
    if (literal.starts_with('"')) {
        Nodes parts = {type, there, json_call("JSONExtractString", document, path),
                       sql_.string(literal.substr(1, literal.size() - 2))};
        bool equality = op == "=" || op == "!=";
        std::string form = "multiIf(NOT $2, false, $1 = 'String', $3 " + op + " $4, $1 = 'Null', " +
                           (op == "!=" ? "true" : "false") + ", NULL)";
        if (!equality) form = "if(throwIf(1) = 0, $3 = $4, NULL)";
        return sql_.form(sql_.keep(form), parts, {}, {}, !equality);
    }
    if (literal == "true" || literal == "false") {
        std::string form = "multiIf(NOT $2, false, $1 = 'Bool' AND " +
                           std::string(op == "=" || op == "!=" ? "1" : "throwIf(1) = 0") + ", $3 " +
                           op + " " + std::string(literal) + ", $1 = 'Null', " +
                           (op == "!=" ? "true" : "false") + ", NULL)";
        return sql_.form(sql_.keep(form),
                         {type, there, json_call("JSONExtractBool", document, path)}, {}, {}, true);
    }
    Nodes parts = {type, there, json_call("JSONExtractInt", document, path)};
    std::string form = "multiIf(NOT $2, false, $1 = 'Int64', $3 " + op + " toInt64(" +
                       std::string(literal) +
                       "), $1 IN ('UInt64', 'Double') AND throwIf($1 IN ('UInt64', 'Double')) = 1, "
                       "NULL, $1 = 'Null', " +
                       (op == "!=" ? "true" : "false") + ", NULL)";
    return sql_.form(sql_.keep(form), parts, {}, {}, true);
}

namespace {

// The elements as Postgres writes them when they are taken out as text: x is one of them, as
// ClickHouse writes it, which for what is nested or has a fraction is not the same.
constexpr std::string_view kElementTexts =
    "arrayMap(x -> multiIf(startsWith(x, '\"'), JSONExtractString(x), x = 'null', NULL, "
    "throwIf(match(x, '^[[{]|^-?[0-9]+[.eE]')) = 0, x, NULL), $1)";
// Numbers with a fraction would be read with other digits.
constexpr std::string_view kElementValues =
    "arrayMap(x -> if(throwIf(match(x, '(^|[:,{[])-?[0-9]+[.eE]')) = 0, x, ''), $1)";

}  // namespace

// What coalesce(document, '[]') is there for: without elements is what is not there anyway.
const Expr& Translator::json_or_empty(const Expr& expr, bool object) {
    bool guarded = expr.kind == ExprKind::kCoalesce && expr.args.size == 2 &&
                   expr.args[1]->kind == ExprKind::kConstant && expr.args[1]->known &&
                   !expr.args[1]->constant_null &&
                   expr.args[1]->known_text == (object ? "{}" : "[]");
    return guarded ? *expr.args[0] : expr;
}

// jsonb_each() and jsonb_each_text() as an array of keys and values, these as ClickHouse writes
// them: `second` says what $1 of one of them is.
Result<const sql::Node*> Translator::json_pairs(const Expr& function, Value& second) {
    JsonPath path;
    Value document = TRY(json_document(json_or_empty(*function.args[0], true), path));
    bool text = function.name.ends_with("_text");
    const Node* wrong =
        sql_.form("NOT isValidJSON($1) OR ($2 AND $3 != 'Object')",
                  {document.node, json_there(document.node, path), json_type(document.node, path)});
    const Node* plain = sql_.form("ifNull($1, '{}')", {sql_.guarded(wrong, document.node)});
    const Node* one = sql_.form("[$1]", {second.node});
    second = {.cls = text ? Class::kText : Class::kJsonb, .nullable = text};
    second.reprinted = !text;
    second.node = sql_.form(text ? kElementTexts : kElementValues, {one}, {}, {}, true);
    second.node = sql_.form("$1[1]", {second.node});
    return json_call("JSONExtractKeysAndValuesRaw", plain, path);
}

// jsonb_array_elements(), jsonb_array_elements_text() and jsonb_object_keys() as arrays: of
// anything else Postgres raises an error.
Result<const sql::Node*> Translator::json_set(const Expr& function, Value& element) {
    JsonPath path;
    bool keys = function.name == "jsonb_object_keys";
    Value document = TRY(json_document(json_or_empty(*function.args[0], keys), path));
    bool text = function.name.ends_with("_text");
    const Node* wrong =
        sql_.form("NOT isValidJSON($1) OR ($2 AND $3 != $4)",
                  {document.node, json_there(document.node, path), json_type(document.node, path),
                   sql_.string(keys ? "Object" : "Array")});
    JsonPath from = path;
    const Node* plain = sql_.form("ifNull($1, '{}')", {sql_.guarded(wrong, document.node)});
    const Node* all = json_call(keys ? "JSONExtractKeys" : "JSONExtractArrayRaw", plain, from);
    element = {.cls = keys || text ? Class::kText : Class::kJsonb, .nullable = text};
    element.reprinted = !keys && !text;
    if (keys) return all;
    if (text)
        return sql_.cast(sql_.form(kElementTexts, {all}, {}, {}, true), "Array(Nullable(String))");
    return sql_.form(kElementValues, {all}, {}, {}, true);
}

}  // namespace tandem::route
