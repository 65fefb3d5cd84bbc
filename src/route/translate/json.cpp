// jsonb ->> 'key' over Postgres' own jsonb text.
//
// ClickHouse' parser gives up on whole documents that Postgres holds (numbers beyond its range),
// and then every key reads as missing. So every "missing" is checked with isValidJSON, and a
// document it cannot read fails the query, which then runs in Postgres. Nested values would be
// printed differently and fail it as well; numbers with a fraction are cut out of the text.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

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

bool known_place(const Expr& expr, int64_t& place) {
    if (expr.kind != ExprKind::kConstant || !expr.known || expr.constant_null ||
        expr.type != oid::kInt4)
        return false;
    place = std::strtoll(std::string(expr.known_text).c_str(), nullptr, 10);
    return true;
}

// For a regular expression.
std::string quoted_pattern(std::string_view text) {
    std::string result;
    for (char c : text) {
        if (std::string_view(".^$*+?()[]{}|\\").find(c) != std::string_view::npos) result += '\\';
        result += c;
    }
    return result;
}

}  // namespace

// The document that a chain of ->, ->> and #>> starts from, and the steps on the way.
bool Translator::json_path(const Expr& expr, JsonPath& path) {
    if (path.steps.size() > kKeysMax) return false;
    if (expr.kind == ExprKind::kColumn) {
        path.document = &expr;
        return true;
    }
    bool step = expr.kind == ExprKind::kOperator && expr.builtin && expr.args.size == 2;
    if (step && (expr.name == "#>>" || expr.name == "#>")) {
        const Expr& given = *expr.args[1];
        std::vector<std::string_view> keys;
        bool known = given.kind == ExprKind::kConstant && given.known && !given.constant_null;
        if (!known || !keys_of_path(given.known_text, keys) || !json_path(*expr.args[0], path))
            return false;
        for (std::string_view key : keys) path.steps.push_back(sql_.string(key));
        path.last_key = keys.back();
        return true;
    }
    if (!is_json_text(expr) && !is_json_step(expr)) return false;
    if (!json_path(*expr.args[0], path)) return false;
    int64_t place = 0;
    if (known_text(*expr.args[1])) {
        path.last_key = expr.args[1]->known_text;
        path.steps.push_back(sql_.string(path.last_key));
        return true;
    }
    if (!known_place(*expr.args[1], place)) return false;
    path.last_key = {};
    path.array_steps.push_back(path.steps.size());
    path.steps.push_back(sql_.int64(place >= 0 ? place + 1 : place));
    return true;
}

Result<Value> Translator::json_document(const Expr& expr, JsonPath& path) {
    if (!json_path(expr, path) || path.steps.size() > kKeysMax)
        return refuse(Reason::kOperator, std::string(expr.name) + " of this form");
    Value document = TRY(value(*path.document));
    if (document.cls != Class::kJsonb)
        return refuse(Reason::kOperator, std::string(expr.name) + " of this type");
    return document;
}

// What is at the path. A place is one of an array only; ClickHouse counts members of objects too.
const sql::Node* Translator::json_type(const Node* document, const JsonPath& path) {
    auto type_of = [&](size_t steps) {
        Nodes args = {document};
        args.insert(args.end(), path.steps.begin(),
                    path.steps.begin() + static_cast<std::ptrdiff_t>(steps));
        return sql_.call("JSONType", args);
    };
    const Node* type = type_of(path.steps.size());
    for (size_t at : path.array_steps)
        type = sql_.form("if($1 = 'Array', $2, 'Null')", {type_of(at), type});
    return type;
}

// A number with a fraction, as it is written. ClickHouse has no function for that; where its key
// stands once in the whole text, that is the place.
const sql::Node* Translator::json_number(const Node* document, const JsonPath& path) {
    const Node* wrong = sql_.form("throwIf(1) = 0", {}, {}, {}, true);
    if (path.last_key.empty() || may_follow_string(path.last_key))
        return sql_.form("if($1, NULL, NULL)", {wrong});
    std::string key = jsonb_string(path.last_key) + ": ";
    return sql_.form(
        "if(throwIf(countSubstrings($1, $2) + countSubstrings($1, $3) != 1) = 0, extract($1, $4), "
        "NULL)",
        {document, sql_.string("{" + key), sql_.string(", " + key),
         sql_.string("(?:[{]|, )" + quoted_pattern(key) + "(-?[0-9]+(?:[.][0-9]+)?)")},
        {}, {}, true);
}

Result<Value> Translator::json_text(const Expr& expr) {
    if (StoredKey key = stored_key(expr)) return key_text(key);
    JsonPath path;
    Value document = TRY(json_document(expr, path));
    Nodes args = {document.node};
    args.insert(args.end(), path.steps.begin(), path.steps.end());
    auto of_path = [&](std::string_view function) { return sql_.call(function, args); };
    Nodes parts = {json_type(document.node, path),  of_path("JSONExtractString"),
                   of_path("JSONExtractBool"),      of_path("JSONExtractInt"),
                   of_path("JSONExtractUInt"),      document.node,
                   json_number(document.node, path)};
    const Node* text = sql_.form(
        "multiIf($1 = 'String', $2, $1 = 'Bool', if($3, 'true', 'false'), $1 = 'Int64', "
        "toString($4), $1 = 'UInt64', toString($5), $1 = 'Double', $7, throwIf(ifNull($1 != 'Null' "
        "OR NOT isValidJSON($6), 0)) = 0, NULL, NULL)",
        parts, {}, {}, true);
    return Value{.node = text, .cls = Class::kText};
}

// jsonb_typeof()
Result<Value> Translator::json_typeof(const Expr& expr) {
    if (StoredKey key = stored_key(*expr.args[0])) return key_typeof(key);
    JsonPath path;
    Value document = TRY(json_document(*expr.args[0], path));
    Nodes args = {document.node};
    args.insert(args.end(), path.steps.begin(), path.steps.end());
    const Node* there = path.steps.empty() ? sql_.form("1", {}) : sql_.call("JSONHas", args);
    const Node* text = sql_.form(
        "multiIf(throwIf(ifNull(NOT isValidJSON($2), 0)) = 1, NULL, $1 = 'Object', 'object', $1 = "
        "'Array', 'array', $1 = 'String', 'string', $1 = 'Bool', 'boolean', $1 IN ('Int64', "
        "'UInt64', 'Double'), 'number', ($2 IS NOT NULL) AND $3, 'null', NULL)",
        {json_type(document.node, path), document.node, there}, {}, {}, true);
    return Value{.node = text, .cls = Class::kText};
}

// jsonb_array_length(): of anything else Postgres raises an error.
Result<Value> Translator::json_length(const Expr& expr) {
    JsonPath path;
    const Expr& part = json_or_empty(*expr.args[0], false);
    Value document = TRY(json_document(part, path));
    Nodes args = {document.node};
    args.insert(args.end(), path.steps.begin(), path.steps.end());
    const Node* there = path.steps.empty() ? sql_.form("1", {}) : sql_.call("JSONHas", args);
    const Node* length = sql_.form(
        "multiIf($1 = 'Array', toInt32($2), throwIf(ifNull(($4 IS NOT NULL) AND $3 OR NOT "
        "isValidJSON($4), 0)) = 0, NULL, NULL)",
        {json_type(document.node, path), sql_.call("JSONLength", args), there, document.node}, {},
        {}, true);
    if (&part != expr.args[0]) length = sql_.form("ifNull($1, toInt32(0))", {length});
    return Value{.node = length, .cls = Class::kInt4};
}

namespace {

// A document that is known, as jsonb writes it.
class KnownJson {
  public:
    KnownJson(std::string_view text, sql::Sql& sql, const sql::Node* document)
        : rest_(text), sql_(sql), document_(document) {}

    // The conditions under which the value at `path` contains this one; false when that cannot be
    // told.
    bool conditions(const std::vector<const sql::Node*>& path, std::vector<const sql::Node*>& all,
                    int depth = 0);
    bool done() const { return rest_.empty(); }

  private:
    bool skip(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        if (rest_.starts_with(' ')) rest_.remove_prefix(1);
        return true;
    }
    bool string(std::string& text);
    const sql::Node* call(std::string_view function, std::vector<const sql::Node*> path) {
        path.insert(path.begin(), document_);
        return sql_.call(function, std::move(path));
    }

    std::string_view rest_;
    sql::Sql& sql_;
    const sql::Node* document_;
};

bool KnownJson::string(std::string& text) {
    size_t end = rest_.find('"', 1);
    if (!rest_.starts_with('"') || end == std::string_view::npos) return false;
    text = rest_.substr(1, end - 1);
    if (text.find('\\') != std::string::npos) return false;
    rest_.remove_prefix(end + 1);
    return true;
}

bool KnownJson::conditions(const std::vector<const sql::Node*>& path,
                           std::vector<const sql::Node*>& all, int depth) {
    if (depth > 6 || rest_.empty()) return false;
    const sql::Node* type = call("JSONType", path);
    std::string text;
    if (rest_[0] == '{') {
        all.push_back(sql_.form("$1 = 'Object'", {type}));
        skip('{');
        while (!skip('}')) {
            if (!string(text) || !skip(':')) return false;
            std::vector<const sql::Node*> below = path;
            below.push_back(sql_.string(text));
            if (!conditions(below, all, depth + 1)) return false;
            skip(',');
        }
        return true;
    }
    // A scalar is contained by an array of the outermost level as well.
    if (depth == 0) return false;
    if (rest_[0] == '"') {
        if (!string(text)) return false;
        all.push_back(sql_.form("($1 = 'String' AND $2 = $3)",
                                {type, call("JSONExtractString", path), sql_.string(text)}));
        return true;
    }
    for (std::string_view word : {"true", "false"}) {
        if (!rest_.starts_with(word)) continue;
        rest_.remove_prefix(word.size());
        all.push_back(
            sql_.form(word == "true" ? "($1 = 'Bool' AND $2)" : "($1 = 'Bool' AND NOT $2)",
                      {type, call("JSONExtractBool", path)}));
        return true;
    }
    if (rest_.starts_with("null")) {
        rest_.remove_prefix(4);
        all.push_back(sql_.form("($1 = 'Null' AND $2)", {type, call("JSONHas", path)}));
        return true;
    }
    size_t length = std::min(rest_.find_first_not_of("-0123456789"), rest_.size());
    if (length == 0 || length > 18 || rest_.substr(length).starts_with('.')) return false;
    int64_t number = std::strtoll(std::string(rest_.substr(0, length)).c_str(), nullptr, 10);
    rest_.remove_prefix(length);
    // 12 and 12.0 are equal.
    all.push_back(
        sql_.form("($1 = 'Int64' AND $2 = $3 OR $1 = 'Double' AND throwIf($1 = 'Double') "
                  "= 1)",
                  {type, call("JSONExtractInt", path), sql_.int64(number)}, {}, {}, true));
    return true;
}

}  // namespace

// document @> '{"key": "value", ...}'
Result<Value> Translator::json_contains(const Expr& expr) {
    const Expr& wanted = *expr.args[1];
    bool known = wanted.kind == ExprKind::kConstant && wanted.known && !wanted.constant_null &&
                 wanted.type == oid::kJsonb && wanted.known_text.starts_with('{');
    JsonPath path;
    if (!known) return refuse(Reason::kOperator, "@> of this form");
    Value document = TRY(json_document(*expr.args[0], path));
    if (!path.array_steps.empty()) return refuse(Reason::kOperator, "@> of this form");
    KnownJson json(wanted.known_text, sql_, document.node);
    Nodes all = {sql_.form("throwIf(NOT isValidJSON($1)) = 0", {document.node}, {}, {}, true)};
    if (!json.conditions(path.steps, all) || !json.done())
        return refuse(Reason::kOperator, "@> of this document");
    const Node* test = sql_.form("($&)", std::move(all));
    // What is not there contains nothing, and is NULL.
    Nodes parts = {document.node, test};
    if (path.steps.empty()) {
        if (document.nullable) test = sql_.form("if($1 IS NULL, NULL, $2)", parts);
    } else {
        Nodes args = {document.node};
        args.insert(args.end(), path.steps.begin(), path.steps.end());
        test = sql_.form("if($1 IS NULL OR NOT $3, NULL, $2)",
                         {document.node, test, sql_.call("JSONHas", args)});
    }
    return Value{.node = sql_.cast(test, "Nullable(Bool)"), .cls = Class::kBool};
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
    if (!fast || stored_key(*left)) return std::optional<Value>();
    Value document = TRY(value(*left->args[0]));
    if (document.cls != Class::kJsonb || document.reprinted) return std::optional<Value>();
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
