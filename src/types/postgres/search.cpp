// tsvector, and the types of the extensions hstore and vector.
#include <charconv>

#include "base/bytes.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

void append_quoted(Bytes& out, std::string_view text, char quote, bool doubled) {
    out.push_back(quote);
    for (char c : text) {
        if (c == quote) out.push_back(doubled ? quote : '\\');
        if (c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    out.push_back(quote);
}

Status print_hstore(std::string_view value, Bytes& out) {
    ByteCursor cursor(value);
    auto count = TRY(cursor.big<int32_t>());
    for (int32_t i = 0; i < count; ++i) {
        if (i != 0) append(out, ", ");
        auto key_size = TRY(cursor.big<uint32_t>());
        append_quoted(out, TRY(cursor.bytes(key_size)), '"', false);
        append(out, "=>");
        auto size = TRY(cursor.big<int32_t>());
        if (size < 0) {
            append(out, "NULL");
            continue;
        }
        append_quoted(out, TRY(cursor.bytes(static_cast<size_t>(size))), '"', false);
    }
    return {};
}

Status print_tsvector(std::string_view value, Bytes& out) {
    ByteCursor cursor(value);
    auto count = TRY(cursor.big<uint32_t>());
    for (uint32_t i = 0; i < count; ++i) {
        if (i != 0) out.push_back(' ');
        append_quoted(out, TRY(cursor.c_string()), '\'', true);
        auto positions = TRY(cursor.big<uint16_t>());
        for (uint16_t k = 0; k < positions; ++k) {
            auto position = TRY(cursor.big<uint16_t>());
            out.push_back(k == 0 ? ':' : ',');
            append_unsigned(out, position & 0x3fffU);
            constexpr char kLetters[] = {'\0', 'C', 'B', 'A'};
            if (char letter = kLetters[position >> 14]; letter != '\0') out.push_back(letter);
        }
    }
    return {};
}

}  // namespace

uint8_t hstore_print(const TypePlan&, std::string_view value, Bytes& out) {
    return print_hstore(value, out).ok() ? kOk : kMalformed;
}

uint8_t tsvector_print(const TypePlan&, std::string_view value, Bytes& out) {
    return print_tsvector(value, out).ok() ? kOk : kMalformed;
}

// int16 dimensions, int16 unused, float4 each.
uint8_t vector_append_binary(const TypePlan&, std::string_view value, Column& column) {
    if (value.size() < 4) return kMalformed;
    size_t dimensions = load_big<uint16_t>(value.data());
    if (value.size() != 4 + dimensions * 4) return kMalformed;
    for (size_t i = 0; i < dimensions; ++i)
        column.children[0].append_fixed(
            std::bit_cast<float>(load_big<uint32_t>(value.data() + 4 + i * 4)));
    column.finish_array();
    return kOk;
}

uint8_t vector_append_text(const TypePlan&, std::string_view text, Column& column) {
    if (text.size() < 2 || text.front() != '[' || text.back() != ']') return kMalformed;
    const char* at = text.data() + 1;
    const char* end = text.data() + text.size() - 1;
    Column& elements = column.children[0];
    size_t before = elements.rows;
    while (at < end) {
        float value = 0;
        auto parsed = std::from_chars(at, end, value);
        if (parsed.ec != std::errc() || (parsed.ptr != end && *parsed.ptr != ',')) {
            elements.truncate(before);
            return kMalformed;
        }
        elements.append_fixed(value);
        at = parsed.ptr + 1;
    }
    column.finish_array();
    return kOk;
}

uint8_t vector_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() < 4 || value.size() != 4 + size_t{load_big<uint16_t>(value.data())} * 4)
        return kMalformed;
    out.push_back('[');
    for (size_t at = 4; at < value.size(); at += 4) {
        if (at != 4) out.push_back(',');
        append_float(out, std::bit_cast<float>(load_big<uint32_t>(value.data() + at)));
    }
    out.push_back(']');
    return kOk;
}

void vector_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    auto [first, end] = column.elements(row);
    out.push_back('[');
    for (size_t i = first; i < end; ++i) {
        if (i != first) out.push_back(',');
        append_float(out, column.children[0].fixed<float>(i));
    }
    out.push_back(']');
}

}  // namespace tandem::types
