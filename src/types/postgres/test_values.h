// Postgres' binary forms, made for tests independently of the code under test: from decimal digits
// and from the calendar of the standard library.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::types::test {

template <typename T>
std::string big(T value) {
    std::string bytes;
    for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
        bytes.push_back(static_cast<char>((static_cast<uint64_t>(value) >> shift) & 0xFF));
    return bytes;
}

inline std::string field(std::string_view value) {
    return big(static_cast<int32_t>(value.size())) + std::string(value);
}

// A numeric from its text: "-12.340" with dscale 3.
inline std::string numeric(std::string_view text) {
    if (text == "NaN")
        return big<int16_t>(0) + big<int16_t>(0) + big<uint16_t>(0xC000) + big<int16_t>(0);
    const bool negative = text.front() == '-';
    if (negative) text.remove_prefix(1);
    const size_t point = std::min(text.find('.'), text.size());
    std::string whole(text.substr(0, point));
    std::string fraction(point == text.size() ? "" : text.substr(point + 1));
    const size_t scale = fraction.size();
    whole.insert(0, (4 - whole.size() % 4) % 4, '0');
    fraction.append((4 - fraction.size() % 4) % 4, '0');
    std::string digits = whole + fraction;
    int weight = static_cast<int>(whole.size() / 4) - 1;
    std::vector<int> groups;
    for (size_t i = 0; i < digits.size(); i += 4) groups.push_back(std::stoi(digits.substr(i, 4)));
    while (!groups.empty() && groups.front() == 0) groups.erase(groups.begin()), --weight;
    while (!groups.empty() && groups.back() == 0) groups.pop_back();
    if (groups.empty()) weight = 0;
    std::string bytes = big(static_cast<int16_t>(groups.size())) +
                        big(static_cast<int16_t>(weight)) + big<uint16_t>(negative ? 0x4000 : 0) +
                        big(static_cast<uint16_t>(scale));
    for (int group : groups) bytes += big(static_cast<int16_t>(group));
    return bytes;
}

inline int32_t numeric_typmod(int precision, int scale) {
    return ((precision << 16) | (scale & 0x7FF)) + 4;
}

inline std::string two(int64_t value) {
    return (value < 10 ? "0" : "") + std::to_string(value);
}

// "YYYY-MM-DD" of a day counted from 1970, for years 1 to 9999.
inline std::string date_text(int64_t day) {
    using namespace std::chrono;
    const year_month_day date{sys_days{days{day}}};
    std::string year = std::to_string(static_cast<int>(date.year()));
    year.insert(0, 4 - std::min<size_t>(4, year.size()), '0');
    return year + "-" + two(static_cast<unsigned>(date.month())) + "-" +
           two(static_cast<unsigned>(date.day()));
}

// "HH:MM:SS[.f]" of microseconds since midnight.
inline std::string clock_text(int64_t micros) {
    const int64_t seconds = micros / 1'000'000;
    std::string text = two(seconds / 3600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
    std::string fraction = std::to_string(1'000'000 + micros % 1'000'000).substr(1);
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
    return fraction.empty() ? text : text + "." + fraction;
}

}  // namespace tandem::types::test
