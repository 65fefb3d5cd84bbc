// Translator: the neutral tree of one query to ClickHouse SQL, by the rule table.
//
// One object per translation. A refusal is an Error kNotRoutable; reason() then says which. The
// parts are in files of their own: query.cpp (targets, grouping, sorting), from.cpp (joins),
// expression.cpp, aggregate.cpp, json.cpp, time.cpp, constant.cpp.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "route/facade.h"
#include "route/reason.h"
#include "route/rules/rule.h"
#include "route/sql/value.h"

namespace tandem::route {

// Encloses the number of a RelationUse in the SQL, where a mirrored table is read; quoted text
// never holds it (sqltext/quote.cpp).
inline constexpr char kRelationPlace = '\1';

struct RelationUse {
    uint32_t table = 0;
    std::vector<std::string> columns;
};

// What the translation yields; texts are owned here and viewed by the TranslationResult.
struct Output {
    std::string sql;
    std::deque<std::string> texts;
    std::vector<RemoteColumn> columns;
    std::vector<Replacement> replacements;
    std::vector<UsedConstant> constants;
    std::vector<RelationUse> relations;  // by the number in the SQL
    bool sorted = true;
    bool limited = true;
    bool needs_utc = false;
};

// Where the rows of a query get an order from that its reader sees.
enum class RowOrder : uint8_t {
    kNone,
    kOwn,       // its ORDER BY
    kOfSource,  // it passes on the rows of its only subquery as they come
    kImplied,   // Postgres' way of computing windows or joins; nothing that could be written
};
RowOrder row_order(const Query& query);

class Translator {
  public:
    // With `reserved_names` aliases have names that no column of a mirrored table can have.
    explicit Translator(const TranslateOptions& options, bool reserved_names = false)
        : options_(options), prefix_(reserved_names ? "_tandem_" : "") {}

    Status translate(const Query& query);
    Output take() { return std::move(output_); }
    Reason reason() const { return reason_; }
    // A column is called like an alias, so that the two could be taken for each other.
    bool names_clash() const { return names_clash_; }

  private:
    struct SortItem {
        std::string sql;
        std::string direction;
    };
    // A relation in scope: its alias and, for subqueries, its columns.
    struct Source {
        const Relation* relation = nullptr;
        std::string alias;
        bool nullable = false;  // on the inner side of an outer join
        std::vector<Value> columns;
        std::vector<SortItem> order;  // of its rows, where the query around it keeps it
        size_t use = 0;               // of a table: in output_.relations
        std::string table_sql;
    };
    struct Scope {
        const Query* query = nullptr;
        Scope* outer = nullptr;
        bool ordered = false;  // somebody sees in which order the rows come
        std::vector<Source> sources = {};
    };
    // Where an expression stands: in a filter NULL means the same as false.
    enum class Place : uint8_t { kValue, kFilter };

    Error refuse(Reason reason, std::string_view detail = {});
    void note_column(const Source& source, std::string_view name);
    // Aliases: t1, t2, ... of relations, c1, c2, ... of results, o1, o2, ... of orders.
    std::string alias(char kind, size_t number) const {
        return prefix_ + kind + std::to_string(number);
    }

    // --- query.cpp
    Result<std::vector<Value>> write_subquery(const Query& query, std::string& sql,
                                              std::vector<SortItem>* order = nullptr);
    Result<std::vector<Value>> subquery_columns(const Query& query, std::string& sql);
    Result<std::vector<SortItem>> order_of_rows(const Query& query);
    Status check_shape(const Query& query);
    Status check_key(const Value& value, const Expr& expr);
    Status add_target(const Query& query, const Target& target);
    Status add_parts(const Query& query, const Expr& expr);
    Status add_node(const Expr& expr);
    Result<uint32_t> add_column(const Expr& expr, const Value& value);
    bool is_group_key(const Query& query, const Expr& expr);
    Result<std::string> body(const Query& query);
    Result<std::string> write_tail(const Query& query);
    Result<std::string> distinct_order(const Query& query);
    Result<std::vector<SortItem>> sort_key(const SortKey& key);
    Result<std::string> sort_keys(const List<SortKey>& keys);
    Result<std::string> group_key(const Expr& expr);
    Result<std::string> count_clause(const char* keyword, const Expr* expr);

    // --- from.cpp
    Result<std::string> write_from(const Query& query, std::vector<std::string>& filters);
    Status open_source(const Relation& relation, Source& source, bool ordered);
    struct Piece {
        std::vector<uint32_t> relations;
        std::string sql;
        double rows = 0;
        bool single = true;
    };
    struct Condition {
        const Expr* expr = nullptr;
        bool used = false;
    };
    Status flatten_inner(const FromItem& item, std::vector<Piece>& pieces,
                         std::vector<Condition>& conditions);
    Result<Piece> outer_join(const FromItem& item);
    Result<Piece> join_pieces(std::vector<Piece> pieces, std::vector<Condition>& conditions);
    Result<Piece> piece_of(const FromItem& item);
    void mark_nullable(const FromItem& item);
    bool connects(const Expr& expr, const std::vector<uint32_t>& left,
                  const std::vector<uint32_t>& right) const;

    // --- expression.cpp
    Result<Value> value(const Expr& expr, Place place = Place::kValue);
    Result<std::string> filter(const Expr& expr);
    Result<Value> column(const Expr& expr);
    Result<Value> table_column(const Source& source, const MirroredColumn& column);
    Status set_nullable(Value& value, std::string_view name);
    Result<Value> apply(const Expr& expr, Form form, std::string_view name);
    Result<Value> apply_rule(const Expr& expr, const Rule& row, std::span<const Value> values);
    Status check_collation(const Expr& expr, const Rule& row);
    Result<Value> logic(const Expr& expr, Place place);
    Result<Value> null_test(const Expr& expr);
    Result<Value> truth_test(const Expr& expr);
    Result<Value> scalar_array(const Expr& expr, Place place);
    Result<Value> array_constant(const Expr& expr, const Expr& array);
    Result<Value> case_value(const Expr& expr);
    Result<Value> coalesce(const Expr& expr);
    Result<Value> null_if(const Expr& expr);
    Result<Value> distinct_from(const Expr& expr);
    Result<Value> cast(const Expr& expr);
    Result<Value> relabel(const Expr& expr);
    Result<Value> subquery(const Expr& expr, Place place);
    Result<Value> operator_value(const Expr& expr, Place place);
    Result<Value> function(const Expr& expr);
    Result<Value> like(const Expr& expr);
    Result<Value> substring(const Expr& expr);
    Result<Value> common_type(const std::vector<Value>& values, const Expr& expr);

    // --- json.cpp
    Result<Value> json_text(const Expr& expr);
    Result<std::optional<Value>> json_equals(const Expr& expr);

    // --- time.cpp
    Result<Value> date_trunc(const Expr& expr);
    Result<Value> extract(const Expr& expr);
    Result<Value> plus_interval(const Expr& expr);

    // --- constant.cpp
    Result<Value> constant(const Expr& expr);
    Result<Value> numeric_literal(const Expr& expr);
    std::string float_parameter(const Expr& expr, bool nullable);
    std::string parameter(const Expr& expr, std::string_view type,
                          ConstantPart part = ConstantPart::kWhole);

    void forget_constants(size_t keep);

    // --- aggregate.cpp
    Result<Value> aggregate(const Expr& expr);
    Result<Value> average(const Expr& expr, Value& count);
    Result<std::string> aggregate_call(const Expr& expr, std::string_view function,
                                       std::string_view arguments);
    Result<Value> percentile(const Expr& expr);
    Result<Value> float_extreme(const Expr& expr, const Value& argument);
    Result<Value> window_call(const Expr& expr);
    bool is_average(const Expr& expr) const;

    TranslateOptions options_;
    std::string prefix_;
    bool names_clash_ = false;
    Output output_;
    Reason reason_ = Reason::kExpression;
    Scope* scope_ = nullptr;
    uint32_t next_alias_ = 0;
    std::map<uint32_t, std::vector<std::string>> default_columns_;  // by Relation::id
    uint32_t depth_ = 0;
    // The select list: what is written, and the same before its cast.
    struct Selected {
        std::string sql;
        std::string raw;
    };
    std::vector<Selected> selected_;
    std::vector<const Expr*> constant_exprs_;  // where each of output_.constants comes from
};

}  // namespace tandem::route
