// What is made of several SELECTs: UNION, INTERSECT, EXCEPT, VALUES and GROUPING SETS.
//
// All of them are UNION ALL with something around it, because it is there that NULLs are equal to
// each other and rows counted as Postgres does.
#include <algorithm>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

constexpr Relation stand_in_relation() {
    Relation relation;
    relation.kind = RelationKind::kSubquery;
    return relation;
}

constexpr Relation kStandIn = stand_in_relation();

}  // namespace

// One type for a column of all branches; Postgres has cast them to one type of its own.
Status Translator::match_columns(std::vector<Derived>& branches, size_t column, Value& common) {
    common = {};
    bool first = true;
    bool moving = false;
    int whole = 0;
    bool padded = true;
    int length = 0;
    for (Derived& branch : branches) {
        const Value& one = branch.columns[column];
        if (!one.null) {
            padded = padded && (length == 0 || length == one.padded);
            length = one.padded;
        }
        if (one.null && !first && one.cls == common.cls) {
            common.nullable = true;
            continue;
        }
        if (first) {
            common = one;
            common.node = nullptr;
            common.literal = common.null = common.bounded = false;
            whole = one.precision - one.scale;
            moving = one.digits != nullptr;
            first = false;
            continue;
        }
        bool text = common.cls != Class::kOther || common.other_type == one.other_type;
        bool label = common.cls != Class::kEnum || one.type == common.type;
        if (one.cls != common.cls || !text || !label)
            return refuse(Reason::kTypeUnsupported, "branches of different types");
        common.nullable = common.nullable || one.nullable;
        moving = moving || one.digits != nullptr || one.scale != common.scale;
        common.digits_known = common.digits_known && one.digits_known;
        common.scale = std::max(common.scale, one.scale);
        whole = std::max(whole, one.precision - one.scale);
    }
    common.padded = padded ? length : 0;
    if (common.cls != Class::kNumeric) return {};
    common.precision = std::max(1, whole + common.scale);
    if (common.precision > kDecimalDigitsMax) return refuse(Reason::kScale, "more than 76 digits");
    common.digits = moving ? sql_.int32(0) : nullptr;
    return {};
}

// UNION ALL of the branches, with a result s0 that says from which one a row is.
Status Translator::union_all(std::vector<Derived>& branches, Derived& all) {
    output_.united = true;
    all.select = sql_.query();
    size_t count = branches.front().columns.size();
    for (size_t column = 0; column < count; ++column)
        TRY(match_columns(branches, column, all.columns.emplace_back()));
    for (size_t i = 0; i < branches.size(); ++i) {
        uint32_t number = 0;
        sql::Select& select = *sql_.query();
        select.from = as_relation(branches[i], number);
        Source source;
        source.number = number;
        source.columns = branches[i].columns;
        for (size_t column = 0; column < count; ++column) {
            uint32_t item = static_cast<uint32_t>(column + 1);
            const Value& common = all.columns[column];
            Value one = of_source(source, column + 1);
            one.null = branches[i].columns[column].null;
            if (common.digits != nullptr) {
                const Node* digits = digits_of(one);
                select.results.push_back({digits, sql::Role::kDigits, item});
            }
            const Node* node = branch(one, common);
            if (common.cls != Class::kOther) node = sql_.cast(node, type_text(common));
            select.results.push_back({node, sql::Role::kValue, item});
        }
        select.results.push_back({sql_.int32(static_cast<int64_t>(i)), sql::Role::kDigits, 0});
        all.select->branches.push_back(&select);
    }
    return {};
}

Result<Translator::Derived> Translator::write_branch(const Query& query) {
    return query.set_operation != SetOperation::kNone ? write_set(query) : write_subquery(query);
}

// Rows that differ in Postgres and nowhere else would be taken for one.
Status Translator::check_set_keys(const Query& query) {
    for (const Query* side : {query.left, query.right}) {
        if (side->set_operation != SetOperation::kNone) {
            TRY(check_set_keys(*side));
            continue;
        }
        for (const Target& target : side->targets) {
            if (target.junk) continue;
            if (target.expr->collation == Collation::kNondeterministic)
                return refuse(Reason::kCollation);
        }
    }
    return {};
}

// The rows of UNION, INTERSECT and EXCEPT from those of both sides: grouped by all columns, of each
// group as many as the operation leaves.
Translator::Derived Translator::combine_rows(const Query& query, const Derived& all) {
    Derived result;
    result.columns = all.columns;
    sql::Select& grouped = *sql_.query();
    uint32_t number = 0;
    grouped.from = as_relation(all, number);
    for (size_t i = 0; i < all.columns.size(); ++i) {
        uint32_t item = static_cast<uint32_t>(i + 1);
        const Node* column = sql_.result(number, sql::Role::kValue, item);
        grouped.group_by.push_back(column);
        grouped.results.push_back({column, sql::Role::kValue, item});
        if (all.columns[i].digits == nullptr) continue;
        // Equal numbers of different digits are one row, and which of them is up to Postgres.
        const Node* digits = sql_.result(number, sql::Role::kDigits, item);
        const Node* wrong = sql_.form("min($1) != max($1)", {digits});
        grouped.results.push_back(
            {sql_.guarded(wrong, sql_.call("max", {digits})), sql::Role::kDigits, item});
    }
    const Node* side = sql_.result(number, sql::Role::kDigits, 0);
    const Node* left = sql_.form("toInt64(countIf($1 = 0))", {side});
    const Node* right = sql_.form("toInt64(countIf($1 = 1))", {side});
    bool except = query.set_operation == SetOperation::kExcept;
    result.select = &grouped;
    if (!query.set_all) {
        if (query.set_operation == SetOperation::kUnion) return result;
        grouped.having =
            sql_.form(except ? "$1 > 0 AND $2 = 0" : "$1 > 0 AND $2 > 0", {left, right});
        return result;
    }
    const Node* times = sql_.form(except ? "greatest($1 - $2, 0)" : "least($1, $2)", {left, right});
    grouped.results.push_back({times, sql::Role::kDigits, 0});
    sql::Select& repeated = *sql_.query();
    uint32_t inner = 0;
    repeated.from = as_relation(result, inner);
    for (size_t i = 0; i < all.columns.size(); ++i) {
        uint32_t item = static_cast<uint32_t>(i + 1);
        repeated.results.push_back(
            {sql_.result(inner, sql::Role::kValue, item), sql::Role::kValue, item});
        if (all.columns[i].digits != nullptr)
            repeated.results.push_back(
                {sql_.result(inner, sql::Role::kDigits, item), sql::Role::kDigits, item});
    }
    const Node* copies =
        sql_.form("arrayJoin(range(toUInt64($1)))", {sql_.result(inner, sql::Role::kDigits, 0)});
    repeated.results.push_back({copies, sql::Role::kDigits, 0});
    result.select = &repeated;
    return result;
}

Result<Translator::Derived> Translator::write_set(const Query& query) {
    std::vector<Derived> sides;
    sides.push_back(TRY(write_branch(*query.left)));
    sides.push_back(TRY(write_branch(*query.right)));
    if (sides[0].columns.size() != sides[1].columns.size()) return refuse(Reason::kSetOperation);
    Derived all;
    TRY(union_all(sides, all));
    if (query.set_operation == SetOperation::kUnion && query.set_all) return all;
    TRY(check_set_keys(query));
    for (const Value& column : all.columns) {
        bool key = !is_float(column.cls) && column.cls != Class::kOther &&
                   column.cls != Class::kJsonb &&
                   (column.cls != Class::kBpchar || column.padded > 0);
        if (!key) return refuse(Reason::kTypeUnsupported, "in a set operation");
        if (!column.digits_known) return refuse(Reason::kScale);
    }
    return combine_rows(query, all);
}

// VALUES: a SELECT of constants per row.
Result<Translator::Derived> Translator::write_values(const Relation& relation) {
    std::vector<Derived> rows;
    for (const List<const Expr*>& row : relation.values) {
        Derived& one = rows.emplace_back();
        one.select = sql_.query();
        for (const Expr* item : row) {
            Value constant = TRY(value(*item));
            one.columns.push_back(constant);
            add_result(*one.select, constant, false, static_cast<uint32_t>(one.columns.size()));
        }
    }
    if (rows.empty() || rows[0].columns.empty()) return refuse(Reason::kFromItem, "VALUES");
    Derived all;
    TRY(union_all(rows, all));
    return all;
}

// Makes a derived table the only relation in scope.
void Translator::stand_in(Derived derived, sql::Select& select) {
    Source& source = scope_->sources.emplace_back();
    source.relation = &kStandIn;
    source.number = ++next_relation_;
    source.columns = std::move(derived.columns);
    select.from = sql_.derived(derived.select, source.number);
}

bool Translator::is_absent(const Expr& expr) const {
    if (scope_ == nullptr || scope_->absent == nullptr || levels_below_ != 0) return false;
    return std::any_of(scope_->absent->begin(), scope_->absent->end(),
                       [&](const Expr* key) { return same_expr(*key, expr); });
}

bool Translator::is_present(const Expr& expr) const {
    if (levels_below_ != 0) return false;
    const List<const Expr*>& keys = scope_->query->group_by;
    return std::any_of(keys.begin(), keys.end(),
                       [&](const Expr* key) { return same_expr(*key, expr); });
}

// GROUPING(a, b): a bit per argument, 1 where it is not grouped by.
Result<Value> Translator::grouping(const Expr& expr) {
    if (scope_->query->grouping_sets.empty()) return refuse(Reason::kGroupingSets);
    int64_t bits = 0;
    for (const Expr* argument : expr.args) bits = bits * 2 + (is_absent(*argument) ? 1 : 0);
    return Value{.node = sql_.int32(bits), .cls = Class::kInt4, .nullable = false};
}

namespace {

// What of an expression is computed by the grouping: aggregates, keys and GROUPING().
void find_cells(const Query& query, const Expr& expr, std::vector<const Expr*>& cells) {
    bool cell = expr.kind == ExprKind::kAggregate || expr.kind == ExprKind::kGrouping;
    for (const Expr* key : query.group_by) cell = cell || same_expr(*key, expr);
    if (cell) {
        bool known = std::any_of(cells.begin(), cells.end(),
                                 [&](const Expr* one) { return same_expr(*one, expr); });
        if (!known) cells.push_back(&expr);
        return;
    }
    // A subquery may read what is grouped by.
    if (expr.kind == ExprKind::kSubquery)
        for (const Expr* key : query.group_by) find_cells(query, *key, cells);
    for (const Expr* argument : expr.args) find_cells(query, *argument, cells);
    if (expr.filter != nullptr) find_cells(query, *expr.filter, cells);
}

}  // namespace

// A SELECT over the grouped rows, for what is computed from them.
Status Translator::over_grouping_sets(const Query& query, sql::Select& select) {
    std::vector<const Expr*> cells;
    for (const Target& target : query.targets)
        if (target.expr != nullptr) find_cells(query, *target.expr, cells);
    for (const Window& window : query.windows) {
        for (const Expr* key : window.partition_by) find_cells(query, *key, cells);
        for (const SortKey& key : window.order_by) find_cells(query, *key.expr, cells);
    }
    stand_in(TRY(write_grouping_sets(query, cells)), select);
    scope_->cells = std::move(cells);
    scope_->over_cells = true;
    return {};
}

// A column per cell. An average is its sum, its count comes behind all cells: it is divided once,
// above the sets, and not in each of them.
Status Translator::write_cells(const std::vector<const Expr*>& cells, Derived& branch) {
    std::vector<Value> counts;
    auto add = [&](const Value& value) {
        branch.columns.push_back(value);
        add_result(*branch.select, value, value.cls == Class::kOther,
                   static_cast<uint32_t>(branch.columns.size()));
    };
    for (const Expr* cell : cells) {
        if (!is_average(*cell)) {
            add(TRY(value(*cell)));
            continue;
        }
        const auto* absent = std::exchange(scope_->absent, nullptr);
        Result<Average> found = average(*cell);
        scope_->absent = absent;
        Average parts = TRY(std::move(found));
        add(parts.sum);
        counts.push_back(parts.count);
    }
    for (const Value& count : counts) add(count);
    return {};
}

// An average that stands above grouping sets.
std::optional<Translator::Average> Translator::average_cell(const Expr& expr) {
    if (!scope_->over_cells || levels_below_ != 0 || !is_average(expr)) return std::nullopt;
    const Source& source = scope_->sources[0];
    size_t count = scope_->cells.size();
    for (size_t i = 0; i < scope_->cells.size(); ++i) {
        if (is_average(*scope_->cells[i])) ++count;
        if (same_expr(*scope_->cells[i], expr))
            return Average{of_source(source, i + 1), of_source(source, count)};
    }
    return std::nullopt;
}

// A SELECT per grouping set, in which the keys of the others are NULL. Every cell is a column.
Result<Translator::Derived> Translator::write_grouping_sets(const Query& query,
                                                            const std::vector<const Expr*>& cells) {
    std::vector<Derived> branches;
    for (const List<uint32_t>& set : query.grouping_sets) {
        Query& one = kept_queries_.emplace_back(query);
        std::vector<const Expr*> keys;
        std::vector<const Expr*> absent;
        for (uint32_t i = 0; i < query.group_by.size; ++i) {
            bool here = std::find(set.begin(), set.end(), i) != set.end();
            (here ? keys : absent).push_back(query.group_by[i]);
        }
        one.group_by = {keys.data(), static_cast<uint32_t>(keys.size())};
        one.has_aggregates = true;
        one.has_grouping_sets = false;
        Derived& branch = branches.emplace_back();
        branch.select = sql_.query();
        Scope scope{.query = &one, .outer = scope_, .absent = &absent};
        Status status = inside(scope, [&]() -> Status {
            TRY(body(one, *branch.select));
            TRY(write_cells(cells, branch));
            if (cells.empty())
                branch.select->results.push_back({sql_.form("true", {}), sql::Role::kValue, 0});
            // Without keys and aggregates it would be no grouping at all.
            if (keys.empty()) {
                const Node* having = branch.select->having;
                const Node* always = sql_.form("count() >= 0", {});
                // Not AND: ClickHouse drops what is always true there, and with it the grouping.
                branch.select->having =
                    having == nullptr ? always : sql_.form("if($1, $2, false)", {having, always});
            }
            close_from(*branch.select);
            return {};
        });
        if (!status.ok()) return std::move(status).error();
        one.group_by = query.group_by;
    }
    Derived all;
    TRY(union_all(branches, all));
    return all;
}

}  // namespace tandem::route
