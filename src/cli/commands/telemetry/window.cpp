#include "cli/commands/telemetry/window.h"

#include <charconv>
#include <ctime>

namespace tandem::cli {
namespace {

constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

Error not_a_moment(std::string_view text) {
    return {ErrorCode::kInvalidArgument,
            "\"" + std::string(text) +
                "\" is no time: write now, 2h (ago), or 2026-12-01 14:00 (in UTC)"};
}

}  // namespace

Result<int64_t> parse_span(std::string_view text) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
    int64_t each = unit == "s"   ? 1
                   : unit == "m" ? kMinute
                   : unit == "h" ? kHour
                   : unit == "d" ? kDay
                                 : 0;
    constexpr int64_t kMost = 4000 * kDay;
    if (error != std::errc() || each == 0 || number <= 0 || number > kMost / each)
        return Error(ErrorCode::kInvalidArgument,
                     "\"" + std::string(text) + "\" is no span of time: write 90s, 5m, 2h or 7d");
    return number * each;
}

Result<int64_t> parse_moment(std::string_view text, int64_t now) {
    if (text == "now") return now;
    Result<int64_t> ago = parse_span(text);
    if (ago.ok()) return now - *ago;
    std::string words(text);
    if (words.size() > 10 && words[10] == 'T') words[10] = ' ';
    if (!words.empty() && words.back() == 'Z') words.pop_back();
    for (const char* format : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
        std::tm parts = {};
        const char* end = strptime(words.c_str(), format, &parts);
        if (end != nullptr && *end == '\0') return static_cast<int64_t>(timegm(&parts));
    }
    return not_a_moment(text);
}

Result<Window> parse_window(std::string_view text, int64_t length, int64_t now) {
    size_t dots = text.find("..");
    Window window = {};
    window.begin = TRY(parse_moment(text.substr(0, dots), now));
    window.end = dots == std::string_view::npos ? window.begin + length
                                                : TRY(parse_moment(text.substr(dots + 2), now));
    if (window.end > window.begin) return window;
    return Error(ErrorCode::kInvalidArgument,
                 "window \"" + std::string(text) + "\" ends before it begins");
}

std::string moment_text(int64_t seconds) {
    std::tm parts = {};
    time_t time = seconds;
    gmtime_r(&time, &parts);
    char text[32];
    size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    return {text, size};
}

}  // namespace tandem::cli
