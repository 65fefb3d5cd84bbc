// Floating point numbers as Postgres prints them since version 12: the shortest digits that read
// back as the same number, never a number exactly half way between two neighbours.
//
// std::to_chars gives the shortest digits but accepts the half-way number where reading rounds to
// even gives the right neighbour (1e23); Postgres does not, so that also sloppy readers agree.
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "types/postgres/plan.h"

namespace tandem::types {

namespace {

template <typename T>
struct FloatTraits;
template <>
struct FloatTraits<double> {
    using Bits = uint64_t;
    static constexpr int kMantissaBits = 52, kBias = 1075, kDigitsMax = 17, kFixedBelow = 15;
};
template <>
struct FloatTraits<float> {
    using Bits = uint32_t;
    static constexpr int kMantissaBits = 23, kBias = 150, kDigitsMax = 9, kFixedBelow = 6;
};

// digits * 10^exponent, the digits as an integer.
struct Digits {
    char text[24];
    int count = 0;
    int exponent = 0;    // of the first digit: d.ddd * 10^exponent
    uint64_t value = 0;  // of all digits
};

// Reads "d.ddde+xx", what to_chars writes in scientific form.
Digits split(const char* from, const char* to) {
    Digits digits;
    const char* at = from;
    for (; at != to && *at != 'e'; ++at) {
        if (*at == '.') continue;
        digits.text[digits.count++] = *at;
    }
    while (digits.count > 1 && digits.text[digits.count - 1] == '0') --digits.count;
    for (int i = 0; i < digits.count; ++i)
        digits.value = digits.value * 10 + static_cast<uint64_t>(digits.text[i] - '0');
    ++at;
    if (*at == '+') ++at;
    std::from_chars(at, to, digits.exponent);
    return digits;
}

// Whether digits equal `mantissa` * 2^`power` exactly.
bool equals_binary(const Digits& digits, uint64_t mantissa, int power) {
    const int decimal = digits.exponent - (digits.count - 1);
    if (decimal > 27 || decimal < -27) return false;  // 5^28 does not divide 64 bits
    unsigned __int128 left = digits.value;
    unsigned __int128 right = mantissa;
    for (int i = 0; i < decimal; ++i) left *= 5;
    for (int i = 0; i < -decimal; ++i) right *= 5;
    int left_power = decimal;
    int right_power = power;
    while (left != 0 && (left & 1) == 0) left >>= 1, ++left_power;
    while (right != 0 && (right & 1) == 0) right >>= 1, ++right_power;
    return left == right && left_power == right_power;
}

// Whether the digits lie exactly between `value` (positive) and one of its neighbours.
template <typename T>
bool half_way(const Digits& digits, T value) {
    using Traits = FloatTraits<T>;
    const auto bits = std::bit_cast<typename Traits::Bits>(value);
    const uint64_t fraction = bits & ((uint64_t{1} << Traits::kMantissaBits) - 1);
    const int stored = static_cast<int>(bits >> Traits::kMantissaBits);
    const uint64_t mantissa =
        stored == 0 ? fraction : fraction | (uint64_t{1} << Traits::kMantissaBits);
    const int power = (stored == 0 ? 1 : stored) - Traits::kBias;
    if (equals_binary(digits, 2 * mantissa + 1, power - 1)) return true;
    if (fraction == 0 && stored > 1) return equals_binary(digits, 4 * mantissa - 1, power - 2);
    return equals_binary(digits, 2 * mantissa - 1, power - 1);
}

template <typename T>
Digits shortest(T value) {
    char text[48];
    auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
    Digits digits = split(text, end.ptr);
    if (!half_way(digits, value)) [[likely]]
        return digits;
    for (int count = digits.count; count <= FloatTraits<T>::kDigitsMax; ++count) {
        end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific,
                            count - 1);
        T back = 0;
        std::from_chars(text, end.ptr, back);
        digits = split(text, end.ptr);
        if (back == value && !half_way(digits, value)) return digits;
    }
    return digits;
}

void append_zeros(Bytes& out, int count) {
    for (int i = 0; i < count; ++i) out.push_back('0');
}

void append_fixed(Bytes& out, const Digits& digits) {
    const auto count = static_cast<size_t>(digits.count);
    if (digits.exponent < 0) {
        append(out, "0.");
        append_zeros(out, -digits.exponent - 1);
        out.append(digits.text, count);
        return;
    }
    const auto before_point = static_cast<size_t>(digits.exponent) + 1;
    if (count <= before_point) {
        out.append(digits.text, count);
        append_zeros(out, static_cast<int>(before_point - count));
        return;
    }
    out.append(digits.text, before_point);
    out.push_back('.');
    out.append(digits.text + before_point, count - before_point);
}

void append_scientific(Bytes& out, const Digits& digits) {
    out.push_back(digits.text[0]);
    if (digits.count > 1) {
        out.push_back('.');
        out.append(digits.text + 1, static_cast<size_t>(digits.count) - 1);
    }
    append(out, digits.exponent < 0 ? "e-" : "e+");
    append_padded(out, static_cast<uint64_t>(std::abs(digits.exponent)), 2);
}

template <typename T>
void append_any(Bytes& out, T value) {
    if (std::isnan(value)) return append(out, "NaN");
    if (std::signbit(value)) out.push_back('-');
    if (std::isinf(value)) return append(out, "Infinity");
    if (value == 0) return out.push_back('0');
    const Digits digits = shortest(std::abs(value));
    if (digits.exponent >= -4 && digits.exponent < FloatTraits<T>::kFixedBelow)
        append_fixed(out, digits);
    else
        append_scientific(out, digits);
}

}  // namespace

void append_float(Bytes& out, double value) {
    append_any(out, value);
}
void append_float(Bytes& out, float value) {
    append_any(out, value);
}

}  // namespace tandem::types
