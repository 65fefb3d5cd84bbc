// Rows of telemetry as lines of a terminal: numbers to the right, short, and a text that is cut to
// what is left of the width.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tandem::cli {

enum class Look : uint8_t { kText, kCount, kMs, kPercent, kBytes };

struct GridColumn {
    const char* title;
    const char* name;  // member of the rows
    Look look;
};

// 950, 12.3k, 4.56M
std::string short_count(double number);
// 0.12, 3.4, 150, 12.3s, 4.5m, 2.1h
std::string short_ms(double ms);
// One line of what may have been many.
std::string on_one_line(const std::string& text);
// At most `width` characters; UTF-8 stays whole.
std::string cut_to_width(const std::string& text, size_t width);

// The last column takes the rest of `width` when it is a text; 0: no limit.
std::vector<std::string> grid_lines(const std::vector<GridColumn>& columns,
                                    const nlohmann::ordered_json& rows, size_t width);

// Columns of this terminal; 0 when standard output is none.
size_t terminal_width();
size_t terminal_height();

}  // namespace tandem::cli
