#include "route/translate/walk.h"

namespace tandem::route {
namespace {

void find_reach(const List<SortKey>& keys, uint32_t depth, Reach& reach) {
    for (const SortKey& key : keys) find_reach(*key.expr, depth, reach);
}

void find_reach(const List<const Expr*>& list, uint32_t depth, Reach& reach) {
    for (const Expr* expr : list)
        if (expr != nullptr) find_reach(*expr, depth, reach);
}

void find_reach(const FromItem& item, uint32_t depth, Reach& reach) {
    if (!item.is_join) return;
    find_reach(*item.left, depth, reach);
    find_reach(*item.right, depth, reach);
    if (item.on != nullptr) find_reach(*item.on, depth, reach);
}

void find_reach(const Relation& relation, uint32_t depth, Reach& reach) {
    if (relation.subquery != nullptr) find_reach(*relation.subquery, depth + 1, reach);
    for (const List<const Expr*>& row : relation.values) find_reach(row, depth, reach);
}

bool same_lists(const List<const Expr*>& a, const List<const Expr*>& b) {
    if (a.size != b.size) return false;
    for (uint32_t i = 0; i < a.size; ++i)
        if (!same_expr(*a[i], *b[i])) return false;
    return true;
}

}  // namespace

void find_reach(const Expr& expr, uint32_t depth, Reach& reach) {
    if (expr.kind == ExprKind::kColumn) {
        reach.own = reach.own || expr.levels_up == depth;
        reach.outer = reach.outer || expr.levels_up == depth + 1;
        reach.beyond = reach.beyond || expr.levels_up > depth + 1;
    }
    if (expr.kind == ExprKind::kAggregate || expr.kind == ExprKind::kWindow ||
        expr.kind == ExprKind::kSubquery || expr.kind == ExprKind::kGrouping)
        reach.nested = true;
    find_reach(expr.args, depth, reach);
    find_reach(expr.direct_args, depth, reach);
    find_reach(expr.order_by, depth, reach);
    find_reach(expr.within_group, depth, reach);
    if (expr.filter != nullptr) find_reach(*expr.filter, depth, reach);
    if (expr.subquery != nullptr) find_reach(*expr.subquery, depth + 1, reach);
}

void find_reach(const Query& query, uint32_t depth, Reach& reach) {
    for (const Relation& relation : query.relations) find_reach(relation, depth, reach);
    for (const FromItem* item : query.from) find_reach(*item, depth, reach);
    if (query.where != nullptr) find_reach(*query.where, depth, reach);
    for (const Target& target : query.targets)
        if (target.expr != nullptr) find_reach(*target.expr, depth, reach);
    find_reach(query.group_by, depth, reach);
    if (query.having != nullptr) find_reach(*query.having, depth, reach);
    find_reach(query.order_by, depth, reach);
    find_reach(query.distinct_on, depth, reach);
    for (const Window& window : query.windows) {
        find_reach(window.partition_by, depth, reach);
        find_reach(window.order_by, depth, reach);
    }
    if (query.left != nullptr) find_reach(*query.left, depth + 1, reach);
    if (query.right != nullptr) find_reach(*query.right, depth + 1, reach);
}

void split_conjunction(const Expr& expr, std::vector<const Expr*>& parts) {
    if (expr.kind != ExprKind::kAnd) return parts.push_back(&expr);
    for (const Expr* part : expr.args) split_conjunction(*part, parts);
}

bool same_expr(const Expr& a, const Expr& b) {
    if (a.kind != b.kind || a.name != b.name || a.type != b.type || a.typmod != b.typmod ||
        a.relation != b.relation || a.attnum != b.attnum || a.levels_up != b.levels_up ||
        a.distinct != b.distinct || a.all != b.all || a.window != b.window ||
        a.subquery != nullptr || b.subquery != nullptr)
        return &a == &b;
    if (a.kind == ExprKind::kConstant && a.constant != b.constant)
        return a.known && b.known && a.constant_null == b.constant_null &&
               a.known_text == b.known_text;
    if ((a.filter == nullptr) != (b.filter == nullptr)) return false;
    if (a.filter != nullptr && !same_expr(*a.filter, *b.filter)) return false;
    if (!a.order_by.empty() || !b.order_by.empty() || !a.within_group.empty()) return &a == &b;
    return same_lists(a.args, b.args) && same_lists(a.direct_args, b.direct_args);
}

}  // namespace tandem::route
