// Text that several families share, exactly as Postgres writes it.
#include <charconv>
#include <cmath>

#include "types/plan.h"

namespace tandem::types {
namespace {

// Shortest digits that give the value back, in Postgres' layout: plain notation for decimal
// exponents from -4 below `plain_max`, otherwise d.ddde+XX (float8out, float4out).
template <typename T>
void append_shortest(Bytes& out, T value, int plain_max) {
    if (std::isnan(value)) return append(out, "NaN");
    if (std::isinf(value)) return append(out, value > 0 ? "Infinity" : "-Infinity");
    char text[40];
    auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
    std::string_view written(text, static_cast<size_t>(end - text));
    size_t e = written.find('e');
    int exponent = 0;
    std::string_view exponent_text = written.substr(e + 1);
    if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
    std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
    if (value == 0) exponent = 0;
    if (exponent < -4 || exponent >= plain_max) {
        append(out, written.substr(0, e));
        append(out, exponent < 0 ? "e-" : "e+");
        append_padded(out, static_cast<uint64_t>(std::abs(exponent)), 2);
        return;
    }
    auto plain = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
    append(out, {text, static_cast<size_t>(plain - text)});
}

}  // namespace

void append_integer(Bytes& out, int64_t value) {
    char text[24];
    auto end = std::to_chars(text, text + sizeof text, value).ptr;
    append(out, {text, static_cast<size_t>(end - text)});
}

void append_unsigned(Bytes& out, uint64_t value) {
    char text[24];
    auto end = std::to_chars(text, text + sizeof text, value).ptr;
    append(out, {text, static_cast<size_t>(end - text)});
}

void append_padded(Bytes& out, uint64_t value, int digits) {
    char text[24];
    auto end = std::to_chars(text, text + sizeof text, value).ptr;
    for (auto size = end - text; size < digits; ++size) out.push_back('0');
    append(out, {text, static_cast<size_t>(end - text)});
}

void append_float(Bytes& out, double value) {
    append_shortest(out, value, 15);
}
void append_float(Bytes& out, float value) {
    append_shortest(out, value, 6);
}

void append_hex(Bytes& out, std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    char* to = out.extend(bytes.size() * 2);
    for (char byte : bytes) {
        *to++ = kDigits[static_cast<uint8_t>(byte) >> 4];
        *to++ = kDigits[static_cast<uint8_t>(byte) & 15];
    }
}

uint8_t append_printed(const TypePlan& plan, std::string_view value, Column& column) {
    // Straight behind the column's characters: the row is closed when the text is whole.
    size_t before = column.data.size();
    uint8_t outcome = plan.print(plan, value, column.data);
    if (outcome != kOk) {
        column.data.truncate(before);
        return outcome;
    }
    column.append_string({});
    return kOk;
}

uint8_t append_verbatim(const TypePlan&, std::string_view value, Column& column) {
    column.append_string(value);
    return kOk;
}

void reverse_string(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    append(out, column.string(row));
}

uint8_t print_verbatim(const TypePlan&, std::string_view value, Bytes& out) {
    append(out, value);
    return kOk;
}

}  // namespace tandem::types
