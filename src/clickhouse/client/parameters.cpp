#include "clickhouse/client/parameters.h"

namespace tandem::clickhouse {
namespace {

// 0 when the byte needs no escape.
char escape_letter(char byte) {
    switch (byte) {
        case '\0':
            return '0';
        case '\b':
            return 'b';
        case '\f':
            return 'f';
        case '\n':
            return 'n';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        case '\\':
            return '\\';
        default:
            return 0;
    }
}

void append_escaped(std::string& out, char byte) {
    const char letter = escape_letter(byte);
    if (letter != 0) out.push_back('\\');
    out.push_back(letter != 0 ? letter : byte);
}

}  // namespace

std::string parameter_text(const Parameter& parameter) {
    if (parameter.form == ParameterForm::kNull) return "\\N";
    if (parameter.form == ParameterForm::kLiteral) return parameter.value;
    std::string text;
    text.reserve(parameter.value.size());
    for (const char byte : parameter.value) append_escaped(text, byte);
    return text;
}

std::string quote_for_wire(std::string_view text) {
    std::string quoted = "'";
    quoted.reserve(text.size() + 2);
    for (const char byte : text) {
        if (byte == '\'') quoted.push_back('\\');
        append_escaped(quoted, byte);
    }
    quoted.push_back('\'');
    return quoted;
}

}  // namespace tandem::clickhouse
