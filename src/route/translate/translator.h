// Translator: the neutral tree of one query to a tree of ClickHouse SQL, by the rule table.
//
// One object per translation. A refusal is an Error kNotRoutable; reason() then says which. The
// parts are in files of their own, named in the comments below.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "route/facade.h"
#include "route/reason.h"
#include "route/rules/rule.h"
#include "route/sql/node.h"
#include "route/sql/value.h"
#include "route/translate/pattern.h"

namespace tandem::route {

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
    std::vector<RelationUse> relations;  // by the number of their place
    bool sorted = true;
    bool limited = true;
    bool any_order = false;
    bool narrow = false;
    bool raises = false;
    bool united = false;  // rows of one part may be sent before another part is computed
    bool needs_utc = false;
    std::string zone;  // the session's, when the SQL is made for it
    bool needs_iso = false;
};

// Where the rows of a query get an order from that its reader sees.
enum class RowOrder : uint8_t {
    kNone,
    kOwn,       // its ORDER BY
    kOfSource,  // it passes on the rows of its only subquery as they come
    kImplied,   // Postgres' way of computing windows or joins; nothing that could be written
};
RowOrder row_order(const Query& query);
// LIMIT ALL and OFFSET 0 cut nothing off.
bool is_limited(const Query& query);

class Translator {
  public:
    explicit Translator(const TranslateOptions& options) : options_(options) {}

    Status translate(const Query& query);
    // Functions that are written by their names.
    struct Call;
    static std::span<const Call> calls();
    Output take() { return std::move(output_); }
    Reason reason() const { return reason_; }

  private:
    using Node = sql::Node;
    using Nodes = std::vector<const sql::Node*>;
    using OrderItems = std::vector<sql::OrderItem>;

    // An equality, or another comparison, of an expression of the subquery (inner) with one of the
    // query around it (outer). `name` is the operator with the inner side on the left.
    struct Tie {
        const Expr* comparison = nullptr;
        std::string_view name;
        const Expr* inner = nullptr;
        const Expr* outer = nullptr;
        Value inside = {};
        Value outside = {};
        Value plain = {};  // `inside`, before both sides were brought to one type
    };
    struct Correlation {
        std::vector<const Expr*> inner;  // conditions of the subquery alone
        std::vector<const Expr*> outer;  // conditions of the query around it alone
        std::vector<Tie> equal;
        std::vector<Tie> other;
    };
    // Aggregates of correlated subqueries, as the query around them reads them.
    struct Lifted {
        const Expr* aggregate = nullptr;
        Value value = {};
        uint32_t item = 0;
    };
    struct Average {
        Value sum;
        Value count;
    };
    // A derived table that a part of FROM was put into.
    struct Wrapped {
        sql::Select* select = nullptr;
        uint32_t number = 0;
    };
    // A relation in scope and, for subqueries, its columns.
    struct Source {
        const Relation* relation = nullptr;
        uint32_t number = 0;    // in the SQL
        bool nullable = false;  // on the inner side of an outer join
        std::vector<Value> columns;
        OrderItems order;  // of its rows, where the query around it keeps it
        size_t use = 0;    // of a table: in output_.relations
        const sql::From* from = nullptr;
        std::vector<Wrapped> wraps = {};  // innermost first
        // LATERAL: made of columns of these relations of the same level.
        bool lateral = false;
        std::vector<uint32_t> needs = {};
        bool elements = false;           // of an array: joined by ARRAY JOIN
        const Query* inlined = nullptr;  // its targets are computed where they are read
        bool keyed = false;              // grouped by its key, on which its columns depend
        std::vector<Lifted> lifted = {};
        std::vector<Tie> ties = {};
    };
    // One query level.
    struct Scope {
        const Query* query = nullptr;
        Scope* outer = nullptr;
        bool ordered = false;  // somebody sees in which order the rows come
        std::vector<Source> sources = {};
        // Decorrelated subqueries, to be joined to FROM.
        struct Joined {
            const sql::From* from = nullptr;
            Nodes on;
        };
        std::vector<Joined> joined = {};
        // Whether such a join can still be added: not above grouping, not inside of ON.
        bool may_join = true;
        // GROUP BY: its expressions and how they are written.
        bool grouped = false;
        std::vector<std::pair<const Expr*, Value>> keys = {};
        bool changed_keys = false;      // some are not written as they are anywhere else
        sql::Select* select = nullptr;  // what is grouped
        // GROUPING SETS: what stands above them reads these from the only source, by its columns.
        bool over_cells = false;
        std::vector<const Expr*> cells = {};
        // What GROUPING SETS leave out of the set being written.
        const std::vector<const Expr*>* absent = nullptr;
    };
    // Where an expression stands: in a filter NULL means the same as false.
    enum class Place : uint8_t { kValue, kFilter };

    Error refuse(Reason reason, std::string_view detail = {});
    void note_column(const Source& source, std::string_view name);
    Class class_of(uint32_t type) const;
    const EnumType* enum_of(uint32_t type) const;
    std::string_view type_text(const Value& value) { return sql_.keep(clickhouse_type(value)); }
    // The value in exactly its own type.
    const Node* typed(const Value& value) { return sql_.cast(value.node, type_text(value)); }

    // --- query.cpp
    struct Derived {
        sql::Select* select = nullptr;
        std::vector<Value> columns;  // nodes without a relation
    };
    Result<Derived> write_subquery(const Query& query, OrderItems* order = nullptr);
    Result<Derived> write_repeated(const Query& query, OrderItems* order = nullptr);
    void break_ties(const sql::Select& select, OrderItems& items);
    Status fill_subquery(const Query& query, Derived& derived, OrderItems* order);
    void select_columns(sql::Select& select);
    Status check_sortable(const Value& value, const Expr& expr);
    Status subquery_columns(const Query& query, Derived& derived);
    void add_result(sql::Select& select, const Value& value, bool plain, uint32_t item);
    Result<OrderItems> order_of_rows(const Query& query);
    Status check_shape(const Query& query);
    Status check_key(const Value& value, const Expr& expr);
    Status make_key(Value& value, const Expr& expr);
    Result<Value> key_of_group(const Expr& expr, const Node*& key);
    void note_keyed(const Query& query);
    void add_dependent(const Node* column);
    Status body(const Query& query, sql::Select& select);
    void close_from(sql::Select& select);
    Status write_tail(const Query& query, sql::Select& select);
    Status limits(const Query& query, sql::Select& select);
    Result<OrderItems> distinct_order(const Query& query);
    Result<OrderItems> order_of_distinct(const Query& query, const Derived& derived);
    Result<OrderItems> sort_key(const SortKey& key);
    OrderItems sort_items(const Value& value, const SortKey& key);
    Result<OrderItems> sort_keys(const List<SortKey>& keys);
    Result<const Node*> group_key(const Expr& expr);
    Result<const Node*> count_node(const Expr* expr);
    void finish(const sql::Select& select);

    // --- target.cpp: what the outermost query ships, and what Postgres makes of it
    Status add_target(const Query& query, const Target& target);
    Status add_parts(const Query& query, const Expr& expr);
    Status add_node(const Expr& expr);
    Status add_average_interval(const Expr& expr);
    Status ship(const Expr& expr, const Value& value);
    Result<uint32_t> add_column(const Expr& expr, const Value& given);
    Result<bool> is_group_key(const Query& query, const Expr& expr);
    bool depends_on_key(const Expr& expr) const;
    struct Mark {
        size_t columns;
        size_t constants;
        size_t replacements;
        size_t joined;
    };
    Mark mark() const;
    void back_to(const Mark& mark);

    // --- from.cpp
    Status write_from(const Query& query, sql::Select& select);
    Status open_source(const Relation& relation, Source& source, bool ordered);
    Value of_source(const Source& source, size_t column);
    struct Piece {
        std::vector<uint32_t> relations;
        const sql::From* from = nullptr;
        double rows = 0;
        bool single = true;
        bool lateral = false;
        uint32_t number = 0;  // of the derived table it is, if it was put into one
    };
    struct Condition {
        const Expr* expr = nullptr;
        bool used = false;
    };
    using Pieces = std::vector<Piece>;
    Status flatten_inner(const FromItem& item, Pieces& pieces, std::vector<Condition>& conditions);
    Result<Piece> outer_join(const FromItem& item);
    Result<Piece> join_pieces(Pieces pieces, std::vector<Condition>& conditions);
    Result<Piece> piece_of(const FromItem& item);
    void mark_nullable(const FromItem& item);
    bool relations_of(const Expr& expr, std::vector<uint32_t>& found) const;
    void note_relation(uint32_t relation, std::vector<uint32_t>& found) const;
    bool connects(const Expr& expr, const std::vector<uint32_t>& left,
                  const std::vector<uint32_t>& right) const;
    const FromItem* hoisted(const FromItem* before, const FromItem* item);
    std::vector<const FromItem*> from_items(const Query& query);
    bool is_inlined(const FromItem& item) const;
    void wrap(Piece& piece, Nodes where, const std::vector<uint32_t>& made = {});
    Status freeze(const FromItem& item, std::vector<uint32_t>& made);
    Status hide_rows(uint32_t relation);
    const Node* through(const Source& source, const Node* node);
    Result<const Node*> filter_on(const Expr& expr);
    const Expr* all_of(const std::vector<const Expr*>& conditions);
    void split_condition(const Expr& expr, std::vector<const Expr*>& parts);
    Result<Pieces::iterator> next_piece(const Piece& all, Pieces& pieces,
                                        const std::vector<Condition>& conditions) const;

    // --- lateral.cpp: what is in FROM and reads columns of what stands beside it
    Status open_lateral(const Relation& relation, Source& source);
    Status open_tied(const Query& query, Source& source);
    Status tied_columns(const Query& query, Source& source, sql::Select& select);
    Status tied_aggregates(const Query& query, Source& source, sql::Select& select);
    Status cut_tied(const Query& query, const Nodes& keys, sql::Select& select);
    Result<Value> inlined_column(const Source& source, int32_t attnum);
    Result<const Node*> tied(const Tie& tie);
    Status join_lateral(Piece& all, const Piece& next, bool outer);
    void note_needs(const Expr& expr, uint32_t level, Source& source) const;

    // --- series.cpp: functions that return sets
    struct Elements {
        const Node* array = nullptr;
        std::vector<Value> columns;   // of one element
        const Node* index = nullptr;  // its number, if asked for
    };
    Status open_elements(const Relation& relation, Source& source, bool ordered,
                         uint32_t level = 0);
    Result<Elements> elements_of(const Relation& relation, uint32_t number, bool numbered,
                                 uint32_t level);
    Result<Elements> elements_of_object(const Relation& relation, uint32_t number, bool numbered);
    Result<Elements> elements_of_rows(const Relation& relation, uint32_t number, uint32_t level);
    Result<const Node*> array_of(const Expr& function, Value& element);
    Result<const Node*> unnested(const Expr& array, Value& element);
    Result<const Node*> number_series(const Expr& function, Value& element);
    Result<const Node*> time_series(const Expr& function, Value& element);

    // --- expression.cpp
    Result<Value> value(const Expr& expr, Place place = Place::kValue);
    Result<Value> value_by_kind(const Expr& expr, Place place);
    Result<const Node*> filter(const Expr& expr);
    Result<Value> column(const Expr& expr);
    Result<Value> table_column(const Source& source, const MirroredColumn& column);
    Status set_nullable(Value& value, std::string_view name);
    Result<Value> logic(const Expr& expr, Place place);
    Result<Value> null_test(const Expr& expr);
    Result<Value> truth_test(const Expr& expr);
    Result<Value> null_if(const Expr& expr);
    Result<Value> distinct_from(const Expr& expr);
    Result<Value> relabel(const Expr& expr);
    Result<Value> operator_value(const Expr& expr, Place place);
    Result<Value> function(const Expr& expr);

    // --- apply.cpp: the rule table
    Result<Value> apply(const Expr& expr, Form form, std::string_view name);
    // compare.cpp: of two operands those that compare the same way and cost less.
    void compare_as_stored(std::string_view name, std::vector<Value>& values);
    std::optional<const sql::Node*> padded_like(const Value& column, const Value& other);
    Result<Value> apply_values(const Expr& expr, Form form, std::string_view name,
                               std::span<const Value> values);
    Result<Value> apply_rule(const Expr& expr, const Rule& row, std::span<const Value> values);
    Status check_collation(const Expr& expr, const Rule& row);
    Result<Value> cast(const Expr& expr);
    const Node* digits_of_sum(const Value& a, const Value& b);
    bool narrow(Value& result, const Expr& expr, std::span<const Value> values);

    // --- branch.cpp: CASE, COALESCE, lists of values
    Result<Value> common_type(const std::vector<Value>& values, const Expr& expr);
    const Node* branch(const Value& value, const Value& common);
    Result<Value> case_value(const Expr& expr);
    Result<Value> extreme_of(const Expr& expr);
    Result<Value> array_column(const Expr& expr, Class& element);
    Result<Value> in_array_column(const Expr& expr, const Expr& array);
    bool known_elements(const Expr& array, std::vector<const Expr*>& list, uint32_t type = 0);
    Result<Value> known_array(const Expr& expr, const Expr& array, Place place);
    Result<Value> coalesce(const Expr& expr);
    Result<Value> scalar_array(const Expr& expr, Place place);
    const Node* padded_list(const Value& column, const Expr& array);
    Result<Value> array_constant(const Expr& expr, const Expr& array);

    // --- text.cpp
    Result<Value> like(const Expr& expr);
    Result<Value> like_value(const Expr& expr);
    const Node* as_text(const Value& value);
    Result<Value> concatenated(const Expr& expr);
    Result<Value> formatted(const Expr& expr);
    Result<Value> trimmed(const Expr& expr);
    Result<Value> translated(const Expr& expr);
    Result<Value> folded(const Expr& expr);
    const Node* in_other_case(const Node* text, std::string_view function);
    Result<Value> nulls_counted(const Expr& expr);
    Result<Value> split_part(const Expr& expr);
    Result<Value> padded(const Expr& expr);
    Result<Value> substring(const Expr& expr);

    // --- match.cpp: regular expressions
    struct Search {
        Pattern pattern;
        Value text;
        const Node* node = nullptr;
    };
    Result<Search> search_of(const Expr& expr, std::string_view flags);
    Result<Search> exact_search(const Expr& expr, std::string_view flags, bool empty = false);
    Value unless_left_out(const Pattern& pattern, int64_t group, Value result);
    Result<Value> matches(const Expr& expr);
    Result<Value> regexp_replace(const Expr& expr);
    Result<Value> regexp_substring(const Expr& expr);
    Result<Value> regexp_group(const Expr& expr, const Expr& number);
    Result<Value> regexp_count(const Expr& expr);

    // --- numeric.cpp
    const Node* digits_of(const Value& value);
    Value fixed(const Value& value, int precision, int scale);
    Result<Value> divide(const Value& dividend, const Value& divisor);
    Result<Value> remainder(const Value& dividend, const Value& divisor);
    const Node* unscaled(const Value& value);
    const Node* once(const Value& value, std::string_view form);
    Value from_unscaled(const Node* node, bool nullable, int precision, int scale);
    Value rounded(const Value& value, int scale, bool cut);
    Value whole(const Value& value, bool up);
    Value number_of_text(const Value& text);
    Result<std::optional<Value>> numeric_function(const Expr& expr, std::string_view name,
                                                  std::span<const Value> values);
    Result<std::optional<Value>> numeric_cast(const Expr& expr, std::string_view name,
                                              std::span<const Value> values);

    // --- number.cpp
    Result<Value> width_bucket(const Expr& expr);
    Result<Value> bucket_of_list(const Expr& expr);
    Result<Value> float_power(const Expr& expr);
    Result<std::optional<Value>> numeric_part(std::string_view name, std::span<const Value> values);
    const Node* digits_needed(const Value& value);
    Result<Value> root(const Value& value);
    static std::string weight_of(const std::string& x, int scale);
    static std::string whole_root(const std::string& n);
    Value wide_to_float(const Value& from);

    // --- call.cpp: the functions that are no rows, by their names
    Result<std::optional<Value>> special_function(const Expr& expr);
    Result<Value> made_date(const Expr& expr);
    Result<Value> made_timestamp(const Expr& expr);
    Result<Value> overlap(const Expr& expr);
    Result<Value> time_by_format(const Expr& expr);
    Result<Value> overlaid(const Expr& expr);
    Result<Value> regexp_whole(const Expr& expr);
    Result<Value> encoded(const Expr& expr);

    // --- subquery.cpp
    Result<Value> subquery(const Expr& expr, Place place);
    Result<Value> scalar(const Query& query);
    Result<Value> in_set(const Expr& expr, Place place);
    Result<Value> exists(const Expr& expr, Place place);
    Result<Value> compare_all(const Expr& expr);
    Result<Value> correlated_scalar(const Expr& expr);
    Result<Value> correlated_value(const Expr& target, const Query& query, Correlation& found);
    Result<Value> correlated_aggregate(const Expr& target, const Query& query, Correlation& found);
    Result<Value> correlated_row(const Expr& target, const Query& query, Correlation& found);
    Status split_correlation(const Query& query, Correlation& found);
    Status open_correlated(const Query& query, Correlation& found, sql::Select& select);
    Status extremes(Correlation& found, sql::Select& select, const Node*& test, bool above);
    Status group_by_ties(Correlation& found, Nodes& keys);
    Status join_derived(Correlation& found, sql::Select& select);
    bool is_above_grouping() const { return scope_->grouped && !scope_->may_join; }
    Status check_ties_above(const Correlation& found);
    const Node* of_joined(uint32_t number, sql::Role role, uint32_t item, bool above);
    Result<Value> outer_value(const Expr& expr, Place place = Place::kValue);
    // Runs `action` inside of a subquery's own level.
    template <typename Action>
    Status inside(Scope& scope, Action action) {
        uint32_t below = levels_below_;
        levels_below_ = 0;
        scope_ = &scope;
        Status status = action();
        scope_ = scope.outer;
        levels_below_ = below;
        return status;
    }
    Status make_comparable(const Expr& comparison, Value& left, Value& right);
    const Node* is_in(const std::vector<Value>& left, const Nodes& right, sql::Select& set);
    const sql::From* as_relation(const Derived& derived, uint32_t& number);
    const Node* read_derived(const sql::From* from, const Node* node, Nodes where);

    // --- set_operation.cpp: what is made of several SELECTs
    Result<Derived> write_set(const Query& query);
    Result<Derived> write_branch(const Query& query);
    Status over_grouping_sets(const Query& query, sql::Select& select);
    Result<Derived> write_grouping_sets(const Query& query, const std::vector<const Expr*>& cells);
    Status write_cells(const std::vector<const Expr*>& cells, Derived& branch);
    std::optional<Average> average_cell(const Expr& expr);
    Result<Derived> write_values(const Relation& relation);
    Status union_all(std::vector<Derived>& branches, Derived& all);
    Status match_columns(std::vector<Derived>& branches, size_t column, Value& common);
    Derived combine_rows(const Query& query, const Derived& all);
    Status check_set_keys(const Query& query);
    void stand_in(Derived derived, sql::Select& select);
    bool is_absent(const Expr& expr) const;
    bool is_present(const Expr& expr) const;
    Result<Value> grouping(const Expr& expr);

    // --- json.cpp
    struct JsonPath {
        const Expr* document = nullptr;
        Nodes steps;                      // keys, and places in arrays
        std::vector<size_t> array_steps;  // which of them
        std::string_view last_key;        // empty when the last step is no key
    };
    bool json_path(const Expr& expr, JsonPath& path);
    Result<Value> json_document(const Expr& expr, JsonPath& path);
    const Node* json_type(const Node* document, const JsonPath& path);
    const Node* json_number(const Node* document, const JsonPath& path);
    Result<Value> json_typeof(const Expr& expr);
    Result<Value> json_length(const Expr& expr);
    Result<Value> json_contains(const Expr& expr);
    // json_value.cpp: what is at a path
    const Node* json_call(std::string_view function, const Node* document, const JsonPath& path);
    const Node* json_there(const Node* document, const JsonPath& path);
    static bool is_json_part(const Expr& expr);
    const Node* json_quoted(const Node* text);
    Result<Value> json_scalar(const Expr& expr);
    Result<Value> compare_json(const Expr& expr);
    Result<Value> json_null_test(const Expr& expr);
    Result<Value> json_cast(const Expr& expr);
    const Node* path_goes_astray(const Node* document, const JsonPath& path, bool last);
    Result<Value> json_path_test(const Expr& expr);
    const Node* path_comparison(const Node* document, const JsonPath& path, std::string_view name,
                                std::string_view literal);
    Result<const Node*> json_set(const Expr& function, Value& element);
    static const Expr& json_or_empty(const Expr& expr, bool object);
    Result<const Node*> json_pairs(const Expr& function, Value& second);
    // json_key.cpp: keys that the table has columns of
    struct StoredKey {
        const Source* source = nullptr;
        const JsonKeyColumns* columns = nullptr;
        explicit operator bool() const { return columns != nullptr; }
    };
    StoredKey stored_key(const Expr& document, std::string_view key) const;
    StoredKey stored_key(const Expr& part);
    Result<Value> key_text(const StoredKey& key);
    const Node* key_kind(const StoredKey& key);
    Result<Value> key_scalar(const StoredKey& key);
    Value key_typeof(const StoredKey& key);
    Value key_null_test(const StoredKey& key, bool is_null);
    Result<Value> key_cast(const StoredKey& key, const Expr& expr);
    std::optional<Value> keys_there(const Expr& document, const std::vector<std::string_view>& keys,
                                    bool all);
    // json_build.cpp
    const Node* json_string(const Node* text);
    Result<const Node*> json_object(const Expr& expr);
    Result<const Node*> json_of(const Expr& expr);
    Result<Value> json_agg(const Expr& expr);
    Result<Value> json_object_agg(const Expr& expr);

    // --- array.cpp
    struct ArrayValue {
        const Node* node = nullptr;  // of elements that may be NULL
        Class element = Class::kNone;
        const Node* of = nullptr;  // where this is NULL, so is the array
    };
    // array_value.cpp: arrays that are made
    Result<ArrayValue> array_value(const Expr& expr);
    Result<ArrayValue> listed_array(const Expr& expr, const std::vector<const Expr*>& items);
    Result<ArrayValue> split_array(const Expr& expr);
    Result<ArrayValue> sliced_array(const Expr& expr);
    Result<ArrayValue> joined_array(const Expr& expr);
    Result<Value> array_result(const Expr& expr);
    Result<Value> shown_array(const Value& array);
    Result<Value> array_operator(const Expr& expr);
    static bool is_array_type(uint32_t type);
    static std::string array_type(Class element);
    static bool is_array(const Value& value);
    const Node* unless_null(const ArrayValue& array, const Node* node);
    Result<Value> subscript(const Expr& expr);
    Result<Value> array_function(const Expr& expr);

    Result<Value> json_text(const Expr& expr);
    Result<Value> json_has(const Expr& expr);
    Result<std::optional<Value>> json_equals(const Expr& expr);

    // --- time.cpp
    Result<Value> date_trunc(const Expr& expr);
    Result<Value> epoch(const Expr& expr, const Value& time);
    Result<Value> fraction_field(const Expr& expr, const Value& clock);
    const Node* iso_text(const Value& value);
    Result<Value> time_as_text(const Value& value);
    Result<Value> to_char(const Expr& expr);
    Result<Value> extract(const Expr& expr);
    const Node* in_utc(const Value& value);

    // --- interval.cpp
    Result<Value> difference(const Expr& expr);
    const Node* interval_text(const Node* days, const Node* rest);
    Value shown_interval(const Value& value);
    Result<Value> span_of(const Expr& expr);
    Result<Value> compare_intervals(const Expr& expr);
    Result<Value> interval_field(const Expr& expr);
    Result<Value> interval_sum(const Expr& expr, const Value& argument);
    Result<Value> interval_aggregate(const Expr& expr, const Value& argument);
    struct IntervalParts {
        const Node* months = nullptr;  // null: none
        const Node* days = nullptr;
        const Node* rest = nullptr;  // microseconds
        bool nullable = false;
    };
    Result<IntervalParts> interval_parts(const Expr& expr);
    Result<IntervalParts> made_interval(const Expr& expr);
    Result<Value> plus_interval(const Expr& expr);
    const Node* moved_by(const Node* time, std::string_view zone, int sign, const Node* months,
                         const Node* days);
    Result<Value> date_bin(const Expr& expr);

    // --- time_of_day.cpp
    const Node* clock_text(const Node* time);
    bool is_clock_span(const Expr& expr) const;
    Result<IntervalParts> parts_of_clock(const Expr& expr);
    Result<Value> moved_clock(const Expr& expr);
    Result<Value> clock_of_interval(const Expr& span);
    Result<Value> clock_field(const Expr& expr, const Value& time);
    Result<Value> made_time(const Expr& expr);
    const Node* clock_as_moment(const Node* time);
    Result<std::optional<Value>> compare_with_end(const Expr& expr);

    // --- inet.cpp
    Result<Value> network_test(const Expr& expr);
    const Node* inet_key(const Node* address);

    // --- range.cpp
    struct RangeValue {
        const Node* lower = nullptr;  // null: none
        const Node* upper = nullptr;
        bool lower_inclusive = true;
        bool upper_inclusive = false;
        bool empty = false;
        bool made = false;           // of values that may be NULL, or the wrong way round
        const Node* text = nullptr;  // of a column
    };
    static bool is_range_type(uint32_t type);
    Result<const Node*> range_bound(uint32_t type, std::string_view text);
    Result<RangeValue> known_range(const Expr& expr);
    Result<RangeValue> made_range(const Expr& expr);
    Result<RangeValue> stored_range(const Expr& expr);
    Result<RangeValue> range_of(const Expr& expr);
    Result<Value> range_part(const Expr& expr);
    Result<Value> ranges_meet(const Expr& expr);
    Result<Value> range_contains(const Expr& expr);

    // --- age.cpp: intervals with months
    bool has_parts(const Expr& expr);
    Result<IntervalParts> parts_of_interval(const Expr& expr);
    Result<Value> span_of_parts(const Expr& expr);
    Result<Value> field_of_parts(const Expr& expr);
    const Node* parts_text(const Node* months, const Node* days, const Node* rest);
    Result<Value> sum_of_parts(const Expr& expr);
    Result<Value> key_of_parts(const Expr& expr, const Node*& key);
    Result<Value> extreme_of_parts(const Expr& expr);
    Result<Value> aggregate_of_parts(const Expr& expr);

    // --- zone.cpp: time zones
    Status needs_utc();
    Result<std::string_view> session_zone();
    Result<std::string_view> named_zone(const Expr& expr);
    const Node* agreed(const Node* time, std::string_view zone);
    const Node* offset_at(const Node* time, std::string_view zone);
    const Node* clock_of(const Node* time, std::string_view zone);
    const Node* instant_of(const Node* clock, std::string_view zone, bool whole = false);
    Result<Value> as_clock(const Value& value);
    Value in_zone(const Value& value, std::string_view zone);
    Result<Value> apply_zoned(const Expr& expr, const Rule& row, std::span<const Value> values,
                              std::string_view zone);
    Result<Value> at_zone(const Expr& expr);
    Result<Value> time_of_text(const Expr& expr, const Value& text);

    // --- label.cpp: enums
    const Node* position_of(const Value& value);
    Result<Value> compare_labels(const Expr& expr, std::span<const Value> values);
    Result<Value> extreme_label(const Expr& expr, const Value& argument);

    // --- constant.cpp
    Result<Value> constant(const Expr& expr);
    Result<Value> bytes_literal(const Expr& expr, Value result);
    Result<Value> known_constant(const Expr& expr, Value result);
    Result<Value> numeric_literal(const Expr& expr);
    const Node* float_parameter(const Expr& expr, bool nullable);
    const Node* parameter(const Expr& expr, std::string_view type,
                          ConstantPart part = ConstantPart::kWhole);

    // --- aggregate.cpp
    Result<Value> aggregate(const Expr& expr);
    Result<Average> average(const Expr& expr);
    Result<Value> divided(const Average& parts);
    Result<Value> sum_of(const Expr& expr);
    std::string_view or_null(const Expr& expr, std::string_view function) const;
    Result<std::optional<Value>> sum_of_halves(const Expr& expr, const Value& argument,
                                               const Value& result);
    void cut_digits(Value& argument);
    Result<Value> different_rows(const Expr& expr);
    Status digits_of_group(const Expr& expr, const Value& argument, Value& result);
    Result<const Node*> aggregate_call(const Expr& expr, std::string_view function, Nodes args);
    // hypothetical.cpp
    Result<Value> hypothetical(const Expr& expr);
    const Node* turned(const Value& value, const Node* node);
    // ordered_set.cpp
    bool is_sortable_set(const Value& argument, const Expr& expr) const;
    Result<Value> ordered_set(const Expr& expr);
    Result<Value> percentile(const Expr& expr, Value result, const Node* values);
    Result<Value> percentile_of_intervals(const Expr& expr, const Node* values);
    Result<Value> mode(const Expr& expr, const SortKey& key);
    Result<Value> float_extreme(const Expr& expr, const Value& argument);
    bool is_average(const Expr& expr) const;
    Result<Value> float_sum(const Expr& expr, const Value& argument);
    Result<Value> extreme_by_key(const Expr& expr, const Value& argument);
    Result<Value> of_pairs(const Expr& expr);
    Result<Value> pair_average(const Expr& expr);

    // --- window.cpp
    Result<Value> window_call(const Expr& expr);
    Result<sql::Window> window_of(const Window& window);
    Status break_ties(const Expr& expr, const Window& window, sql::Window& over);
    Status add_frame(const Window& window, sql::Window& over);
    Status range_frame(const Window& window, sql::Window& over);
    // What RANGE sorts by and its offsets, as numbers.
    struct Range {
        const Node* key = nullptr;
        const Node* offsets[2] = {};
    };
    Status range_of_time(const Window& window, const Value& key, Range& range);
    Status range_of_number(const Window& window, const Value& key, Range& range);
    Result<const Node*> range_offset(const Expr& offset, const Value& key);
    Result<Value> window_aggregate(const Expr& expr, const sql::Window& over);
    Result<Value> value_of_row(const Expr& expr, const Window& window, sql::Window over);
    Result<Value> part_of_rows(const Expr& expr, const sql::Window& over);
    // What an aggregate is computed from is not computed over its window.
    template <typename Action>
    auto without_window(Action action) {
        const sql::Window* over = over_;
        over_ = nullptr;
        auto result = action();
        over_ = over;
        return result;
    }

    // --- list_aggregate.cpp
    Result<const Node*> ordered_values(const Expr& expr, const Value& argument, bool nulls);
    Result<Value> string_agg(const Expr& expr);
    Result<const Node*> values_of_frame(const Expr& expr, const Value& argument, bool nulls);
    Result<const Node*> different_values(const Expr& expr, const Value& argument, bool nulls);
    Result<std::string> element_text(const Value& one);
    Result<Value> array_text(const Node* values, const Value& one);
    Result<Value> array_agg(const Expr& expr);
    Result<Value> distinct_sum(const Expr& expr, Value& count);
    Result<Value> variance(const Expr& expr);
    Result<Value> spread(const Expr& expr);

    const TranslateOptions& options_;
    sql::Sql sql_;
    bool names_clash_ = false;  // a column is called as we would call a relation or a result
    Output output_;
    Reason reason_ = Reason::kExpression;
    Scope* scope_ = nullptr;
    uint32_t next_relation_ = 0;
    std::map<uint32_t, std::string> default_columns_;  // by Relation::id
    uint32_t depth_ = 0;
    uint32_t nodes_ = 0;
    std::vector<Lifted> lifted_;
    const sql::Window* over_ = nullptr;  // of the aggregate being written
    bool summed_ = false;                // below a sum that ends before a row is sent
    std::deque<Query> kept_queries_;
    std::deque<FromItem> kept_items_;
    std::deque<Expr> kept_exprs_;
    std::deque<std::vector<const Expr*>> kept_lists_;
    // What is being written is computed more than once and has to be the same each time: whatever
    // picks or numbers rows does so by a total order.
    bool total_ = false;
    bool secured_ = false;
    // A numeric that is held as text is shipped as it is, if nothing is computed with it.
    bool as_stored_ = false;
    // How many levels the expression in hand is written below the one it is translated in.
    uint32_t levels_below_ = 0;
    // The select list of the outermost query: what is written, and the same before its cast.
    struct Selected {
        const Node* node = nullptr;
        const Node* raw = nullptr;
    };
    std::vector<Selected> selected_;
    std::vector<const Expr*> constant_exprs_;  // where each of output_.constants comes from
};

}  // namespace tandem::route
