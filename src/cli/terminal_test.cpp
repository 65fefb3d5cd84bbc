#include "cli/terminal.h"

#include <gtest/gtest.h>

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
