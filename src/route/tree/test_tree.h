// A small language to build neutral trees in tests: col(4) > number("5"), and so on.
#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

#include "route/facade.h"
#include "route/sql/value.h"

namespace tandem::route::test_tree {

// Owns everything it builds. One table `t` with a column of each kind, see kColumns.
class Tree {
  public:
    Tree() {
        add(1, "id", oid::kInt8, "Int64", -1);
        add(2, "g", oid::kInt4, "Nullable(Int32)", -1);
        add(3, "n", oid::kNumeric, "Nullable(Decimal(12, 3))", numeric_typmod(12, 3));
        add(4, "t", oid::kText, "Nullable(String)", -1);
        add(5, "j", oid::kJsonb, "Nullable(String)", -1);
        add(6, "ts", oid::kTimestamptz, "Nullable(DateTime64(6, 'UTC'))", -1);
        add(7, "f", oid::kFloat8, "Nullable(Float64)", -1);
        add(8, "d", oid::kDate, "Nullable(Date32)", -1);
        add(9, "loose", oid::kNumeric, "Nullable(String)", -1);
        columns_[8].as_text = true;
        add(10, "seen", oid::kDate, "Nullable(Date32)", -1);
        columns_[9].exact = false;
        add(11, "b", oid::kBool, "Nullable(Bool)", -1);
        add(12, "u", oid::kUuid, "Nullable(UUID)", -1);
        add(13, "tags", 1009, "Array(Nullable(String))", -1);
        add_relation("t", 1000);
    }

    uint32_t add_relation(const char* table, double rows) {
        Relation& relation = relations_.emplace_back();
        relation.alias = table;
        relation.id = static_cast<uint32_t>(relations_.size() - 1);
        relation.database = "tandem";
        relation.table = table;
        relation.columns = {columns_.data(), static_cast<uint32_t>(columns_.size())};
        relation.rows = rows;
        return static_cast<uint32_t>(relations_.size() - 1);
    }

    // The table `t` has columns of this key of column `j`: k_<key> and kind_<key>.
    void keep_key(const char* key) {
        JsonKeyColumns& columns = json_keys_.emplace_back();
        columns.attnum = 5;
        columns.key = key;
        columns.text = names_.emplace_back(std::string("k_") + key).c_str();
        columns.kind = names_.emplace_back(std::string("kind_") + key).c_str();
        relations_[0].json_keys = {json_keys_.data(), static_cast<uint32_t>(json_keys_.size())};
    }

    // The SQL with the tables' names in their places.
    std::string named(const TranslationResult& result) const {
        std::deque<std::string> names;
        std::vector<BoundRelation> bound;
        for (const UsedRelation& used : result.relations) {
            BoundRelation& relation = bound.emplace_back();
            relation.database = names.emplace_back(relations_[used.table].database).c_str();
            relation.main = names.emplace_back(relations_[used.table].table).c_str();
        }
        std::string sql(result.sql);
        std::string out(2 * sql.size() + 1000, '\0');
        int64_t length = bind_relations(
            sql.c_str(), bound.data(), static_cast<uint32_t>(bound.size()), out.data(), out.size());
        out.resize(static_cast<size_t>(length));
        return out;
    }

    Expr* make(ExprKind kind, uint32_t type, std::initializer_list<const Expr*> args = {}) {
        Expr& expr = exprs_.emplace_back();
        expr.kind = kind;
        expr.type = type;
        expr.id = static_cast<uint32_t>(exprs_.size());
        expr.builtin = true;
        expr.collation = type == oid::kText ? collation : Collation::kNone;
        expr.input_collation = collation;
        auto& list = lists_.emplace_back(args);
        expr.args = {list.data(), static_cast<uint32_t>(list.size())};
        return &expr;
    }
    Expr* col(int32_t attnum, uint32_t relation = 0) {
        Expr* expr = make(ExprKind::kColumn, columns_[static_cast<size_t>(attnum - 1)].type);
        expr->attnum = attnum;
        expr->relation = relation;
        expr->typmod = columns_[static_cast<size_t>(attnum - 1)].typmod;
        return expr;
    }
    Expr* constant(uint32_t type, const char* known = nullptr) {
        Expr* expr = make(ExprKind::kConstant, type);
        expr->constant = next_constant_++;
        expr->known = known != nullptr;
        if (known != nullptr) expr->known_text = known;
        return expr;
    }
    Expr* number(const char* text) { return constant(oid::kInt4, text); }
    Expr* text(const char* text) { return constant(oid::kText, text); }
    Expr* op(const char* name, uint32_t type, const Expr* a, const Expr* b) {
        Expr* expr = make(ExprKind::kOperator, type, {a, b});
        expr->name = name;
        return expr;
    }
    Expr* call(const char* name, uint32_t type, std::initializer_list<const Expr*> args) {
        Expr* expr = make(ExprKind::kFunction, type, args);
        expr->name = name;
        return expr;
    }
    Expr* aggregate(const char* name, uint32_t type, std::initializer_list<const Expr*> args = {}) {
        Expr* expr = make(ExprKind::kAggregate, type, args);
        expr->name = name;
        query.has_aggregates = true;
        return expr;
    }
    Tree& select(std::initializer_list<const Expr*> exprs) {
        for (const Expr* expr : exprs) targets_.push_back({expr, "x", false});
        return *this;
    }
    Tree& group_by(std::initializer_list<const Expr*> keys) {
        groups_ = keys;
        return *this;
    }
    Tree& order_by(const Expr* expr, bool descending = false) {
        keys_.push_back({expr, descending, descending, true});
        return *this;
    }

    // The first column of every table is called like the first column of a result.
    void columns_like_aliases() { columns_[0].name = "c1"; }

    // The query over the relations so far; comma joins unless `from` was set.
    const Query& build() {
        query.relations = list(relations_);
        query.targets = list(targets_);
        query.group_by = list(groups_);
        query.order_by = list(keys_);
        if (query.from.empty()) {
            for (uint32_t i = 0; i < relations_.size(); ++i)
                from_items_.emplace_back().relation = i;
            for (const FromItem& item : from_items_) from_.push_back(&item);
            query.from = list(from_);
        }
        return query;
    }

    Query query;
    Collation collation = Collation::kBytewise;

  private:
    template <typename T>
    static List<T> list(const std::vector<T>& items) {
        return {items.data(), static_cast<uint32_t>(items.size())};
    }
    void add(int32_t attnum, const char* name, uint32_t type, const char* target, int32_t typmod) {
        MirroredColumn& column = columns_.emplace_back();
        column.attnum = attnum;
        column.name = name;
        column.type = type;
        column.target_type = target;
        column.typmod = typmod;
        column.exact = true;
    }

    std::vector<MirroredColumn> columns_;
    std::vector<JsonKeyColumns> json_keys_;
    std::deque<std::string> names_;
    std::vector<Relation> relations_;
    std::deque<Expr> exprs_;
    std::deque<std::vector<const Expr*>> lists_;
    std::deque<FromItem> from_items_;
    std::vector<const FromItem*> from_;
    std::vector<Target> targets_;
    std::vector<const Expr*> groups_;
    std::vector<SortKey> keys_;
    uint32_t next_constant_ = 0;
};

}  // namespace tandem::route::test_tree
