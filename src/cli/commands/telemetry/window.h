// Spans of time as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::cli {

struct Window {
    int64_t begin;  // seconds since 1970
    int64_t end;    // not part of it
    int64_t seconds() const { return end - begin; }
};

// "90s", "5m", "2h", "7d" in seconds.
Result<int64_t> parse_span(std::string_view text);

// "now", a span ("2h": two hours ago), or a time in UTC: "2026-12-01 14:00", with seconds or not.
Result<int64_t> parse_moment(std::string_view text, int64_t now);

// "BEGIN..END", or one moment, from which on the window is `length` seconds long.
Result<Window> parse_window(std::string_view text, int64_t length, int64_t now);

// "2026-12-01 14:00:00"
std::string moment_text(int64_t seconds);

}  // namespace tandem::cli
