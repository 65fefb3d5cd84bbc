#include "base/log.h"

#include <gtest/gtest.h>

#include <string>

namespace tandem {
namespace {

TEST(log, says_of_which_mirror_and_table_a_line_is) {
    std::string last;
    set_log_sink([&](LogLevel, std::string_view, std::string_view message) { last = message; });
    log(LogLevel::error, "m", "plain");
    EXPECT_EQ(last, "plain");
    {
        LogScope mirror("mirror", "shop");
        log(LogLevel::error, "m", "lost");
        EXPECT_EQ(last, "[mirror=shop] lost");
        LogScope table("table", "public.orders");
        LogScope other("table", "public.users");
        log(LogLevel::error, "m", "failed");
        EXPECT_EQ(last, "[mirror=shop table=public.users] failed");
    }
    log(LogLevel::error, "m", "plain");
    EXPECT_EQ(last, "plain");
    set_log_sink([](LogLevel, std::string_view, std::string_view) {});
}

}  // namespace
}  // namespace tandem
