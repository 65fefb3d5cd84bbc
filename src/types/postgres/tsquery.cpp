// tsquery: its binary form is a tree in prefix order; its text has brackets only where priorities
// need them.
#include <vector>

#include "base/bytes.h"
#include "types/postgres/plan.h"

namespace tandem::types {

namespace {

// A lexeme between quotes; quotes and backslashes inside are doubled.
void append_lexeme(Bytes& out, std::string_view text) {
    out.push_back('\'');
    for (char c : text) {
        if (c == '\'' || c == '\\') out.push_back(c);
        out.push_back(c);
    }
    out.push_back('\'');
}

constexpr int8_t kNot = 1;
constexpr int8_t kAnd = 2;
constexpr int8_t kOr = 3;
constexpr int8_t kPhrase = 4;

int priority_of(int8_t operation) {
    switch (operation) {
        case kOr:
            return 1;
        case kAnd:
            return 2;
        case kPhrase:
            return 3;
        default:
            return 4;
    }
}

struct QueryItem {
    bool is_value = false;
    unsigned weight = 0;
    bool prefix = false;
    std::string_view text;
    int8_t operation = 0;
    int16_t distance = 0;
    size_t end = 0;  // one past the last item of its subtree
};

constexpr size_t kQueryItemsMax = 1 << 20;
constexpr int kQueryDepthMax = 5000;

bool read_item(ByteCursor& cursor, QueryItem& item) {
    const auto kind = cursor.big<uint8_t>();
    if (!kind || (*kind != 1 && *kind != 2)) return false;
    item.is_value = *kind == 1;
    if (item.is_value) {
        const auto weight = cursor.big<uint8_t>();
        const auto prefix = cursor.big<uint8_t>();
        const auto text = cursor.c_string();
        if (!weight || !prefix || !text) return false;
        item.weight = *weight;
        item.prefix = *prefix != 0;
        item.text = *text;
        return true;
    }
    const auto operation = cursor.big<int8_t>();
    if (!operation || *operation < kNot || *operation > kPhrase) return false;
    item.operation = *operation;
    if (item.operation != kPhrase) return true;
    const auto distance = cursor.big<int16_t>();
    if (!distance) return false;
    item.distance = *distance;
    return true;
}

// Items come as operator, right operand, left operand. Finds where each subtree ends; false if they
// do not form exactly one tree.
bool link(std::vector<QueryItem>& items) {
    std::vector<size_t> starts;  // of the subtrees behind the current item, nearest last
    for (size_t i = items.size(); i-- > 0;) {
        const size_t operands = items[i].is_value ? 0 : items[i].operation == kNot ? 1 : 2;
        if (starts.size() < operands) return false;
        items[i].end = i + 1;
        for (size_t k = 0; k < operands; ++k) {
            items[i].end = items[starts.back()].end;
            starts.pop_back();
        }
        starts.push_back(i);
    }
    return starts.size() == 1;
}

struct QueryPrinter {
    const std::vector<QueryItem>& items;
    Bytes& out;

    void value(const QueryItem& item) const {
        append_lexeme(out, item.text);
        if (item.weight == 0 && !item.prefix) return;
        out.push_back(':');
        if (item.prefix) out.push_back('*');
        for (int bit = 3; bit >= 0; --bit)
            if ((item.weight >> bit) & 1) out.push_back(static_cast<char>('D' - bit));
    }

    bool print(size_t at, int parent, bool right_of_phrase, int depth) const {
        if (depth > kQueryDepthMax) return false;
        const QueryItem& item = items[at];
        if (item.is_value) return value(item), true;
        const int priority = priority_of(item.operation);
        const bool bracket = priority < parent || (item.operation == kPhrase && right_of_phrase);
        if (bracket) append(out, "( ");
        if (item.operation == kNot) {
            out.push_back('!');
            if (!print(at + 1, priority, false, depth + 1)) return false;
        } else {
            const size_t left = items[at + 1].end;
            if (!print(left, priority, false, depth + 1)) return false;
            operation(item);
            if (!print(at + 1, priority, item.operation == kPhrase, depth + 1)) return false;
        }
        if (bracket) append(out, " )");
        return true;
    }

    void operation(const QueryItem& item) const {
        if (item.operation == kOr) return append(out, " | ");
        if (item.operation == kAnd) return append(out, " & ");
        if (item.distance == 1) return append(out, " <-> ");
        append(out, " <");
        append_integer(out, item.distance);
        append(out, "> ");
    }
};

}  // namespace

uint8_t tsquery_print(const TypePlan&, std::string_view value, Bytes& out) {
    ByteCursor cursor(value);
    const auto count = cursor.big<uint32_t>();
    if (!count || *count > kQueryItemsMax || *count > value.size()) return kMalformed;
    std::vector<QueryItem> items(*count);
    for (QueryItem& item : items)
        if (!read_item(cursor, item)) return kMalformed;
    if (!cursor.empty()) return kMalformed;
    if (items.empty()) return kOk;
    if (!link(items)) return kMalformed;
    return QueryPrinter{items, out}.print(0, -1, false, 0) ? kOk : kMalformed;
}

}  // namespace tandem::types
