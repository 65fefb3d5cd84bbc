// Subqueries in expressions.
//
// What refers to no column around it ships as it is: scalar subqueries, and sets for IN. What does
// is computed for all values of those columns at once: EXISTS becomes IN, everything else a derived
// table with a row per value, joined to FROM by a left join that finds one row at most.
#include <algorithm>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {

// A subquery's result as a relation of its own, by which it can be read in other ways.
const sql::From* Translator::as_relation(const Derived& derived, uint32_t& number) {
    number = ++next_relation_;
    return sql_.derived(derived.select, number);
}

// (SELECT `node` FROM subquery)
const sql::Node* Translator::read_derived(const sql::From* from, const Node* node, Nodes where) {
    sql::Select& select = *sql_.query();
    select.results.push_back({node, sql::Role::kValue, 1});
    select.from = from;
    select.where = std::move(where);
    return sql_.select(&select);
}

// Both sides of an equality in one type, so that they can be looked up in a set or joined.
Status Translator::make_comparable(const Expr& comparison, Value& left, Value& right) {
    Class classes[] = {left.cls, right.cls};
    const Rule* row = find_rule(Form::kOperator, "=", classes, Class::kBool);
    bool plain = row != nullptr && !is_float(left.cls) && !is_float(right.cls) &&
                 (left.cls == right.cls || (is_int(left.cls) && is_int(right.cls)));
    if (!plain) return refuse(Reason::kSubquery, "compared types");
    TRY(check_collation(comparison, *row));
    if (left.cls == Class::kNumeric) {
        int scale = std::max(left.scale, right.scale);
        int whole = std::max(left.precision - left.scale, right.precision - right.scale);
        if (whole + scale > kDecimalDigitsMax) return refuse(Reason::kScale);
        left = fixed(left, std::max(1, whole + scale), scale);
        right = fixed(right, std::max(1, whole + scale), scale);
    } else if (left.cls == Class::kBpchar) {
        left.node = sql_.form("trimRight($1)", {left.node});
        right.node = sql_.form("trimRight($1)", {right.node});
    } else if (left.cls != right.cls) {
        left.node = sql_.form("toInt64($1)", {left.node});
        right.node = sql_.form("toInt64($1)", {right.node});
    }
    return {};
}

// Whether the left sides, none of them NULL, are a row of the set; NULLs on the right count for
// nothing.
const sql::Node* Translator::is_in(const std::vector<Value>& left, const Nodes& right,
                                   sql::Select& set) {
    Nodes tests;
    Nodes row;
    Nodes results;
    for (size_t i = 0; i < left.size(); ++i) {
        if (left[i].nullable) tests.push_back(sql_.form("($1 IS NOT NULL)", {left[i].node}));
        row.push_back(left[i].nullable ? sql_.form("assumeNotNull($1)", {left[i].node})
                                       : left[i].node);
        set.where.push_back(sql_.form("($1 IS NOT NULL)", {right[i]}));
        results.push_back(sql_.form("assumeNotNull($1)", {right[i]}));
    }
    for (size_t i = 0; i < results.size(); ++i)
        set.results.push_back({results[i], sql::Role::kValue, static_cast<uint32_t>(i + 1)});
    const Node* wanted = row.size() == 1 ? row[0] : sql_.form("($,)", row);
    tests.push_back(sql_.form("($1 IN $2)", {wanted, sql_.select(&set)}));
    return sql_.both(std::move(tests));
}

// x IN (SELECT ...) of a subquery that refers to nothing around it.
Result<Value> Translator::in_set(const Expr& expr, Place place) {
    std::vector<Value> left;
    for (const Expr* argument : expr.args) left.push_back(TRY(value(*argument)));
    Derived derived = TRY(write_repeated(*expr.subquery));
    if (derived.columns.size() != left.size()) return refuse(Reason::kSubquery);
    uint32_t number = 0;
    const sql::From* from = as_relation(derived, number);
    Nodes right;
    bool nullable = false;
    const Node* plain_right = nullptr;
    const Node* plain_left = left[0].node;
    for (size_t i = 0; i < left.size(); ++i) {
        Value column = derived.columns[i];
        column.node = sql_.result(number, sql::Role::kValue, static_cast<uint32_t>(i + 1));
        plain_right = column.node;
        nullable = nullable || column.nullable || left[i].nullable;
        TRY(make_comparable(expr, left[i], column));
        right.push_back(column.node);
    }
    sql::Select& set = *sql_.query();
    set.from = from;
    Value result{.cls = Class::kBool, .nullable = false};
    result.node = is_in(left, right, set);
    if (place == Place::kFilter || !nullable) return result;
    if (left.size() != 1) return refuse(Reason::kSubquery, "NOT IN of several columns");
    // Neither found nor certainly absent, as soon as a NULL could have been the one.
    const Node* any_row = read_derived(from, sql_.form("count() > 0", {}), {});
    const Node* any_null =
        read_derived(from, sql_.form("countIf($1 IS NULL) > 0", {plain_right}), {});
    Nodes parts = {result.node, any_row, plain_left, any_null};
    result.nullable = true;
    result.node = sql_.cast(
        sql_.form("if($1, true, if(ifNull($2, false) AND (($3 IS NULL) OR ifNull($4, false)), "
                  "NULL, false))",
                  parts),
        "Nullable(Bool)");
    return result;
}

// Separates what ties the subquery to the query around it from the rest of its conditions.
Status Translator::split_correlation(const Query& query, Correlation& found) {
    std::vector<const Expr*> parts;
    if (query.where != nullptr) split_condition(*query.where, parts);
    for (const Expr* part : parts) {
        Reach reach;
        find_reach(*part, 0, reach);
        if (reach.beyond) return refuse(Reason::kCorrelated);
        if (!reach.outer) {
            found.inner.push_back(part);
            continue;
        }
        if (reach.nested) return refuse(Reason::kCorrelated);
        if (!reach.own) {
            found.outer.push_back(part);
            continue;
        }
        if (part->kind != ExprKind::kOperator || !part->builtin || part->args.size != 2)
            return refuse(Reason::kCorrelated, "by this condition");
        Tie tie{.comparison = part, .name = part->name};
        Reach sides[2];
        for (uint32_t i = 0; i < 2; ++i) find_reach(*part->args[i], 0, sides[i]);
        bool swapped = sides[0].outer;
        if (sides[0].own == sides[0].outer || sides[1].own == sides[1].outer ||
            sides[0].outer == sides[1].outer)
            return refuse(Reason::kCorrelated, "by this condition");
        tie.inner = part->args[swapped ? 1 : 0];
        tie.outer = part->args[swapped ? 0 : 1];
        if (swapped && part->name == "<")
            tie.name = ">";
        else if (swapped && part->name == ">")
            tie.name = "<";
        else if (swapped && part->name == "<=")
            tie.name = ">=";
        else if (swapped && part->name == ">=")
            tie.name = "<=";
        (part->name == "=" ? found.equal : found.other).push_back(tie);
    }
    return {};
}

// An expression of the subquery that reads columns of the query around it only.
Result<Value> Translator::outer_value(const Expr& expr, Place place) {
    uint32_t below = levels_below_;
    levels_below_ += 1;
    Result<Value> result = value(expr, place);
    levels_below_ = below;
    return result;
}

// FROM and WHERE of the subquery without what ties it, and its side of each equality.
Status Translator::open_correlated(const Query& query, Correlation& found, sql::Select& select) {
    Query& rest = kept_queries_.emplace_back(query);
    rest.where = nullptr;
    rest.having = nullptr;
    rest.group_by = {};
    rest.order_by = {};
    rest.limit = nullptr;
    rest.has_aggregates = false;
    scope_->query = &rest;
    TRY(write_from(rest, select));
    for (const Expr* condition : found.inner) select.where.push_back(TRY(filter(*condition)));
    for (Tie& tie : found.equal) {
        if (tie.inner == nullptr) continue;
        tie.inside = TRY(value(*tie.inner));
    }
    return {};
}

Result<Value> Translator::exists(const Expr& expr, Place place) {
    const Query& query = *expr.subquery;
    if (query.set_operation != SetOperation::kNone || !query.group_by.empty() ||
        query.has_aggregates || query.having != nullptr || query.offset != nullptr ||
        (query.limit != nullptr && !(query.limit->known && query.limit->known_text != "0")))
        return refuse(Reason::kCorrelated, "EXISTS of this form");
    bool cut = query.limit != nullptr || !query.windows.empty() || !query.distinct_on.empty();
    if (!expr.args.empty() && cut) return refuse(Reason::kCorrelated, "IN of this form");
    Correlation found;
    TRY(split_correlation(query, found));
    // x IN (SELECT y ...) is one more equality.
    for (uint32_t i = 0; i < expr.args.size; ++i) {
        Tie tie{.comparison = &expr, .name = "="};
        tie.inner = query.targets[i].expr;
        tie.outside = TRY(value(*expr.args[i]));
        found.equal.push_back(tie);
    }
    if (found.equal.empty() || found.other.size() > 1)
        return refuse(Reason::kCorrelated, "by these conditions");
    for (Tie& tie : found.equal)
        if (tie.outer != nullptr) tie.outside = TRY(outer_value(*tie.outer));
    for (Tie& tie : found.other) tie.outside = TRY(outer_value(*tie.outer));
    Nodes tests;
    for (const Expr* condition : found.outer) {
        Value test = TRY(outer_value(*condition, Place::kFilter));
        tests.push_back(sql_.form("ifNull($1, false)", {test.node}));
    }
    bool above = is_above_grouping();
    if (!found.other.empty()) TRY(check_ties_above(found));
    sql::Select& select = *sql_.query();
    Scope scope{.query = &query, .outer = scope_};
    const Node* test = nullptr;
    Status status = inside(scope, [&]() -> Status {
        TRY(open_correlated(query, found, select));
        std::vector<Value> left;
        Nodes right;
        for (const Tie& tie : found.equal)
            // Neither found nor certainly absent.
            if (tie.outer == nullptr && place != Place::kFilter &&
                (tie.outside.nullable || tie.inside.nullable))
                return refuse(Reason::kCorrelated, "NOT IN of what may be NULL");
        if (!found.other.empty()) return extremes(found, select, test, above);
        for (Tie& tie : found.equal) {
            TRY(make_comparable(*tie.comparison, tie.outside, tie.inside));
            left.push_back(tie.outside);
            right.push_back(tie.inside.node);
        }
        test = is_in(left, right, select);
        close_from(select);
        return {};
    });
    if (!status.ok()) return std::move(status).error();
    if (!found.other.empty()) TRY(join_derived(found, select));
    tests.push_back(test);
    return Value{.node = sql_.both(std::move(tests)), .cls = Class::kBool, .nullable = false};
}

Status Translator::group_by_ties(Correlation& found, Nodes& keys) {
    for (Tie& tie : found.equal) {
        TRY(check_key(tie.inside, *tie.inner));
        TRY(make_comparable(*tie.comparison, tie.outside, tie.inside));
        keys.push_back(tie.inside.node);
    }
    return {};
}

// Beside equalities one more comparison: it holds for some row of a group if it does for the
// group's least or greatest value.
Status Translator::extremes(Correlation& found, sql::Select& select, const Node*& test,
                            bool above) {
    Tie& tie = found.other.front();
    Value inner = TRY(value(*tie.inner));
    Class classes[] = {inner.cls, tie.outside.cls};
    const Rule* row = find_rule(Form::kOperator, tie.name, classes, Class::kBool);
    const Rule* least = find_rule(Form::kAggregate, "min", {&inner.cls, 1}, inner.cls);
    if (row == nullptr || least == nullptr || is_float(inner.cls) || is_float(tie.outside.cls) ||
        inner.cls == Class::kBpchar)
        return refuse(Reason::kCorrelated, "by this comparison");
    TRY(check_collation(*tie.comparison, *row));
    if (least->flags & rule::kBytewise && tie.comparison->input_collation != Collation::kBytewise)
        return refuse(Reason::kCollation);
    TRY(group_by_ties(found, select.group_by));
    uint32_t keys = static_cast<uint32_t>(found.equal.size());
    select.results.push_back({sql_.call("minOrNull", {inner.node}), sql::Role::kValue, keys + 1});
    select.results.push_back({sql_.call("maxOrNull", {inner.node}), sql::Role::kValue, keys + 2});
    close_from(select);
    uint32_t number = next_relation_ + 1;
    auto compare = [&](uint32_t item) {
        return sql_.form(row->sql,
                         {of_joined(number, sql::Role::kValue, item, above), tie.outside.node});
    };
    if (tie.name == "<>")
        test = sql_.form("ifNull($1 OR $2, false)", {compare(keys + 1), compare(keys + 2)});
    else if (tie.name == "<" || tie.name == "<=")
        test = sql_.form("ifNull($1, false)", {compare(keys + 1)});
    else if (tie.name == ">" || tie.name == ">=")
        test = sql_.form("ifNull($1, false)", {compare(keys + 2)});
    else
        return refuse(Reason::kCorrelated, "by this comparison");
    return {};
}

// Above GROUP BY the join still takes place below it, by what is grouped by, so that all rows of a
// group find the same.
Status Translator::check_ties_above(const Correlation& found) {
    if (!is_above_grouping()) return {};
    for (const Tie& tie : found.equal) {
        bool key = false;
        if (tie.outer != nullptr && scope_->absent == nullptr) {
            Value outside = TRY(outer_value(*tie.outer));
            for (const auto& [expr, written] : scope_->keys)
                key = key || sql::same(*written.node, *outside.node);
        }
        if (!key) return refuse(Reason::kCorrelated, "above GROUP BY by something else");
    }
    return {};
}

const sql::Node* Translator::of_joined(uint32_t number, sql::Role role, uint32_t item, bool above) {
    const Node* node = sql_.result(number, role, item);
    return above ? sql_.call("any_respect_nulls", {node}) : node;
}

// Joins the derived table, grouped by its side of the equalities, to the query around it.
Status Translator::join_derived(Correlation& found, sql::Select& select) {
    if (!scope_->may_join && !scope_->grouped) return refuse(Reason::kCorrelated, "inside of ON");
    uint32_t number = ++next_relation_;
    Scope::Joined joined;
    for (size_t i = 0; i < found.equal.size(); ++i) {
        uint32_t item = static_cast<uint32_t>(i + 1);
        select.results.push_back({found.equal[i].inside.node, sql::Role::kValue, item});
        joined.on.push_back(sql_.form("($1 = $2)", {found.equal[i].outside.node,
                                                    sql_.result(number, sql::Role::kValue, item)}));
    }
    joined.from = sql_.derived(&select, number);
    scope_->joined.push_back(std::move(joined));
    return {};
}

// What is computed of aggregates alone, and is NULL where there are no rows.
static bool is_null_of_nothing(const Expr& expr) {
    if (expr.kind == ExprKind::kAggregate)
        return expr.name == "sum" || expr.name == "avg" || expr.name == "min" || expr.name == "max";
    if (expr.kind != ExprKind::kOperator || expr.args.size != 2) return false;
    auto known = [](const Expr& one) {
        return one.kind == ExprKind::kConstant && one.known && !one.constant_null;
    };
    const Expr& left = *expr.args[0];
    const Expr& right = *expr.args[1];
    return (is_null_of_nothing(left) && (known(right) || is_null_of_nothing(right))) ||
           (known(left) && is_null_of_nothing(right));
}

// It is one column of the derived table, and not computed anew for every row that finds it.
Result<Value> Translator::correlated_value(const Expr& target, const Query& query,
                                           Correlation& found) {
    bool above = is_above_grouping();
    TRY(check_ties_above(found));
    sql::Select& select = *sql_.query();
    Scope scope{.query = &query, .outer = scope_};
    uint32_t item = static_cast<uint32_t>(found.equal.size() + 1);
    Value result;
    Status status = inside(scope, [&]() -> Status {
        TRY(open_correlated(query, found, select));
        result = TRY(value(target));
        if (result.cls == Class::kOther) return refuse(Reason::kCorrelated);
        add_result(select, result, false, item);
        TRY(group_by_ties(found, select.group_by));
        close_from(select);
        return {};
    });
    if (!status.ok()) return std::move(status).error();
    TRY(join_derived(found, select));
    result.node = of_joined(next_relation_, sql::Role::kValue, item, above);
    if (result.digits != nullptr)
        result.digits = of_joined(next_relation_, sql::Role::kDigits, item, above);
    result.nullable = true;
    return result;
}

// (SELECT f(aggregates) FROM ... WHERE inner = outer): the aggregates are columns of the derived
// table, f is computed outside, where a count of no rows is 0.
Result<Value> Translator::correlated_aggregate(const Expr& target, const Query& query,
                                               Correlation& found) {
    sql::Select& select = *sql_.query();
    Scope scope{.query = &query, .outer = scope_};
    bool above = is_above_grouping();
    TRY(check_ties_above(found));
    std::vector<const Expr*> aggregates;
    find_aggregates(target, aggregates);
    uint32_t number = 0;
    size_t before = lifted_.size();
    Status status = inside(scope, [&]() -> Status {
        TRY(open_correlated(query, found, select));
        uint32_t item = static_cast<uint32_t>(found.equal.size());
        std::vector<Lifted> lifted;
        for (const Expr* one : aggregates) {
            Value part = TRY(aggregate(*one));
            if (part.cls == Class::kOther) return refuse(Reason::kCorrelated);
            add_result(select, part, false, ++item);
            lifted.push_back({one, part, item});
        }
        TRY(group_by_ties(found, select.group_by));
        close_from(select);
        number = next_relation_ + 1;
        for (Lifted& one : lifted) {
            one.value.node = of_joined(number, sql::Role::kValue, one.item, above);
            if (one.value.digits != nullptr)
                one.value.digits = of_joined(number, sql::Role::kDigits, one.item, above);
            if (one.aggregate->name == "count")
                one.value.node = sql_.form("ifNull($1, toInt64(0))", {one.value.node});
            else
                one.value.nullable = true;
            lifted_.push_back(one);
        }
        return {};
    });
    if (status.ok()) status = join_derived(found, select);
    Result<Value> result = status.ok() ? outer_value(target) : std::move(status).error();
    lifted_.resize(before);
    return result;
}

// (SELECT x FROM ... WHERE inner = outer) finds one row at most, or the first one by ORDER BY.
Result<Value> Translator::correlated_row(const Expr& target, const Query& query,
                                         Correlation& found) {
    bool first = query.limit != nullptr && query.limit->known && query.limit->known_text == "1" &&
                 !query.order_by.empty();
    if ((query.limit != nullptr || !query.order_by.empty()) && !first)
        return refuse(Reason::kCorrelated, "with this LIMIT");
    bool above = is_above_grouping();
    TRY(check_ties_above(found));
    sql::Select& select = *sql_.query();
    Scope scope{.query = &query, .outer = scope_};
    uint32_t item = static_cast<uint32_t>(found.equal.size() + 1);
    Value result;
    Status status = inside(scope, [&]() -> Status {
        TRY(open_correlated(query, found, select));
        result = TRY(value(target));
        if (result.cls == Class::kOther || result.digits != nullptr)
            return refuse(Reason::kCorrelated, "of this type");
        if (first) select.order_by = TRY(sort_keys(query.order_by));
        if (first) select.order_by.push_back({result.node});
        TRY(group_by_ties(found, first ? select.limit_by : select.group_by));
        const Node* node =
            first ? typed(result)
                  : sql_.cast(sql_.call("any_respect_nulls", {result.node}), type_text(result));
        select.results.push_back({node, sql::Role::kValue, item});
        if (!first) select.results.push_back({sql_.call("count", {}), sql::Role::kValue, item + 1});
        close_from(select);
        return {};
    });
    if (!status.ok()) return std::move(status).error();
    TRY(join_derived(found, select));
    uint32_t number = next_relation_;
    result.node = of_joined(number, sql::Role::kValue, item, above);
    if (!first)
        result.node = sql_.guarded(
            sql_.form("$1 > 1", {of_joined(number, sql::Role::kValue, item + 1, above)}),
            result.node);
    result.nullable = true;
    result.literal = false;
    result.bounded = false;
    return result;
}

Result<Value> Translator::correlated_scalar(const Expr& expr) {
    const Query& query = *expr.subquery;
    bool plain = query.set_operation == SetOperation::kNone && query.group_by.empty() &&
                 query.having == nullptr && query.windows.empty() && query.offset == nullptr &&
                 !query.distinct && query.distinct_on.empty();
    const Expr* target = nullptr;
    for (const Target& one : query.targets)
        if (!one.junk) target = one.expr;
    if (!plain || target == nullptr) return refuse(Reason::kCorrelated, "of this form");
    Correlation found;
    TRY(split_correlation(query, found));
    if (found.equal.empty() || !found.other.empty() || !found.outer.empty())
        return refuse(Reason::kCorrelated, "by these conditions");
    for (Tie& tie : found.equal) tie.outside = TRY(outer_value(*tie.outer));
    if (query.has_aggregates && query.limit == nullptr)
        return is_null_of_nothing(*target) ? correlated_value(*target, query, found)
                                           : correlated_aggregate(*target, query, found);
    if (query.has_aggregates) return refuse(Reason::kCorrelated, "with this LIMIT");
    return correlated_row(*target, query, found);
}

// A scalar subquery that refers to nothing around it.
Result<Value> Translator::scalar(const Query& query) {
    Derived derived = TRY(write_subquery(query));
    if (derived.columns.size() != 1 || derived.columns[0].cls == Class::kOther)
        return refuse(Reason::kSubquery);
    Value result = derived.columns[0];
    result.nullable = true;
    result.literal = false;
    result.null = false;
    if (result.digits == nullptr) {
        result.node = sql_.select(derived.select);
        return result;
    }
    uint32_t number = 0;
    const sql::From* from = as_relation(derived, number);
    result.node = read_derived(from, sql_.result(number, sql::Role::kValue, 1), {});
    result.digits = read_derived(from, sql_.result(number, sql::Role::kDigits, 1), {});
    return result;
}

// x op ANY or ALL (SELECT y ...) of a subquery that refers to nothing around it, by the least and
// the greatest y.
Result<Value> Translator::compare_all(const Expr& expr) {
    bool all = expr.subquery_kind == SubqueryKind::kAll;
    std::string_view name = expr.name;
    if (expr.args.size != 1 || !expr.builtin) return refuse(Reason::kSubquery, all ? "ALL" : "ANY");
    Value left = TRY(value(*expr.args[0]));
    Derived derived = TRY(write_repeated(*expr.subquery));
    uint32_t number = 0;
    const sql::From* from = as_relation(derived, number);
    Value right = derived.columns.at(0);
    const Node* column = sql_.result(number, sql::Role::kValue, 1);
    Class classes[] = {left.cls, right.cls};
    const Rule* row = find_rule(Form::kOperator, name, classes, Class::kBool);
    const Rule* least = find_rule(Form::kAggregate, "min", {&right.cls, 1}, right.cls);
    if (row == nullptr || least == nullptr || is_float(left.cls) || is_float(right.cls) ||
        right.cls == Class::kBpchar || right.cls == Class::kEnum)
        return refuse(Reason::kSubquery, "compared types");
    TRY(check_collation(expr, *row));
    if (row->flags & rule::kUtc) TRY(needs_utc());
    if ((least->flags & rule::kBytewise) && expr.input_collation != Collation::kBytewise)
        return refuse(Reason::kCollation);
    auto read = [&](std::string_view form) {
        return read_derived(from, sql_.form(form, {column}), {});
    };
    auto test = [&](bool greatest) {
        const Node* extreme = read(greatest ? "maxOrNull($1)" : "minOrNull($1)");
        return sql_.form(row->sql, {left.node, extreme});
    };
    const Node* decided = nullptr;
    if (name == "=" || name == "<>")
        decided = sql_.form(all ? "($1 AND $2)" : "($1 OR $2)", {test(false), test(true)});
    else
        decided = test(name.starts_with(">") == all);
    Nodes parts = {read("count()"), left.node, decided, read("countIf($1 IS NULL)")};
    std::string_view form =
        all ? "if(ifNull($1, 0) = 0, true, if($2 IS NULL, NULL, if(ifNull(NOT $3, false), false, "
              "if(ifNull($4, 0) > 0, NULL, true))))"
            : "if(ifNull($1, 0) = 0, false, if($2 IS NULL, NULL, if(ifNull($3, false), true, "
              "if(ifNull($4, 0) > 0, NULL, false))))";
    return Value{.node = sql_.cast(sql_.form(form, parts), "Nullable(Bool)"), .cls = Class::kBool};
}

Result<Value> Translator::subquery(const Expr& expr, Place place) {
    if (expr.subquery == nullptr) return refuse(Reason::kSubquery);
    if (levels_below_ != 0) return refuse(Reason::kCorrelated);
    Reach reach;
    find_reach(*expr.subquery, 0, reach);
    if (reach.beyond) return refuse(Reason::kCorrelated);
    bool in = expr.subquery_kind == SubqueryKind::kAny && expr.name == "=" && expr.builtin;
    switch (expr.subquery_kind) {
        case SubqueryKind::kScalar:
            return reach.outer ? correlated_scalar(expr) : scalar(*expr.subquery);
        case SubqueryKind::kExists: {
            if (reach.outer) return exists(expr, place);
            Derived derived = TRY(write_subquery(*expr.subquery));
            uint32_t number = 0;
            const sql::From* from = as_relation(derived, number);
            const Node* any = read_derived(from, sql_.form("count() > 0", {}), {});
            return Value{.node = sql_.form("ifNull($1, false)", {any}),
                         .cls = Class::kBool,
                         .nullable = false};
        }
        case SubqueryKind::kAny:
            if (!in && reach.outer) return refuse(Reason::kSubquery, "ANY");
            if (!in) return compare_all(expr);
            if (!reach.outer) return in_set(expr, place);
            return exists(expr, place);
        case SubqueryKind::kAll: {
            if (!expr.builtin || reach.outer) return refuse(Reason::kSubquery, "ALL");
            if (expr.name != "<>") return compare_all(expr);
            Value found = TRY(in_set(expr, Place::kValue));
            found.node = sql_.form("(NOT $1)", {found.node});
            return found;
        }
    }
    return refuse(Reason::kSubquery);
}

}  // namespace tandem::route
