#include "sqltext/quote.h"

namespace tandem::sqltext {
namespace {

std::string_view until_nul(std::string_view text) {
    return text.substr(0, text.find('\0'));
}

// Appends text with every `quote` doubled, and every backslash too when asked.
void append_doubled(std::string& to, std::string_view text, char quote, bool double_backslash) {
    for (char c : text) {
        if (c == quote || (double_backslash && c == '\\')) to.push_back(c);
        to.push_back(c);
    }
}

// ClickHouse reads the same escapes in '...', `...` and in TSV. Control characters are escaped so
// that the text survives transports that are line oriented.
void append_escaped(std::string& to, std::string_view text, char quote) {
    for (char c : text) {
        switch (c) {
            case '\0':
                to += "\\0";
                break;
            case '\1':  // marks the places that are filled in late, see route/sql
                to += "\\x01";
                break;
            case '\b':
                to += "\\b";
                break;
            case '\f':
                to += "\\f";
                break;
            case '\n':
                to += "\\n";
                break;
            case '\r':
                to += "\\r";
                break;
            case '\t':
                to += "\\t";
                break;
            case '\\':
                to += "\\\\";
                break;
            default:
                if (c == quote && quote != '\0') to.push_back('\\');
                to.push_back(c);
        }
    }
}

std::string ch_quoted(std::string_view text, char quote) {
    std::string quoted;
    quoted.reserve(text.size() + 2);
    quoted.push_back(quote);
    append_escaped(quoted, text, quote);
    quoted.push_back(quote);
    return quoted;
}

std::string joined(std::span<const std::string> names, std::string (*quote)(std::string_view)) {
    std::string list;
    for (const std::string& name : names) {
        if (!list.empty()) list += ", ";
        list += quote(name);
    }
    return list;
}

}  // namespace

std::string pg_ident(std::string_view name) {
    std::string quoted = "\"";
    append_doubled(quoted, until_nul(name), '"', false);
    quoted.push_back('"');
    return quoted;
}

std::string pg_qualified(std::string_view schema, std::string_view name) {
    return pg_ident(schema) + "." + pg_ident(name);
}

std::string pg_literal(std::string_view text) {
    text = until_nul(text);
    bool backslash = text.find('\\') != std::string_view::npos;
    std::string quoted = backslash ? "E'" : "'";
    append_doubled(quoted, text, '\'', backslash);
    quoted.push_back('\'');
    return quoted;
}

std::string pg_ident_list(std::span<const std::string> names) {
    return joined(names, pg_ident);
}

std::string pg_array(std::span<const std::string> elements) {
    std::string array = "{";
    for (const std::string& element : elements) {
        if (array.size() > 1) array.push_back(',');
        array.push_back('"');
        for (char c : until_nul(element)) {
            if (c == '"' || c == '\\') array.push_back('\\');
            array.push_back(c);
        }
        array.push_back('"');
    }
    array.push_back('}');
    return array;
}

std::string ch_ident(std::string_view name) {
    return ch_quoted(name, '`');
}

std::string ch_qualified(std::string_view database, std::string_view table) {
    return ch_ident(database) + "." + ch_ident(table);
}

std::string ch_string(std::string_view text) {
    return ch_quoted(text, '\'');
}

std::string ch_ident_list(std::span<const std::string> names) {
    return joined(names, ch_ident);
}

}  // namespace tandem::sqltext
