// Arrays, ranges, multiranges and composites: values made of values.
//
// Binary forms: array_send (dimensions, flags, element type; length and lower bound of each
// dimension; elements), range_send (flags, bounds), multirange_send (count, ranges), record_send
// (count; type and value of each field). Every length is an int32, -1 for NULL.
#include <strings.h>

#include "base/bytes.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// An element, behind its text: quoted when array_out would.
void quote_element(Bytes& out, size_t start, char delimiter) {
    std::string text(out.view().substr(start));
    bool quoted = text.empty() || (text.size() == 4 && strncasecmp(text.data(), "NULL", 4) == 0);
    for (char c : text)
        quoted = quoted || c == '"' || c == '\\' || c == '{' || c == '}' || c == delimiter ||
                 is_blank(c);
    if (!quoted) return;
    out.truncate(start);
    out.push_back('"');
    for (char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    out.push_back('"');
}

// A bound of a range or a field of a composite: quotes and backslashes are doubled.
void quote_part(Bytes& out, size_t start, std::string_view special) {
    std::string text(out.view().substr(start));
    bool quoted = text.empty();
    for (char c : text) quoted = quoted || special.find(c) != std::string_view::npos || is_blank(c);
    if (!quoted) return;
    out.truncate(start);
    out.push_back('"');
    for (char c : text) {
        if (c == '"' || c == '\\') out.push_back(c);
        out.push_back(c);
    }
    out.push_back('"');
}

struct ArrayHeader {
    int32_t dimensions = 0;
    int32_t length[6] = {};
    int32_t lower[6] = {};
    int64_t count = 0;
};

Result<ArrayHeader> read_array_header(ByteCursor& cursor) {
    ArrayHeader header;
    header.dimensions = TRY(cursor.big<int32_t>());
    TRY(cursor.big<int32_t>());   // whether there are NULLs
    TRY(cursor.big<uint32_t>());  // element type
    if (header.dimensions < 0 || header.dimensions > 6)
        return Error(ErrorCode::kMalformedData, "array of too many dimensions");
    header.count = header.dimensions == 0 ? 0 : 1;
    for (int32_t i = 0; i < header.dimensions; ++i) {
        header.length[i] = TRY(cursor.big<int32_t>());
        header.lower[i] = TRY(cursor.big<int32_t>());
        if (header.length[i] < 0)
            return Error(ErrorCode::kMalformedData, "array of negative length");
        header.count *= header.length[i];
        if (header.count > static_cast<int64_t>(cursor.remaining()))
            return Error(ErrorCode::kMalformedData, "array with fewer elements than it claims");
    }
    return header;
}

// nullopt: NULL.
Result<std::optional<std::string_view>> read_value(ByteCursor& cursor) {
    auto size = TRY(cursor.big<int32_t>());
    if (size < 0) return std::optional<std::string_view>();
    return std::optional(TRY(cursor.bytes(static_cast<size_t>(size))));
}

uint8_t append_elements(const TypePlan& element, const ArrayHeader& header, ByteCursor& cursor,
                        Column& elements) {
    for (int64_t i = 0; i < header.count; ++i) {
        auto value = read_value(cursor);
        if (!value.ok()) return kMalformed;
        if (!value->has_value()) {
            elements.append_null();
            continue;
        }
        if (uint8_t outcome = element.append_binary(element, **value, elements); outcome != kOk)
            return outcome;
    }
    return cursor.empty() ? kOk : kMalformed;
}

uint8_t print_dimension(const TypePlan& element, const ArrayHeader& header, int depth,
                        ByteCursor& cursor, Bytes& out) {
    out.push_back('{');
    for (int32_t i = 0; i < header.length[depth]; ++i) {
        if (i != 0) out.push_back(element.delimiter);
        if (depth + 1 < header.dimensions) {
            if (uint8_t outcome = print_dimension(element, header, depth + 1, cursor, out);
                outcome != kOk)
                return outcome;
            continue;
        }
        auto value = read_value(cursor);
        if (!value.ok()) return kMalformed;
        if (!value->has_value()) {
            append(out, "NULL");
            continue;
        }
        size_t start = out.size();
        if (uint8_t outcome = element.print(element, **value, out); outcome != kOk) return outcome;
        quote_element(out, start, element.delimiter);
    }
    out.push_back('}');
    return kOk;
}

// One element of an array's text at `at`, which ends up behind it. False for wrong syntax.
bool read_element(std::string_view text, size_t& at, char delimiter, std::string& value,
                  bool& null) {
    value.clear();
    null = false;
    if (at < text.size() && text[at] == '"') {
        for (++at; at < text.size() && text[at] != '"'; ++at) {
            if (text[at] == '\\' && ++at == text.size()) return false;
            value.push_back(text[at]);
        }
        return at++ < text.size();
    }
    while (at < text.size() && text[at] != delimiter && text[at] != '}') {
        if (text[at] == '\\' && ++at == text.size()) return false;
        value.push_back(text[at++]);
    }
    null = strcasecmp(value.c_str(), "NULL") == 0;
    return !value.empty();
}

uint8_t append_element_texts(const TypePlan& element, std::string_view text, Column& elements) {
    std::string value;
    bool null = false;
    size_t at = 1;
    if (text == "{}") return kOk;
    for (;;) {
        if (at < text.size() && text[at] == '{') return kArrayShape;
        if (!read_element(text, at, element.delimiter, value, null)) return kMalformed;
        if (null) {
            elements.append_null();
        } else if (uint8_t outcome = element.append_text(element, value, elements);
                   outcome != kOk) {
            return outcome;
        }
        if (at >= text.size()) return kMalformed;
        char mark = text[at++];
        if (mark == '}') return at == text.size() ? kOk : kMalformed;
        if (mark != element.delimiter) return kMalformed;
    }
}

uint8_t finish_elements(uint8_t outcome, size_t before, Column& column) {
    if (outcome != kOk) {
        column.children[0].truncate(before);
        return outcome;
    }
    column.finish_array();
    return kOk;
}

uint8_t print_bound(const TypePlan& plan, ByteCursor& cursor, Bytes& out) {
    auto value = read_value(cursor);
    if (!value.ok() || !value->has_value()) return kMalformed;
    const TypePlan& subtype = *plan.parts[0];
    size_t start = out.size();
    if (uint8_t outcome = subtype.print(subtype, **value, out); outcome != kOk) return outcome;
    quote_part(out, start, "\"\\()[],");
    return kOk;
}

}  // namespace

uint8_t array_append_binary(const TypePlan& plan, std::string_view value, Column& column) {
    ByteCursor cursor(value);
    auto header = read_array_header(cursor);
    if (!header.ok()) return kMalformed;
    if (header->dimensions > 1 || (header->dimensions == 1 && header->lower[0] != 1))
        return kArrayShape;
    size_t before = column.children[0].rows;
    return finish_elements(append_elements(*plan.parts[0], *header, cursor, column.children[0]),
                           before, column);
}

uint8_t array_append_text(const TypePlan& plan, std::string_view text, Column& column) {
    if (text.starts_with('[')) return kArrayShape;
    if (!text.starts_with('{')) return kMalformed;
    size_t before = column.children[0].rows;
    return finish_elements(append_element_texts(*plan.parts[0], text, column.children[0]), before,
                           column);
}

void array_reverse(const TypePlan& plan, const Column& column, size_t row, Bytes& out) {
    const TypePlan& element = *plan.parts[0];
    const Column& elements = column.children[0];
    auto [first, end] = column.elements(row);
    out.push_back('{');
    for (size_t i = first; i < end; ++i) {
        if (i != first) out.push_back(element.delimiter);
        if (elements.is_null(i)) {
            append(out, "NULL");
            continue;
        }
        size_t start = out.size();
        if (element.reverse == bool_reverse)
            out.push_back(elements.fixed<uint8_t>(i) != 0 ? 't' : 'f');
        else
            element.reverse(element, elements, i, out);
        quote_element(out, start, element.delimiter);
    }
    out.push_back('}');
}

uint8_t array_print(const TypePlan& plan, std::string_view value, Bytes& out) {
    ByteCursor cursor(value);
    auto header = read_array_header(cursor);
    if (!header.ok()) return kMalformed;
    if (header->count == 0) return append(out, "{}"), cursor.empty() ? kOk : kMalformed;
    bool bounds = false;
    for (int32_t i = 0; i < header->dimensions; ++i) bounds = bounds || header->lower[i] != 1;
    for (int32_t i = 0; bounds && i < header->dimensions; ++i) {
        out.push_back('[');
        append_integer(out, header->lower[i]);
        out.push_back(':');
        append_integer(out, int64_t{header->lower[i]} + header->length[i] - 1);
        out.push_back(']');
    }
    if (bounds) out.push_back('=');
    uint8_t outcome = print_dimension(*plan.parts[0], *header, 0, cursor, out);
    return outcome == kOk && !cursor.empty() ? uint8_t{kMalformed} : outcome;
}

uint8_t range_print(const TypePlan& plan, std::string_view value, Bytes& out) {
    constexpr uint8_t kEmpty = 1, kLowerInclusive = 2, kUpperInclusive = 4, kLowerInfinite = 8,
                      kUpperInfinite = 16;
    if (value.empty()) return kMalformed;
    auto flags = static_cast<uint8_t>(value[0]);
    ByteCursor cursor(value.substr(1));
    if ((flags & kEmpty) != 0) return append(out, "empty"), kOk;
    out.push_back((flags & kLowerInclusive) != 0 ? '[' : '(');
    if ((flags & kLowerInfinite) == 0)
        if (uint8_t outcome = print_bound(plan, cursor, out); outcome != kOk) return outcome;
    out.push_back(',');
    if ((flags & kUpperInfinite) == 0)
        if (uint8_t outcome = print_bound(plan, cursor, out); outcome != kOk) return outcome;
    out.push_back((flags & kUpperInclusive) != 0 ? ']' : ')');
    return cursor.empty() ? kOk : kMalformed;
}

uint8_t multirange_print(const TypePlan& plan, std::string_view value, Bytes& out) {
    ByteCursor cursor(value);
    auto count = cursor.big<uint32_t>();
    if (!count.ok()) return kMalformed;
    out.push_back('{');
    for (uint32_t i = 0; i < *count; ++i) {
        if (i != 0) out.push_back(',');
        auto range = read_value(cursor);
        if (!range.ok() || !range->has_value()) return kMalformed;
        if (uint8_t outcome = range_print(*plan.parts[0], **range, out); outcome != kOk)
            return outcome;
    }
    out.push_back('}');
    return cursor.empty() ? kOk : kMalformed;
}

uint8_t composite_print(const TypePlan& plan, std::string_view value, Bytes& out) {
    ByteCursor cursor(value);
    auto count = cursor.big<uint32_t>();
    if (!count.ok() || *count != plan.parts.size()) return kMalformed;
    out.push_back('(');
    for (uint32_t i = 0; i < *count; ++i) {
        if (i != 0) out.push_back(',');
        auto type = cursor.big<uint32_t>();
        if (!type.ok() || *type != plan.part_oids[i]) return kMalformed;
        auto field = read_value(cursor);
        if (!field.ok()) return kMalformed;
        if (!field->has_value()) continue;
        const TypePlan& part = *plan.parts[i];
        size_t start = out.size();
        if (uint8_t outcome = part.print(part, **field, out); outcome != kOk) return outcome;
        quote_part(out, start, "\"\\(),");
    }
    out.push_back(')');
    return cursor.empty() ? kOk : kMalformed;
}

}  // namespace tandem::types
