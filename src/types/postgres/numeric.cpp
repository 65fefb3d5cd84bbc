// numeric: base 10000 digits on the wire, Decimal(p, s) in ClickHouse.
//
// Binary form (numeric_send): int16 digits, weight of the first digit, sign, display scale, then
// the digits; all big-endian. Value = sum of digit[i] * 10000^(weight - i).
#include <array>
#include <cstring>

#include "base/bytes.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

constexpr uint16_t kNegative = 0x4000;
constexpr uint16_t kNan = 0xC000;
constexpr uint16_t kPositiveInfinity = 0xD000;
constexpr uint16_t kNegativeInfinity = 0xF000;

struct NumericHeader {
    int digits;
    int weight;
    uint16_t sign;
    int scale;
    const char* at;  // the digits

    int digit(int i) const {
        return i < digits ? load_big<uint16_t>(at + static_cast<ptrdiff_t>(i) * 2) : 0;
    }
};

uint8_t parse_header(std::string_view value, NumericHeader& header) {
    if (value.size() < 8) return kMalformed;
    header = {.digits = load_big<uint16_t>(value.data()),
              .weight = load_big<int16_t>(value.data() + 2),
              .sign = load_big<uint16_t>(value.data() + 4),
              .scale = load_big<uint16_t>(value.data() + 6),
              .at = value.data() + 8};
    if (value.size() != 8 + static_cast<size_t>(header.digits) * 2) return kMalformed;
    for (int i = 0; i < header.digits; ++i)
        if (header.digit(i) > 9999) return kMalformed;
    // Postgres sends none of these zeros; without them the weight bounds the value.
    for (; header.digits > 0 && header.digit(0) == 0; --header.digits, --header.weight)
        header.at += 2;
    if (header.digits == 0) header.weight = 0;
    if (header.sign != 0 && header.sign != kNegative && header.sign != kNan &&
        header.sign != kPositiveInfinity && header.sign != kNegativeInfinity)
        return kMalformed;
    return kOk;
}

// 256 bits in four limbs, little-endian; enough arithmetic to build a decimal.
struct Wide {
    std::array<uint64_t, 4> limb = {};

    void multiply_add(uint64_t factor, uint64_t addend) {
        unsigned __int128 carry = addend;
        for (uint64_t& part : limb) {
            carry += static_cast<unsigned __int128>(part) * factor;
            part = static_cast<uint64_t>(carry);
            carry >>= 64;
        }
    }
    uint64_t divide(uint64_t divisor) {
        unsigned __int128 rest = 0;
        for (size_t i = 4; i-- > 0;) {
            rest = (rest << 64) | limb[i];
            limb[i] = static_cast<uint64_t>(rest / divisor);
            rest %= divisor;
        }
        return static_cast<uint64_t>(rest);
    }
    void negate() {
        unsigned __int128 carry = 1;
        for (uint64_t& part : limb) {
            carry += ~part;
            part = static_cast<uint64_t>(carry);
            carry >>= 64;
        }
    }
    bool zero() const { return (limb[0] | limb[1] | limb[2] | limb[3]) == 0; }
};

// The narrow case, which is nearly all: everything in one 128 bit integer.
struct Narrow {
    unsigned __int128 value = 0;
    void multiply_add(uint64_t factor, uint64_t addend) { value = value * factor + addend; }
};

size_t width_of(ChKind kind) {
    switch (kind) {
        case ChKind::kDecimal32:
            return 4;
        case ChKind::kDecimal64:
            return 8;
        case ChKind::kDecimal128:
            return 16;
        default:
            return 32;
    }
}

void store(Column& column, const Narrow& magnitude, bool negative, size_t width) {
    auto value = static_cast<__int128>(negative ? 0 - magnitude.value : magnitude.value);
    if (width == 4) return column.append_fixed(static_cast<int32_t>(value));
    if (width == 8) return column.append_fixed(static_cast<int64_t>(value));
    column.append_fixed(value);
}
void store(Column& column, Wide magnitude, bool negative, size_t) {
    if (negative) magnitude.negate();
    column.append_fixed(magnitude.limb);
}

constexpr int kPowers[] = {1, 10, 100, 1000, 10000};

int decimal_digits(int digit) {
    return digit >= 1000 ? 4 : digit >= 100 ? 3 : digit >= 10 ? 2 : 1;
}

// digits * 10^(4 * (weight - last) + scale), exact or kFraction.
template <typename Integer>
uint8_t scale_digits(const NumericHeader& header, int scale, Integer& result) {
    // Decimal places from the first digit's lowest down to the scale.
    int places = 4 * header.weight + scale;
    for (int i = 0;; ++i, places -= 4) {
        if (places <= -4) {
            for (; i < header.digits; ++i)
                if (header.digit(i) != 0) return kFraction;
            return kOk;
        }
        if (places < 0) {  // only the upper part of this digit counts
            int cut = kPowers[-places];
            if (header.digit(i) % cut != 0) return kFraction;
            result.multiply_add(static_cast<uint64_t>(kPowers[4 + places]),
                                static_cast<uint64_t>(header.digit(i) / cut));
            continue;
        }
        result.multiply_add(10000, static_cast<uint64_t>(header.digit(i)));
    }
}

template <typename Integer>
uint8_t append_decimal(const TypePlan& plan, std::string_view value, Column& column) {
    NumericHeader header;
    if (uint8_t outcome = parse_header(value, header); outcome != kOk) return outcome;
    if (header.sign == kNan) return kNotANumber;
    if (header.sign == kPositiveInfinity || header.sign == kNegativeInfinity) return kInfinity;
    Integer magnitude;
    if (header.digits > 0) {
        int whole = 4 * header.weight + decimal_digits(header.digit(0));
        if (whole + plan.scale > plan.precision) return kOutOfRange;
        if (uint8_t outcome = scale_digits(header, plan.scale, magnitude); outcome != kOk)
            return outcome;
    }
    store(column, magnitude, header.sign == kNegative, width_of(plan.kind));
    return kOk;
}

template <typename Integer>
uint8_t append_decimal_text(const TypePlan& plan, std::string_view text, Column& column) {
    if (text == "NaN") return kNotANumber;
    if (text == "Infinity" || text == "-Infinity") return kInfinity;
    bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    Integer magnitude;
    int whole = 0;
    int fraction = -1;  // digits after the point; -1: no point yet
    for (char c : text) {
        if (c == '.' && fraction < 0) {
            fraction = 0;
            continue;
        }
        if (c < '0' || c > '9') return kMalformed;
        if (fraction >= plan.scale) {
            if (c != '0') return kFraction;
            continue;
        }
        if (fraction >= 0) ++fraction;
        if (fraction < 0 && (whole != 0 || c != '0')) ++whole;
        if (whole + plan.scale > plan.precision) return kOutOfRange;
        magnitude.multiply_add(10, static_cast<uint64_t>(c - '0'));
    }
    if (text.empty()) return kMalformed;
    for (int i = std::max(fraction, 0); i < plan.scale; ++i) magnitude.multiply_add(10, 0);
    store(column, magnitude, negative, width_of(plan.kind));
    return kOk;
}

// Digits of the magnitude with the point `scale` places from the right.
void print_scaled(Wide magnitude, bool negative, int scale, Bytes& out) {
    char digits[84];
    char* end = digits + sizeof digits;
    char* at = end;
    constexpr uint64_t kChunk = 1'000'000'000'000'000'000;
    while (!magnitude.zero()) {
        uint64_t chunk = magnitude.divide(kChunk);
        for (int i = 0; i < 18 && (chunk != 0 || !magnitude.zero()); ++i, chunk /= 10)
            *--at = static_cast<char>('0' + chunk % 10);
    }
    while (end - at < scale + 1) *--at = '0';
    if (negative) out.push_back('-');
    append(out, {at, static_cast<size_t>(end - at - scale)});
    if (scale == 0) return;
    out.push_back('.');
    append(out, {end - scale, static_cast<size_t>(scale)});
}

template <typename T>
void reverse_decimal(const TypePlan& plan, const Column& column, size_t row, Bytes& out) {
    Wide wide;
    bool negative = false;
    if constexpr (std::is_same_v<T, Wide>) {
        wide.limb = column.fixed<std::array<uint64_t, 4>>(row);
        negative = (wide.limb[3] >> 63) != 0;
        if (negative) wide.negate();
    } else {
        __int128 value = column.fixed<T>(row);
        negative = value < 0;
        auto magnitude = static_cast<unsigned __int128>(value);
        if (negative) magnitude = 0 - magnitude;  // ClickHouse may hold the smallest Int128
        wide.limb[0] = static_cast<uint64_t>(magnitude);
        wide.limb[1] = static_cast<uint64_t>(magnitude >> 64);
    }
    print_scaled(wide, negative, plan.scale, out);
}

}  // namespace

AppendFunction decimal_append_binary(ChKind kind) {
    return kind == ChKind::kDecimal256 ? append_decimal<Wide> : append_decimal<Narrow>;
}

AppendFunction decimal_append_text(ChKind kind) {
    return kind == ChKind::kDecimal256 ? append_decimal_text<Wide> : append_decimal_text<Narrow>;
}

ReverseFunction decimal_reverse(ChKind kind) {
    switch (kind) {
        case ChKind::kDecimal32:
            return reverse_decimal<int32_t>;
        case ChKind::kDecimal64:
            return reverse_decimal<int64_t>;
        case ChKind::kDecimal128:
            return reverse_decimal<__int128>;
        default:
            return reverse_decimal<Wide>;
    }
}

uint8_t numeric_print(const TypePlan&, std::string_view value, Bytes& out) {
    NumericHeader header;
    if (uint8_t outcome = parse_header(value, header); outcome != kOk) return outcome;
    if (header.sign == kNan) return append(out, "NaN"), kOk;
    if (header.sign == kPositiveInfinity) return append(out, "Infinity"), kOk;
    if (header.sign == kNegativeInfinity) return append(out, "-Infinity"), kOk;
    if (header.sign == kNegative) out.push_back('-');
    int i = 0;
    if (header.weight < 0) {
        out.push_back('0');
        i = header.weight + 1;
    } else {
        append_unsigned(out, static_cast<uint64_t>(header.digit(0)));
        for (i = 1; i <= header.weight; ++i)
            append_padded(out, static_cast<uint64_t>(header.digit(i)), 4);
    }
    if (header.scale == 0) return kOk;
    out.push_back('.');
    size_t start = out.size();
    for (; out.size() - start < static_cast<size_t>(header.scale); ++i)
        append_padded(out, static_cast<uint64_t>(i < 0 ? 0 : header.digit(i)), 4);
    out.truncate(start + static_cast<size_t>(header.scale));
    return kOk;
}

}  // namespace tandem::types
