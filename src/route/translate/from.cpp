// FROM: relations and joins.
//
// Inner joins are put in an order of our own: the largest relation first, every further one to the
// right of it, because ClickHouse builds the hash table of a join from the right side.
#include <algorithm>

#include "route/sql/print.h"
#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

constexpr double kSubqueryRows = 100000;

// Relations of this level that the expression reads; false when that cannot be told.
bool relations_of(const Expr& expr, std::vector<uint32_t>& found) {
    if (expr.kind == ExprKind::kSubquery || expr.kind == ExprKind::kAggregate ||
        expr.kind == ExprKind::kWindow)
        return false;
    if (expr.kind == ExprKind::kColumn) {
        if (expr.levels_up != 0) return false;
        found.push_back(expr.relation);
    }
    for (const Expr* argument : expr.args)
        if (!relations_of(*argument, found)) return false;
    return true;
}

bool all_in(const std::vector<uint32_t>& some, const std::vector<uint32_t>& set) {
    return !some.empty() && std::all_of(some.begin(), some.end(), [&](uint32_t one) {
        return std::find(set.begin(), set.end(), one) != set.end();
    });
}

void relations_below(const FromItem& item, std::vector<uint32_t>& found) {
    if (!item.is_join) return found.push_back(item.relation);
    relations_below(*item.left, found);
    relations_below(*item.right, found);
}

}  // namespace

Status Translator::open_source(const Relation& relation, Source& source, bool ordered) {
    source.relation = &relation;
    source.number = ++next_relation_;
    if (relation.lateral) return refuse(Reason::kFromItem, "LATERAL");
    if (relation.kind == RelationKind::kTable) {
        source.use = output_.relations.size();
        output_.relations.push_back({relation.id, {}});
        for (const MirroredColumn& column : relation.columns) {
            if (relation.key.empty() || column.attnum == relation.key[0])
                default_columns_[relation.id] = std::string(column.name);
            names_clash_ = names_clash_ || sql::is_like_own_name(column.name);
        }
        source.from = sql_.place(static_cast<uint32_t>(source.use), source.number);
        return {};
    }
    bool values = relation.kind == RelationKind::kValues;
    if (!values && relation.subquery == nullptr) return refuse(Reason::kFromItem);
    Result<Derived> written =
        values ? write_values(relation)
               : write_subquery(*relation.subquery, ordered ? &source.order : nullptr);
    Derived derived = TRY(std::move(written));
    for (sql::OrderItem& item : source.order)
        item.node = sql_.result(source.number, sql::Role::kOrder, item.node->item);
    source.columns = std::move(derived.columns);
    source.from = sql_.derived(derived.select, source.number);
    return {};
}

// A column of a subquery as the query around it reads it.
Value Translator::of_source(const Source& source, size_t column) {
    Value result = source.columns[column - 1];
    uint32_t item = static_cast<uint32_t>(column);
    result.node = sql_.result(source.number, sql::Role::kValue, item);
    if (result.digits != nullptr)
        result.digits = sql_.result(source.number, sql::Role::kDigits, item);
    result.literal = false;
    result.null = false;
    return result;
}

void Translator::note_column(const Source& source, std::string_view name) {
    std::vector<std::string>& columns = output_.relations[source.use].columns;
    if (std::find(columns.begin(), columns.end(), name) == columns.end())
        columns.emplace_back(name);
}

// Columns of the inner side of an outer join may be NULL.
void Translator::mark_nullable(const FromItem& item) {
    if (!item.is_join) return;
    std::vector<uint32_t> found;
    if (item.join == JoinKind::kLeft || item.join == JoinKind::kFull)
        relations_below(*item.right, found);
    if (item.join == JoinKind::kRight || item.join == JoinKind::kFull)
        relations_below(*item.left, found);
    for (uint32_t relation : found)
        if (relation < scope_->sources.size()) scope_->sources[relation].nullable = true;
    mark_nullable(*item.left);
    mark_nullable(*item.right);
}

bool Translator::connects(const Expr& expr, const std::vector<uint32_t>& left,
                          const std::vector<uint32_t>& right) const {
    if (expr.kind != ExprKind::kOperator || expr.name != "=" || expr.args.size != 2) return false;
    std::vector<uint32_t> a;
    std::vector<uint32_t> b;
    if (!relations_of(*expr.args[0], a) || !relations_of(*expr.args[1], b)) return false;
    return (all_in(a, left) && all_in(b, right)) || (all_in(a, right) && all_in(b, left));
}

Status Translator::flatten_inner(const FromItem& item, std::vector<Piece>& pieces,
                                 std::vector<Condition>& conditions) {
    if (item.is_join && item.join == JoinKind::kInner) {
        TRY(flatten_inner(*item.left, pieces, conditions));
        TRY(flatten_inner(*item.right, pieces, conditions));
        std::vector<const Expr*> parts;
        if (item.on != nullptr) split_conjunction(*item.on, parts);
        for (const Expr* part : parts) conditions.push_back({part, false});
        return {};
    }
    if (item.is_join) {
        pieces.push_back(TRY(outer_join(item)));
        return {};
    }
    if (item.relation >= scope_->sources.size()) return refuse(Reason::kFromItem);
    const Source& source = scope_->sources[item.relation];
    double rows =
        source.relation->kind == RelationKind::kTable ? source.relation->rows : kSubqueryRows;
    pieces.push_back({{item.relation}, source.from, rows, true});
    return {};
}

Result<Translator::Piece> Translator::piece_of(const FromItem& item) {
    std::vector<Piece> pieces;
    std::vector<Condition> conditions;
    TRY(flatten_inner(item, pieces, conditions));
    Piece piece = TRY(join_pieces(std::move(pieces), conditions));
    for (const Condition& condition : conditions)
        if (!condition.used) return refuse(Reason::kJoin, "a condition below an outer join");
    return piece;
}

Result<Translator::Piece> Translator::outer_join(const FromItem& item) {
    Piece left = TRY(piece_of(*item.left));
    Piece right = TRY(piece_of(*item.right));
    if (item.join == JoinKind::kRight) std::swap(left, right);
    if (!right.single) return refuse(Reason::kJoin, "an outer join with several tables inside");
    if (item.on == nullptr) return refuse(Reason::kJoin, "without a condition");
    std::vector<const Expr*> parts;
    split_conjunction(*item.on, parts);
    bool equality = false;
    for (const Expr* part : parts)
        equality = equality || connects(*part, left.relations, right.relations);
    if (!equality) return refuse(Reason::kJoin, "an outer join without an equality");
    bool below = scope_->may_join;
    scope_->may_join = false;
    Result<const Node*> on = filter(*item.on);
    scope_->may_join = below;
    if (!on.ok()) return std::move(on).error();
    sql::JoinWord word = item.join == JoinKind::kFull ? sql::JoinWord::kFull : sql::JoinWord::kLeft;
    left.from = sql_.join(word, left.from, right.from, {*on});
    left.relations.insert(left.relations.end(), right.relations.begin(), right.relations.end());
    left.single = false;
    return left;
}

Result<Translator::Piece> Translator::join_pieces(std::vector<Piece> pieces,
                                                  std::vector<Condition>& conditions) {
    auto before = [](const Piece& a, const Piece& b) {
        if (a.single != b.single) return !a.single;
        return a.rows > b.rows;
    };
    std::stable_sort(pieces.begin(), pieces.end(), before);
    Piece all = std::move(pieces.front());
    pieces.erase(pieces.begin());
    while (!pieces.empty()) {
        auto connected = [&](const Piece& piece) {
            return std::any_of(conditions.begin(), conditions.end(), [&](const Condition& one) {
                return !one.used && connects(*one.expr, all.relations, piece.relations);
            });
        };
        auto next = std::find_if(pieces.begin(), pieces.end(), connected);
        bool cross = next == pieces.end();
        if (cross) next = pieces.end() - 1;
        if (!next->single) return refuse(Reason::kJoin, "two outer joins side by side");
        Nodes on;
        for (Condition& one : conditions) {
            if (one.used || !connects(*one.expr, all.relations, next->relations)) continue;
            on.push_back(TRY(filter(*one.expr)));
            one.used = true;
        }
        all.from = sql_.join(cross ? sql::JoinWord::kCross : sql::JoinWord::kInner, all.from,
                             next->from, std::move(on));
        all.relations.insert(all.relations.end(), next->relations.begin(), next->relations.end());
        all.single = false;
        pieces.erase(next);
    }
    return all;
}

// FROM and what of WHERE joins nothing.
Status Translator::write_from(const Query& query, sql::Select& select) {
    scope_->sources.resize(query.relations.size);
    bool keeps_order = scope_->ordered && row_order(query) == RowOrder::kOfSource;
    for (uint32_t i = 0; i < query.relations.size; ++i)
        TRY(open_source(query.relations[i], scope_->sources[i], keeps_order));
    if (query.from.empty()) {
        if (query.where != nullptr) select.where.push_back(TRY(filter(*query.where)));
        return {};
    }
    for (const FromItem* item : query.from) mark_nullable(*item);
    std::vector<Piece> pieces;
    std::vector<Condition> conditions;
    for (const FromItem* item : query.from) TRY(flatten_inner(*item, pieces, conditions));
    std::vector<const Expr*> parts;
    if (query.where != nullptr) split_conjunction(*query.where, parts);
    for (const Expr* part : parts) conditions.push_back({part, false});
    Piece all = TRY(join_pieces(std::move(pieces), conditions));
    select.from = all.from;
    for (const Condition& condition : conditions)
        if (!condition.used) select.where.push_back(TRY(filter(*condition.expr)));
    return {};
}

}  // namespace tandem::route
