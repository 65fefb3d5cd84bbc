// One SELECT: targets, grouping, sorting, limits, and the settings its meaning depends on.
#include <algorithm>

#include "route/translate/translator.h"
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
    " max_rows_to_read = 0, max_result_rows = 0, limit = 0, offset = 0, extremes = 0,"
    " additional_table_filters = {}, additional_result_filter = '',"
    " empty_result_for_aggregation_by_empty_set = 0,"
    " empty_result_for_aggregation_by_constant_keys_on_empty_set = 1,"
    " date_time_overflow_behavior = 'throw', count_distinct_implementation = 'uniqExact',"
    " partial_result_on_first_cancel = 0, apply_deleted_mask = 1, skip_unavailable_shards = 0,"
    " force_primary_key = 0, force_index_by_date = 0, precise_float_parsing = 1,"
    " do_not_merge_across_partitions_select_final = 0";

bool is_plain(const Expr& expr, const Value& value) {
    return expr.kind == ExprKind::kColumn && value.cls != Class::kTimestamp &&
           value.cls != Class::kTimestamptz;
}

std::string quoted(const std::string& type) {
    return sqltext::ch_string(type);
}

// LIMIT ALL and OFFSET 0 cut nothing off.
bool is_limited(const Query& query) {
    auto cuts = [](const Expr* count) {
        return count != nullptr && !(count->known && count->constant_null);
    };
    return cuts(query.limit) ||
           (cuts(query.offset) && !(query.offset->known && query.offset->known_text == "0"));
}

// "" for no items.
template <typename Items>
std::string order_clause(const Items& items) {
    std::string sql;
    for (const auto& item : items)
        sql += (sql.empty() ? " ORDER BY " : ", ") + item.sql + item.direction;
    return sql;
}

}  // namespace

// The standard gives no order to the rows of a subquery, but Postgres keeps it through whatever
// only filters, computes or cuts them off, and everybody relies on that.
RowOrder row_order(const Query& query) {
    if (!query.order_by.empty()) return RowOrder::kOwn;
    if (!query.windows.empty()) return RowOrder::kImplied;
    if (!query.group_by.empty() || query.has_aggregates || query.distinct) return RowOrder::kNone;
    RowOrder result = RowOrder::kNone;
    for (const Relation& relation : query.relations) {
        if (relation.subquery == nullptr) continue;
        RowOrder below = row_order(*relation.subquery);
        if (below == RowOrder::kNone) continue;
        bool alone = query.from.size == 1 && !query.from[0]->is_join;
        result = alone && below != RowOrder::kImplied ? RowOrder::kOfSource : RowOrder::kImplied;
    }
    return result;
}

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

Result<std::vector<Translator::SortItem>> Translator::sort_key(const SortKey& key) {
    if (!key.default_operator) return refuse(Reason::kOperator, "ORDER BY ... USING");
    Value value = TRY(this->value(*key.expr));
    std::string direction = key.descending ? " DESC" : " ASC";
    direction += key.nulls_first ? " NULLS FIRST" : " NULLS LAST";
    std::string sql = value.sql;
    std::vector<SortItem> items;
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
            items.push_back({"isNaN(" + sql + ")", direction});
            break;
        case Class::kOther:
        case Class::kJsonb:
        case Class::kInterval:
            return refuse(Reason::kTypeUnsupported, "in ORDER BY");
        default:
            break;
    }
    items.push_back({std::move(sql), std::move(direction)});
    return items;
}

Result<std::string> Translator::sort_keys(const List<SortKey>& keys) {
    std::string sql;
    for (const SortKey& key : keys) {
        std::vector<SortItem> items = TRY(sort_key(key));
        for (const SortItem& item : items)
            sql += (sql.empty() ? "" : ", ") + item.sql + item.direction;
    }
    return sql;
}

// The order in which the reader of this level gets its rows.
Result<std::vector<Translator::SortItem>> Translator::order_of_rows(const Query& query) {
    std::vector<SortItem> items;
    switch (row_order(query)) {
        case RowOrder::kNone:
            break;
        case RowOrder::kOwn:
            for (const SortKey& key : query.order_by) {
                std::vector<SortItem> one = TRY(sort_key(key));
                items.insert(items.end(), one.begin(), one.end());
            }
            break;
        case RowOrder::kOfSource:
            return scope_->sources[query.from[0]->relation].order;
        case RowOrder::kImplied:
            if (is_limited(query)) return refuse(Reason::kImpliedOrder);
            break;
    }
    return items;
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
        std::vector<SortItem> items = TRY(sort_key(key));
        Value plain = TRY(value(*key.expr));
        size_t at = 0;
        while (at < selected_.size() && selected_[at].raw != plain.sql) ++at;
        if (at == selected_.size()) return refuse(Reason::kExpression, "ORDER BY");
        std::string alias = this->alias('c', at + 1);
        for (const SortItem& item : items) {
            std::string text = item.sql + item.direction;
            for (size_t from = 0; (from = text.find(plain.sql, from)) != std::string::npos;
                 from += alias.size())
                text.replace(from, plain.sql.size(), alias);
            sql += (sql.empty() ? "" : ", ") + text;
        }
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
    } else {
        sql = order_clause(TRY(order_of_rows(query)));
    }
    sql += TRY(count_clause(" LIMIT ", query.limit));
    sql += TRY(count_clause(" OFFSET ", query.offset));
    return sql;
}

Status Translator::translate(const Query& query) {
    Scope scope{.query = &query, .ordered = true};
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
        output_.sql += (i == 0 ? "" : ", ") + selected_[i].sql + " AS " + alias('c', i + 1);
    output_.sql += rest + tail + std::string(kSettings);
    // What only counts rows reads some column; the key is there in any table.
    for (RelationUse& use : output_.relations)
        if (use.columns.empty()) use.columns = default_columns_[use.table];
    return {};
}

// The select list of a subquery; its columns are c1, c2, ...
Result<std::vector<Value>> Translator::subquery_columns(const Query& query, std::string& sql) {
    std::vector<Value> columns;
    bool any = false;
    for (const Target& target : query.targets) {
        if (target.junk) continue;
        if (target.unused) {
            columns.emplace_back();
            continue;
        }
        Value one = TRY(value(*target.expr));
        if (query.distinct) TRY(check_key(one, *target.expr));
        std::string cast = one.cls == Class::kOther || is_plain(*target.expr, one)
                               ? one.sql
                               : "CAST(" + one.sql + ", " + quoted(clickhouse_type(one)) + ")";
        sql += (any ? ", " : "") + cast + " AS " + alias('c', columns.size() + 1);
        any = true;
        columns.push_back(std::move(one));
    }
    if (!any) sql += "true AS " + alias('c', 0);
    return columns;
}

// A subquery ships as a whole or not at all. With `order`, the order of its rows becomes columns
// o1, o2, ..., by which the query around it can sort.
Result<std::vector<Value>> Translator::write_subquery(const Query& query, std::string& sql,
                                                      std::vector<SortItem>* order) {
    bool limited = is_limited(query);
    Scope scope{.query = &query, .outer = scope_, .ordered = limited || order != nullptr};
    scope_ = &scope;
    Result<std::vector<Value>> result = [&]() -> Result<std::vector<Value>> {
        TRY(check_shape(query));
        std::string rest = TRY(body(query));
        sql = query.distinct ? "SELECT DISTINCT " : "SELECT ";
        std::vector<Value> columns = TRY(subquery_columns(query, sql));
        if (limited && query.distinct && !query.order_by.empty())
            return refuse(Reason::kSubquery, "DISTINCT with ORDER BY and LIMIT");
        std::vector<SortItem> items;
        if (scope.ordered) items = TRY(order_of_rows(query));
        if (limited) rest += order_clause(items);
        for (size_t i = 0; i < items.size() && order != nullptr; ++i) {
            std::string name = alias('o', i + 1);
            sql += ", " + items[i].sql + " AS " + name;
            order->push_back({std::move(name), items[i].direction});
        }
        sql += rest;
        sql += TRY(count_clause(" LIMIT ", query.limit));
        sql += TRY(count_clause(" OFFSET ", query.offset));
        return columns;
    }();
    scope_ = scope.outer;
    return result;
}

}  // namespace tandem::route
