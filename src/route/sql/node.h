// ClickHouse SQL as a tree. The translator builds it, decides by its nodes and never by text; the
// printer (print.h) writes it once, when everything is known.
//
// Nodes are immutable once built, owned by their Sql and shared freely: the same node may stand in
// several places. Relations have numbers instead of names; the printer names them so that no name
// of ours can be taken for a user's.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::route::sql {

struct Select;

enum class Kind : uint8_t {
    kColumn,     // column `text` of relation `number`, under its own name
    kResult,     // result `item` of relation `number`, or of the query itself (number 0)
    kElement,    // the element of relation `number`, which is an array
    kString,     // a string literal of any bytes
    kType,       // a type as a string literal: the second argument of CAST
    kParameter,  // {text:type}, sent with the query
    kForm,       // `text` with arguments in it: $1 to $9, $, all with commas, $& $| with AND, OR;
                 // $T the type of the result, $t the same without Nullable
    kCall,       // text(args), as an aggregate with `condition` textIf(args, condition)
    kCase,       // args: when, then, when, then, ..., else
    kOver,       // args[0] OVER window
    kSelect,     // (SELECT ...)
};

// What a result is for: its name's first letter.
enum class Role : char {
    kValue = 'c',   // a value
    kDigits = 's',  // its digits behind the point
    kOrder = 'o',   // what the rows are sorted by
};

struct Node;

struct OrderItem {
    const Node* node = nullptr;
    bool descending = false;
    bool nulls_first = false;
};

struct Window {
    std::vector<const Node*> partition_by;
    std::vector<OrderItem> order_by;
    std::string frame;             // ROWS BETWEEN ...; made of keywords and numbers
    const Node* ranged = nullptr;  // or one with offsets that are computed
};

struct Node {
    Kind kind = Kind::kForm;
    // Computing it may fail the query on purpose, because Postgres would raise an error or answer
    // differently; here or somewhere below.
    bool raises = false;
    Role role = Role::kValue;
    uint32_t number = 0;
    uint32_t item = 0;
    std::string_view text;
    std::string_view type;
    std::string_view plain_type;
    std::vector<const Node*> args;
    const Node* condition = nullptr;
    const Window* window = nullptr;
    const Select* select = nullptr;
};

enum class JoinWord : uint8_t { kInner, kLeft, kRight, kFull, kCross, kArray };

// FROM: a mirrored table at its place, a derived table, the elements of an array (only to the right
// of kArray), or a join of two.
struct From {
    enum class Kind : uint8_t { kPlace, kDerived, kElements, kJoin } kind = Kind::kPlace;
    uint32_t place = 0;   // number of the RelationUse, filled when the query runs
    uint32_t number = 0;  // of the relation, for its alias
    const Select* select = nullptr;
    const Node* array = nullptr;
    JoinWord join = JoinWord::kInner;
    const From* left = nullptr;
    const From* right = nullptr;
    std::vector<const Node*> on;
};

struct Result {
    const Node* node = nullptr;
    Role role = Role::kValue;
    uint32_t item = 0;
};

struct Select {
    std::vector<const Select*> branches;  // UNION ALL of these, and nothing else
    bool distinct = false;
    std::vector<Result> results;
    const From* from = nullptr;
    std::vector<const Node*> where;
    std::vector<const Node*> group_by;
    const Node* having = nullptr;
    std::vector<OrderItem> order_by;
    std::vector<const Node*> limit_by;  // the first row for each of these
    uint64_t limit_by_rows = 1;         // or so many
    const Node* limit = nullptr;
    const Node* offset = nullptr;
    bool with_ties = false;
};

// Equal nodes compute equal values.
bool same(const Node& a, const Node& b);

// Owns the tree of one query.
class Sql {
  public:
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

    const Node* column(uint32_t relation, std::string_view name);
    const Node* result(uint32_t relation, Role role, uint32_t item);
    const Node* element(uint32_t relation);
    const Node* string(std::string_view text);
    const Node* type(std::string_view name);
    const Node* parameter(std::string_view name, std::string_view type);
    // `text` outlives the tree: a literal of the program, or kept.
    const Node* form(std::string_view text, std::vector<const Node*> args,
                     std::string_view type = {}, std::string_view plain_type = {},
                     bool raises = false);
    const Node* call(std::string_view function, std::vector<const Node*> args,
                     const Node* condition = nullptr);
    const Node* cases(std::vector<const Node*> args);
    const Node* over(const Node* call, Window window);
    const Node* select(const Select* query);
    const Node* cast(const Node* node, std::string_view type);
    // The number with its exact type: of a bare one ClickHouse picks the type.
    const Node* int32(int64_t number);
    const Node* int64(int64_t number);
    // `value`, after failing the query where `wrong` is true; NULL is not wrong.
    const Node* guarded(const Node* wrong, const Node* value);
    const Node* both(std::vector<const Node*> conditions);

    const From* place(uint32_t place, uint32_t relation);
    const From* derived(const Select* query, uint32_t relation);
    const From* elements(const Node* array, uint32_t relation);
    const From* join(JoinWord word, const From* left, const From* right,
                     std::vector<const Node*> on);
    Select* query() { return &selects_.emplace_back(); }
    // Some node may fail the query on purpose.
    bool any_raises() const { return raises_; }

  private:
    Node& make(Kind kind);

    bool raises_ = false;
    std::deque<Node> nodes_;
    std::deque<From> froms_;
    std::deque<Select> selects_;
    std::deque<Window> windows_;
    std::deque<std::string> texts_;
};

}  // namespace tandem::route::sql
