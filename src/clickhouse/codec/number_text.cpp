#include "clickhouse/codec/number_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace tandem::clickhouse {

namespace {

using Limbs = std::array<uint64_t, 4>;  // least significant first

// Divides by ten in place and returns the remainder.
unsigned divide_by_ten(Limbs& limbs) {
    unsigned __int128 remainder = 0;
    for (size_t i = limbs.size(); i-- > 0;) {
        unsigned __int128 part = (remainder << 64) | limbs[i];
        limbs[i] = static_cast<uint64_t>(part / 10);
        remainder = part % 10;
    }
    return static_cast<unsigned>(remainder);
}

void negate(Limbs& limbs) {
    uint64_t carry = 1;
    for (uint64_t& limb : limbs) {
        limb = ~limb + carry;
        carry = carry != 0 && limb == 0 ? 1 : 0;
    }
}

// Digits at least `width` long, zeros in front.
std::string padded(int64_t value, size_t width) {
    std::string text = std::to_string(value);
    return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

int64_t floor_divide(int64_t value, int64_t by) {
    int64_t quotient = value / by;
    return value % by < 0 ? quotient - 1 : quotient;
}

int64_t power_of_ten(int exponent) {
    int64_t power = 1;
    for (; exponent > 0; --exponent) power *= 10;
    return power;
}

// Shortest digits that read back as the same number; plain up to 21 digits before the point and 6
// zeros behind it, with an exponent beyond.
template <typename Float>
std::string shortest(Float value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    if (value == 0) return std::signbit(value) ? "-0" : "0";
    char buffer[64];
    char* end = std::to_chars(buffer, buffer + sizeof buffer - 1, std::abs(value),
                              std::chars_format::scientific)
                    .ptr;
    char* e = std::find(buffer, end, 'e');
    *end = '\0';
    int exponent = static_cast<int>(std::strtol(e + 1, nullptr, 10));
    std::string digits(buffer, e);
    std::erase(digits, '.');
    std::string text = value < 0 ? "-" : "";
    if (exponent >= 21 || exponent < -6) {
        text += digits.substr(0, 1);
        if (digits.size() > 1) text += "." + digits.substr(1);
        return text + "e" + std::to_string(exponent);
    }
    if (exponent < 0)
        return text + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
    auto point = static_cast<size_t>(exponent) + 1;
    if (digits.size() <= point) return text + digits + std::string(point - digits.size(), '0');
    return text + digits.substr(0, point) + "." + digits.substr(point);
}

}  // namespace

std::string integer_text(const char* bytes, size_t width, bool is_signed, int scale) {
    Limbs limbs{};
    std::memcpy(limbs.data(), bytes, width);
    bool negative = is_signed && (static_cast<unsigned char>(bytes[width - 1]) & 0x80) != 0;
    if (negative) {
        std::memset(reinterpret_cast<char*>(limbs.data()) + width, 0xff, sizeof limbs - width);
        negate(limbs);
    }
    std::string text;
    bool fraction = false;
    for (int place = 0; limbs != Limbs{} || place <= scale; ++place) {
        char digit = static_cast<char>('0' + divide_by_ten(limbs));
        if (place == scale && fraction) text += '.';
        fraction = fraction || digit != '0';
        if (place >= scale || fraction) text += digit;
    }
    if (negative) text += '-';
    std::reverse(text.begin(), text.end());
    return text;
}

std::string float_text(double value) {
    return shortest(value);
}
std::string float_text(float value) {
    return shortest(value);
}

// Days since the epoch to a civil date, in the proleptic Gregorian calendar (eras of 400 years).
std::string date_text(int64_t days) {
    days += 719468;  // to 0000-03-01, so that the leap day ends the year
    int64_t era = floor_divide(days, 146097);
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2);
}

std::string instant_text(int64_t ticks, int scale) {
    int64_t unit = power_of_ten(scale);
    int64_t seconds = floor_divide(ticks, unit);
    int64_t days = floor_divide(seconds, 86400);
    int64_t rest = seconds - days * 86400;
    std::string text = date_text(days) + " " + padded(rest / 3600, 2) + ":" +
                       padded(rest / 60 % 60, 2) + ":" + padded(rest % 60, 2);
    if (scale > 0) text += "." + padded(ticks - seconds * unit, static_cast<size_t>(scale));
    return text;
}

std::string duration_text(int64_t ticks, int scale) {
    int64_t unit = power_of_ten(scale);
    int64_t seconds = std::abs(ticks / unit);
    std::string text = ticks < 0 ? "-" : "";
    text += padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" +
            padded(seconds % 60, 2);
    if (scale > 0) text += "." + padded(std::abs(ticks % unit), static_cast<size_t>(scale));
    return text;
}

// Two little-endian halves, most significant first.
std::string uuid_text(const char* bytes) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    for (size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        auto byte = static_cast<unsigned char>(bytes[i < 8 ? 7 - i : 23 - i]);
        text += kHex[byte >> 4];
        text += kHex[byte & 15];
    }
    return text;
}

std::string ipv4_text(uint32_t address) {
    return std::to_string(address >> 24) + "." + std::to_string(address >> 16 & 255) + "." +
           std::to_string(address >> 8 & 255) + "." + std::to_string(address & 255);
}

std::string ipv6_text(const char* bytes) {
    char text[INET6_ADDRSTRLEN];
    return inet_ntop(AF_INET6, bytes, text, sizeof text) == nullptr ? "" : text;
}

}  // namespace tandem::clickhouse
