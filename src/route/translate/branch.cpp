// CASE and COALESCE, whose branches have one type in Postgres, and comparisons with lists.
#include <algorithm>
#include <optional>

#include "route/translate/translator.h"

namespace tandem::route {
namespace {

// The elements' own type: it may be another width of integer than that of the other side.
std::optional<Class> element_class(uint32_t array_type) {
    switch (array_type) {
        case 1005:
            return Class::kInt2;
        case 1007:
            return Class::kInt4;
        case 1016:
            return Class::kInt8;
        case 1009:
        case 1015:
            return Class::kText;
        case 1014:
            return Class::kBpchar;
        case 1182:
            return Class::kDate;
        case 1115:
            return Class::kTimestamp;
        case 1185:
            return Class::kTimestamptz;
        case 2951:
            return Class::kUuid;
        default:
            return std::nullopt;
    }
}

}  // namespace

// The type that all branches are brought to: ClickHouse would pick a common type of its own (UInt8
// for 0 and 1). Numeric branches keep the digits they have in Postgres.
Result<Value> Translator::common_type(const std::vector<Value>& values, const Expr& expr) {
    Value result{.cls = class_of(expr.type), .nullable = false, .type = expr.type};
    int whole = 0;
    bool first = true;
    bool moving = false;
    bool padded = true;
    for (const Value& item : values) {
        if (!item.null) {
            padded = padded && (result.padded == 0 || result.padded == item.padded);
            result.padded = item.padded;
        }
        if (item.cls != result.cls || result.cls == Class::kOther)
            return refuse(Reason::kTypeUnsupported, "branches of different types");
        result.nullable = result.nullable || item.nullable;
        if (result.cls != Class::kNumeric || item.null) continue;
        moving = moving || item.digits != nullptr || (!first && item.scale != result.scale);
        first = false;
        result.digits_known = result.digits_known && item.digits_known;
        result.scale = std::max(result.scale, item.scale);
        whole = std::max(whole, item.precision - item.scale);
    }
    if (!padded) result.padded = 0;
    if (result.cls != Class::kNumeric) return result;
    result.precision = std::max(1, whole + result.scale);
    if (result.precision > kDecimalDigitsMax) return refuse(Reason::kScale, "more than 76 digits");
    if (moving) result.digits = sql_.int32(0);  // to be made by the caller
    return result;
}

// A branch as a value of the common type: a decimal of another scale first of all.
const sql::Node* Translator::branch(const Value& value, const Value& common) {
    if (common.cls != Class::kNumeric || value.null || value.scale == common.scale)
        return value.node;
    return fixed(value, common.precision, common.scale).node;
}

Result<Value> Translator::case_value(const Expr& expr) {
    std::vector<Value> results;
    Nodes conditions;
    for (uint32_t i = 0; i + 1 < expr.args.size; i += 2) {
        conditions.push_back(TRY(filter(*expr.args[i])));
        results.push_back(TRY(value(*expr.args[i + 1])));
    }
    results.push_back(TRY(value(*expr.args[expr.args.size - 1])));
    Value result = TRY(common_type(results, expr));
    Nodes values;
    Nodes digits;
    for (size_t i = 0; i < results.size(); ++i) {
        if (i < conditions.size()) {
            values.push_back(conditions[i]);
            digits.push_back(conditions[i]);
        }
        values.push_back(branch(results[i], result));
        digits.push_back(digits_of(results[i]));
    }
    result.node = sql_.cast(sql_.cases(std::move(values)), type_text(result));
    if (result.digits != nullptr) result.digits = sql_.cases(std::move(digits));
    return result;
}

Result<Value> Translator::coalesce(const Expr& expr) {
    std::vector<Value> values;
    bool nullable = true;
    for (const Expr* item : expr.args) {
        values.push_back(TRY(value(*item)));
        nullable = nullable && values.back().nullable;
    }
    Value result = TRY(common_type(values, expr));
    result.nullable = nullable;
    Nodes nodes;
    Nodes digits;
    for (size_t i = 0; i < values.size(); ++i) {
        nodes.push_back(branch(values[i], result));
        if (i + 1 < values.size())
            digits.push_back(sql_.form("($1 IS NOT NULL)", {values[i].node}));
        digits.push_back(digits_of(values[i]));
    }
    result.node = sql_.cast(sql_.form("coalesce($,)", std::move(nodes)), type_text(result));
    if (result.digits != nullptr) result.digits = sql_.cases(std::move(digits));
    return result;
}

// The known elements as long as the values of the column are, so that these are compared as they
// are stored; null where that is not possible.
const sql::Node* Translator::padded_list(const Value& column, const Expr& array) {
    std::vector<const Expr*> elements;
    if (!is_padded(column) || !known_elements(array, elements) || elements.empty()) return nullptr;
    Nodes list;
    for (const Expr* element : elements) {
        if (element->constant_null) return nullptr;
        Value one{.node = sql_.string(element->known_text), .cls = Class::kBpchar, .literal = true};
        // One that is longer is equal to no value.
        std::optional<const Node*> text = padded_like(column, one);
        list.push_back(text ? *text : one.node);
    }
    return sql_.form("[$,]", std::move(list));
}

// `x op ANY (array)`, for = only, and `x <> ALL (array)`. A parameter that holds a NULL element
// cannot be sent as an array of plain values, so that such a query runs in Postgres.
Result<Value> Translator::array_constant(const Expr& expr, const Expr& array) {
    Value left = TRY(value(*expr.args[0]));
    bool right_operator = expr.name == (expr.all ? "<>" : "=");
    Class classes[] = {left.cls, left.cls};
    const Rule* row = find_rule(Form::kOperator, "=", classes, Class::kBool);
    if (!right_operator || !expr.builtin || row == nullptr || is_float(left.cls) ||
        left.cls == Class::kNumeric)
        return refuse(Reason::kOperator, std::string(expr.name) + " ANY or ALL");
    TRY(check_collation(expr, *row));
    if (array.known && array.constant_null) return refuse(Reason::kConstant, "a NULL array");
    std::optional<Class> element = element_class(array.type);
    if (!element) return refuse(Reason::kConstant, "an array of this type");
    if (*element != left.cls && !(is_int(*element) && is_int(left.cls)))
        return refuse(Reason::kOperator, "ANY of another type");
    const Node* wanted = left.node;
    const Node* padded = left.cls == Class::kBpchar ? padded_list(left, array) : nullptr;
    const Node* list = padded != nullptr
                           ? padded
                           : parameter(array, "Array(" + clickhouse_type(*element, false) + ")");
    if (padded != nullptr) {
        // As it is stored.
    } else if (left.cls == Class::kBpchar && is_padded(left)) {
        std::string length = std::to_string(left.padded);
        list = sql_.form(sql_.keep("arrayMap(x -> if(lengthUTF8(trimRight(x)) > " + length +
                                   ", x, rightPadUTF8(trimRight(x), " + length + ", ' ')), $1)"),
                         {list});
    } else if (left.cls == Class::kBpchar) {
        wanted = sql_.form("trimRight($1)", {wanted});
        list = sql_.form("arrayMap(x -> trimRight(x), $1)", {list});
    }
    Value result{.cls = Class::kBool, .nullable = left.nullable};
    // Over no elements the answer does not depend on x, not even when x is NULL.
    if (expr.all)
        result.node = sql_.form("($1 NOT IN $2 OR empty($2))", {wanted, list});
    else if (left.nullable)
        result.node = sql_.form("($1 IN $2 AND notEmpty($2))", {wanted, list});
    else
        result.node = sql_.form("($1 IN $2)", {wanted, list});
    return result;
}

Result<Value> Translator::scalar_array(const Expr& expr, Place place) {
    const Expr* array = expr.args[1];
    while (array->kind == ExprKind::kRelabel) array = array->args[0];
    if (array->kind == ExprKind::kConstant) {
        Reason reason = reason_;
        bool null_inside = array->known && array->known_text.find("NULL") != std::string_view::npos;
        if (!null_inside) {
            Result<Value> sent = array_constant(expr, *array);
            if (sent.ok() || !array->known) return sent;
        }
        reason_ = reason;
        return known_array(expr, *array, place);
    }
    bool made = array->kind == ExprKind::kFunction || array->kind == ExprKind::kOperator ||
                array->kind == ExprKind::kSlice;
    if (array->kind == ExprKind::kColumn || made) return in_array_column(expr, *array);
    if (array->kind != ExprKind::kArray || array->args.empty())
        return refuse(Reason::kOperator, "ANY or ALL of this array");
    Value result{.cls = Class::kBool, .nullable = false};
    Nodes parts;
    for (const Expr* element : array->args) {
        const Expr* arguments[] = {expr.args[0], element};
        Expr single = expr;
        single.kind = ExprKind::kOperator;
        single.args = {arguments, 2};
        Value item = TRY(operator_value(single, place));
        result.nullable = result.nullable || item.nullable;
        parts.push_back(item.node);
    }
    result.node = sql_.form(expr.all ? "($&)" : "($|)", std::move(parts));
    return result;
}

// GREATEST and LEAST pass over NULL; of equal values the first one counts.
Result<Value> Translator::extreme_of(const Expr& expr) {
    std::vector<Value> values;
    for (const Expr* item : expr.args) values.push_back(TRY(value(*item)));
    Value result = TRY(common_type(values, expr));
    bool text = result.cls == Class::kText;
    bool sortable = is_int(result.cls) || result.cls == Class::kNumeric || text ||
                    result.cls == Class::kDate || result.cls == Class::kTimestamp ||
                    result.cls == Class::kTimestamptz || result.cls == Class::kBool ||
                    result.cls == Class::kTime || result.cls == Class::kMoney;
    if (!sortable) return refuse(Reason::kExpression, "GREATEST or LEAST of this type");
    if (text && expr.input_collation != Collation::kBytewise) return refuse(Reason::kCollation);
    bool nullable = true;
    for (const Value& one : values) nullable = nullable && one.nullable;
    bool greatest = expr.kind == ExprKind::kGreatest;
    const Node* best = branch(values[0], result);
    const Node* digits = digits_of(values[0]);
    for (size_t i = 1; i < values.size(); ++i) {
        const Node* next = branch(values[i], result);
        const Node* keeps = sql_.form(greatest ? "($2 IS NULL) OR ifNull($1 >= $2, false)"
                                               : "($2 IS NULL) OR ifNull($1 <= $2, false)",
                                      {best, next});
        digits = sql_.form("if($1, $2, $3)", {keeps, digits, digits_of(values[i])});
        best = sql_.form("if($1, $2, $3)", {keeps, best, next});
    }
    result.nullable = nullable;
    result.node = sql_.cast(best, type_text(result));
    if (result.digits != nullptr) result.digits = digits;
    return result;
}

namespace {

uint32_t element_type(uint32_t array_type, const List<EnumType>& enums) {
    switch (array_type) {
        case 1005:
            return oid::kInt2;
        case 1007:
            return oid::kInt4;
        case 1016:
            return oid::kInt8;
        case 1231:
            return oid::kNumeric;
        case 1009:
            return oid::kText;
        case 1015:
            return oid::kVarchar;
        case 1014:
            return oid::kBpchar;
        case 1000:
            return oid::kBool;
        case 1041:
            return oid::kInet;
        case 1183:
            return oid::kTime;
        default:
            break;
    }
    for (const EnumType& one : enums)
        if (one.array_type == array_type) return one.type;
    return 0;
}

struct Element {
    std::string text;
    bool null = false;
};

// The elements of a one-dimensional array as Postgres writes it; false for any other.
bool parse_array(std::string_view text, std::vector<Element>& elements) {
    if (text.size() < 2 || text.front() != '{' || text.back() != '}') return false;
    text = text.substr(1, text.size() - 2);
    for (size_t at = 0; at < text.size();) {
        Element element;
        bool quoted = text[at] == '"';
        if (quoted) ++at;
        for (; at < text.size() && (quoted ? text[at] != '"' : text[at] != ','); ++at) {
            if (text[at] == '{') return false;
            if (text[at] == '\\') ++at;
            if (at < text.size()) element.text += text[at];
        }
        if (quoted) ++at;
        element.null = !quoted && element.text == "NULL";
        elements.push_back(std::move(element));
        if (at < text.size() && text[at] != ',') return false;
        ++at;
    }
    return true;
}

}  // namespace

// `x op ANY (array)` of an array that is known: one comparison per element.
Result<Value> Translator::known_array(const Expr& expr, const Expr& array, Place place) {
    std::vector<const Expr*>& list = kept_lists_.emplace_back();
    if (!known_elements(array, list) || list.empty())
        return refuse(Reason::kOperator, std::string(expr.name) + " ANY or ALL");
    Expr made = array;
    made.kind = ExprKind::kArray;
    made.args = {list.data(), static_cast<uint32_t>(list.size())};
    const Expr* arguments[] = {expr.args[0], &made};
    Expr whole = expr;
    whole.args = {arguments, 2};
    return scalar_array(whole, place);
}

// The elements of an array that is known, as constants.
bool Translator::known_elements(const Expr& array, std::vector<const Expr*>& list, uint32_t type) {
    constexpr size_t kElementsMax = 200;
    if (type == 0) type = element_type(array.type, options_.enums);
    std::vector<Element> elements;
    if (type == 0 || !array.known || array.constant_null ||
        !parse_array(array.known_text, elements) || elements.size() > kElementsMax)
        return false;
    for (const Element& element : elements) {
        Expr& one = kept_exprs_.emplace_back();
        one.kind = ExprKind::kConstant;
        one.type = type;
        one.collation = array.collation;
        one.constant = UINT32_MAX;
        one.known = true;
        one.constant_null = element.null;
        one.known_text = sql_.keep(element.text);
        list.push_back(&one);
    }
    return true;
}

// A column that is an array of values that may be NULL, and the class of its elements; no class for
// anything else.
Result<Value> Translator::array_column(const Expr& expr, Class& element) {
    element = class_of_type(element_type(expr.type, {}));
    if (expr.kind != ExprKind::kColumn)
        return refuse(Reason::kOperator, "ANY or ALL of this array");
    Value array = TRY(value(expr));
    bool computed = element == Class::kText || is_int(element);
    if (!computed || array.other_type != "Array(" + clickhouse_type(element, true) + ")")
        return refuse(Reason::kOperator, "ANY or ALL of this array");
    return array;
}

// x = ANY (array), and x <> ALL (array), which is its opposite: NULL if it is none of the
// elements and might be one that is NULL.
Result<Value> Translator::in_array_column(const Expr& expr, const Expr& array) {
    ArrayValue elements = TRY(array_value(array));
    Value left = TRY(value(*expr.args[0]));
    if (expr.name != (expr.all ? "<>" : "=") || !expr.builtin || left.cls != elements.element)
        return refuse(Reason::kOperator, std::string(expr.name) + " ANY or ALL of this array");
    if (expr.input_collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    const Node* found = sql_.form(
        "if(empty($2), false, if($1 IS NULL, NULL, if(has($2, $1), true, if(arrayExists(x -> x IS "
        "NULL, $2), NULL, false))))",
        {left.node, elements.node});
    const Node* node = sql_.cast(unless_null(elements, found), "Nullable(Bool)");
    if (expr.all) node = sql_.form("(NOT $1)", {node});
    return Value{.node = node, .cls = Class::kBool};
}

}  // namespace tandem::route
