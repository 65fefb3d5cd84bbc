// What the outermost query ships for each of its targets, and what Postgres makes of it.
#include "route/translate/translator.h"

namespace tandem::route {
namespace {

// A column that is not computed on its way: what is inlined is one in Postgres only.
bool is_name(const Expr& expr, const Value& value) {
    return expr.kind == ExprKind::kColumn &&
           (value.node->kind == sql::Kind::kColumn || value.node->kind == sql::Kind::kResult);
}

// Shown as it is stored, without a cast.
bool is_plain(const Expr& expr, const Value& value) {
    return is_name(expr, value) && value.cls != Class::kTimestamp &&
           value.cls != Class::kTimestamptz && value.cls != Class::kEnum;
}

bool is_leaf(const Expr& expr) {
    switch (expr.kind) {
        case ExprKind::kColumn:
        case ExprKind::kAggregate:
        case ExprKind::kWindow:
        case ExprKind::kSubquery:
        case ExprKind::kUnknown:
        case ExprKind::kGrouping:
            return true;
        default:
            return expr.args.empty();
    }
}

}  // namespace

// The number of the remote column that holds the value; equal values share one.
Result<uint32_t> Translator::add_column(const Expr& expr, const Value& given) {
    bool interval = given.cls == Class::kInterval;
    bool array = is_array(given);
    Value value = interval ? shown_interval(given) : given;
    if (array) value = TRY(shown_array(given));
    if (value.cls == Class::kOther && value.other_type != "String" &&
        value.other_type != "Nullable(String)")
        return refuse(Reason::kTypeUnsupported,
                      "among the results: " + std::string(value.other_type));
    if (!value.digits_known) return refuse(Reason::kScale);
    std::string type = clickhouse_type(value);
    bool plain = is_plain(expr, value) && !interval && !array;
    const Node* node = plain ? value.node : sql_.cast(value.node, type);
    bool numeric_part = is_average(expr) || value.digits != nullptr;
    uint32_t pg_type = numeric_part ? oid::kNumeric : expr.type;
    for (size_t i = 0; i < selected_.size(); ++i)
        if (sql::same(*selected_[i].node, *node) && output_.columns[i].type == pg_type)
            return static_cast<uint32_t>(i);
    const std::string& kept = output_.texts.emplace_back(std::move(type));
    output_.columns.push_back(
        {.clickhouse_type = kept, .type = pg_type, .typmod = numeric_part ? -1 : expr.typmod});
    // Intervals are not sorted by their text.
    selected_.push_back({node, interval || array ? node : given.node});
    return static_cast<uint32_t>(selected_.size() - 1);
}

// Ships the node itself.
Status Translator::add_node(const Expr& expr) {
    for (const Replacement& done : output_.replacements)
        if (done.expr_id == expr.id) return {};
    std::optional<Average> cell = average_cell(expr);
    if (cell || (is_average(expr) && !scope_->over_cells)) {
        Average parts = cell ? *cell : TRY(average(expr));
        if (parts.sum.digits == nullptr) {
            uint32_t first = TRY(add_column(expr, parts.sum));
            uint32_t second = TRY(add_column(expr, parts.count));
            output_.replacements.push_back({expr.id, {RecipeKind::kAverage, first, second}});
            return {};
        }
    }
    if (expr.kind == ExprKind::kAggregate && expr.builtin && expr.name == "avg" &&
        expr.type == oid::kInterval)
        return add_average_interval(expr);
    if (expr.kind == ExprKind::kAggregate && expr.builtin && expr.name.starts_with("stddev") &&
        expr.type == oid::kNumeric && !scope_->over_cells) {
        Value spread = TRY(variance(expr));
        TRY(ship(expr, spread));
        output_.replacements.back().recipe.kind = RecipeKind::kRoot;
        return {};
    }
    as_stored_ = expr.kind == ExprKind::kColumn;
    Result<Value> one = value(expr);
    as_stored_ = false;
    return ship(expr, TRY(std::move(one)));
}

// Postgres divides: how it spreads what is left of days is its own.
Status Translator::add_average_interval(const Expr& expr) {
    if (expr.distinct) return refuse(Reason::kAggregate, "avg of interval");
    bool parts = has_parts(*expr.args[0]);
    Value argument;
    if (parts) {
        argument.node = TRY(parts_of_interval(*expr.args[0]))
        .days;
    } else {
        argument = TRY(value(*expr.args[0]));
        if (argument.cls != Class::kInterval) return refuse(Reason::kAggregate, "avg of interval");
    }
    const Node* rows = TRY(aggregate_call(expr, "count", {argument.node}));
    Value count{
        .node = sql_.form("toFloat64($1)", {rows}), .cls = Class::kFloat8, .nullable = false};
    Expr number;
    number.kind = ExprKind::kFunction;
    number.type = oid::kFloat8;
    Result<Value> summed = parts ? sum_of_parts(expr) : interval_sum(expr, argument);
    Value sum = TRY(std::move(summed));
    uint32_t first = TRY(add_column(expr, sum));
    uint32_t second = TRY(add_column(number, count));
    output_.replacements.push_back({expr.id, {RecipeKind::kShare, first, second}});
    return {};
}

Status Translator::ship(const Expr& expr, const Value& value) {
    uint32_t column = TRY(add_column(expr, value));
    if (value.digits == nullptr) {
        output_.replacements.push_back({expr.id, {RecipeKind::kColumn, column, column}});
        return {};
    }
    Expr count;
    count.kind = ExprKind::kFunction;
    count.type = oid::kInt4;
    Value digits{.node = value.digits, .cls = Class::kInt4, .nullable = true};
    uint32_t second = TRY(add_column(count, digits));
    output_.replacements.push_back({expr.id, {RecipeKind::kRounded, column, second}});
    return {};
}

Translator::Mark Translator::mark() const {
    return {output_.columns.size(), output_.constants.size(), output_.replacements.size(),
            scope_->joined.size()};
}

// Nothing translated since counts.
void Translator::back_to(const Mark& mark) {
    selected_.resize(mark.columns);
    output_.columns.resize(mark.columns);
    output_.constants.resize(mark.constants);
    constant_exprs_.resize(mark.constants);
    output_.replacements.resize(mark.replacements);
    scope_->joined.resize(mark.joined);
}

// What Postgres can compute above the scan once its parts are there. Below an aggregate nothing is
// left to take apart, and a column that is not grouped by does not exist above the grouping.
Status Translator::add_parts(const Query& query, const Expr& expr) {
    if (expr.kind == ExprKind::kConstant) return {};
    bool grouped = !query.group_by.empty() || query.has_aggregates;
    bool key = grouped && TRY(is_group_key(query, expr));
    // Postgres knows that the other columns of a table depend on its
    // key; ClickHouse does not.
    if (grouped && expr.kind == ExprKind::kColumn && !key)
        return refuse(Reason::kExpression, "a column that is not in GROUP BY");
    bool leaf = key || is_leaf(expr);
    const Mark mark = this->mark();
    Status whole = add_node(expr);
    bool rounded =
        whole.ok() && !leaf && output_.replacements.back().recipe.kind == RecipeKind::kRounded;
    if (whole.ok() && !rounded) return {};
    Reason reason = reason_;
    back_to(mark);
    if (leaf) {
        reason_ = reason;
        return whole;
    }
    Status parts = [&]() -> Status {
        for (const Expr* argument : expr.args) TRY(add_parts(query, *argument));
        return {};
    }();
    if (parts.ok() || !rounded) return parts;
    // Postgres divides with more digits than we can, but what it would
    // divide does not ship.
    back_to(mark);
    return add_node(expr);
}

Result<bool> Translator::is_group_key(const Query& query, const Expr& expr) {
    if (query.group_by.empty()) return false;
    bool below = scope_->may_join;
    scope_->may_join = false;
    Reason reason = reason_;
    bool found = false;
    Result<Value> wanted = value(expr);
    for (const Expr* key : query.group_by) {
        if (!wanted.ok() || found) break;
        Result<Value> one = value(*key);
        found = one.ok() && sql::same(*one->node, *wanted->node);
    }
    reason_ = reason;
    scope_->may_join = below;
    return found;
}

Status Translator::add_target(const Query& query, const Target& target) {
    if (!query.distinct) return add_parts(query, *target.expr);
    if (target.expr->kind == ExprKind::kConstant) return {};
    Value key = TRY(value(*target.expr));
    TRY(check_key(key, *target.expr));
    if (key.cls == Class::kInterval && !query.order_by.empty())
        return refuse(Reason::kTypeUnsupported, "DISTINCT and ORDER BY of intervals");
    return add_node(*target.expr);
}

}  // namespace tandem::route
