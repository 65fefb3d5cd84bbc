// Arrays of one dimension, made and compared. Their elements may be NULL.
#include "route/translate/pattern.h"
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

bool known_text(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           class_of_type(expr.type) == Class::kText;
}

// The element's class by the type of the array; none for arrays that are not computed with.
Class element_of(uint32_t type) {
    switch (type) {
        case 1005:
            return Class::kInt2;
        case 1007:
            return Class::kInt4;
        case 1016:
            return Class::kInt8;
        case 1009:
        case 1015:
            return Class::kText;
        default:
            return Class::kNone;
    }
}

// An array that may be NULL is held as its text. These read one of one dimension: elements in
// quotes with their escapes, and others.
constexpr std::string_view kNoArray =
    "NOT match($1, "
    "'^[{]((\"([^\"\\\\x5c]|\\\\x5c(?s:.))*\"|[^,{}\"\\\\x5c]+)(,(\"([^\"\\\\x5c]|\\\\x5c(?s:.))*"
    "\"|"
    "[^,{}\"\\\\x5c]+))*)?[}]$')";
constexpr std::string_view kParsedTexts =
    "CAST(arrayMap(x -> if(x = 'NULL', NULL, if(startsWith(x, '\"'), "
    "replaceRegexpAll(substring(x, 2, length(x) - 2), '\\\\x5c((?s:.))', '\\\\1'), x)), "
    "extractAll(substring(ifNull($1, '{}'), 2, length(ifNull($1, '{}')) - 2), "
    "'\"(?:[^\"\\\\x5c]|\\\\x5c(?s:.))*\"|[^,]+')), $2)";
constexpr std::string_view kParsedNumbers =
    "CAST(arrayMap(x -> if(x = 'NULL', NULL, toInt64(x)), extractAll(substring(ifNull($1, '{}'), "
    "2, "
    "length(ifNull($1, '{}')) - 2), '[^,]+')), $2)";

// x and y are equal, NULL being equal to NULL.
constexpr std::string_view kWithout =
    "arrayFilter(x -> NOT ifNull(x = $2, (x IS NULL) AND ($2 IS NULL)), $1)";

}  // namespace

bool Translator::is_array_type(uint32_t type) {
    return element_of(type) != Class::kNone;
}

std::string Translator::array_type(Class element) {
    return "Array(" + clickhouse_type(element, true) + ")";
}

Result<Translator::ArrayValue> Translator::array_value(const Expr& expr) {
    ArrayValue array;
    switch (expr.kind) {
        case ExprKind::kColumn: {
            Value given = TRY(value(expr));
            array.element = element_of(expr.type);
            bool text = given.cls == Class::kOther &&
                        (given.other_type == "Nullable(String)" || given.other_type == "String");
            if (array.element != Class::kNone && text) {
                array.node =
                    sql_.form(array.element == Class::kText ? kParsedTexts : kParsedNumbers,
                              {sql_.guarded(sql_.form(kNoArray, {given.node}), given.node),
                               sql_.type(array_type(array.element))},
                              {}, {}, true);
                array.of = given.node;
                return array;
            }
            Value column = TRY(array_column(expr, array.element));
            array.node = column.node;
            return array;
        }
        case ExprKind::kRelabel:
            return array_value(*expr.args[0]);
        case ExprKind::kConstant: {
            std::vector<const Expr*> items;
            if (!known_elements(expr, items)) return refuse(Reason::kConstantUnknown, "an array");
            return listed_array(expr, items);
        }
        case ExprKind::kArray:
            return listed_array(expr, {expr.args.begin(), expr.args.end()});
        case ExprKind::kSlice:
            return sliced_array(expr);
        case ExprKind::kFunction:
            if (expr.builtin && expr.name.ends_with("to_array")) return split_array(expr);
            break;
        default:
            break;
    }
    bool made = expr.builtin && expr.args.size == 2 &&
                (expr.kind == ExprKind::kFunction || expr.name == "||");
    if (!made) return refuse(Reason::kFunction, "of this array");
    return joined_array(expr);
}

// A list of values.
Result<Translator::ArrayValue> Translator::listed_array(const Expr& expr,
                                                        const std::vector<const Expr*>& items) {
    ArrayValue array{.element = element_of(expr.type)};
    if (array.element == Class::kNone) return refuse(Reason::kConstant, "an array of this type");
    Nodes nodes;
    for (const Expr* item : items) {
        Value one = TRY(value(*item));
        if (one.cls != array.element) return refuse(Reason::kExpression, "an array of this type");
        nodes.push_back(one.node);
    }
    array.node = sql_.cast(sql_.form("[$,]", std::move(nodes)), array_type(array.element));
    return array;
}

// string_to_array() with a separator that is known, and regexp_split_to_array().
Result<Translator::ArrayValue> Translator::split_array(const Expr& expr) {
    ArrayValue array{.element = Class::kText};
    if (expr.args.size != 2 || !known_text(*expr.args[1]) || expr.args[1]->known_text.empty())
        return refuse(Reason::kFunction, std::string(expr.name) + " of this form");
    bool pattern = expr.name.starts_with("regexp");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    Value text;
    Nodes parts;
    if (pattern) {
        Search search = TRY(exact_search(expr, ""));
        if (search.pattern.groups > 0)
            return refuse(Reason::kLikePattern, "groups of regexp_split_to_array");
        text = search.text;
        parts = {search.node};
    } else {
        text = TRY(value(*expr.args[0]));
        parts = {sql_.string(expr.args[1]->known_text)};
    }
    if (text.cls != Class::kText) return refuse(Reason::kFunction, std::string(expr.name));
    const Node* plain = text.nullable ? sql_.form("ifNull($1, '')", {text.node}) : text.node;
    if (text.nullable) array.of = text.node;
    parts.insert(parts.begin(), plain);
    // Of an empty text one side makes an empty array, the other an empty text.
    if (pattern && text.nullable)
        parts.push_back(sql_.form("if($1 IS NULL, [], [''])", {text.node}));
    else
        parts.push_back(sql_.form(pattern ? "['']" : "[]", {}));
    array.node = sql_.form(pattern ? "CAST(if(empty($1), $3, splitByRegexp($2, $1)), "
                                     "'Array(Nullable(String))')"
                                   : "CAST(if(empty($1), $3, splitByString($2, $1)), "
                                     "'Array(Nullable(String))')",
                           parts);
    return array;
}

// array[lower:upper]
Result<Translator::ArrayValue> Translator::sliced_array(const Expr& expr) {
    ArrayValue array = TRY(array_value(*expr.args[0]));
    Nodes parts = {array.node};
    for (uint32_t i = 1; i <= 2; ++i) {
        Value at = TRY(value(*expr.args[i]));
        if (!is_int(at.cls) || at.nullable)
            return refuse(Reason::kOperator, "a slice of this form");
        parts.push_back(sql_.form("toInt64($1)", {at.node}));
    }
    array.node =
        sql_.form("arraySlice($1, greatest($2, 1), greatest($3 - greatest($2, 1) + 1, 0))", parts);
    return array;
}

// || and the functions that add or take away elements. An array that is NULL counts as empty where
// something is added.
Result<Translator::ArrayValue> Translator::joined_array(const Expr& expr) {
    std::string_view name = expr.name;
    bool first = is_array_type(expr.args[0]->type);
    bool second = is_array_type(expr.args[1]->type);
    if ((!first && !second) || (name == "array_remove" && !first))
        return refuse(Reason::kFunction, std::string(name) + " of this array");
    if (first && second) {
        if (name != "||" && name != "array_cat") return refuse(Reason::kFunction, "of this array");
        ArrayValue left = TRY(array_value(*expr.args[0]));
        ArrayValue right = TRY(array_value(*expr.args[1]));
        if (left.element != right.element) return refuse(Reason::kFunction, "of this array");
        left.node = sql_.form("arrayConcat($1, $2)", {left.node, right.node});
        left.of = left.of != nullptr && right.of != nullptr
                      ? sql_.form("coalesce($1, $2)", {left.of, right.of})
                      : nullptr;
        return left;
    }
    ArrayValue array = TRY(array_value(*expr.args[first ? 0 : 1]));
    Value element = TRY(value(*expr.args[first ? 1 : 0]));
    if (element.cls != array.element) return refuse(Reason::kFunction, "of this array");
    const Node* one = sql_.cast(element.node, clickhouse_type(array.element, true));
    if (name == "array_remove") {
        if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
        array.node = sql_.form(kWithout, {array.node, one});
        return array;
    }
    if (name != "||" && name != "array_append" && name != "array_prepend")
        return refuse(Reason::kFunction, std::string(name));
    array.node =
        sql_.form(first ? "arrayPushBack($1, $2)" : "arrayPushFront($1, $2)", {array.node, one});
    array.of = nullptr;
    return array;
}

// The array as a value of its own. There is no array that is NULL.
Result<Value> Translator::array_result(const Expr& expr) {
    ArrayValue array = TRY(array_value(expr));
    if (array.of != nullptr) return refuse(Reason::kTypeUnsupported, "an array that may be NULL");
    return Value{
        .node = array.node, .nullable = false, .other_type = sql_.keep(array_type(array.element))};
}

bool Translator::is_array(const Value& value) {
    return value.cls == Class::kOther && value.other_type.starts_with("Array(Nullable(") &&
           (value.other_type == "Array(Nullable(String))" ||
            value.other_type.starts_with("Array(Nullable(Int"));
}

// What a column of the result holds of it: its text, which Postgres reads.
Result<Value> Translator::shown_array(const Value& array) {
    Value one{.cls = array.other_type == "Array(Nullable(String))" ? Class::kText : Class::kInt8};
    Value shown = TRY(array_text(array.node, one));
    shown.node = sql_.form("ifNull($1, '{}')", {shown.node});
    shown.nullable = false;
    shown.other_type = "String";
    return shown;
}

// =, <>, @>, <@ and && of two arrays.
Result<Value> Translator::array_operator(const Expr& expr) {
    ArrayValue left = TRY(array_value(*expr.args[0]));
    ArrayValue right = TRY(array_value(*expr.args[1]));
    if (left.element != right.element)
        return refuse(Reason::kOperator, std::string(expr.name) + " of these arrays");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    if (expr.name == "<@") std::swap(left, right);
    // NULL is no element of anything, but arrays are equal that have it in the same place.
    std::string_view form = expr.name == "="    ? "($1 = $2)"
                            : expr.name == "<>" ? "($1 != $2)"
                            : expr.name == "&&"
                                ? "hasAny(arrayFilter(x -> x IS NOT NULL, $1), $2)"
                                : "(hasAll($1, $2) AND NOT arrayExists(x -> x IS NULL, $2))";
    const Node* test = sql_.form(form, {left.node, right.node});
    Value result{.cls = Class::kBool, .nullable = left.of != nullptr || right.of != nullptr};
    result.node = sql_.cast(test, "Bool");
    for (const Node* of : {left.of, right.of})
        if (of != nullptr) result.node = sql_.form("if($1 IS NULL, NULL, $2)", {of, result.node});
    return result;
}

}  // namespace tandem::route
