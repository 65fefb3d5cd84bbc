// Arrays: elements, lengths, and arrays made of text.
#include "route/translate/pattern.h"
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

bool known_text(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           class_of_type(expr.type) == Class::kText;
}

bool is_one(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null &&
           expr.known_text == "1";
}

}  // namespace

const sql::Node* Translator::unless_null(const ArrayValue& array, const Node* node) {
    if (array.of == nullptr) return node;
    return sql_.form("if($1 IS NULL, NULL, $2)", {array.of, node});
}

// array[i]: NULL outside of the array, which begins at 1.
Result<Value> Translator::subscript(const Expr& expr) {
    const Expr& from = *expr.args[0];
    if (from.kind == ExprKind::kFunction && from.builtin && from.name == "regexp_match")
        return regexp_group(from, *expr.args[1]);
    ArrayValue array = TRY(array_value(from));
    Value at = TRY(value(*expr.args[1]));
    if (!is_int(at.cls) || class_of(expr.type) != array.element)
        return refuse(Reason::kOperator, "a subscript of this type");
    const Node* element = sql_.form("if(ifNull($2 < 1, 1), NULL, $1[toInt64(assumeNotNull($2))])",
                                    {array.node, at.node});
    return Value{.node = unless_null(array, element), .cls = array.element};
}

// cardinality, array_length, array_upper, array_position, array_to_string
Result<Value> Translator::array_function(const Expr& expr) {
    std::string_view name = expr.name;
    if (is_array_type(expr.type)) return array_result(expr);
    bool counts = name == "cardinality" || name == "array_length" || name == "array_upper";
    if (!counts && name != "array_position" && name != "array_to_string")
        return refuse(Reason::kFunction, std::string(name));
    if (counts ? name != "cardinality" && !is_one(*expr.args[1]) : expr.args.size != 2)
        return refuse(Reason::kFunction, std::string(name) + " of this form");
    ArrayValue array = TRY(array_value(*expr.args[0]));
    Value result{.cls = Class::kInt4, .nullable = array.of != nullptr};
    if (counts) {
        bool none = name == "cardinality";
        result.nullable = result.nullable || !none;
        result.node = sql_.form(none ? "toInt32(length($1))" : "nullIf(toInt32(length($1)), 0)",
                                {array.node});
    } else if (name == "array_position") {
        Value wanted = TRY(value(*expr.args[1]));
        if (!wanted.literal || wanted.cls != array.element)
            return refuse(Reason::kConstantUnknown, "what array_position looks for");
        if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
        result.nullable = true;
        result.node = sql_.form("nullIf(toInt32(indexOf($1, $2)), 0)", {array.node, wanted.node});
    } else {
        if (!known_text(*expr.args[1]))
            return refuse(Reason::kConstantUnknown, "the separator of array_to_string");
        result.cls = Class::kText;
        result.node = sql_.form(
            "arrayStringConcat(arrayMap(x -> toString(assumeNotNull(x)), arrayFilter(x -> x IS NOT "
            "NULL, $1)), $2)",
            {array.node, sql_.string(expr.args[1]->known_text)});
    }
    result.node = unless_null(array, result.node);
    return result;
}

}  // namespace tandem::route
