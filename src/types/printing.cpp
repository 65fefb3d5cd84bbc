// Text that several families share, exactly as Postgres writes it.
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "types/plan.h"

namespace tandem::types {
namespace {

// Text halfway between two neighbouring values: the rule of even mantissas would read it as
// `value`, and to_chars may choose it. Postgres never does. long double holds the midpoints
// exactly.
template <typename T>
bool on_boundary(std::string_view digits, T value) {
    long double written = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), written);
    for (T limit : {std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity()}) {
        T neighbour = std::nextafter(value, limit);
        if (std::isinf(neighbour)) continue;
        if (written == (static_cast<long double>(value) + neighbour) / 2) return true;
    }
    return false;
}

// d.ddde+XX with the fewest digits that only `value` is read back from.
template <typename T>
std::string_view shortest_scientific(T value, char* text, size_t size) {
    auto format = std::chars_format::scientific;
    auto written = [&](char* end) {
        return std::string_view(text, static_cast<size_t>(end - text));
    };
    std::string_view digits = written(std::to_chars(text, text + size, value, format).ptr);
    if (!on_boundary(digits, value)) return digits;
    size_t mantissa = digits.find('e');
    for (int precision = mantissa < 3 ? 1 : static_cast<int>(mantissa) - 1;; ++precision) {
        digits = written(std::to_chars(text, text + size, value, format, precision).ptr);
        T back = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), back);
        if (back == value && !on_boundary(digits, value)) return digits;
    }
}

// The digits of d.ddd times ten to the exponent, without an exponent.
void print_plain(Bytes& out, std::string_view mantissa, int exponent) {
    if (mantissa.starts_with('-')) {
        out.push_back('-');
        mantissa.remove_prefix(1);
    }
    std::string digits(mantissa.substr(0, 1));
    if (mantissa.size() > 2) digits += mantissa.substr(2);
    if (exponent < 0) {
        append(out, "0.");
        for (int i = -1; i > exponent; --i) out.push_back('0');
        return append(out, digits);
    }
    auto whole = static_cast<size_t>(exponent) + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    append(out, std::string_view(digits).substr(0, whole));
    if (digits.size() == whole) return;
    out.push_back('.');
    append(out, std::string_view(digits).substr(whole));
}

// Shortest digits that give the value back, in Postgres' layout: plain notation for decimal
// exponents from -4 below `plain_max`, otherwise d.ddde+XX (float8out, float4out).
template <typename T>
void append_shortest(Bytes& out, T value, int plain_max) {
    if (std::isnan(value)) return append(out, "NaN");
    if (std::isinf(value)) return append(out, value > 0 ? "Infinity" : "-Infinity");
    char text[40];
    std::string_view written = shortest_scientific(value, text, sizeof text);
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
    print_plain(out, written.substr(0, e), exponent);
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
