#include "route/translate/walk.h"

#include <algorithm>
#include <cstdio>
#include <string>

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
    if (relation.function != nullptr) find_reach(*relation.function, depth, reach);
    if (relation.filter != nullptr) find_reach(*relation.filter, depth, reach);
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

void find_aggregates(const Expr& expr, std::vector<const Expr*>& found) {
    if (expr.kind == ExprKind::kAggregate) return found.push_back(&expr);
    for (const Expr* argument : expr.args) find_aggregates(*argument, found);
}

void find_relations(const Expr& expr, uint32_t level, std::vector<uint32_t>& found) {
    if (expr.kind == ExprKind::kColumn && expr.levels_up == level) found.push_back(expr.relation);
    for (const Expr* argument : expr.args) find_relations(*argument, level, found);
}

bool is_clock_interval(const Expr& expr) {
    if (!expr.known || expr.constant_null) return false;
    std::string_view text = expr.known_text;
    return std::count(text.begin(), text.end(), ':') == 2 &&
           text.find_first_not_of("-0123456789:.") == std::string_view::npos &&
           text.find('-', 1) == std::string_view::npos;
}

bool known_microseconds(const Expr& expr, int64_t& micros) {
    if (!expr.known || expr.constant_null) return false;
    std::string text(expr.known_text);
    micros = 0;
    size_t day = text.find(" day");
    if (day != std::string::npos) {
        if (day == 0 || day > 6 || text.find_first_not_of("0123456789") != day) return false;
        micros = std::stoll(text.substr(0, day)) * 86400000000;
        size_t after = text.find(' ', day + 1);
        if (after == std::string::npos) {
            std::string_view word = std::string_view(text).substr(day);
            return word == " day" || word == " days";
        }
        text = text.substr(after + 1);
    }
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    int end = 0;
    if (text.empty() || text[0] == '-' || text.size() > 16 ||
        std::sscanf(text.c_str(), "%d:%2d:%2d%n", &hours, &minutes, &seconds, &end) != 3)
        return false;
    std::string fraction = text.substr(static_cast<size_t>(end));
    if (!fraction.empty() && (fraction[0] != '.' || fraction.size() > 7 || fraction.size() < 2 ||
                              fraction.find_first_not_of("0123456789", 1) != std::string::npos))
        return false;
    fraction.resize(7, '0');
    if (fraction[0] != '.') fraction = ".000000";
    micros +=
        ((hours * int64_t{60} + minutes) * 60 + seconds) * 1000000 + std::stoll(fraction.substr(1));
    return true;
}

std::string_view unit_name(const Expr& expr) {
    // Postgres' names, and the others it has for them.
    constexpr std::string_view kNames[][8] = {
        {"microseconds", "microsecond", "us", "usec", "usecs", "usecond", "useconds"},
        {"milliseconds", "millisecond", "ms", "msec", "msecs", "msecond", "mseconds"},
        {"second", "seconds", "s", "sec", "secs"},
        {"minute", "minutes", "min", "mins", "m"},
        {"hour", "hours", "h", "hr", "hrs"},
        {"day", "days", "d"},
        {"week", "weeks", "w"},
        {"month", "months", "mon", "mons"},
        {"quarter", "qtr"},
        {"year", "years", "y", "yr", "yrs"},
        {"decade", "decades", "dec", "decs"},
        {"century", "centuries", "c", "cent"},
        {"millennium", "millennia", "mil", "mils"},
        {"dow"},
        {"isodow"},
        {"doy"},
        {"isoyear"},
        {"epoch"},
    };
    bool text = expr.kind == ExprKind::kConstant && expr.known && !expr.constant_null;
    if (!text) return {};
    std::string small(expr.known_text);
    for (char& c : small)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    for (const auto& names : kNames)
        for (std::string_view name : names)
            if (!name.empty() && name == small) return names[0];
    return {};
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
