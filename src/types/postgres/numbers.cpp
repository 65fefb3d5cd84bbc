// Booleans, integers, floating point, money and WAL positions.
#include <charconv>
#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "types/postgres/plan.h"

namespace tandem::types {
namespace {

template <typename T>
uint8_t append_big(std::string_view value, Column& column) {
    if (value.size() != sizeof(T)) return kMalformed;
    column.append_fixed(load_big<T>(value.data()));
    return kOk;
}

template <typename T>
uint8_t append_number(std::string_view text, Column& column) {
    T number = 0;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return kMalformed;
    column.append_fixed(number);
    return kOk;
}

template <typename T>
uint8_t print_big(std::string_view value, Bytes& out) {
    if (value.size() != sizeof(T)) return kMalformed;
    if constexpr (std::is_signed_v<T>)
        append_integer(out, load_big<T>(value.data()));
    else
        append_unsigned(out, load_big<T>(value.data()));
    return kOk;
}

// All NaNs are one in Postgres.
template <typename F>
F canonical(F value) {
    return std::isnan(value) ? std::numeric_limits<F>::quiet_NaN() : value;
}

template <typename F, typename Bits>
F load_float(std::string_view value) {
    return canonical(std::bit_cast<F>(load_big<Bits>(value.data())));
}

template <typename F>
uint8_t append_float_text(std::string_view text, Column& column) {
    if (text == "Infinity") return column.append_fixed(std::numeric_limits<F>::infinity()), kOk;
    if (text == "-Infinity") return column.append_fixed(-std::numeric_limits<F>::infinity()), kOk;
    if (text == "NaN") return column.append_fixed(std::numeric_limits<F>::quiet_NaN()), kOk;
    F number = 0;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ptr != text.data() + text.size() || parsed.ec != std::errc()) return kMalformed;
    column.append_fixed(number);
    return kOk;
}

}  // namespace

uint8_t bool_append_binary(const TypePlan&, std::string_view value, Column& column) {
    if (value.size() != 1 || static_cast<uint8_t>(value[0]) > 1) return kMalformed;
    column.append_fixed(static_cast<uint8_t>(value[0]));
    return kOk;
}
uint8_t bool_append_text(const TypePlan&, std::string_view text, Column& column) {
    if (text == "t" || text == "true") return column.append_fixed(uint8_t{1}), kOk;
    if (text == "f" || text == "false") return column.append_fixed(uint8_t{0}), kOk;
    return kMalformed;
}
uint8_t bool_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 1) return kMalformed;
    out.push_back(value[0] != 0 ? 't' : 'f');
    return kOk;
}
// ::text of a boolean is the word; within arrays and composites it is the letter, which those
// types are held as text for.
void bool_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    append(out, column.fixed<uint8_t>(row) != 0 ? "true" : "false");
}

#define TANDEM_INTEGER(name, type)                                                          \
    uint8_t name##_append_binary(const TypePlan&, std::string_view value, Column& column) { \
        return append_big<type>(value, column);                                             \
    }                                                                                       \
    uint8_t name##_print(const TypePlan&, std::string_view value, Bytes& out) {             \
        return print_big<type>(value, out);                                                 \
    }
#define TANDEM_INTEGER_TEXT(name, type)                                                  \
    uint8_t name##_append_text(const TypePlan&, std::string_view text, Column& column) { \
        return append_number<type>(text, column);                                        \
    }                                                                                    \
    void name##_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) { \
        if constexpr (std::is_signed_v<type>)                                            \
            append_integer(out, static_cast<int64_t>(column.fixed<type>(row)));          \
        else                                                                             \
            append_unsigned(out, static_cast<uint64_t>(column.fixed<type>(row)));        \
    }

TANDEM_INTEGER(int2, int16_t)
TANDEM_INTEGER_TEXT(int2, int16_t)
TANDEM_INTEGER(int4, int32_t)
TANDEM_INTEGER_TEXT(int4, int32_t)
TANDEM_INTEGER(int8, int64_t)
TANDEM_INTEGER_TEXT(int8, int64_t)
TANDEM_INTEGER(xid8, uint64_t)
TANDEM_INTEGER_TEXT(xid8, uint64_t)
TANDEM_INTEGER(oid, uint32_t)
TANDEM_INTEGER(money, int64_t)
#undef TANDEM_INTEGER
#undef TANDEM_INTEGER_TEXT

// The text of a reg* type is a name, unless the object is gone or none.
uint8_t oid_append_text(const TypePlan& plan, std::string_view text, Column& column) {
    if (plan.names_objects && text == "-") return column.append_fixed(uint32_t{0}), kOk;
    uint8_t outcome = append_number<uint32_t>(text, column);
    if (outcome == kMalformed && plan.names_objects) return kName;
    return outcome;
}
void oid_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    append_unsigned(out, column.fixed<uint32_t>(row));
}

// Text of money depends on lc_monetary; two digits of fraction, as in most.
uint8_t money_append_text(const TypePlan&, std::string_view text, Column& column) {
    Bytes digits;
    bool negative = false;
    for (char c : text) {
        if (c == '-' || c == '(') negative = true;
        if (c >= '0' && c <= '9') digits.push_back(c);
    }
    int64_t cents = 0;
    // Negative from the start, so that the smallest value fits.
    if (digits.empty()) return kMalformed;
    for (char c : digits.view())
        if (__builtin_mul_overflow(cents, 10, &cents) ||
            __builtin_sub_overflow(cents, c - '0', &cents))
            return kMalformed;
    if (!negative && cents == std::numeric_limits<int64_t>::min()) return kMalformed;
    column.append_fixed(negative ? cents : -cents);
    return kOk;
}
void money_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    append_integer(out, column.fixed<int64_t>(row));
}

uint8_t float4_append_binary(const TypePlan&, std::string_view value, Column& column) {
    if (value.size() != 4) return kMalformed;
    column.append_fixed(load_float<float, uint32_t>(value));
    return kOk;
}
uint8_t float4_append_text(const TypePlan&, std::string_view text, Column& column) {
    return append_float_text<float>(text, column);
}
uint8_t float4_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 4) return kMalformed;
    append_float(out, load_float<float, uint32_t>(value));
    return kOk;
}
void float4_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    append_float(out, column.fixed<float>(row));
}

uint8_t float8_append_binary(const TypePlan&, std::string_view value, Column& column) {
    if (value.size() != 8) return kMalformed;
    column.append_fixed(load_float<double, uint64_t>(value));
    return kOk;
}
uint8_t float8_append_text(const TypePlan&, std::string_view text, Column& column) {
    return append_float_text<double>(text, column);
}
uint8_t float8_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 8) return kMalformed;
    append_float(out, load_float<double, uint64_t>(value));
    return kOk;
}
void float8_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    append_float(out, column.fixed<double>(row));
}

uint8_t lsn_append_binary(const TypePlan&, std::string_view value, Column& column) {
    return append_big<uint64_t>(value, column);
}
uint8_t lsn_append_text(const TypePlan&, std::string_view text, Column& column) {
    auto lsn = parse_lsn(text);
    if (!lsn.ok()) return kMalformed;
    column.append_fixed(lsn->value);
    return kOk;
}
uint8_t lsn_print(const TypePlan&, std::string_view value, Bytes& out) {
    if (value.size() != 8) return kMalformed;
    append(out, tandem::to_string(Lsn{load_big<uint64_t>(value.data())}));
    return kOk;
}
void lsn_reverse(const TypePlan&, const Column& column, size_t row, Bytes& out) {
    append(out, tandem::to_string(Lsn{column.fixed<uint64_t>(row)}));
}

}  // namespace tandem::types
