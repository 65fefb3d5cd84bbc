#include "route/sql/node.h"

#include <algorithm>

namespace tandem::route::sql {
namespace {

bool same_lists(const std::vector<const Node*>& a, const std::vector<const Node*>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Node* x, const Node* y) { return same(*x, *y); });
}

bool same_windows(const Window& a, const Window& b) {
    if ((a.ranged == nullptr) != (b.ranged == nullptr)) return false;
    if (a.ranged != nullptr && !same(*a.ranged, *b.ranged)) return false;
    return a.frame == b.frame && same_lists(a.partition_by, b.partition_by) &&
           std::equal(a.order_by.begin(), a.order_by.end(), b.order_by.begin(), b.order_by.end(),
                      [](const OrderItem& x, const OrderItem& y) {
                          return x.descending == y.descending && x.nulls_first == y.nulls_first &&
                                 same(*x.node, *y.node);
                      });
}

bool any_raises(const std::vector<const Node*>& nodes) {
    return std::any_of(nodes.begin(), nodes.end(), [](const Node* node) { return node->raises; });
}

bool select_raises(const Select& select) {
    if (any_raises(select.where) || any_raises(select.group_by)) return true;
    if (select.having != nullptr && select.having->raises) return true;
    for (const Result& result : select.results)
        if (result.node->raises) return true;
    return std::any_of(select.branches.begin(), select.branches.end(),
                       [](const Select* branch) { return select_raises(*branch); });
}

}  // namespace

bool same(const Node& a, const Node& b) {
    if (&a == &b) return true;
    if (a.kind != b.kind || a.number != b.number || a.item != b.item || a.role != b.role ||
        a.text != b.text || a.type != b.type || a.plain_type != b.plain_type ||
        a.select != b.select)
        return false;
    if ((a.condition == nullptr) != (b.condition == nullptr) ||
        (a.window == nullptr) != (b.window == nullptr))
        return false;
    if (a.condition != nullptr && !same(*a.condition, *b.condition)) return false;
    if (a.window != nullptr && !same_windows(*a.window, *b.window)) return false;
    return same_lists(a.args, b.args);
}

Node& Sql::make(Kind kind) {
    Node& node = nodes_.emplace_back();
    node.kind = kind;
    return node;
}

const Node* Sql::column(uint32_t relation, std::string_view name) {
    Node& node = make(Kind::kColumn);
    node.number = relation;
    node.text = keep(std::string(name));
    return &node;
}

const Node* Sql::result(uint32_t relation, Role role, uint32_t item) {
    Node& node = make(Kind::kResult);
    node.number = relation;
    node.role = role;
    node.item = item;
    return &node;
}

const Node* Sql::element(uint32_t relation) {
    Node& node = make(Kind::kElement);
    node.number = relation;
    return &node;
}

const Node* Sql::string(std::string_view text) {
    Node& node = make(Kind::kString);
    node.text = keep(std::string(text));
    return &node;
}

const Node* Sql::type(std::string_view name) {
    Node& node = make(Kind::kType);
    node.text = keep(std::string(name));
    return &node;
}

const Node* Sql::parameter(std::string_view name, std::string_view type) {
    Node& node = make(Kind::kParameter);
    node.text = keep(std::string(name));
    node.type = keep(std::string(type));
    return &node;
}

const Node* Sql::form(std::string_view text, std::vector<const Node*> args, std::string_view type,
                      std::string_view plain_type, bool raises) {
    Node& node = make(Kind::kForm);
    node.text = text;
    node.args = std::move(args);
    node.type = type;
    node.plain_type = plain_type;
    node.raises = raises || sql::any_raises(node.args);
    raises_ = raises_ || raises;
    return &node;
}

const Node* Sql::call(std::string_view function, std::vector<const Node*> args,
                      const Node* condition) {
    Node& node = make(Kind::kCall);
    node.text = function;
    node.args = std::move(args);
    node.condition = condition;
    node.raises = sql::any_raises(node.args) || (condition != nullptr && condition->raises);
    return &node;
}

const Node* Sql::cases(std::vector<const Node*> args) {
    Node& node = make(Kind::kCase);
    node.args = std::move(args);
    node.raises = sql::any_raises(node.args);
    return &node;
}

const Node* Sql::over(const Node* call, Window window) {
    Node& node = make(Kind::kOver);
    node.args = {call};
    node.window = &windows_.emplace_back(std::move(window));
    node.raises = call->raises;
    return &node;
}

const Node* Sql::select(const Select* query) {
    Node& node = make(Kind::kSelect);
    node.select = query;
    node.raises = select_raises(*query);
    return &node;
}

const Node* Sql::cast(const Node* node, std::string_view type) {
    return form("CAST($1, $2)", {node, this->type(type)});
}

const Node* Sql::int32(int64_t number) {
    return form(keep("toInt32(" + std::to_string(number) + ")"), {});
}

const Node* Sql::int64(int64_t number) {
    return form(keep("toInt64(" + std::to_string(number) + ")"), {});
}

const Node* Sql::guarded(const Node* wrong, const Node* value) {
    return form("if(throwIf(ifNull($1, 0)) = 0, $2, NULL)", {wrong, value}, {}, {}, true);
}

const Node* Sql::both(std::vector<const Node*> conditions) {
    if (conditions.size() == 1) return conditions.front();
    return form("($&)", std::move(conditions));
}

const From* Sql::place(uint32_t place, uint32_t relation) {
    From& from = froms_.emplace_back();
    from.place = place;
    from.number = relation;
    return &from;
}

const From* Sql::derived(const Select* query, uint32_t relation) {
    From& from = froms_.emplace_back();
    from.kind = From::Kind::kDerived;
    from.select = query;
    from.number = relation;
    return &from;
}

const From* Sql::elements(const Node* array, uint32_t relation) {
    From& from = froms_.emplace_back();
    from.kind = From::Kind::kElements;
    from.array = array;
    from.number = relation;
    return &from;
}

const From* Sql::join(JoinWord word, const From* left, const From* right,
                      std::vector<const Node*> on) {
    From& from = froms_.emplace_back();
    from.kind = From::Kind::kJoin;
    from.join = word;
    from.left = left;
    from.right = right;
    from.on = std::move(on);
    return &from;
}

}  // namespace tandem::route::sql
