// Aggregates that are made of all values of a group: string_agg, array_agg, DISTINCT sums.
#include <algorithm>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {

// The different values of a group in their order, to which DISTINCT sorts them in Postgres as well.
Result<const sql::Node*> Translator::different_values(const Expr& expr, const Value& argument,
                                                      bool nulls) {
    TRY(check_key(argument, *expr.args[0]));
    TRY(check_sortable(argument, *expr.args[0]));
    bool same = expr.order_by.size <= 1;
    SortKey key;
    if (expr.order_by.size == 1) {
        key = expr.order_by[0];
        same = same && key.default_operator && same_expr(*key.expr, *expr.args[0]);
    }
    if (!same) return refuse(Reason::kAggregate, "DISTINCT in this order");
    const Node* all = TRY(aggregate_call(expr, "groupUniqArray", {argument.node}));
    Value one = argument;
    one.node = sql_.form("x", {});
    one.nullable = false;
    if (argument.cls == Class::kUuid)
        all = sql_.form("arraySort(x -> toString(x), $1)", {all});
    else if (argument.cls == Class::kBpchar)
        all = sql_.form("arraySort(x -> trimRight(x), $1)", {all});
    else if (argument.cls == Class::kEnum)
        all = sql_.form("arraySort(x -> $2, $1)", {all, position_of(one)});
    else
        all = sql_.form("arraySort($1)", {all});
    if (key.descending) all = sql_.form("arrayReverse($1)", {all});
    if (!nulls || !argument.nullable) return all;
    const Node* missing = sql_.form("if($1 IS NULL, 1, NULL)", {argument.node});
    missing = TRY(aggregate_call(expr, "count", {missing}));
    return sql_.form(key.nulls_first ? "arrayConcat(if($2 > 0, [NULL], []), $1)"
                                     : "arrayConcat($1, if($2 > 0, [NULL], []))",
                     {all, missing});
}

// The values of a window's frame, in the window's order.
Result<const sql::Node*> Translator::values_of_frame(const Expr& expr, const Value& argument,
                                                     bool nulls) {
    if (over_->order_by.empty())
        return refuse(Reason::kImpliedOrder, std::string(expr.name) + " without ORDER BY");
    if (!nulls || !argument.nullable) return aggregate_call(expr, "groupArray", {argument.node});
    const Node* wrapped = sql_.form("tuple($1)", {argument.node});
    const Node* all = TRY(aggregate_call(expr, "groupArray", {wrapped}));
    return sql_.form("arrayMap(x -> x.1, $1)", {all});
}

// A number that sorts the other way round; null where there is none.
const sql::Node* Translator::turned(const Value& value, const Node* node) {
    if (is_int(value.cls)) return sql_.form("(-toInt128($1))", {node});
    if (value.cls == Class::kBool) return sql_.form("(NOT $1)", {node});
    if (value.cls == Class::kDate) return sql_.form("(-toInt64(toInt32($1)))", {node});
    if (value.cls == Class::kTimestamp || value.cls == Class::kTimestamptz)
        return sql_.form("(-toUnixTimestamp64Micro($1))", {node});
    if (value.cls == Class::kNumeric && value.precision < kDecimalDigitsMax)
        return sql_.form("(-$1)", {node});
    return nullptr;
}

// The values of a group in the order that the call asks for, as an array; NULLs are left out unless
// `nulls`.
Result<const sql::Node*> Translator::ordered_values(const Expr& expr, const Value& argument,
                                                    bool nulls) {
    if (over_ != nullptr) return values_of_frame(expr, argument, nulls);
    if (expr.distinct) return different_values(expr, argument, nulls);
    if (expr.order_by.empty())
        return refuse(Reason::kImpliedOrder, std::string(expr.name) + " without ORDER BY");
    // Turned round as a whole when text is descending; numbers among them are turned back.
    bool descending = expr.order_by[0].descending;
    for (const SortKey& key : expr.order_by)
        if (class_of(key.expr->type) == Class::kText) descending = key.descending;
    Nodes parts;
    for (const SortKey& key : expr.order_by) {
        OrderItems items = TRY(sort_key(key));
        Value kind = TRY(value(*key.expr));
        for (const sql::OrderItem& item : items) {
            bool last = key.nulls_first == descending;
            parts.push_back(sql_.form(last ? "($1 IS NULL)" : "($1 IS NOT NULL)", {item.node}));
            const Node* plain = sql_.form("assumeNotNull($1)", {item.node});
            if (key.descending != descending) plain = turned(kind, plain);
            if (plain == nullptr) return refuse(Reason::kAggregate, "in this order");
            parts.push_back(plain);
        }
    }
    // Of values that sort alike, the order has to be the same each time.
    if (total_) parts.push_back(argument.node);
    const Node* order = sql_.form("($,)", std::move(parts));
    const Node* value = sql_.form("($1, $2)", {order, argument.node});
    const Node* all = nullptr;
    if (!nulls && argument.nullable) {
        const Node* given = sql_.form("($1 IS NOT NULL)", {argument.node});
        const Node* wanted = given;
        if (expr.filter != nullptr) {
            const Node* test = TRY(filter(*expr.filter));
            wanted = sql_.form("($1 AND ifNull($2, false))", {given, test});
        }
        value = sql_.form("($1, assumeNotNull($2))", {order, argument.node});
        all = sql_.call("groupArray", {value}, wanted);
    } else {
        all = TRY(aggregate_call(expr, "groupArray", {value}));
    }
    std::string_view form = descending ? "arrayMap(x -> x.2, arrayReverse(arraySort(x -> x.1, $1)))"
                                       : "arrayMap(x -> x.2, arraySort(x -> x.1, $1))";
    return sql_.form(form, {all});
}

Result<Value> Translator::string_agg(const Expr& expr) {
    if (expr.args.size != 2) return refuse(Reason::kAggregate, "string_agg");
    Value text = TRY(without_window([&] { return value(*expr.args[0]); }));
    Value separator = TRY(value(*expr.args[1]));
    if (text.cls != Class::kText || separator.cls != Class::kText || !separator.literal)
        return refuse(Reason::kAggregate, "string_agg of this form");
    const Node* values = TRY(ordered_values(expr, text, false));
    Value result{.cls = Class::kText};
    result.node =
        sql_.form("if(empty($1), NULL, arrayStringConcat($1, $2))", {values, separator.node});
    return result;
}

// An element, called x and not NULL, in the text of an array.
Result<std::string> Translator::element_text(const Value& one) {
    if (is_int(one.cls) || is_float(one.cls) || one.cls == Class::kDate || one.cls == Class::kUuid)
        return std::string("toString(x)");
    if (one.cls == Class::kText || one.cls == Class::kEnum || one.cls == Class::kBpchar)
        return std::string(
            "concat('\"', replaceAll(replaceAll(x, '\\\\', '\\\\\\\\'), '\"', '\\\\\"'), '\"')");
    if (one.cls == Class::kBool) return std::string("if(x, 't', 'f')");
    if (one.cls == Class::kNumeric && one.digits == nullptr && one.digits_known)
        return "toDecimalString(x, " + std::to_string(one.scale) + ")";
    if (one.cls == Class::kTimestamp) return std::string("concat('\"', toString(x), '\"')");
    if (one.cls == Class::kTimestamptz) return std::string("concat('\"', toString(x), '+00\"')");
    return refuse(Reason::kAggregate, "an array of " + std::string(class_name(one.cls)));
}

// The text form of an array, which Postgres reads as one; NULL of no elements.
Result<Value> Translator::array_text(const Node* values, const Value& one) {
    Value result{.cls = Class::kOther, .other_type = "Nullable(String)"};
    std::string form =
        "if(empty($1), NULL, concat('{', arrayStringConcat(arrayMap(x -> if(x IS "
        "NULL, 'NULL', ifNull(" +
        TRY(element_text(one))
    +", '')), $1), ','), '}'))";
    result.node = sql_.form(sql_.keep(std::move(form)), {values});
    return result;
}

Result<Value> Translator::array_agg(const Expr& expr) {
    if (expr.args.size != 1) return refuse(Reason::kAggregate, "array_agg");
    Value one = TRY(without_window([&] { return value(*expr.args[0]); }));
    if (one.cls == Class::kTimestamp || one.cls == Class::kTimestamptz) one.node = in_utc(one);
    const Node* values = TRY(ordered_values(expr, one, true));
    return array_text(values, one);
}

// sum and avg of the different values.
Result<Value> Translator::distinct_sum(const Expr& expr, Value& count) {
    Value one = TRY(value(*expr.args[0]));
    bool number = is_int(one.cls) || (one.cls == Class::kNumeric && one.digits == nullptr);
    if (!number || over_ != nullptr || expr.args.size != 1)
        return refuse(Reason::kAggregate, std::string(expr.name) + " with DISTINCT");
    const Node* values = TRY(aggregate_call(expr, "groupUniqArray", {one.node}));
    count = Value{.cls = Class::kNumeric, .nullable = false, .precision = 19};
    count.node = sql_.form("toInt64(length($1))", {values});
    Value result{.cls = class_of(expr.type), .nullable = true};
    if (result.cls == Class::kInt8) {
        result.node = sql_.form("if(empty($1), NULL, arraySum(x -> toInt64(x), $1))", {values});
        return result;
    }
    result.cls = Class::kNumeric;
    result.scale = one.cls == Class::kNumeric ? one.scale : 0;
    result.precision = one.cls == Class::kNumeric ? std::max(38, one.precision + 14) : 38;
    if (result.precision > kDecimalDigitsMax) return refuse(Reason::kScale);
    result.node = sql_.form(sql_.keep("if(empty($1), NULL, arraySum(x -> toDecimal256(x, " +
                                      std::to_string(result.scale) + "), $1))"),
                            {values});
    return result;
}

// variance of exact numbers as Postgres computes it: (n * sum(x * x) - sum(x) ^ 2) / (n * (n - 1)),
// or / (n * n); 0 without digits where nothing varies.
Result<Value> Translator::variance(const Expr& expr) {
    bool sample = !expr.name.ends_with("_pop");
    if (!expr.builtin) return refuse(Reason::kAggregate, std::string(expr.name));
    if (expr.args.size != 1 || expr.distinct || expr.type != oid::kNumeric)
        return refuse(Reason::kAggregate, std::string(expr.name));
    Value one = TRY(without_window([&] { return value(*expr.args[0]); }));
    bool number = is_int(one.cls) || (one.cls == Class::kNumeric && one.digits == nullptr);
    if (!number) return refuse(Reason::kAggregate, std::string(expr.name) + " of this type");
    int precision = one.cls == Class::kNumeric ? one.precision : one.cls == Class::kInt8 ? 19 : 10;
    int scale = one.cls == Class::kNumeric ? one.scale : 0;
    if (2 * (precision + 14) + 1 > kDecimalDigitsMax) return refuse(Reason::kScale);
    const Node* wide =
        sql_.form(sql_.keep("toDecimal256($1, " + std::to_string(scale) + ")"), {one.node});
    const Node* square = sql_.form("($1 * $1)", {wide});
    const Node* n = TRY(aggregate_call(expr, "count", {one.node}));
    n = sql_.form("toDecimal256(toInt64($1), 0)", {n});
    const Node* sum = TRY(aggregate_call(expr, "sumOrNull", {wide}));
    const Node* squares = TRY(aggregate_call(expr, "sumOrNull", {square}));
    Value top{.cls = Class::kNumeric, .precision = 2 * (precision + 14) + 1, .scale = 2 * scale};
    top.node = sql_.form("($1 * $2 - $3 * $3)", {n, squares, sum});
    Value bottom{.cls = Class::kNumeric, .precision = 38};
    bottom.node = sql_.form(sample ? "nullIf($1 * ($1 - 1), 0)" : "nullIf($1 * $1, 0)", {n});
    Value result = TRY(divide(top, bottom));
    Nodes parts = {result.node, top.node, bottom.node};
    result.node = sql_.form("if($2 <= 0 AND $3 IS NOT NULL, 0, $1)", parts);
    result.node = typed(result);
    result.digits = sql_.form("if($1 <= 0, toInt32(0), $2)", {top.node, result.digits});
    return result;
}

// stddev: the root of the variance, rounded to the same digits.
Result<Value> Translator::spread(const Expr& expr) {
    Value result = TRY(variance(expr));
    std::string scale = std::to_string(result.scale);
    auto ten = [](const std::string& exponent) {
        return "toInt256(concat('1', repeat('0', toUInt8(" + exponent + "))))";
    };
    std::string x = whole_root("n");
    std::string whole = "intDiv(u, " + ten(scale + " - d") + ")";
    // greatest() passes over NULL.
    std::string text = "arrayMap((u, d) -> if(u IS NULL OR throwIf(ifNull(length(toString(" +
                       whole + ")) + d > 75, 0)) != 0, NULL, arrayMap(n -> " + x + " * " +
                       ten(scale + " - d") + ", [" + whole + " * " + ten("d") +
                       "])[1]), [$1], [$2])[1]";
    const Node* root =
        sql_.form(sql_.keep(std::move(text)), {unscaled(result), result.digits}, {}, {}, true);
    Value rooted = from_unscaled(root, true, result.precision, result.scale);
    rooted.digits = result.digits;
    return rooted;
}

}  // namespace tandem::route
