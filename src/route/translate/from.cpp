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
constexpr double kSeriesRows = 1000;

bool is_true(const Expr* expr) {
    return expr == nullptr || (expr->known && !expr->constant_null && expr->known_text == "t");
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

// The conditions that AND combines, and those that all sides of an OR have in common: joins are
// written like that.
void Translator::split_condition(const Expr& expr, std::vector<const Expr*>& parts) {
    if (expr.kind == ExprKind::kAnd) {
        for (const Expr* part : expr.args) split_condition(*part, parts);
        return;
    }
    if (expr.kind != ExprKind::kOr) return parts.push_back(&expr);
    std::vector<std::vector<const Expr*>> sides(expr.args.size);
    for (uint32_t i = 0; i < expr.args.size; ++i) split_conjunction(*expr.args[i], sides[i]);
    std::vector<const Expr*> common;
    for (const Expr* one : sides[0]) {
        auto has = [&](const std::vector<const Expr*>& side) {
            return std::any_of(side.begin(), side.end(),
                               [&](const Expr* other) { return same_expr(*one, *other); });
        };
        if (std::all_of(sides.begin(), sides.end(), has)) common.push_back(one);
    }
    if (common.empty()) return parts.push_back(&expr);
    parts.insert(parts.end(), common.begin(), common.end());
    std::vector<const Expr*>& rest = kept_lists_.emplace_back();
    for (std::vector<const Expr*>& side : sides) {
        std::erase_if(side, [&](const Expr* one) {
            return std::any_of(common.begin(), common.end(),
                               [&](const Expr* other) { return same_expr(*one, *other); });
        });
        // Nothing but what they have in common: the others do not matter.
        if (side.empty()) return;
        rest.push_back(all_of(side));
    }
    Expr& either = kept_exprs_.emplace_back(expr);
    either.args = {rest.data(), static_cast<uint32_t>(rest.size())};
    parts.push_back(&either);
}

// AND of the conditions.
const Expr* Translator::all_of(const std::vector<const Expr*>& conditions) {
    if (conditions.size() == 1) return conditions[0];
    std::vector<const Expr*>& kept = kept_lists_.emplace_back(conditions);
    Expr& both = kept_exprs_.emplace_back();
    both.kind = ExprKind::kAnd;
    both.type = oid::kBool;
    both.args = {kept.data(), static_cast<uint32_t>(kept.size())};
    return &both;
}

Status Translator::open_source(const Relation& relation, Source& source, bool ordered) {
    source.relation = &relation;
    source.number = ++next_relation_;
    secured_ = secured_ || relation.secured;
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
    if (relation.kind == RelationKind::kFunction || (values && relation.lateral))
        return open_elements(relation, source, ordered);
    if (!values && relation.subquery == nullptr) return refuse(Reason::kFromItem);
    if (relation.lateral && !values) {
        Reach reach;
        find_reach(*relation.subquery, 0, reach);
        if (reach.outer) return open_lateral(relation, source);
    }
    Result<Derived> written =
        values            ? write_values(relation)
        : relation.shared ? write_repeated(*relation.subquery, ordered ? &source.order : nullptr)
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
    if (!source.elements) {
        result.node = sql_.result(source.number, sql::Role::kValue, item);
        if (result.digits != nullptr)
            result.digits = sql_.result(source.number, sql::Role::kDigits, item);
    }
    result.node = through(source, result.node);
    if (result.digits != nullptr) result.digits = through(source, result.digits);
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

// Relations of this level that the expression reads; false when that cannot be told.
bool Translator::relations_of(const Expr& expr, std::vector<uint32_t>& found) const {
    if (expr.kind == ExprKind::kSubquery || expr.kind == ExprKind::kAggregate ||
        expr.kind == ExprKind::kWindow)
        return false;
    if (expr.kind == ExprKind::kColumn) {
        if (expr.levels_up != 0) return false;
        note_relation(expr.relation, found);
    }
    for (const Expr* argument : expr.args)
        if (!relations_of(*argument, found)) return false;
    return true;
}

// What is computed where it is read stands for what it is computed from.
void Translator::note_relation(uint32_t relation, std::vector<uint32_t>& found) const {
    bool inlined = relation < scope_->sources.size() &&
                   scope_->sources[relation].inlined != nullptr &&
                   scope_->sources[relation].from == nullptr;
    if (!inlined) return found.push_back(relation);
    const std::vector<uint32_t>& needs = scope_->sources[relation].needs;
    found.insert(found.end(), needs.begin(), needs.end());
}

bool Translator::connects(const Expr& expr, const std::vector<uint32_t>& left,
                          const std::vector<uint32_t>& right) const {
    if (expr.kind != ExprKind::kOperator || expr.name != "=" || expr.args.size != 2) return false;
    std::vector<uint32_t> a;
    std::vector<uint32_t> b;
    if (!relations_of(*expr.args[0], a) || !relations_of(*expr.args[1], b)) return false;
    return (all_in(a, left) && all_in(b, right)) || (all_in(a, right) && all_in(b, left));
}

// Makes a part of FROM a derived table of its own, of which result 0 is always 1. What is read of
// its relations from now on becomes a result of it.
void Translator::wrap(Piece& piece, Nodes where, const std::vector<uint32_t>& made) {
    sql::Select& select = *sql_.query();
    uint32_t number = ++next_relation_;
    select.results.push_back({sql_.form("materialize(toUInt8(1))", {}), sql::Role::kValue, 0});
    select.from = piece.from;
    select.where = std::move(where);
    for (uint32_t relation : made)
        if (!all_in({relation}, piece.relations)) piece.relations.push_back(relation);
    for (uint32_t relation : piece.relations)
        scope_->sources[relation].wraps.push_back({&select, number});
    piece.from = sql_.derived(&select, number);
    piece.number = number;
    piece.single = true;
}

// Policies are asked before anything else of the query.
Status Translator::hide_rows(uint32_t relation) {
    Source& source = scope_->sources[relation];
    const Node* visible = TRY(filter_on(*source.relation->filter));
    Piece piece;
    piece.relations = {relation};
    piece.from = source.from;
    wrap(piece, {visible});
    source.from = piece.from;
    return {};
}

const sql::Node* Translator::through(const Source& source, const Node* node) {
    for (const Wrapped& one : source.wraps) {
        std::vector<sql::Result>& results = one.select->results;
        uint32_t item = 1;
        while (item < results.size() && !sql::same(*results[item].node, *node)) ++item;
        if (item == results.size()) results.push_back({node, sql::Role::kValue, item});
        node = sql_.result(one.number, sql::Role::kValue, item);
    }
    return node;
}

bool Translator::is_inlined(const FromItem& item) const {
    if (item.is_join || item.relation >= scope_->sources.size()) return false;
    const Source& source = scope_->sources[item.relation];
    return source.inlined != nullptr && source.from == nullptr;
}

Status Translator::flatten_inner(const FromItem& item, Pieces& pieces,
                                 std::vector<Condition>& conditions) {
    if (item.is_join && item.join == JoinKind::kInner) {
        TRY(flatten_inner(*item.left, pieces, conditions));
        TRY(flatten_inner(*item.right, pieces, conditions));
        std::vector<const Expr*> parts;
        if (item.on != nullptr) split_condition(*item.on, parts);
        for (const Expr* part : parts) conditions.push_back({part, false});
        return {};
    }
    if (item.is_join) {
        pieces.push_back(TRY(outer_join(item)));
        return {};
    }
    if (item.relation >= scope_->sources.size()) return refuse(Reason::kFromItem);
    if (is_inlined(item)) return {};
    const Source& source = scope_->sources[item.relation];
    RelationKind kind = source.relation->kind;
    double rows = kind == RelationKind::kTable      ? source.relation->rows
                  : kind == RelationKind::kFunction ? kSeriesRows
                                                    : kSubqueryRows;
    pieces.push_back({{item.relation}, source.from, rows});
    pieces.back().lateral = source.lateral;
    return {};
}

Result<Translator::Piece> Translator::piece_of(const FromItem& item) {
    Pieces pieces;
    std::vector<Condition> conditions;
    TRY(flatten_inner(item, pieces, conditions));
    Piece piece = TRY(join_pieces(std::move(pieces), conditions));
    Nodes where;
    for (const Condition& condition : conditions)
        if (!condition.used) where.push_back(TRY(filter_on(*condition.expr)));
    if (!where.empty()) wrap(piece, std::move(where));
    return piece;
}

// A condition inside of FROM: nothing can be joined for it.
Result<const sql::Node*> Translator::filter_on(const Expr& expr) {
    bool below = scope_->may_join;
    scope_->may_join = false;
    Result<const Node*> on = filter(expr);
    scope_->may_join = below;
    return on;
}

// Columns that are computed where they are read are computed here, once for all.
Status Translator::freeze(const FromItem& item, std::vector<uint32_t>& made) {
    std::vector<uint32_t> below;
    relations_below(item, below);
    for (uint32_t relation : below) {
        Source& source = scope_->sources[relation];
        if (source.inlined == nullptr) continue;
        std::vector<Value> columns;
        for (const Target& target : source.inlined->targets) {
            if (target.junk) continue;
            Value column;
            if (target.expr != nullptr)
                column = TRY(inlined_column(source, static_cast<int32_t>(columns.size() + 1)));
            if (target.expr != nullptr && column.cls == Class::kOther)
                return refuse(Reason::kTypeUnsupported, "in LATERAL");
            if (column.node != nullptr) column.node = typed(column);
            columns.push_back(column);
        }
        source.columns = std::move(columns);
        source.elements = true;
        source.inlined = nullptr;
        made.push_back(relation);
    }
    return {};
}

Result<Translator::Piece> Translator::outer_join(const FromItem& item) {
    bool turned = item.join == JoinKind::kRight;
    const FromItem& outer = turned ? *item.right : *item.left;
    const FromItem& inner = turned ? *item.left : *item.right;
    if (is_inlined(inner) && is_true(item.on)) return piece_of(outer);
    Piece left = TRY(piece_of(outer));
    Piece right = TRY(piece_of(inner));
    if (left.lateral) return refuse(Reason::kFromItem, "LATERAL on the outer side of a join");
    if (right.lateral) {
        if (!is_true(item.on)) return refuse(Reason::kFromItem, "LEFT JOIN LATERAL ... ON");
        TRY(join_lateral(left, right, true));
        return left;
    }
    std::vector<const Expr*> parts;
    if (item.on != nullptr) split_condition(*item.on, parts);
    bool equality = std::any_of(parts.begin(), parts.end(), [&](const Expr* part) {
        return connects(*part, left.relations, right.relations);
    });
    Nodes on;
    // Whether anything at all is found: the engine takes no constants between its keys.
    Nodes found;
    for (const Expr* part : parts) {
        if (part->kind != ExprKind::kConstant || is_true(part)) continue;
        if (item.join == JoinKind::kFull) return refuse(Reason::kJoin, "ON a constant");
        const Node* constant = TRY(filter_on(*part));
        found.push_back(sql_.form("ifNull($1, false)", {constant}));
    }
    // What is computed where it is read would not be NULL where the join finds nothing.
    std::vector<uint32_t> made;
    TRY(freeze(inner, made));
    if (!right.single || !equality || !made.empty() || !found.empty()) wrap(right, found, made);
    made.clear();
    if (item.join == JoinKind::kFull) TRY(freeze(outer, made));
    if (equality && !made.empty()) wrap(left, {}, made);
    // ClickHouse wants an equality; here is one that always holds.
    if (!equality) {
        wrap(left, {}, made);
        on.push_back(sql_.form("($1 = $2)", {sql_.result(left.number, sql::Role::kValue, 0),
                                             sql_.result(right.number, sql::Role::kValue, 0)}));
    }
    for (const Expr* part : parts) {
        if (part->kind == ExprKind::kConstant) continue;
        const Node* condition = TRY(filter_on(*part));
        on.push_back(condition);
    }
    // The side that is kept in memory is the one on the right.
    bool small = item.join != JoinKind::kFull && left.single && left.rows * 2 < right.rows;
    sql::JoinWord word = item.join == JoinKind::kFull ? sql::JoinWord::kFull
                         : small                      ? sql::JoinWord::kRight
                                                      : sql::JoinWord::kLeft;
    left.from = small ? sql_.join(word, right.from, left.from, std::move(on))
                      : sql_.join(word, left.from, right.from, std::move(on));
    left.rows = std::max(left.rows, right.rows);
    left.relations.insert(left.relations.end(), right.relations.begin(), right.relations.end());
    left.single = false;
    return left;
}

// What is joined next: something that an equality ties to what is there, something that
// is made of what is there, or else anything.
Result<Translator::Pieces::iterator> Translator::next_piece(
    const Piece& all, Pieces& pieces, const std::vector<Condition>& conditions) const {
    auto connected = [&](const Piece& piece) {
        return !piece.lateral &&
               std::any_of(conditions.begin(), conditions.end(), [&](const Condition& one) {
                   return !one.used && connects(*one.expr, all.relations, piece.relations);
               });
    };
    auto ready = [&](const Piece& piece) {
        if (!piece.lateral) return false;
        const std::vector<uint32_t>& needs = scope_->sources[piece.relations.front()].needs;
        return needs.empty() || all_in(needs, all.relations);
    };
    auto next = std::find_if(pieces.begin(), pieces.end(), connected);
    if (next == pieces.end()) next = std::find_if(pieces.begin(), pieces.end(), ready);
    if (next != pieces.end()) return next;
    for (next = pieces.end(); next != pieces.begin();)
        if (!(--next)->lateral) return next;
    return Error(ErrorCode::kNotRoutable, "LATERAL");
}

Result<Translator::Piece> Translator::join_pieces(Pieces pieces,
                                                  std::vector<Condition>& conditions) {
    auto before = [](const Piece& a, const Piece& b) {
        if (a.lateral != b.lateral) return !a.lateral;
        if (a.single != b.single) return !a.single;
        return a.rows > b.rows;
    };
    if (pieces.empty()) return refuse(Reason::kFromItem, "nothing to read");
    std::stable_sort(pieces.begin(), pieces.end(), before);
    Piece all = std::move(pieces.front());
    pieces.erase(pieces.begin());
    if (all.lateral && !pieces.empty()) return refuse(Reason::kFromItem, "LATERAL");
    while (!pieces.empty()) {
        Result<Pieces::iterator> found = next_piece(all, pieces, conditions);
        if (!found.ok()) return refuse(Reason::kFromItem, found.error().message());
        Pieces::iterator next = *found;
        if (next->lateral) {
            TRY(join_lateral(all, *next, false));
            pieces.erase(next);
            continue;
        }
        if (!next->single) wrap(*next, {});
        Nodes on;
        for (Condition& one : conditions) {
            if (one.used || !connects(*one.expr, all.relations, next->relations)) continue;
            on.push_back(TRY(filter(*one.expr)));
            one.used = true;
        }
        sql::JoinWord word = on.empty() ? sql::JoinWord::kCross : sql::JoinWord::kInner;
        all.from = sql_.join(word, all.from, next->from, std::move(on));
        all.relations.insert(all.relations.end(), next->relations.begin(), next->relations.end());
        all.single = false;
        pieces.erase(next);
    }
    return all;
}

// b, f(b) LEFT JOIN c ON ... is (b, f(b)) LEFT JOIN c ON ...: what the leftmost relation is made of
// comes in below the join.
const FromItem* Translator::hoisted(const FromItem* before, const FromItem* item) {
    FromItem& copy = kept_items_.emplace_back(*item);
    if (!item->is_join) {
        copy = {.is_join = true, .join = JoinKind::kInner, .left = before, .right = item};
        return &copy;
    }
    copy.left = hoisted(before, item->left);
    return &copy;
}

std::vector<const FromItem*> Translator::from_items(const Query& query) {
    std::vector<const FromItem*> items;
    for (const FromItem* item : query.from) {
        const FromItem* leftmost = item;
        bool spine = true;
        while (leftmost->is_join) {
            spine =
                spine && leftmost->join != JoinKind::kRight && leftmost->join != JoinKind::kFull;
            leftmost = leftmost->left;
        }
        bool lateral = spine && item->is_join && !items.empty() &&
                       leftmost->relation < scope_->sources.size() &&
                       scope_->sources[leftmost->relation].lateral;
        if (!lateral) {
            items.push_back(item);
            continue;
        }
        const FromItem* before = items.front();
        for (size_t i = 1; i < items.size(); ++i)
            before = &kept_items_.emplace_back(FromItem{
                .is_join = true, .join = JoinKind::kInner, .left = before, .right = items[i]});
        items = {hoisted(before, item)};
    }
    return items;
}

// FROM and what of WHERE joins nothing.
Status Translator::write_from(const Query& query, sql::Select& select) {
    scope_->sources.resize(query.relations.size);
    bool keeps_order = scope_->ordered && row_order(query) == RowOrder::kOfSource;
    for (uint32_t i = 0; i < query.relations.size; ++i)
        TRY(open_source(query.relations[i], scope_->sources[i], keeps_order));
    for (uint32_t i = 0; i < query.relations.size; ++i)
        if (query.relations[i].filter != nullptr) TRY(hide_rows(i));
    if (query.from.empty()) {
        if (query.where != nullptr) select.where.push_back(TRY(filter(*query.where)));
        return {};
    }
    const std::vector<const FromItem*> items = from_items(query);
    for (const FromItem* item : items) mark_nullable(*item);
    Pieces pieces;
    std::vector<Condition> conditions;
    for (const FromItem* item : items) TRY(flatten_inner(*item, pieces, conditions));
    std::vector<const Expr*> parts;
    if (query.where != nullptr) split_condition(*query.where, parts);
    for (const Expr* part : parts) conditions.push_back({part, false});
    Piece all = TRY(join_pieces(std::move(pieces), conditions));
    select.from = all.from;
    for (const Condition& condition : conditions)
        if (!condition.used) select.where.push_back(TRY(filter(*condition.expr)));
    return {};
}

}  // namespace tandem::route
