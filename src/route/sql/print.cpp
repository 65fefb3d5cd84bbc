// The one place where a query becomes text. It decides nothing: nodes say what they are, names come
// from numbers, and whatever a user chose is quoted.
#include "route/sql/print.h"

#include <set>
#include <utility>

#include "sqltext/quote.h"

namespace tandem::route::sql {
namespace {

// Results of derived tables, by relation and item.
using Results = std::set<std::pair<uint32_t, uint32_t>>;

class Printer {
  public:
    // Of digits of derived tables those in `wanted` are written; all without it.
    Printer(std::string_view prefix, const Results* wanted) : prefix_(prefix), wanted_(wanted) {}

    // The digits that are read.
    const Results& read() const { return read_; }

    void select(const Select& query);
    std::string take() { return std::move(out_); }

  private:
    void name(char letter, uint32_t number) {
        out_.append(prefix_).append(1, letter).append(std::to_string(number));
    }
    void node(const Node& node);
    void form(const Node& node);
    void call(const Node& node);
    void cases(const Node& node);
    void from(const From& item);
    void join(const From& item);
    void window(const Window& window);
    void list(const std::vector<const Node*>& nodes, std::string_view between);
    void order(const std::vector<OrderItem>& items);
    void limits(const Select& query);

    void results(const Select& query);
    bool is_read(const Result& result) const;

    std::string_view prefix_;
    const Results* wanted_;
    Results read_;
    uint32_t derived_ = 0;  // what is being written is this relation; 0: it is none
    std::string out_;
};

void Printer::list(const std::vector<const Node*>& nodes, std::string_view between) {
    for (size_t i = 0; i < nodes.size(); ++i) {
        if (i > 0) out_ += between;
        node(*nodes[i]);
    }
}

void Printer::form(const Node& form) {
    std::string_view text = form.text;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '$' || i + 1 == text.size()) {
            out_ += text[i];
            continue;
        }
        char what = text[++i];
        if (what == 'T')
            out_ += sqltext::ch_string(form.type);
        else if (what == 't')
            out_ += sqltext::ch_string(form.plain_type);
        else if (what == ',')
            list(form.args, ", ");
        else if (what == '&')
            list(form.args, " AND ");
        else if (what == '|')
            list(form.args, " OR ");
        else if (what >= '1' && what <= '9' && static_cast<size_t>(what - '1') < form.args.size())
            node(*form.args[static_cast<size_t>(what - '1')]);
        else
            out_.append({'$', what});
    }
}

void Printer::call(const Node& call) {
    out_ += call.text;
    if (call.condition != nullptr) out_ += "If";
    out_ += '(';
    list(call.args, ", ");
    if (call.condition != nullptr) {
        if (!call.args.empty()) out_ += ", ";
        node(*call.condition);
    }
    out_ += ')';
}

void Printer::cases(const Node& cases) {
    out_ += "CASE";
    for (size_t i = 0; i + 1 < cases.args.size(); i += 2) {
        out_ += " WHEN ";
        node(*cases.args[i]);
        out_ += " THEN ";
        node(*cases.args[i + 1]);
    }
    out_ += " ELSE ";
    node(*cases.args.back());
    out_ += " END";
}

void Printer::window(const Window& window) {
    if (!window.partition_by.empty()) {
        out_ += "PARTITION BY ";
        list(window.partition_by, ", ");
    }
    if (!window.order_by.empty()) {
        out_ += window.partition_by.empty() ? "ORDER BY " : " ORDER BY ";
        order(window.order_by);
    }
    if (!window.frame.empty()) out_ += " " + window.frame;
    if (window.ranged == nullptr) return;
    out_ += ' ';
    node(*window.ranged);
}

void Printer::node(const Node& node) {
    switch (node.kind) {
        case Kind::kColumn:
            name('t', node.number);
            out_ += "." + sqltext::ch_ident(node.text);
            return;
        case Kind::kResult:
            if (node.role == Role::kDigits) read_.emplace(node.number, node.item);
            if (node.number != 0) {
                name('t', node.number);
                out_ += '.';
            }
            return name(static_cast<char>(node.role), node.item);
        case Kind::kElement:
            return name('t', node.number);
        case Kind::kString:
        case Kind::kType:
            out_ += sqltext::ch_string(node.text);
            return;
        case Kind::kParameter:
            out_.append("{").append(node.text).append(":").append(node.type).append("}");
            return;
        case Kind::kForm:
            return form(node);
        case Kind::kCall:
            return call(node);
        case Kind::kCase:
            return cases(node);
        case Kind::kOver:
            this->node(*node.args[0]);
            out_ += " OVER (";
            window(*node.window);
            out_ += ')';
            return;
        case Kind::kSelect: {
            uint32_t around = std::exchange(derived_, 0);
            out_ += '(';
            select(*node.select);
            out_ += ')';
            derived_ = around;
            return;
        }
    }
}

void Printer::join(const From& item) {
    constexpr std::string_view kWords[] = {" INNER JOIN ", " LEFT JOIN ",  " RIGHT JOIN ",
                                           " FULL JOIN ",  " CROSS JOIN ", " ARRAY JOIN "};
    from(*item.left);
    out_ += kWords[static_cast<size_t>(item.join)];
    from(*item.right);
    if (item.on.empty()) return;
    out_ += " ON ";
    list(item.on, " AND ");
}

void Printer::from(const From& item) {
    if (item.kind == From::Kind::kJoin) return join(item);
    if (item.kind == From::Kind::kPlace) {
        out_ += kPlace + std::to_string(item.place) + kPlace;
    } else if (item.kind == From::Kind::kElements) {
        node(*item.array);
    } else {
        uint32_t around = std::exchange(derived_, item.number);
        out_ += '(';
        select(*item.select);
        out_ += ')';
        derived_ = around;
    }
    out_ += " AS ";
    name('t', item.number);
}

void Printer::order(const std::vector<OrderItem>& items) {
    for (size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out_ += ", ";
        node(*items[i].node);
        out_ += items[i].descending ? " DESC" : " ASC";
        out_ += items[i].nulls_first ? " NULLS FIRST" : " NULLS LAST";
    }
}

void Printer::limits(const Select& query) {
    if (!query.limit_by.empty()) {
        out_ += " LIMIT " + std::to_string(query.limit_by_rows) + " BY ";
        list(query.limit_by, ", ");
    }
    if (query.limit != nullptr) {
        out_ += " LIMIT ";
        node(*query.limit);
    }
    if (query.offset != nullptr) {
        out_ += " OFFSET ";
        node(*query.offset);
    }
    if (query.with_ties) out_ += " WITH TIES";
}

// Digits that nobody reads are not computed: of a quotient they are as long as the quotient.
bool Printer::is_read(const Result& result) const {
    bool digits = derived_ != 0 && result.role == Role::kDigits && result.item != 0;
    return !digits || wanted_ == nullptr || wanted_->contains({derived_, result.item});
}

void Printer::results(const Select& query) {
    bool first = true;
    for (const Result& result : query.results) {
        if (!is_read(result)) continue;
        if (!std::exchange(first, false)) out_ += ", ";
        uint32_t around = std::exchange(derived_, 0);
        node(*result.node);
        derived_ = around;
        out_ += " AS ";
        name(static_cast<char>(result.role), result.item);
    }
}

void Printer::select(const Select& query) {
    if (!query.branches.empty()) {
        uint32_t around = derived_;
        for (size_t i = 0; i < query.branches.size(); ++i) {
            if (i > 0) out_ += " UNION ALL ";
            derived_ = around;
            select(*query.branches[i]);
        }
        return;
    }
    out_ += query.distinct ? "SELECT DISTINCT " : "SELECT ";
    results(query);
    // What stands below is of other relations.
    derived_ = 0;
    if (query.from != nullptr) {
        out_ += " FROM ";
        from(*query.from);
    }
    if (!query.where.empty()) out_ += " WHERE ";
    list(query.where, " AND ");
    if (!query.group_by.empty()) out_ += " GROUP BY ";
    list(query.group_by, ", ");
    if (query.having != nullptr) {
        out_ += " HAVING ";
        node(*query.having);
    }
    if (!query.order_by.empty()) out_ += " ORDER BY ";
    order(query.order_by);
    limits(query);
}

}  // namespace

std::string print(const Select& query, std::string_view prefix) {
    // What is left out may have been the only reader of something else.
    Results read;
    const Results* wanted = nullptr;
    for (;;) {
        Printer printer(prefix, wanted);
        printer.select(query);
        if (wanted != nullptr && printer.read() == read) return printer.take();
        read = printer.read();
        wanted = &read;
    }
}

bool is_like_own_name(std::string_view name) {
    return name.size() > 1 && std::string_view("tcso").find(name[0]) != std::string_view::npos &&
           name.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace tandem::route::sql
