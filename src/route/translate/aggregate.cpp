// Aggregates and window functions.
#include <charconv>

#include "route/translate/translator.h"

namespace tandem::route {

bool Translator::is_average(const Expr& expr) const {
    return expr.kind == ExprKind::kAggregate && expr.builtin && expr.name == "avg";
}

// The combinator If comes last, so that no row that passes the filter makes the result NULL.
Result<std::string> Translator::aggregate_call(const Expr& expr, std::string_view function,
                                               std::string_view arguments) {
    std::string sql(function);
    if (expr.filter == nullptr) return sql + "(" + std::string(arguments) + ")";
    std::string condition = TRY(filter(*expr.filter));
    return sql + "If(" + std::string(arguments) + (arguments.empty() ? "" : ", ") + "ifNull(" +
           condition + ", false))";
}

Result<Value> Translator::aggregate(const Expr& expr) {
    std::string name(expr.name);
    if (!expr.builtin) return refuse(Reason::kAggregate, name);
    if (!expr.within_group.empty()) return percentile(expr);
    if (expr.args.size > 1) return refuse(Reason::kAggregate, name);
    Value argument;
    std::vector<Class> classes;
    if (expr.args.size == 1) {
        argument = TRY(value(*expr.args[0]));
        classes.push_back(argument.cls);
    }
    bool extreme = name == "min" || name == "max" || name.starts_with("bool_") || name == "every";
    if (extreme && is_float(argument.cls)) return float_extreme(expr, argument);
    const Rule* row = find_rule(Form::kAggregate, name, classes, class_of_type(expr.type),
                                expr.distinct && !extreme);
    if (row == nullptr) {
        if (!classes.empty()) name += " of " + std::string(class_name(classes[0]));
        return refuse(Reason::kAggregate, expr.distinct ? name + " with DISTINCT" : name);
    }
    if (row->flags & rule::kRefuse) return refuse(Reason::kFloatAggregate, name);
    Value result = TRY(apply_rule(expr, *row, {&argument, static_cast<size_t>(expr.args.size)}));
    // "function:argument" says how the argument is written; otherwise it is taken as it is.
    size_t colon = result.sql.find(':');
    bool written = colon != std::string::npos && row->sql.find(':') != std::string_view::npos;
    std::string function = written ? result.sql.substr(0, colon) : result.sql;
    std::string argument_sql = written ? result.sql.substr(colon + 1) : argument.sql;
    if ((row->flags & rule::kSumScale) && argument.precision > 18)
        argument_sql = "toDecimal256(" + argument_sql + ", " + std::to_string(argument.scale) + ")";
    result.sql = TRY(aggregate_call(expr, function, argument_sql));
    return result;
}

// avg of exact types: the sum, and in `count` the number of values; Postgres divides.
Result<Value> Translator::average(const Expr& expr, Value& count) {
    if (expr.distinct || expr.args.size != 1) return refuse(Reason::kAggregate, "avg(DISTINCT)");
    Value sum = TRY(aggregate(expr));
    Value argument = TRY(value(*expr.args[0]));
    count = Value{.cls = Class::kNumeric, .nullable = false, .precision = 38, .scale = 0};
    count.sql = TRY(aggregate_call(expr, "count", argument.sql));
    return sum;
}

// NaN is the greatest value in Postgres; ClickHouse passes over it or not, by the order of rows.
Result<Value> Translator::float_extreme(const Expr& expr, const Value& argument) {
    std::string any_nan = TRY(aggregate_call(expr, "maxOrNull", "isNaN(" + argument.sql + ")"));
    any_nan = "ifNull(" + any_nan + ", 0) = 1";
    Value result{.cls = argument.cls};
    if (expr.name == "max") {
        std::string plain = TRY(aggregate_call(expr, "maxOrNull", argument.sql));
        result.sql = "if(" + any_nan + ", nan, " + plain + ")";
    } else {
        std::string finite = "if(isNaN(" + argument.sql + "), NULL, " + argument.sql + ")";
        std::string plain = TRY(aggregate_call(expr, "minOrNull", finite));
        result.sql = "ifNull(" + plain + ", if(" + any_nan + ", nan, NULL))";
    }
    result.sql = "CAST(" + result.sql + ", '" + clickhouse_type(result) + "')";
    return result;
}

// percentile_cont and percentile_disc from the sorted values, by the operations of Postgres'
// percentile_cont_float8_final and percentile_disc_final in the same order.
Result<Value> Translator::percentile(const Expr& expr) {
    bool continuous = expr.name == "percentile_cont";
    bool known = (continuous || expr.name == "percentile_disc") && !expr.distinct &&
                 expr.direct_args.size == 1 && expr.within_group.size == 1;
    if (!known) return refuse(Reason::kAggregate, std::string(expr.name));
    const Expr& at = *expr.direct_args[0];
    if (at.kind != ExprKind::kConstant || !at.known || at.constant_null || at.type != oid::kFloat8)
        return refuse(Reason::kConstantUnknown, "the fraction of " + std::string(expr.name));
    double fraction = -1;
    std::from_chars(at.known_text.data(), at.known_text.data() + at.known_text.size(), fraction);
    if (!(fraction >= 0 && fraction <= 1)) return refuse(Reason::kConstant, "not from 0 to 1");
    const SortKey& key = expr.within_group[0];
    Value argument = TRY(value(*key.expr));
    bool number = is_int(argument.cls) || is_float(argument.cls);
    bool sortable = number || argument.cls == Class::kDate || argument.cls == Class::kNumeric ||
                    argument.cls == Class::kTimestamp || argument.cls == Class::kTimestamptz ||
                    (argument.cls == Class::kText && key.expr->collation == Collation::kBytewise);
    if (key.descending || !key.default_operator || !(continuous ? number : sortable))
        return refuse(Reason::kAggregate, std::string(expr.name) + " in this order");
    std::string values = TRY(aggregate_call(
        expr, "groupArray", continuous ? "toFloat64(" + argument.sql + ")" : argument.sql));
    std::string p = float_parameter(at, false);
    std::string body;
    Value result = argument;
    result.nullable = true;
    result.literal = false;
    if (continuous) {
        result.cls = Class::kFloat8;
        std::string at_row = "(" + p + " * (length(a) - 1))";
        std::string low = "a[toInt64(floor(" + at_row + ")) + 1]";
        std::string high = "a[toInt64(ceil(" + at_row + ")) + 1]";
        body = "if(floor(" + at_row + ") = ceil(" + at_row + "), " + low + ", " + low + " + (" +
               at_row + " - floor(" + at_row + ")) * (" + high + " - " + low + "))";
    } else {
        body = "a[greatest(1, toInt64(ceil(" + p + " * length(a))))]";
    }
    result.sql = "arrayMap(a -> if(empty(a), NULL, " + body + "), [arraySort(" + values + ")])[1]";
    return result;
}

Result<Value> Translator::window_call(const Expr& expr) {
    std::string name(expr.name);
    if (!expr.builtin || expr.filter != nullptr || !expr.args.empty() ||
        expr.window >= scope_->query->windows.size)
        return refuse(Reason::kWindow, name);
    const Rule* row = find_rule(Form::kWindow, name, {}, class_of_type(expr.type));
    if (row == nullptr) return refuse(Reason::kWindow, name);
    const Window& window = scope_->query->windows[expr.window];
    // Peers get different numbers only here; in which order is up to the rows' own.
    if (window.order_by.empty() && name == "row_number")
        return refuse(Reason::kImpliedOrder, "row_number() without ORDER BY");
    std::string over;
    for (const Expr* key : window.partition_by) {
        over += (over.empty() ? "PARTITION BY " : ", ") + TRY(group_key(*key));
    }
    if (!window.order_by.empty())
        over += (over.empty() ? "ORDER BY " : " ORDER BY ") + TRY(sort_keys(window.order_by));
    return Value{.sql = "toInt64(" + std::string(row->sql) + " OVER (" + over + "))",
                 .cls = Class::kInt8,
                 .nullable = false};
}

}  // namespace tandem::route
