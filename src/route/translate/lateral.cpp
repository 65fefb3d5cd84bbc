// LATERAL: subqueries in FROM that read columns of what stands beside them.
//
// One that reads no table is computed where its columns are read. One that does is computed for all
// values of those columns at once, as in subquery.cpp, and joined by them; LIMIT becomes LIMIT BY.
#include <algorithm>
#include <cstdlib>

#include "route/translate/translator.h"
#include "route/translate/walk.h"

namespace tandem::route {
namespace {

bool reads_nothing(const Query& query) {
    return query.from.empty() && query.where == nullptr && query.having == nullptr &&
           !query.has_aggregates && query.group_by.empty() && !query.has_grouping_sets &&
           query.windows.empty() && query.set_operation == SetOperation::kNone &&
           !is_limited(query);
}

// SELECT * FROM (VALUES ...)
bool only_shows_values(const Query& query) {
    bool plain = query.from.size == 1 && query.relations.size == 1 && query.where == nullptr &&
                 query.relations[0].kind == RelationKind::kValues && !query.has_aggregates &&
                 query.group_by.empty() && query.having == nullptr && !query.has_grouping_sets &&
                 query.windows.empty() && query.order_by.empty() && !query.distinct &&
                 query.distinct_on.empty() && !is_limited(query) &&
                 query.set_operation == SetOperation::kNone;
    if (!plain) return false;
    for (uint32_t i = 0; i < query.targets.size; ++i) {
        const Expr* target = query.targets[i].expr;
        bool same = query.targets[i].unused ||
                    (target->kind == ExprKind::kColumn && target->levels_up == 0 &&
                     target->attnum == static_cast<int32_t>(i + 1));
        if (!same) return false;
    }
    return true;
}

}  // namespace

// What the source is made of.
void Translator::note_needs(const Expr& expr, uint32_t level, Source& source) const {
    std::vector<uint32_t> found;
    find_relations(expr, level, found);
    for (uint32_t relation : found) note_relation(relation, source.needs);
}

Status Translator::open_lateral(const Relation& relation, Source& source) {
    const Query& query = *relation.subquery;
    source.lateral = true;
    Reach reach;
    find_reach(query, 0, reach);
    if (reach.beyond) return refuse(Reason::kCorrelated, "LATERAL");
    if (only_shows_values(query)) return open_elements(query.relations[0], source, false, 1);
    if (!reads_nothing(query)) return open_tied(query, source);
    for (const Target& target : query.targets)
        if (target.expr != nullptr) note_needs(*target.expr, 1, source);
    source.inlined = &query;
    return {};
}

Status Translator::open_tied(const Query& query, Source& source) {
    bool plain = query.set_operation == SetOperation::kNone && query.windows.empty() &&
                 query.offset == nullptr && query.distinct_on.empty() && !query.has_grouping_sets &&
                 !query.with_ties;
    if (!plain) return refuse(Reason::kFromItem, "LATERAL of this form");
    Correlation found;
    TRY(split_correlation(query, found));
    Query& rest = kept_queries_.emplace_back(query);
    rest.where = nullptr;
    Reach reach;
    find_reach(rest, 0, reach);
    bool cut = is_limited(query) || query.has_aggregates || !query.group_by.empty() ||
               query.having != nullptr || query.distinct;
    if (reach.outer || !found.outer.empty() || found.equal.empty() || (cut && !found.other.empty()))
        return refuse(Reason::kCorrelated, "LATERAL by these conditions");
    for (std::vector<Tie>* ties : {&found.equal, &found.other}) {
        for (Tie& tie : *ties) {
            tie.outside = TRY(outer_value(*tie.outer));
            note_needs(*tie.outer, 1, source);
        }
    }
    sql::Select& select = *sql_.query();
    Scope scope{.query = &query, .outer = scope_};
    Status status = inside(scope, [&]() -> Status {
        TRY(open_correlated(query, found, select));
        for (Tie& tie : found.equal) tie.plain = tie.inside;
        for (Tie& tie : found.other) tie.plain = tie.inside = TRY(value(*tie.inner));
        scope_->may_join = !query.has_aggregates && query.group_by.empty();
        Nodes keys;
        TRY(group_by_ties(found, keys));
        bool alone = query.has_aggregates && query.group_by.empty();
        TRY(alone ? tied_aggregates(query, source, select) : tied_columns(query, source, select));
        TRY(cut_tied(query, keys, select));
        close_from(select);
        return {};
    });
    if (!status.ok()) return status;
    uint32_t item = static_cast<uint32_t>(
        std::max({select.results.size(), source.columns.size(), source.lifted.size()}));
    for (std::vector<Tie>* ties : {&found.equal, &found.other}) {
        for (Tie& tie : *ties) {
            select.results.push_back({tie.inside.node, sql::Role::kValue, ++item});
            tie.inside.node = sql_.result(source.number, sql::Role::kValue, item);
            source.ties.push_back(tie);
        }
    }
    source.from = sql_.derived(&select, source.number);
    return {};
}

Status Translator::tied_columns(const Query& query, Source& source, sql::Select& select) {
    uint32_t item = 0;
    for (const Target& target : query.targets) {
        if (target.junk) continue;
        ++item;
        Value one;
        if (!target.unused) {
            one = TRY(value(*target.expr));
            if (query.distinct) TRY(check_key(one, *target.expr));
            add_result(select, one, one.cls == Class::kOther, item);
        }
        source.columns.push_back(one);
    }
    select.distinct = query.distinct;
    return {};
}

// Aggregates of all rows: there is a row even where nothing is found.
Status Translator::tied_aggregates(const Query& query, Source& source, sql::Select& select) {
    if (query.having != nullptr || is_limited(query) || query.distinct)
        return refuse(Reason::kFromItem, "LATERAL of this form");
    std::vector<const Expr*> aggregates;
    for (const Target& target : query.targets)
        if (!target.junk && target.expr != nullptr) find_aggregates(*target.expr, aggregates);
    uint32_t item = 0;
    for (const Expr* one : aggregates) {
        Value part = TRY(aggregate(*one));
        if (part.cls == Class::kOther) return refuse(Reason::kCorrelated, "of this type");
        add_result(select, part, false, ++item);
        source.lifted.push_back({one, part, item});
    }
    source.inlined = &query;
    return {};
}

Status Translator::cut_tied(const Query& query, const Nodes& keys, sql::Select& select) {
    if (query.has_aggregates || !query.group_by.empty()) {
        select.group_by = keys;
        for (const Expr* key : query.group_by) select.group_by.push_back(TRY(group_key(*key)));
        if (query.having != nullptr) select.having = TRY(filter(*query.having));
    } else if (query.having != nullptr) {
        return refuse(Reason::kExpression, "HAVING without GROUP BY");
    }
    if (!is_limited(query)) return {};
    const Expr& limit = *query.limit;
    bool known = limit.kind == ExprKind::kConstant && limit.known && !limit.constant_null;
    uint64_t rows = known ? std::strtoull(std::string(limit.known_text).c_str(), nullptr, 10) : 0;
    if (rows == 0 || rows > INT32_MAX || query.distinct)
        return refuse(Reason::kCorrelated, "with this LIMIT");
    if (query.order_by.empty()) return refuse(Reason::kImpliedOrder);
    select.order_by = TRY(sort_keys(query.order_by));
    if (total_) break_ties(select, select.order_by);
    select.limit_by = keys;
    select.limit_by_rows = rows;
    return {};
}

Result<Value> Translator::inlined_column(const Source& source, int32_t attnum) {
    const Expr* wanted = nullptr;
    int32_t at = 0;
    for (const Target& target : source.inlined->targets)
        if (!target.junk && ++at == attnum) wanted = target.expr;
    if (wanted == nullptr) return refuse(Reason::kFromItem);
    size_t before = lifted_.size();
    for (Lifted one : source.lifted) {
        one.value.node = through(source, sql_.result(source.number, sql::Role::kValue, one.item));
        if (one.value.digits != nullptr)
            one.value.digits =
                through(source, sql_.result(source.number, sql::Role::kDigits, one.item));
        if (one.aggregate->name == "count")
            one.value.node = sql_.form("ifNull($1, toInt64(0))", {one.value.node});
        else
            one.value.nullable = true;
        lifted_.push_back(one);
    }
    // It was written one level below this one, wherever it is read.
    uint32_t below = levels_below_;
    levels_below_ = 1;
    Result<Value> result = value(*wanted);
    levels_below_ = below;
    lifted_.resize(before);
    return result;
}

// The condition that ties a row of the subquery to one beside it.
Result<const sql::Node*> Translator::tied(const Tie& tie) {
    Value outside = TRY(outer_value(*tie.outer));
    Value inside = tie.plain;
    if (tie.name == "=") {
        TRY(make_comparable(*tie.comparison, outside, inside));
        return sql_.form("($1 = $2)", {tie.inside.node, outside.node});
    }
    Class classes[] = {inside.cls, outside.cls};
    const Rule* row = find_rule(Form::kOperator, tie.name, classes, Class::kBool);
    if (row == nullptr || inside.cls == Class::kEnum)
        return refuse(Reason::kCorrelated, "by this comparison");
    TRY(check_collation(*tie.comparison, *row));
    if (row->flags & rule::kUtc) TRY(needs_utc());
    return sql_.form(row->sql, {tie.inside.node, outside.node});
}

// By what the subquery refers to, as far as it has been joined.
Status Translator::join_lateral(Piece& all, const Piece& next, bool outer) {
    uint32_t relation = next.relations.front();
    Source& source = scope_->sources[relation];
    if (source.elements) {
        uint32_t level = source.relation->subquery != nullptr ? 1 : 0;
        const Relation& from =
            level == 0 ? *source.relation : source.relation->subquery->relations[0];
        Elements made = TRY(elements_of(from, source.number, false, level));
        if (outer && from.ordinality) return refuse(Reason::kFromItem, "WITH ORDINALITY");
        // An empty array yields one row of NULL.
        if (outer && from.kind == RelationKind::kFunction) {
            Value element = made.columns.front();
            element.nullable = true;
            made.array = sql_.form(
                "emptyArrayToSingle($1)",
                {sql_.cast(made.array, sql_.keep("Array(" + clickhouse_type(element) + ")"))});
        }
        all.from = sql_.join(sql::JoinWord::kArray, all.from,
                             sql_.elements(made.array, source.number), {});
    } else {
        Nodes on;
        for (const Tie& tie : source.ties) on.push_back(TRY(tied(tie)));
        bool left = outer || source.inlined != nullptr;
        all.from = sql_.join(left ? sql::JoinWord::kLeft : sql::JoinWord::kInner, all.from,
                             source.from, std::move(on));
    }
    all.relations.push_back(relation);
    all.single = false;
    return {};
}

}  // namespace tandem::route
