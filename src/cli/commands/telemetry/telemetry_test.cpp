#include <gtest/gtest.h>

#include "cli/commands/telemetry/diff.h"
#include "cli/commands/telemetry/grid.h"
#include "cli/commands/telemetry/window.h"

namespace tandem::cli {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kNow = 1'796'137'200;  // 2026-12-01 15:00:00 UTC
constexpr int64_t kHour = 3600;

TEST(window, spans_have_a_unit) {
    EXPECT_EQ(*parse_span("90s"), 90);
    EXPECT_EQ(*parse_span("5m"), 300);
    EXPECT_EQ(*parse_span("7d"), 7 * 24 * kHour);
    for (const char* wrong : {"", "5", "m", "-5m", "0m", "5min", "99999999999999999d", "5m "})
        EXPECT_FALSE(parse_span(wrong).ok()) << wrong;
}

TEST(window, moments_are_ago_or_in_utc) {
    EXPECT_EQ(*parse_moment("now", kNow), kNow);
    EXPECT_EQ(*parse_moment("2h", kNow), kNow - 2 * kHour);
    EXPECT_EQ(*parse_moment("2026-12-01 14:00", kNow), kNow - kHour);
    EXPECT_EQ(*parse_moment("2026-12-01T15:00:05Z", kNow), kNow + 5);
    EXPECT_EQ(moment_text(*parse_moment("2026-12-01", kNow)), "2026-12-01 00:00:00");
    for (const char* wrong : {"yesterday", "2026-13-01", "2026-12-01 14:00 CET"})
        EXPECT_FALSE(parse_moment(wrong, kNow).ok()) << wrong;
}

TEST(window, has_an_end_or_a_length) {
    Window window = *parse_window("2h", kHour, kNow);
    EXPECT_EQ(window.begin, kNow - 2 * kHour);
    EXPECT_EQ(window.end, kNow - kHour);
    EXPECT_EQ(parse_window("2h..now", kHour, kNow)->seconds(), 2 * kHour);
    EXPECT_FALSE(parse_window("1h..2h", kHour, kNow).ok());
}

TEST(grid, numbers_are_short) {
    EXPECT_EQ(short_count(0), "0");
    EXPECT_EQ(short_count(9'999), "9999");
    EXPECT_EQ(short_count(12'345), "12.3k");
    EXPECT_EQ(short_count(4'560'000), "4560k");
    EXPECT_EQ(short_count(45'600'000), "45.6M");
    EXPECT_EQ(short_ms(0.123), "0.12");
    EXPECT_EQ(short_ms(12'340), "12.3s");
    EXPECT_EQ(short_ms(600'000), "10m");
}

TEST(grid, texts_are_cut_between_characters_and_stay_on_a_line) {
    EXPECT_EQ(on_one_line("  SELECT\n\t1 \x1b[2J"), "SELECT 1 [2J");
    EXPECT_EQ(cut_to_width("äöü", 2), "äö");
    std::vector<std::string> lines =
        grid_lines({{"n", "n", Look::kCount}, {"query", "query", Look::kText}},
                   ordered_json::array({{{"n", 7}, {"query", "SELECT 1"}}, {{"n", nullptr}}}), 8);
    EXPECT_EQ(lines, (std::vector<std::string>{"n  query", "7  SELEC", "-  -"}));
}

std::vector<std::string> changes(double from_calls, double from_p99, double to_calls, double to_p99,
                                 double to_errors = 0) {
    return changes_of({{"from_calls", from_calls},
                       {"from_errors", 0},
                       {"from_p50_ms", 1.0},
                       {"from_p99_ms", from_p99},
                       {"to_calls", to_calls},
                       {"to_errors", to_errors},
                       {"to_p50_ms", 1.0},
                       {"to_p99_ms", to_p99}},
                      {0, kHour}, {kHour, 2 * kHour}, {});
}

TEST(diff, says_what_changed) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(changes(100, 5, 100, 5), Words{});
    EXPECT_EQ(changes(0, 0, 5, 5), Words{"new"});
    EXPECT_EQ(changes(5, 5, 0, 0), Words{"gone"});
    EXPECT_EQ(changes(100, 5, 100, 9), Words{"slower"});
    EXPECT_EQ(changes(100, 5, 149, 5), Words{});
    EXPECT_EQ(changes(100, 5, 150, 5), Words{"more_frequent"});
    EXPECT_EQ(changes(100, 5, 100, 5, 1), Words{"failing"});
    EXPECT_EQ(changes(0, 0, 10, 5, 10), (Words{"new", "failing"}));
}

TEST(diff, says_nothing_of_noise) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(changes(19, 5, 19, 50), Words{}) << "too few to have a p99";
    EXPECT_EQ(changes(100, 0.1, 100, 0.9), Words{}) << "not even a millisecond";
    EXPECT_EQ(changes(1000, 5, 1000, 5, 9), Words{}) << "less than a percent";
}

TEST(diff, compares_windows_of_different_length) {
    ordered_json row = {{"from_calls", 60}, {"to_calls", 60}};
    EXPECT_EQ(changes_of(row, {0, kHour}, {kHour, 2 * kHour}, {}), std::vector<std::string>{});
    EXPECT_EQ(changes_of(row, {0, kHour}, {kHour, kHour + kHour / 2}, {}),
              std::vector<std::string>{"more_frequent"});
}

}  // namespace
}  // namespace tandem::cli
