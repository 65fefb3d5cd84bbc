// Bytes, identifiers, bit strings and other scalars whose form is text.
#include "base/bytes.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// ClickHouse keeps a UUID as two little-endian numbers, the upper half first.
void append_uuid(const char* bytes, Column& column) {
    UInt128 value =
        static_cast<UInt128>(load_big<uint64_t>(bytes + 8)) << 64 | load_big<uint64_t>(bytes);
    column.append_fixed(value);
}

void print_uuid(const char* bytes, Bytes& out) {
    constexpr size_t kGroups[] = {4, 2, 2, 2, 6};
    for (size_t group : kGroups) {
        if (group != 4) out.push_back('-');
        append_hex(out, {bytes, group});
        bytes += group;
    }
}

// Elements of a one-dimensional array of fixed width, separated by blanks.
template <typename T>
uint8_t print_vector(std::string_view value, Bytes& out) {
    constexpr size_t kHeader = 12;
    if (value.size() < kHeader) return kMalformed;
    auto dimensions = load_big<int32_t>(value.data());
    if (dimensions == 0) return kOk;
    if (dimensions != 1 || value.size() < kHeader + 8) return kMalformed;
    auto count = load_big<uint32_t>(value.data() + kHeader);
    std::string_view elements = value.substr(kHeader + 8);
    if (elements.size() != static_cast<uint64_t>(count) * (4 + sizeof(T))) return kMalformed;
    for (uint32_t i = 0; i < count; ++i, elements.remove_prefix(4 + sizeof(T))) {
        if (i != 0) out.push_back(' ');
        append_integer(out, load_big<T>(elements.data() + 4));
    }
    return kOk;
}

}  // namespace

uint8_t bytea_append_binary(const TypePlan&, std::string_view value, Column& column) {
    column.append_string(value);
    return kOk;
}
uint8_t bytea_append_text(const TypePlan&, std::string_view text, Column& column) {
    if (!text.starts_with("\\x") || text.size() % 2 != 0) return kMalformed;
    size_t before = column.data.size();
    for (size_t i = 2; i < text.size(); i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return column.data.truncate(before), kMalformed;
        column.data.push_back(static_cast<char>(high * 16 + low));
    }
    column.append_string({});
    return kOk;
}
uint8_t bytea_print(const TypePlan&, std::string_view value, Bytes& out) {
    append(out, "\\x");
    append_hex(out, value);
    return kOk;
}
void bytea_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    append(out, "\\x");
    append_hex(out, column.string(row));
}

uint8_t uuid_append_binary(const TypePlan&, std::string_view value, Column& column) {
    if (value.size() != 16) return kMalformed;
    append_uuid(value.data(), column);
    return kOk;
}
uint8_t uuid_append_text(const TypePlan&, std::string_view text, Column& column) {
    char bytes[16];
    size_t digits = 0;
    for (char c : text) {
        if (c == '-') continue;
        int digit = hex_digit(c);
        if (digit < 0 || digits == 32) return kMalformed;
        bytes[digits / 2] =
            static_cast<char>(digits % 2 == 0 ? digit << 4 : bytes[digits / 2] | digit);
        ++digits;
    }
    if (digits != 32) return kMalformed;
    append_uuid(bytes, column);
    return kOk;
}
uint8_t uuid_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 16) return kMalformed;
    print_uuid(value.data(), out);
    return kOk;
}
void uuid_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    auto value = column.fixed<UInt128>(row);
    uint64_t halves[2] = {__builtin_bswap64(static_cast<uint64_t>(value)),
                          __builtin_bswap64(static_cast<uint64_t>(value >> 64))};
    char bytes[16];
    std::memcpy(bytes, halves, sizeof bytes);
    print_uuid(bytes, out);
}

// A byte with the high bit set is written as backslash and three octal digits (since 15).
uint8_t char_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 1) return kMalformed;
    auto byte = static_cast<uint8_t>(value[0]);
    if (byte == 0) return kOk;
    if (byte < 0x80) return out.push_back(value[0]), kOk;
    out.push_back('\\');
    for (int shift = 6; shift >= 0; shift -= 3)
        out.push_back(static_cast<char>('0' + ((byte >> shift) & 7)));
    return kOk;
}

uint8_t versioned_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.empty() || value[0] != 1) return kMalformed;
    append(out, value.substr(1));
    return kOk;
}

uint8_t bit_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() < 4) return kMalformed;
    auto bits = load_big<int32_t>(value.data());
    value.remove_prefix(4);
    if (bits < 0 || value.size() != (static_cast<size_t>(bits) + 7) / 8) return kMalformed;
    for (int32_t i = 0; i < bits; ++i)
        out.push_back(
            (static_cast<uint8_t>(value[static_cast<size_t>(i) / 8]) >> (7 - i % 8) & 1) != 0
                ? '1'
                : '0');
    return kOk;
}

uint8_t tid_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 6) return kMalformed;
    out.push_back('(');
    append_unsigned(out, load_big<uint32_t>(value.data()));
    out.push_back(',');
    append_unsigned(out, load_big<uint16_t>(value.data() + 4));
    out.push_back(')');
    return kOk;
}

uint8_t snapshot_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() < 20) return kMalformed;
    auto count = load_big<uint32_t>(value.data());
    if (value.size() != 20 + static_cast<uint64_t>(count) * 8) return kMalformed;
    append_unsigned(out, load_big<uint64_t>(value.data() + 4));
    out.push_back(':');
    append_unsigned(out, load_big<uint64_t>(value.data() + 12));
    out.push_back(':');
    for (uint32_t i = 0; i < count; ++i) {
        if (i != 0) out.push_back(',');
        append_unsigned(out, load_big<uint64_t>(value.data() + 20 + static_cast<size_t>(i) * 8));
    }
    return kOk;
}

uint8_t vector_of_int2_print(const TypePlan&, std::string_view value, Bytes& out) {
    return print_vector<int16_t>(value, out);
}
uint8_t vector_of_oid_print(const TypePlan&, std::string_view value, Bytes& out) {
    return print_vector<uint32_t>(value, out);
}

}  // namespace tandem::types
