// One SELECT: targets, grouping, sorting, limits, and the settings its meaning depends on.
#include <algorithm>

#include "route/translator.h"
#include "sqltext/quote.h"

namespace tandem::route {
namespace {

// The meaning of the SQL must not depend on the profile of the user that runs it.
constexpr std::string_view kSettings =
    " SETTINGS allow_experimental_analyzer = 1, join_use_nulls = 1, transform_null_in = 0,"
    " aggregate_functions_null_for_empty = 0, group_by_use_nulls = 0,"
    " enable_positional_arguments = 0, prefer_column_name_to_alias = 1,"
    " union_default_mode = 'ALL', join_default_strictness = 'ALL', "
    "any_join_distinct_right_table_keys = 0,"
    " data_type_default_nullable = 0, cast_keep_nullable = 0, decimal_check_overflow = 1,"
    " short_circuit_function_evaluation = 'force_enable', session_timezone = 'UTC',"
    " enable_extended_results_for_datetime_functions = 1, optimize_move_to_prewhere_if_final = 0,"
    " use_query_cache = 0, group_by_overflow_mode = 'throw', sort_overflow_mode = 'throw',"
    " distinct_overflow_mode = 'throw', join_overflow_mode = 'throw', set_overflow_mode = 'throw',"
    " result_overflow_mode = 'throw', read_overflow_mode = 'throw', timeout_overflow_mode = "
    "'throw',"
    " max_rows_to_read = 0, max_result_rows = 0, limit = 0, offset = 0, extremes = 0";

bool is_plain(const Expr& expr, const Value& value) {
    return expr.kind == ExprKind::kColumn && value.cls != Class::kTimestamp &&
           value.cls != Class::kTimestamptz;
}

std::string quoted(const std::string& type) {
    return sqltext::ch_string(type);
}

}  // namespace

Status Translator::check_shape(const Query& query) {
    if (query.set_operation != SetOperation::kNone) return refuse(Reason::kSetOperation);
    if (query.has_grouping_sets) return refuse(Reason::kGroupingSets);
    if (!query.distinct_on.empty()) return refuse(Reason::kDistinctOn);
    if (query.with_ties) return refuse(Reason::kWithTies);
    if (query.having != nullptr && query.group_by.empty() && !query.has_aggregates)
        return refuse(Reason::kExpression, "HAVING without GROUP BY");
    return {};
}

// Rows are equal in ClickHouse exactly when they are in Postgres.
Status Translator::check_key(const Value& value, const Expr& expr) {
    if (is_float(value.cls)) return refuse(Reason::kFloatKey);
    // Of char(n) every value of a column is padded to n, so that equal ones have equal bytes.
    bool padded = expr.kind == ExprKind::kColumn && expr.typmod >= 0;
    if (value.cls == Class::kOther || value.cls == Class::kJsonb ||
        (value.cls == Class::kBpchar && !padded))
        return refuse(Reason::kTypeUnsupported, "in GROUP BY or DISTINCT");
    bool text = value.cls == Class::kText || value.cls == Class::kBpchar;
    if (text && expr.collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    return {};
}

Result<std::string> Translator::group_key(const Expr& expr) {
    Value key = TRY(value(expr));
    TRY(check_key(key, expr));
    return std::move(key.sql);
}

Result<std::string> Translator::sort_key(const SortKey& key) {
    if (!key.default_operator) return refuse(Reason::kOperator, "ORDER BY ... USING");
    Value value = TRY(this->value(*key.expr));
    const char* direction = key.descending ? " DESC" : " ASC";
    const char* nulls = key.nulls_first ? " NULLS FIRST" : " NULLS LAST";
    std::string sql = value.sql;
    switch (value.cls) {
        case Class::kText:
        case Class::kBpchar:
            if (key.expr->collation != Collation::kBytewise) return refuse(Reason::kCollation);
            if (value.cls == Class::kBpchar) sql = "trimRight(" + sql + ")";
            break;
        case Class::kUuid:
            sql = "toString(" + sql + ")";
            break;
        case Class::kFloat4:
        case Class::kFloat8:
            // NaN is the greatest value in Postgres, on either side of NULL.
            return "isNaN(" + sql + ")" + direction + nulls + ", " + sql + direction + nulls;
        case Class::kOther:
        case Class::kJsonb:
        case Class::kInterval:
            return refuse(Reason::kTypeUnsupported, "in ORDER BY");
        default:
            break;
    }
    return sql + direction + nulls;
}

Result<std::string> Translator::sort_keys(const List<SortKey>& keys) {
    std::string sql;
    for (const SortKey& key : keys) sql += (sql.empty() ? "" : ", ") + TRY(sort_key(key));
    return sql;
}

Result<std::string> Translator::count_clause(const char* keyword, const Expr* expr) {
    if (expr == nullptr || (expr->known && expr->constant_null)) return std::string();
    if (expr->kind != ExprKind::kConstant || expr->type != oid::kInt8)
        return refuse(Reason::kConstant, "LIMIT or OFFSET");
    if (!expr->known) return keyword + parameter(*expr, "UInt64");
    if (expr->known_text.starts_with('-')) return refuse(Reason::kConstant, "a negative LIMIT");
    // The grammar wants a plain number here; it is not computed with.
    return keyword + std::string(expr->known_text);
}

// FROM, WHERE, GROUP BY and HAVING.
Result<std::string> Translator::body(const Query& query) {
    std::vector<std::string> filters;
    std::string sql = " FROM " + TRY(write_from(query, filters));
    for (size_t i = 0; i < filters.size(); ++i) sql += (i == 0 ? " WHERE " : " AND ") + filters[i];
    for (uint32_t i = 0; i < query.group_by.size; ++i)
        sql += (i == 0 ? " GROUP BY " : ", ") + TRY(group_key(*query.group_by[i]));
    if (query.having != nullptr) sql += " HAVING " + TRY(filter(*query.having));
    return sql;
}

// The number of the remote column that holds the value; equal values share one.
Result<uint32_t> Translator::add_column(const Expr& expr, const Value& value) {
    if (value.cls == Class::kOther && value.other_type != "String" &&
        value.other_type != "Nullable(String)")
        return refuse(Reason::kTypeUnsupported, "among the results: " + value.other_type);
    if (!value.scale_known) return refuse(Reason::kScale);
    std::string type = clickhouse_type(value);
    std::string sql =
        is_plain(expr, value) ? value.sql : "CAST(" + value.sql + ", " + quoted(type) + ")";
    bool numeric_part = is_average(expr);
    uint32_t pg_type = numeric_part ? oid::kNumeric : expr.type;
    for (size_t i = 0; i < selected_.size(); ++i)
        if (selected_[i].sql == sql && output_.columns[i].type == pg_type)
            return static_cast<uint32_t>(i);
    const std::string& kept = output_.texts.emplace_back(std::move(type));
    output_.columns.push_back(
        {.clickhouse_type = kept, .type = pg_type, .typmod = numeric_part ? -1 : expr.typmod});
    selected_.push_back({std::move(sql), value.sql});
    return static_cast<uint32_t>(selected_.size() - 1);
}

// Ships the node itself.
Status Translator::add_node(const Expr& expr) {
    for (const Replacement& done : output_.replacements)
        if (done.expr_id == expr.id) return {};
    if (is_average(expr)) {
        Value count;
        Value sum = TRY(average(expr, count));
        uint32_t first = TRY(add_column(expr, sum));
        uint32_t second = TRY(add_column(expr, count));
        output_.replacements.push_back({expr.id, {RecipeKind::kAverage, first, second}});
        return {};
    }
    Value node = TRY(value(expr));
    uint32_t column = TRY(add_column(expr, node));
    output_.replacements.push_back({expr.id, {RecipeKind::kColumn, column, column}});
    return {};
}

// What Postgres can compute above the scan once its parts are there. Below an aggregate nothing is
// left to take apart, and a column that is not grouped by does not exist above the grouping.
Status Translator::add_parts(const Query& query, const Expr& expr) {
    if (expr.kind == ExprKind::kConstant) return {};
    bool grouped = !query.group_by.empty() || query.has_aggregates;
    // Postgres knows that the other columns of a table depend on its key; ClickHouse does not.
    if (grouped && expr.kind == ExprKind::kColumn && !is_group_key(query, expr))
        return refuse(Reason::kExpression, "a column that is not in GROUP BY");
    size_t columns = output_.columns.size();
    Output& out = output_;
    size_t constants = out.constants.size();
    size_t replacements = out.replacements.size();
    Status whole = add_node(expr);
    if (whole.ok()) return {};
    Reason reason = reason_;
    selected_.resize(columns);
    out.columns.resize(columns);
    forget_constants(constants);
    out.replacements.resize(replacements);
    bool leaf = expr.kind == ExprKind::kColumn || expr.kind == ExprKind::kAggregate ||
                expr.kind == ExprKind::kWindow || expr.kind == ExprKind::kSubquery ||
                expr.kind == ExprKind::kUnknown || expr.kind == ExprKind::kGrouping ||
                expr.args.empty();
    if (leaf || (grouped && is_group_key(query, expr))) {
        reason_ = reason;
        return whole;
    }
    for (const Expr* argument : expr.args) TRY(add_parts(query, *argument));
    return {};
}

bool Translator::is_group_key(const Query& query, const Expr& expr) {
    Result<Value> wanted = value(expr);
    if (!wanted.ok()) return false;
    for (const Expr* key : query.group_by) {
        Result<Value> one = value(*key);
        if (one.ok() && one->sql == wanted->sql) return true;
    }
    return false;
}

Status Translator::add_target(const Query& query, const Target& target) {
    if (!query.distinct) return add_parts(query, *target.expr);
    if (target.expr->kind != ExprKind::kConstant) {
        if (is_average(*target.expr)) return refuse(Reason::kAggregate, "DISTINCT avg");
        Value key = TRY(value(*target.expr));
        TRY(check_key(key, *target.expr));
        return add_node(*target.expr);
    }
    return {};
}

// ORDER BY of a DISTINCT query may only name what is selected.
Result<std::string> Translator::distinct_order(const Query& query) {
    std::string sql;
    for (const SortKey& key : query.order_by) {
        std::string text = TRY(sort_key(key));
        Value plain = TRY(value(*key.expr));
        size_t at = 0;
        while (at < selected_.size() && selected_[at].raw != plain.sql) ++at;
        if (at == selected_.size()) return refuse(Reason::kExpression, "ORDER BY");
        std::string alias = "c" + std::to_string(at + 1);
        for (size_t from = 0; (from = text.find(plain.sql, from)) != std::string::npos;
             from += alias.size())
            text.replace(from, plain.sql.size(), alias);
        sql += (sql.empty() ? "" : ", ") + text;
    }
    return sql;
}

// ORDER BY, LIMIT and OFFSET of the outermost query. What does not ship is left to Postgres.
Result<std::string> Translator::write_tail(const Query& query) {
    Reason reason = reason_;
    std::string sql;
    if (!query.order_by.empty()) {
        size_t constants = output_.constants.size();
        Result<std::string> keys =
            query.distinct ? distinct_order(query) : sort_keys(query.order_by);
        output_.sorted = keys.ok();
        if (!keys.ok()) {
            reason_ = reason;
            output_.limited = false;
            forget_constants(constants);
            return std::string();
        }
        sql = " ORDER BY " + *keys;
    }
    sql += TRY(count_clause(" LIMIT ", query.limit));
    sql += TRY(count_clause(" OFFSET ", query.offset));
    return sql;
}

Status Translator::translate(const Query& query) {
    if (options_.clickhouse_version != 0 && options_.clickhouse_version < 25008)
        return refuse(Reason::kServerVersion);
    Scope scope{.query = &query};
    scope_ = &scope;
    TRY(check_shape(query));
    std::string rest = TRY(body(query));
    for (const Target& target : query.targets) TRY(add_target(query, target));
    if (output_.columns.empty()) {
        Expr one;
        one.kind = ExprKind::kFunction;
        one.type = oid::kInt2;
        TRY(add_column(one, Value{.sql = "toInt16(1)", .cls = Class::kInt2, .nullable = false}));
    }
    std::string tail = TRY(write_tail(query));
    output_.sql = query.distinct ? "SELECT DISTINCT " : "SELECT ";
    for (size_t i = 0; i < selected_.size(); ++i)
        output_.sql += (i == 0 ? "" : ", ") + selected_[i].sql + " AS c" + std::to_string(i + 1);
    output_.sql += rest + tail + std::string(kSettings);
    if (options_.use_final) output_.sql += ", final = 1";
    return {};
}

// A subquery ships as a whole or not at all; its columns are c1, c2, ...
Result<std::vector<Value>> Translator::write_subquery(const Query& query, std::string& sql) {
    Scope scope{.query = &query, .outer = scope_};
    scope_ = &scope;
    Result<std::vector<Value>> result = [&]() -> Result<std::vector<Value>> {
        TRY(check_shape(query));
        std::string rest = TRY(body(query));
        std::vector<Value> columns;
        sql = query.distinct ? "SELECT DISTINCT " : "SELECT ";
        for (const Target& target : query.targets) {
            if (target.junk) continue;
            Value one = TRY(value(*target.expr));
            if (query.distinct) TRY(check_key(one, *target.expr));
            std::string cast = one.cls == Class::kOther || is_plain(*target.expr, one)
                                   ? one.sql
                                   : "CAST(" + one.sql + ", " + quoted(clickhouse_type(one)) + ")";
            sql +=
                (columns.empty() ? "" : ", ") + cast + " AS c" + std::to_string(columns.size() + 1);
            columns.push_back(std::move(one));
        }
        if (columns.empty()) sql += "1 AS c1";
        sql += rest;
        // Without a limit the order of a subquery means nothing.
        bool limited = query.limit != nullptr || query.offset != nullptr;
        if (limited && query.distinct && !query.order_by.empty())
            return refuse(Reason::kSubquery, "DISTINCT with ORDER BY and LIMIT");
        if (limited && !query.order_by.empty())
            sql += " ORDER BY " + TRY(sort_keys(query.order_by));
        sql += TRY(count_clause(" LIMIT ", query.limit));
        sql += TRY(count_clause(" OFFSET ", query.offset));
        return columns;
    }();
    scope_ = scope.outer;
    return result;
}

}  // namespace tandem::route
