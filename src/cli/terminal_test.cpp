#include "cli/terminal.h"

#include <gtest/gtest.h>

#include "cli/show.h"

namespace tandem::cli {
namespace {

TEST(terminal, groups_thousands) {
    EXPECT_EQ(with_thousands(0), "0");
    EXPECT_EQ(with_thousands(999), "999");
    EXPECT_EQ(with_thousands(1000), "1,000");
    EXPECT_EQ(with_thousands(3'020'000), "3,020,000");
}

TEST(terminal, shows_durations_in_a_fitting_unit) {
    EXPECT_EQ(duration_text(12.34), "12.3 ms");
    EXPECT_EQ(duration_text(1500), "1.50 s");
}

TEST(terminal, tells_rate_and_rest_of_a_long_step) {
    EXPECT_EQ(rate_text(0, 100, "rows", 10), "");
    EXPECT_EQ(rate_text(50, 100, "rows", 0.5), "");
    EXPECT_EQ(rate_text(90'000, 270'000, "rows", 2), ", 45,000 rows/s, 5 s left");
    EXPECT_EQ(rate_text(10, 0, "rows", 2), ", 5 rows/s");
}

TEST(show, leaves_out_columns_of_nulls) {
    EXPECT_EQ(table_text({"name", "error", "rows"},
                         {{"a", std::nullopt, "1"}, {"bb", std::nullopt, "2"}}),
              "name  rows\na     1\nbb    2\n");
    EXPECT_EQ(table_text({"name", "error"}, {}), "name  error\n");
}

TEST(show, makes_a_list_of_what_is_too_wide_for_a_table) {
    std::string wide(kTableWidth, 'x');
    EXPECT_EQ(table_text({"name", "error"}, {{"a", wide}, {"b", std::nullopt}}),
              "name   a\nerror  " + wide + "\n\nname   b\n");
    EXPECT_EQ(table_text({"error"}, {{"one\ntwo"}}), "error  one\n       two\n");
}

TEST(terminal, reports_an_error_with_its_advice_and_exit_code) {
    testing::internal::CaptureStderr();
    int code = report(Error(ErrorCode::kPortTaken, "port 1 is used"), false);
    std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(code, 69);
    EXPECT_NE(text.find("tandem: port 1 is used [port_taken]"), std::string::npos);
    EXPECT_NE(text.find("Choose another port"), std::string::npos);
}

TEST(terminal, writes_plain_lines_where_there_is_no_terminal) {
    testing::internal::CaptureStderr();
    {
        Step step("loading");
        step.update(1, 2, "rows");
        step.finish("2 rows");
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "loading ...\nloading: 2 rows\n");
}

}  // namespace
}  // namespace tandem::cli
