#include "cli/commands/telemetry/grid.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace tandem::cli {
namespace {

using nlohmann::ordered_json;

// With three digits, as far as they say something.
std::string short_number(double number, const char* unit) {
    char text[64];
    double size = std::fabs(number);
    int digits = size >= 100 || number == std::floor(number) ? 0 : size >= 10 ? 1 : 2;
    std::snprintf(text, sizeof text, "%.*f%s", digits, number, unit);
    return text;
}

std::string cell(const ordered_json& row, const GridColumn& column) {
    auto found = row.find(column.name);
    if (found == row.end() || found->is_null()) return "-";
    if (found->is_string()) return on_one_line(found->get<std::string>());
    if (!found->is_number()) return found->dump();
    double number = found->get<double>();
    switch (column.look) {
        case Look::kMs:
            return short_ms(number);
        case Look::kPercent:
            return short_number(std::round(number * 10) / 10, "%");
        case Look::kBytes:
        case Look::kCount:
        case Look::kText:
            return short_count(number);
    }
    return "";
}

size_t width_of(const std::string& text) {
    return static_cast<size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, size_t width, bool right) {
    size_t have = width_of(text);
    std::string pad(width > have ? width - have : 0, ' ');
    return right ? pad + text : text + pad;
}

winsize terminal_size() {
    winsize size = {};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    return size;
}

}  // namespace

std::string short_count(double number) {
    constexpr std::array<const char*, 5> kUnits = {"", "k", "M", "G", "T"};
    size_t unit = 0;
    while (std::fabs(number) >= 10'000 && unit + 1 < kUnits.size()) {
        number /= 1000;
        ++unit;
    }
    return short_number(number, kUnits[unit]);
}

std::string short_ms(double ms) {
    constexpr double kSecond = 1000;
    constexpr double kMinute = 60 * kSecond;
    constexpr double kHour = 60 * kMinute;
    if (ms >= 2 * kHour) return short_number(ms / kHour, "h");
    if (ms >= 2 * kMinute) return short_number(ms / kMinute, "m");
    if (ms >= 10 * kSecond) return short_number(ms / kSecond, "s");
    return short_number(ms, "");
}

std::string on_one_line(const std::string& text) {
    std::string line;
    for (char c : text) {
        bool blank = static_cast<uint8_t>(c) <= ' ' || c == 0x7F;
        if (!blank)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    if (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
}

std::string cut_to_width(const std::string& text, size_t width) {
    size_t at = 0;
    for (size_t seen = 0; at < text.size(); ++at) {
        bool begins = (static_cast<uint8_t>(text[at]) & 0xC0) != 0x80;
        if (begins && seen++ == width) break;
    }
    return text.substr(0, at);
}

std::vector<std::string> grid_lines(const std::vector<GridColumn>& columns,
                                    const ordered_json& rows, size_t width) {
    std::vector<std::vector<std::string>> table(1 + rows.size());
    for (const GridColumn& column : columns) {
        table[0].emplace_back(column.title);
        for (size_t row = 0; row < rows.size(); ++row)
            table[row + 1].push_back(cell(rows[row], column));
    }
    std::vector<size_t> widths(columns.size(), 0);
    for (const auto& row : table)
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    std::vector<std::string> lines;
    for (const auto& row : table) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i) {
            bool last = i + 1 == row.size();
            bool text = columns[i].look == Look::kText;
            line += last && text ? row[i] : padded(row[i], widths[i], !text);
            if (!last) line += "  ";
        }
        lines.push_back(width == 0 ? line : cut_to_width(line, width));
    }
    return lines;
}

size_t terminal_width() {
    return isatty(STDOUT_FILENO) == 1 ? std::max<size_t>(terminal_size().ws_col, 40) : 0;
}

size_t terminal_height() {
    return std::max<size_t>(terminal_size().ws_row, 10);
}

}  // namespace tandem::cli
