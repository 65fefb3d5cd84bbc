// Aggregates.
#include <algorithm>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

// Whole numbers as floating point ones: casts of integers, fields of times, constants.
bool is_whole(const Expr& expr) {
    if (expr.kind == ExprKind::kConstant) {
        if (expr.type != oid::kFloat8 || !expr.known) return false;
        return expr.constant_null ||
               (expr.known_text.size() < 16 && expr.known_text != "-0" &&
                expr.known_text.find_first_not_of("-0123456789") == std::string_view::npos);
    }
    if (expr.kind == ExprKind::kCoalesce)
        return std::all_of(expr.args.begin(), expr.args.end(),
                           [](const Expr* one) { return is_whole(*one); });
    if (expr.kind == ExprKind::kCase) {
        for (uint32_t i = 0; i < expr.args.size; ++i)
            if ((i % 2 == 1 || i + 1 == expr.args.size) && !is_whole(*expr.args[i])) return false;
        return true;
    }
    bool call = expr.kind == ExprKind::kCast || expr.kind == ExprKind::kFunction;
    if (!call || !expr.builtin || expr.type != oid::kFloat8) return false;
    if (expr.name == "date_part" && expr.args.size == 2) {
        constexpr std::string_view kWhole[] = {"year", "month", "day",    "hour", "minute",
                                               "dow",  "doy",   "isodow", "week", "quarter"};
        std::string_view unit = unit_name(*expr.args[0]);
        return std::find(std::begin(kWhole), std::end(kWhole), unit) != std::end(kWhole);
    }
    return expr.args.size == 1 && is_int(class_of_type(expr.args[0]->type));
}

}  // namespace

bool Translator::is_average(const Expr& expr) const {
    return expr.kind == ExprKind::kAggregate && expr.builtin && expr.name == "avg" &&
           expr.type == oid::kNumeric;
}

// The combinator If comes last, so that no row that passes the filter makes the result NULL.
Result<const sql::Node*> Translator::aggregate_call(const Expr& expr, std::string_view function,
                                                    Nodes args) {
    const Node* condition = nullptr;
    if (expr.filter != nullptr) {
        const Node* test = TRY(without_window([&] { return filter(*expr.filter); }));
        condition = sql_.form("ifNull($1, false)", {test});
    }
    const Node* call = sql_.call(function, std::move(args), condition);
    return over_ != nullptr ? sql_.over(call, *over_) : call;
}

// What an aggregate is computed from lies below the grouping.
Result<Value> Translator::aggregate(const Expr& expr) {
    for (const Lifted& lifted : lifted_)
        if (lifted.aggregate == &expr) return lifted.value;
    bool above = scope_->may_join;
    const auto* absent = scope_->absent;
    scope_->may_join = true;
    scope_->absent = nullptr;
    Result<Value> result = [&]() -> Result<Value> {
        if (!expr.builtin) return refuse(Reason::kAggregate, std::string(expr.name));
        if (!expr.within_group.empty()) return ordered_set(expr);
        if (!is_average(expr)) return sum_of(expr);
        return divided(TRY(average(expr)));
    }();
    scope_->may_join = above;
    scope_->absent = absent;
    return result;
}

// An average inside of an expression is divided there.
Result<Value> Translator::divided(const Average& parts) {
    Value count = parts.count;
    count.node = sql_.form("nullIf($1, 0)", {count.node});
    count.nullable = true;
    return divide(parts.sum, count);
}

// Any aggregate that is a row of the table; of avg the sum.
Result<Value> Translator::sum_of(const Expr& expr) {
    std::string name(expr.name);
    if (name == "string_agg") return string_agg(expr);
    if (name == "array_agg") return array_agg(expr);
    if (name == "json_agg" || name == "jsonb_agg") return json_agg(expr);
    if (name == "json_object_agg" || name == "jsonb_object_agg") return json_object_agg(expr);
    if (name.starts_with("regr_") && !expr.distinct) return of_pairs(expr);
    bool floating = name.starts_with("var") || name.starts_with("stddev");
    if (name == "corr" || name.starts_with("covar_") || name.starts_with("regr_") ||
        (floating && expr.type == oid::kFloat8))
        return refuse(Reason::kFloatAggregate, name);
    if (name.starts_with("var")) return variance(expr);
    if (name.starts_with("stddev") && expr.type == oid::kNumeric) return spread(expr);
    bool rows = expr.args.size == 1 && expr.args[0]->kind == ExprKind::kRow;
    if (rows && name == "count" && expr.distinct) return different_rows(expr);
    // A row is not NULL, whatever is in it.
    if (rows && name == "count") {
        Expr all = expr;
        all.args = {};
        return sum_of(all);
    }
    if (expr.args.size > 1) return refuse(Reason::kAggregate, name);
    if (expr.args.size == 1 && (name != "count" || expr.distinct) && has_parts(*expr.args[0]))
        return aggregate_of_parts(expr);
    Value argument;
    std::vector<Class> classes;
    if (expr.args.size == 1) {
        bool above = std::exchange(summed_, over_ == nullptr);
        auto translated = without_window([&] { return value(*expr.args[0]); });
        summed_ = above;
        argument = TRY(std::move(translated));
        classes.push_back(argument.cls);
    }
    if (argument.cls == Class::kInterval && (name != "count" || expr.distinct))
        return interval_aggregate(expr, argument);
    bool extreme = name == "min" || name == "max" || name.starts_with("bool_") || name == "every";
    if (extreme && is_float(argument.cls)) return float_extreme(expr, argument);
    if (extreme && (argument.cls == Class::kBpchar || argument.cls == Class::kInet))
        return extreme_by_key(expr, argument);
    if (expr.distinct && name == "sum") {
        Value count;
        return distinct_sum(expr, count);
    }
    if (extreme && argument.cls == Class::kEnum) return extreme_label(expr, argument);
    const Rule* row =
        find_rule(Form::kAggregate, name, classes, class_of(expr.type), expr.distinct && !extreme);
    if (row == nullptr) {
        if (!classes.empty()) name += " of " + std::string(class_name(classes[0]));
        return refuse(Reason::kAggregate, expr.distinct ? name + " with DISTINCT" : name);
    }
    if (row->flags & rule::kRefuse) return float_sum(expr, argument);
    if ((row->flags & rule::kSumScale) != 0) cut_digits(argument);
    Value result = TRY(apply_rule(expr, *row, {&argument, static_cast<size_t>(expr.args.size)}));
    Nodes args;
    if (expr.args.size == 1) args.push_back(argument.node);
    if (!row->argument.empty()) args = {sql_.form(row->argument, args)};
    if (over_ == nullptr && expr.filter == nullptr && !expr.distinct) {
        if (std::optional<Value> parts = TRY(sum_of_halves(expr, argument, result))) return *parts;
    }
    // 38 digits hold the sum, see numeric_digits(): sums of 256 bits cost twice the time.
    if ((row->flags & rule::kSumScale) && result.precision > 38)
        args = {
            sql_.form(sql_.keep("toDecimal256($1, " + std::to_string(argument.scale) + ")"), args)};
    result.node = TRY(aggregate_call(expr, or_null(expr, row->sql), args));
    if (result.cls == Class::kMoney && name == "sum")
        result.node = sql_.form("accurateCast($1, $T)", {result.node}, type_text(result), {}, true);
    if (argument.digits != nullptr && result.cls == Class::kNumeric)
        TRY(digits_of_group(expr, argument, result));
    return result;
}

// No group is empty: there ClickHouse needs nothing that turns the result of no rows into NULL.
std::string_view Translator::or_null(const Expr& expr, std::string_view function) const {
    bool grouped = !scope_->query->group_by.empty() && !scope_->query->has_grouping_sets;
    constexpr std::string_view kOrNull = "OrNull";
    if (over_ != nullptr || expr.filter != nullptr || !grouped || !function.ends_with(kOrNull))
        return function;
    return function.substr(0, function.size() - kOrNull.size());
}

// Sums of integers from others that cost less. sum(x + 3) is sum(x) + 3 * count(x), and many of
// those read x once; sums of 64 bits are those of their halves, which no 2^31 rows overflow.
Result<std::optional<Value>> Translator::sum_of_halves(const Expr& expr, const Value& argument,
                                                       const Value& result) {
    std::optional<Value> found;
    bool sums = expr.name == "sum" || expr.name == "avg";
    if (!sums || argument.node == nullptr || argument.literal) return found;
    std::string_view function = or_null(expr, "sumOrNull");
    bool stored = argument.node->kind == sql::Kind::kColumn;
    if (argument.cls == Class::kInt8 && !stored) return found;
    if (argument.cls == Class::kInt8) {
        const Node* high = sql_.form("bitShiftRight($1, 32)", {argument.node});
        const Node* low = sql_.form("bitAnd($1, 4294967295)", {argument.node});
        found = result;
        found->node =
            sql_.form("(toDecimal128($1, 0) * toDecimal128(4294967296, 0) + toDecimal128($2, 0))",
                      {sql_.call(function, {high}), sql_.call(function, {low})});
        return found;
    }
    const Expr& operation = *expr.args[0];
    bool plain = (argument.cls == Class::kInt2 || argument.cls == Class::kInt4) &&
                 argument.bounded && !argument.node->raises &&
                 operation.kind == ExprKind::kOperator && operation.builtin &&
                 operation.args.size == 2 && (operation.name == "+" || operation.name == "-");
    if (!plain) return found;
    const Expr& number = *operation.args[1];
    Value x = TRY(value(*operation.args[0]));
    if (!number.known || number.constant_null || x.literal || !is_int(x.cls)) return found;
    Value added = TRY(value(number));
    if (!added.literal || !added.bounded || added.least != added.greatest) return found;
    int64_t each = operation.name == "-" ? -added.least : added.least;
    found = result;
    found->node =
        sql_.form("($1 + $2 * toInt64($3))",
                  {sql_.call(function, {x.node}), sql_.int64(each), sql_.call("count", {x.node})});
    return found;
}

// count(DISTINCT (a, b)): a row of NULLs counts as well.
Result<Value> Translator::different_rows(const Expr& expr) {
    Nodes parts;
    for (const Expr* item : expr.args[0]->args) {
        Value part = TRY(without_window([&] { return value(*item); }));
        TRY(check_key(part, *item));
        parts.push_back(part.node);
    }
    const Node* row = sql_.form("tuple($,)", std::move(parts));
    const Node* count = TRY(aggregate_call(expr, "uniqExact", {row}));
    return Value{.node = sql_.form("toInt64($1)", {count}), .cls = Class::kInt8, .nullable = false};
}

// The digits of a sum are the most of any of its values. Those of min and max are the value's own,
// unless equal ones have different digits: which one Postgres shows is up to it. NULL does not
// count.
Status Translator::digits_of_group(const Expr& expr, const Value& argument, Value& result) {
    const Node* counted = sql_.form("if($1 IS NULL, NULL, $2)", {argument.node, argument.digits});
    if (expr.name != "min" && expr.name != "max") {
        result.digits = TRY(aggregate_call(expr, "maxOrNull", {counted}));
        return {};
    }
    std::string_view function = expr.name == "max" ? "argMax" : "argMin";
    Nodes parts = {argument.node, argument.digits};
    const Node* least = sql_.form("(assumeNotNull($1), assumeNotNull($2))", parts);
    const Node* most = sql_.form("(assumeNotNull($1), -assumeNotNull($2))", parts);
    const Node* first = TRY(aggregate_call(expr, function, {counted, least}));
    const Node* last = TRY(aggregate_call(expr, function, {counted, most}));
    result.digits = sql_.guarded(sql_.form("$1 != $2", {first, last}), first);
    return {};
}

// 256 bits hold the sum of 10^10 values of this many digits; of one with more the query fails.
void Translator::cut_digits(Value& argument) {
    constexpr int kSummedMax = 66;
    constexpr int kRoomMax = kDecimalDigitsMax - 14;  // see numeric_digits()
    if (argument.precision <= kRoomMax || argument.scale >= kSummedMax) return;
    std::string limit = "1" + std::string(static_cast<size_t>(kSummedMax - argument.scale), '0');
    const Node* wrong =
        sql_.form(sql_.keep("abs($1) >= toDecimal256('" + limit + "', 0)"), {argument.node});
    argument.node = sql_.guarded(wrong, argument.node);
    argument.nullable = true;
    argument.precision = kRoomMax;
}

// Sums of floating point numbers depend on the order of their rows: only where Postgres would add
// them up in any order, or the user says that any will do.
Result<Value> Translator::float_sum(const Expr& expr, const Value& argument) {
    bool whole = !expr.distinct && argument.cls == Class::kFloat8 && is_whole(*expr.args[0]);
    if (whole) {
        // Exact in any order as long as a floating point number holds it.
        const Node* number = sql_.form("toInt128($1)", {argument.node});
        const Node* all = TRY(aggregate_call(expr, "sumOrNull", {number}));
        const Node* size = sql_.form("toInt128(abs($1))", {number});
        const Node* far = TRY(aggregate_call(expr, "sumOrNull", {size}));
        const Node* wrong = sql_.form("$1 > toInt128(9007199254740992)", {far});
        const Node* exact = sql_.form("toFloat64($1)", {all});
        if (expr.name == "avg") {
            const Node* count = TRY(aggregate_call(expr, "count", {argument.node}));
            exact = sql_.form("$1 / nullIf(toFloat64($2), 0)", {exact, count});
        }
        return Value{.node = sql_.guarded(wrong, exact), .cls = Class::kFloat8};
    }
    if (!options_.float_any_order || expr.distinct || argument.cls != Class::kFloat8)
        return refuse(Reason::kFloatAggregate, std::string(expr.name));
    if (total_) return refuse(Reason::kSharedCte, "a floating point sum");
    const Node* sum = TRY(aggregate_call(expr, "sumOrNull", {argument.node}));
    const Node* wrong = sql_.form("isInfinite($1)", {sum});
    output_.any_order = true;
    Value result{.cls = Class::kFloat8};
    if (expr.name == "avg") {
        const Node* count = TRY(aggregate_call(expr, "count", {argument.node}));
        sum = sql_.form("$1 / nullIf(toFloat64($2), 0)", {sum, count});
    }
    result.node = sql_.guarded(wrong, sum);
    return result;
}

// char(n) is compared without its blanks and shown with them; addresses by their numbers.
Result<Value> Translator::extreme_by_key(const Expr& expr, const Value& argument) {
    bool text = argument.cls == Class::kBpchar;
    if (text && expr.input_collation != Collation::kBytewise) return refuse(Reason::kCollation);
    Value result{.cls = argument.cls};
    const Node* key = text ? sql_.form("trimRight(assumeNotNull($1))", {argument.node})
                           : sql_.form("ifNull($1, '')", {inet_key(argument.node)});
    result.node = TRY(aggregate_call(expr, expr.name == "min" ? "argMinOrNull" : "argMaxOrNull",
                                     {argument.node, key}));
    return result;
}

// regr_count(): the pairs without NULL. Of the others those whose parts are exact.
Result<Value> Translator::of_pairs(const Expr& expr) {
    if (expr.name.starts_with("regr_avg")) return pair_average(expr);
    if (expr.name != "regr_count") return refuse(Reason::kFloatAggregate, std::string(expr.name));
    Nodes pair;
    for (const Expr* argument : expr.args)
        pair.push_back(TRY(without_window([&] { return value(*argument); })).node);
    const Node* both = sql_.form("if($1 IS NULL OR $2 IS NULL, NULL, 1)", std::move(pair));
    const Node* count = TRY(aggregate_call(expr, "count", {both}));
    return Value{.node = sql_.form("toInt64($1)", {count}), .cls = Class::kInt8, .nullable = false};
}

// regr_avgx() and regr_avgy() of whole numbers: their sum is exact while a double holds it.
Result<Value> Translator::pair_average(const Expr& expr) {
    uint32_t which = expr.name == "regr_avgx" ? 1 : 0;
    if (!is_whole(*expr.args[which]))
        return refuse(Reason::kFloatAggregate, std::string(expr.name));
    Value one = TRY(without_window([&] { return value(*expr.args[which]); }));
    Value other = TRY(without_window([&] { return value(*expr.args[1 - which]); }));
    const Node* number = sql_.form("if($2 IS NULL, NULL, toInt128($1))", {one.node, other.node});
    const Node* sum = TRY(aggregate_call(expr, "sumOrNull", {number}));
    const Node* size =
        TRY(aggregate_call(expr, "sumOrNull", {sql_.form("toInt128(abs($1))", {number})}));
    const Node* count = TRY(aggregate_call(expr, "count", {number}));
    const Node* wrong = sql_.form("$1 > toInt128(9007199254740992)", {size});
    const Node* average = sql_.form("toFloat64($1) / nullIf(toFloat64($2), 0)", {sum, count});
    return Value{.node = sql_.guarded(wrong, average), .cls = Class::kFloat8};
}

// avg of exact types is the sum divided by the number of values.
Result<Translator::Average> Translator::average(const Expr& expr) {
    if (expr.args.size != 1) return refuse(Reason::kAggregate, "avg");
    bool above = scope_->may_join;
    scope_->may_join = above || over_ == nullptr;
    Result<Average> result = [&]() -> Result<Average> {
        Average parts;
        if (expr.distinct) {
            parts.sum = TRY(distinct_sum(expr, parts.count));
            return parts;
        }
        parts.sum = TRY(sum_of(expr));
        Value argument = TRY(without_window([&] { return value(*expr.args[0]); }));
        parts.count = Value{.cls = Class::kNumeric, .nullable = false, .precision = 38};
        parts.count.node = TRY(aggregate_call(expr, "count", {argument.node}));
        return parts;
    }();
    scope_->may_join = above;
    return result;
}

// NaN is the greatest value in Postgres; ClickHouse passes over it or not, by the order of rows.
Result<Value> Translator::float_extreme(const Expr& expr, const Value& argument) {
    const Node* nan = sql_.form("isNaN($1)", {argument.node});
    const Node* any_nan = TRY(aggregate_call(expr, "maxOrNull", {nan}));
    any_nan = sql_.form("ifNull($1, 0) = 1", {any_nan});
    Value result{.cls = argument.cls};
    if (expr.name == "max") {
        const Node* plain = TRY(aggregate_call(expr, "maxOrNull", {argument.node}));
        result.node = sql_.form("if($1, nan, $2)", {any_nan, plain});
    } else {
        const Node* number = sql_.form("if(isNaN($1), NULL, $1)", {argument.node});
        const Node* plain = TRY(aggregate_call(expr, "minOrNull", {number}));
        result.node = sql_.form("ifNull($1, if($2, nan, NULL))", {plain, any_nan});
    }
    result.node = typed(result);
    return result;
}

}  // namespace tandem::route
