// One SELECT: grouping, sorting, limits, and the settings its meaning depends on.
#include <algorithm>

#include "route/sql/print.h"
#include "route/translate/translator.h"
#include "route/translate/walk.h"

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
    " session_timezone = 'UTC',"
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
// What may fail is computed only where it is asked for, however cheap it is; where nothing may, the
// conditions of a WHERE are a fifth cheaper without.
constexpr std::string_view kLazy = ", short_circuit_function_evaluation = 'force_enable'";
constexpr std::string_view kEager = ", short_circuit_function_evaluation = 'enable'";
// No column of a mirrored table begins like that.
constexpr std::string_view kReservedPrefix = "_tandem_";

// A column that is not computed on its way: what is inlined is one in Postgres only.
bool is_name(const Expr& expr, const Value& value) {
    return expr.kind == ExprKind::kColumn &&
           (value.node->kind == sql::Kind::kColumn || value.node->kind == sql::Kind::kResult);
}

// Shown as it is stored, without a cast.
bool is_plain(const Expr& expr, const Value& value) {
    return value.cls == Class::kOther ||
           (is_name(expr, value) && value.cls != Class::kTimestamp &&
            value.cls != Class::kTimestamptz && value.cls != Class::kEnum);
}

}  // namespace

bool is_limited(const Query& query) {
    auto cuts = [](const Expr* count) {
        return count != nullptr && !(count->known && count->constant_null);
    };
    return cuts(query.limit) ||
           (cuts(query.offset) && !(query.offset->known && query.offset->known_text == "0"));
}

// The standard gives no order to the rows of a subquery, but Postgres keeps it through whatever
// only filters, computes or cuts them off, and everybody relies on that.
RowOrder row_order(const Query& query) {
    if (!query.order_by.empty()) return RowOrder::kOwn;
    if (!query.windows.empty() || query.set_operation != SetOperation::kNone)
        return RowOrder::kImplied;
    if (!query.group_by.empty() || query.has_aggregates || query.distinct ||
        query.has_grouping_sets)
        return RowOrder::kNone;
    RowOrder result = RowOrder::kNone;
    for (const Relation& relation : query.relations) {
        bool alone = query.from.size == 1 && !query.from[0]->is_join;
        RowOrder below = RowOrder::kNone;
        if (relation.subquery != nullptr)
            below = row_order(*relation.subquery);
        else if (relation.kind == RelationKind::kFunction && alone)
            below = RowOrder::kOwn;
        if (below == RowOrder::kNone) continue;
        result = alone && below != RowOrder::kImplied ? RowOrder::kOfSource : RowOrder::kImplied;
    }
    return result;
}

Status Translator::check_shape(const Query& query) {
    if (query.has_grouping_sets && query.grouping_sets.empty())
        return refuse(Reason::kGroupingSets);
    if (!query.distinct_on.empty() && query.order_by.empty())
        return refuse(Reason::kImpliedOrder, "DISTINCT ON without ORDER BY");
    bool grouped = !query.group_by.empty() || query.has_aggregates || query.has_grouping_sets;
    if (query.having != nullptr && !grouped)
        return refuse(Reason::kExpression, "HAVING without GROUP BY");
    return {};
}

// Rows are equal in ClickHouse exactly when they are in Postgres.
Status Translator::check_key(const Value& value, const Expr& expr) {
    // Zeroes of both signs and NaN are what floating point numbers differ in; fields of times have
    // neither.
    bool field = expr.kind == ExprKind::kFunction && expr.builtin && expr.name == "date_part";
    if (is_float(value.cls) && !field) return refuse(Reason::kFloatKey);
    // Equal numbers may have different digits, and which are shown is up to Postgres.
    if (value.digits != nullptr || !value.digits_known) return refuse(Reason::kScale);
    // Of char(n) every value of a column is padded to n, so that equal ones have equal bytes.
    bool padded = value.padded > 0 || (expr.kind == ExprKind::kColumn && expr.typmod >= 0);
    // Arrays that may be NULL are held as their text, which is the same for equal ones.
    bool array =
        is_array(value) || (expr.kind == ExprKind::kColumn && is_array_type(expr.type) &&
                            value.cls == Class::kOther && value.other_type.ends_with("String)"));
    if ((value.cls == Class::kOther && !array) ||
        (value.cls == Class::kJsonb && !is_json_part(expr)) ||
        (value.cls == Class::kBpchar && !padded))
        return refuse(Reason::kTypeUnsupported, "in GROUP BY or DISTINCT");
    bool text = array || value.cls == Class::kText || value.cls == Class::kBpchar;
    if (text && expr.collation == Collation::kNondeterministic) return refuse(Reason::kCollation);
    return {};
}

namespace {

// Casts of integers have neither a zero below zero nor NaN.
bool is_whole_cast(const Expr& expr) {
    bool cast = expr.kind == ExprKind::kCast || expr.kind == ExprKind::kFunction;
    return cast && expr.builtin && expr.args.size == 1 && is_int(class_of_type(expr.args[0]->type));
}

}  // namespace

// The value as a key, so that rows are equal in ClickHouse exactly when they are in Postgres. Which
// of equal values is shown is up to Postgres: where they look different the query fails.
Status Translator::make_key(Value& value, const Expr& expr) {
    bool field = expr.kind == ExprKind::kFunction && expr.builtin && expr.name == "date_part";
    if (is_float(value.cls) && !field && !is_whole_cast(expr)) {
        const Node* below = sql_.form("($1 = 0 AND 1 / $1 < 0)", {value.node});
        const Node* plain = sql_.form("if(isNaN($1), nan, $1)", {value.node});
        value.node = sql_.guarded(below, plain);
        value.nullable = true;
        value.node = typed(value);
        value.literal = false;
        return {};
    }
    if (is_float(value.cls)) return {};
    // Documents are equal to others with more zeros behind a point.
    if (value.cls == Class::kJsonb && !value.reprinted && !is_json_part(expr)) {
        const Node* zeros = sql_.form("match($1, '[.][0-9]*0([^0-9]|$)')", {value.node});
        value.node = sql_.guarded(zeros, value.node);
        value.nullable = true;
        return {};
    }
    return check_key(value, expr);
}

// An expression of GROUP BY. Equal numbers whose digits differ fail the query.
Result<Value> Translator::key_of_group(const Expr& expr, const Node*& group) {
    if (expr.type == oid::kInterval && has_parts(expr) && expr.kind == ExprKind::kColumn)
        return key_of_parts(expr, group);
    Value key = TRY(value(expr));
    const Node* plain = key.node;
    const Node* digits = key.digits;
    key.digits = nullptr;
    TRY(make_key(key, expr));
    if (digits != nullptr) {
        const Node* counted = sql_.form("if($1 IS NULL, NULL, $2)", {key.node, digits});
        const Node* least = sql_.call("minOrNull", {counted});
        const Node* most = sql_.call("maxOrNull", {counted});
        key.digits = sql_.guarded(sql_.form("$1 != $2", {least, most}), most);
    }
    scope_->changed_keys = scope_->changed_keys || key.node != plain || digits != nullptr;
    group = key.node;
    return key;
}

// Tables that are grouped by their whole key: each group is of one row of them.
void Translator::note_keyed(const Query& query) {
    for (size_t i = 0; i < scope_->sources.size(); ++i) {
        Source& source = scope_->sources[i];
        if (source.relation == nullptr || source.relation->kind != RelationKind::kTable) continue;
        auto grouped = [&](int32_t attnum) {
            return std::any_of(query.group_by.begin(), query.group_by.end(), [&](const Expr* key) {
                return key->kind == ExprKind::kColumn && key->levels_up == 0 &&
                       key->relation == i && key->attnum == attnum;
            });
        };
        const List<int32_t>& key = source.relation->key;
        source.keyed = !key.empty() && std::all_of(key.begin(), key.end(), grouped);
    }
}

// A column that is the same in all rows of a group is one more key.
void Translator::add_dependent(const Node* column) {
    Nodes& keys = scope_->select->group_by;
    auto there = [&](const Node* key) { return sql::same(*key, *column); };
    if (std::none_of(keys.begin(), keys.end(), there)) keys.push_back(column);
}

Result<const sql::Node*> Translator::group_key(const Expr& expr) {
    Value key = TRY(value(expr));
    TRY(make_key(key, expr));
    return key.node;
}

Translator::OrderItems Translator::sort_items(const Value& value, const SortKey& key) {
    auto item = [&](const Node* node) {
        return sql::OrderItem{node, key.descending, key.nulls_first};
    };
    switch (value.cls) {
        case Class::kBpchar:
            return {item(sql_.form("trimRight($1)", {value.node}))};
        case Class::kEnum:
            return {item(position_of(value))};
        case Class::kUuid:
            return {item(sql_.form("toString($1)", {value.node}))};
        case Class::kInet:
            return {item(inet_key(value.node))};
        case Class::kFloat4:
        case Class::kFloat8:
            // NaN is the greatest value in Postgres, on either side of NULL.
            return {item(sql_.form("isNaN($1)", {value.node})), item(value.node)};
        default:
            return {item(value.node)};
    }
}

Status Translator::check_sortable(const Value& value, const Expr& expr) {
    bool text = value.cls == Class::kText || value.cls == Class::kBpchar;
    if (text && expr.collation != Collation::kBytewise) return refuse(Reason::kCollation);
    if (value.cls == Class::kOther || value.cls == Class::kJsonb)
        return refuse(Reason::kTypeUnsupported, "in ORDER BY");
    return {};
}

Result<Translator::OrderItems> Translator::sort_key(const SortKey& key) {
    if (!key.default_operator) return refuse(Reason::kOperator, "ORDER BY ... USING");
    Value value = TRY(this->value(*key.expr));
    TRY(check_sortable(value, *key.expr));
    return sort_items(value, key);
}

Result<Translator::OrderItems> Translator::sort_keys(const List<SortKey>& keys) {
    OrderItems items;
    for (const SortKey& key : keys) {
        OrderItems one = TRY(sort_key(key));
        items.insert(items.end(), one.begin(), one.end());
    }
    return items;
}

// The order in which the reader of this level gets its rows.
Result<Translator::OrderItems> Translator::order_of_rows(const Query& query) {
    switch (row_order(query)) {
        case RowOrder::kNone:
            break;
        case RowOrder::kOwn:
            return sort_keys(query.order_by);
        case RowOrder::kOfSource:
            return scope_->sources[query.from[0]->relation].order;
        case RowOrder::kImplied:
            if (is_limited(query)) return refuse(Reason::kImpliedOrder);
            break;
    }
    return OrderItems();
}

// The argument of LIMIT or OFFSET; null for none.
Result<const sql::Node*> Translator::count_node(const Expr* expr) {
    const Node* none = nullptr;
    if (expr == nullptr || (expr->known && expr->constant_null)) return none;
    if (expr->kind != ExprKind::kConstant || expr->type != oid::kInt8)
        return refuse(Reason::kConstant, "LIMIT or OFFSET");
    if (!expr->known) return parameter(*expr, "UInt64");
    if (expr->known_text.starts_with('-')) return refuse(Reason::kConstant, "a negative LIMIT");
    // The grammar wants a plain number here; it is not computed with.
    return sql_.form(sql_.keep(std::string(expr->known_text)), {});
}

Status Translator::limits(const Query& query, sql::Select& select) {
    select.limit = TRY(count_node(query.limit));
    select.offset = TRY(count_node(query.offset));
    select.with_ties = query.with_ties && select.limit != nullptr;
    if (select.with_ties && (select.offset != nullptr || !query.distinct_on.empty()))
        return refuse(Reason::kWithTies);
    for (const Expr* key : query.distinct_on) select.limit_by.push_back(TRY(group_key(*key)));
    return {};
}

// FROM, WHERE, GROUP BY and HAVING.
Status Translator::body(const Query& query, sql::Select& select) {
    if (query.set_operation != SetOperation::kNone) {
        stand_in(TRY(write_set(query)), select);
        return {};
    }
    if (query.has_grouping_sets) return over_grouping_sets(query, select);
    // The rows are those of all grouping sets.
    const auto* absent = scope_->absent;
    scope_->absent = nullptr;
    Status from = write_from(query, select);
    scope_->absent = absent;
    if (!from.ok()) return from;
    scope_->select = &select;
    std::vector<std::pair<const Expr*, Value>> keys;
    for (const Expr* expr : query.group_by) {
        const Node* group = nullptr;
        keys.emplace_back(expr, TRY(key_of_group(*expr, group)));
        select.group_by.push_back(group);
    }
    scope_->keys = std::move(keys);
    note_keyed(query);
    if (!query.group_by.empty() || query.has_aggregates) {
        scope_->may_join = false;
        scope_->grouped = true;
    }
    if (query.having != nullptr) select.having = TRY(filter(*query.having));
    return {};
}

// Decorrelated subqueries come behind everything else of FROM.
void Translator::close_from(sql::Select& select) {
    for (Scope::Joined& joined : scope_->joined)
        select.from =
            sql_.join(sql::JoinWord::kLeft, select.from, joined.from, std::move(joined.on));
    scope_->joined.clear();
}

// ORDER BY of a DISTINCT query may only name what is selected.
Result<Translator::OrderItems> Translator::distinct_order(const Query& query) {
    OrderItems items;
    for (const SortKey& key : query.order_by) {
        TRY(sort_key(key));
        Value plain = TRY(value(*key.expr));
        TRY(make_key(plain, *key.expr));
        size_t at = 0;
        while (at < selected_.size() && !sql::same(*selected_[at].raw, *plain.node)) ++at;
        if (at == selected_.size()) return refuse(Reason::kExpression, "ORDER BY");
        plain.node = sql_.result(0, sql::Role::kValue, static_cast<uint32_t>(at + 1));
        OrderItems one = sort_items(plain, key);
        items.insert(items.end(), one.begin(), one.end());
    }
    return items;
}

// ORDER BY, LIMIT and OFFSET of the outermost query. What does not ship is left to Postgres.
Status Translator::write_tail(const Query& query, sql::Select& select) {
    Reason reason = reason_;
    if (!query.order_by.empty()) {
        const Mark mark = this->mark();
        Result<OrderItems> keys =
            query.distinct ? distinct_order(query) : sort_keys(query.order_by);
        output_.sorted = keys.ok();
        if (!keys.ok() && !query.distinct_on.empty()) return std::move(keys).error();
        if (!keys.ok()) {
            reason_ = reason;
            output_.limited = false;
            back_to(mark);
            return {};
        }
        select.order_by = *keys;
    } else {
        select.order_by = TRY(order_of_rows(query));
    }
    return limits(query, select);
}

void Translator::finish(const sql::Select& select) {
    output_.raises = sql_.any_raises();
    output_.sql = sql::print(select, names_clash_ ? kReservedPrefix : "");
    output_.sql.append(kSettings).append(output_.raises ? kLazy : kEager);
    // What only counts rows reads some column; the key is there in any table.
    for (RelationUse& use : output_.relations)
        if (use.columns.empty()) use.columns = {default_columns_[use.table]};
}

Status Translator::translate(const Query& query) {
    Scope scope{.query = &query, .ordered = true};
    scope_ = &scope;
    sql::Select& select = *sql_.query();
    TRY(check_shape(query));
    TRY(body(query, select));
    for (const Target& target : query.targets) {
        // Only grouped by: of DISTINCT it would be one more column.
        if (query.distinct && target.junk) continue;
        TRY(add_target(query, target));
    }
    if (output_.relations.empty()) return refuse(Reason::kNoTable);
    if (output_.columns.empty()) {
        Expr one;
        one.kind = ExprKind::kFunction;
        one.type = oid::kInt2;
        Value number{.node = sql_.form("toInt16(1)", {}), .cls = Class::kInt2, .nullable = false};
        TRY(add_column(one, number));
    }
    TRY(write_tail(query, select));
    select.distinct = query.distinct;
    select_columns(select);
    close_from(select);
    if (secured_ && sql_.any_raises()) return refuse(Reason::kRowSecurity);
    finish(select);
    return {};
}

void Translator::select_columns(sql::Select& select) {
    for (size_t i = 0; i < selected_.size(); ++i)
        select.results.push_back(
            {selected_[i].node, sql::Role::kValue, static_cast<uint32_t>(i + 1)});
}

void Translator::add_result(sql::Select& select, const Value& value, bool plain, uint32_t item) {
    select.results.push_back({plain ? value.node : typed(value), sql::Role::kValue, item});
    if (value.digits != nullptr) select.results.push_back({value.digits, sql::Role::kDigits, item});
}

// The select list of a subquery.
Status Translator::subquery_columns(const Query& query, Derived& derived) {
    for (const Target& target : query.targets) {
        if (target.junk) continue;
        uint32_t item = static_cast<uint32_t>(derived.columns.size() + 1);
        Value one;
        if (!target.unused) {
            as_stored_ = target.expr->kind == ExprKind::kColumn && !query.distinct;
            Result<Value> column = value(*target.expr);
            as_stored_ = false;
            one = TRY(std::move(column));
            if (query.distinct) TRY(make_key(one, *target.expr));
            add_result(*derived.select, one, is_plain(*target.expr, one), item);
        }
        derived.columns.push_back(one);
    }
    if (derived.select->results.empty())
        derived.select->results.push_back({sql_.form("true", {}), sql::Role::kValue, 0});
    return {};
}

Status Translator::fill_subquery(const Query& query, Derived& derived, OrderItems* order) {
    bool limited = is_limited(query);
    sql::Select& select = *derived.select;
    TRY(check_shape(query));
    TRY(body(query, select));
    select.distinct = query.distinct;
    TRY(subquery_columns(query, derived));
    OrderItems items;
    if (query.distinct && limited)
        items = TRY(order_of_distinct(query, derived));
    else if (scope_->ordered)
        items = TRY(order_of_rows(query));
    if (limited || !query.distinct_on.empty()) {
        select.order_by = items;
        if (total_) break_ties(select, select.order_by);
    }
    for (size_t i = 0; i < items.size() && order != nullptr; ++i) {
        uint32_t number = static_cast<uint32_t>(i + 1);
        select.results.push_back({items[i].node, sql::Role::kOrder, number});
        items[i].node = sql_.result(0, sql::Role::kOrder, number);
        order->push_back(items[i]);
    }
    TRY(limits(query, select));
    close_from(select);
    return {};
}

// ORDER BY of a DISTINCT subquery with LIMIT, by the columns that it selects.
Result<Translator::OrderItems> Translator::order_of_distinct(const Query& query,
                                                             const Derived& derived) {
    OrderItems items;
    for (const SortKey& key : query.order_by) {
        if (!key.default_operator) return refuse(Reason::kOperator, "ORDER BY ... USING");
        uint32_t item = 0;
        bool found = false;
        for (const Target& target : query.targets) {
            if (target.junk || found) continue;
            ++item;
            found = target.expr != nullptr && same_expr(*target.expr, *key.expr);
        }
        if (!found) return refuse(Reason::kSubquery, "DISTINCT with ORDER BY and LIMIT");
        Value column = derived.columns[item - 1];
        TRY(check_sortable(column, *key.expr));
        column.node = sql_.result(0, sql::Role::kValue, item);
        OrderItems one = sort_items(column, key);
        items.insert(items.end(), one.begin(), one.end());
    }
    return items;
}

// A subquery ships as a whole or not at all. With `order`, the order of its rows becomes columns,
// by which the query around it can sort.
Result<Translator::Derived> Translator::write_subquery(const Query& query, OrderItems* order) {
    Derived derived;
    derived.select = sql_.query();
    bool ordered = is_limited(query) || order != nullptr || !query.distinct_on.empty();
    Scope scope{.query = &query, .outer = scope_, .ordered = ordered};
    uint32_t below = levels_below_;
    levels_below_ = 0;
    scope_ = &scope;
    Status status = fill_subquery(query, derived, order);
    scope_ = scope.outer;
    levels_below_ = below;
    if (!status.ok()) return std::move(status).error();
    return derived;
}

// The same each time it is computed.
Result<Translator::Derived> Translator::write_repeated(const Query& query, OrderItems* order) {
    bool before = total_;
    total_ = true;
    Result<Derived> derived = write_subquery(query, order);
    total_ = before;
    return derived;
}

// Rows that are the same in all results may take each other's place.
void Translator::break_ties(const sql::Select& select, OrderItems& items) {
    for (const sql::Result& result : select.results) items.push_back({result.node});
}

}  // namespace tandem::route
