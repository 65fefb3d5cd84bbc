#include "telemetry/plan_text.h"

#include <algorithm>
#include <cstring>

#include "telemetry/sql_lexer.h"

namespace tandem::telemetry {

namespace {

struct Out {
    char* out;
    size_t size = 0;
    void put(Text text) {
        std::memcpy(out + size, text.data(), text.size());
        size += text.size();
    }
};

// "SubPlan 1", "InitPlan 2": the number is its name.
bool is_numbered(Text before) {
    while (!before.empty() && before.back() == ' ') before.remove_suffix(1);
    return before.ends_with("SubPlan") || before.ends_with("InitPlan");
}

// A property that is nothing but a number: "Workers Planned: 2".
bool is_whole_value(Text line, size_t from, size_t to) {
    return to == line.size() && from >= 2 && line.substr(from - 2, 2) == ": ";
}

// `escaped`: inside of a JSON string, where a backslash and what follows are one.
void mask_line(Text line, bool escaped, Out* out) {
    Lexer lexer{line};
    while (lexer.at < line.size()) {
        size_t from = lexer.at;
        if (escaped && line[from] == '\\') {
            // A quoted name goes on to its own closing quote.
            bool quote = from + 1 < line.size() && line[from + 1] == '"';
            size_t close = quote ? line.find("\\\"", from + 2) : Text::npos;
            lexer.at = std::min(close == Text::npos ? from + 2 : close + 2, line.size());
            out->put(line.substr(from, lexer.at - from));
            continue;
        }
        if (line.substr(from).starts_with("(cost=")) {
            lexer.at = std::min(line.find(')', from), line.size());
            out->put(line.substr(from, lexer.at - from));
            continue;
        }
        bool literal = lexer.next() == Token::kLiteral;
        bool keeps = !literal || is_numbered(line.substr(0, from)) ||
                     (!escaped && is_whole_value(line, from, lexer.at));
        out->put(keeps ? line.substr(from, lexer.at - from) : Text("?"));
    }
}

// Whose values are names and words of EXPLAIN, not expressions.
bool is_name(Text key) {
    static constexpr Text kNames[] = {
        "Node Type",       "Parent Relationship",
        "Subplan Name",    "Strategy",
        "Partial Mode",    "Scan Direction",
        "Index Name",      "Relation Name",
        "Schema",          "Alias",
        "Join Type",       "Operation",
        "Command",         "CTE Name",
        "Function Name",   "Table Function Name",
        "Tuplestore Name", "Custom Plan Provider",
    };
    return std::find(std::begin(kNames), std::end(kNames), key) != std::end(kNames);
}

// Behind the closing quote of the JSON string at `at`.
size_t end_of_string(Text json, size_t at) {
    for (++at; at < json.size() && json[at] != '"'; ++at)
        if (json[at] == '\\') ++at;
    return std::min(at + 1, json.size());
}

bool is_key(Text json, size_t at) {
    while (at < json.size() && is_space(json[at])) ++at;
    return at < json.size() && json[at] == ':';
}

}  // namespace

size_t mask_plan_text(Text plan, char* out) noexcept {
    Out masked{out};
    while (!plan.empty()) {
        size_t end = std::min(plan.find('\n'), plan.size());
        // A literal may have lines of its own; they belong to it.
        Lexer lexer{plan};
        while (lexer.at < end) lexer.next();
        if (lexer.at > end) end = std::min(plan.find('\n', lexer.at), plan.size());
        mask_line(plan.substr(0, end), false, &masked);
        if (end < plan.size()) masked.put("\n");
        plan.remove_prefix(std::min(end + 1, plan.size()));
    }
    return masked.size;
}

size_t mask_plan_json(Text plan, char* out) noexcept {
    Out masked{out};
    Text key;
    for (size_t at = 0; at < plan.size();) {
        if (plan[at] != '"') {
            masked.put(plan.substr(at++, 1));
            continue;
        }
        size_t end = end_of_string(plan, at);
        bool closed = end - at >= 2 && plan[end - 1] == '"';
        Text inner = plan.substr(at + 1, end - at - (closed ? 2 : 1));
        if (is_key(plan, end)) key = inner;
        if (is_key(plan, end) || is_name(key)) {
            masked.put(plan.substr(at, end - at));
        } else {
            masked.put("\"");
            mask_line(inner, true, &masked);
            if (closed) masked.put("\"");
        }
        at = end;
    }
    return masked.size;
}

}  // namespace tandem::telemetry
