#include "base/back_off.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using Clock = std::chrono::steady_clock;

TEST(back_off, lets_the_time_pass) {
    auto begun = Clock::now();
    back_off(std::chrono::milliseconds(20));
    EXPECT_GE(Clock::now() - begun, std::chrono::milliseconds(20));
}

TEST(back_off, ends_at_once_when_stopped) {
    std::stop_source stop;
    stop.request_stop();
    auto begun = Clock::now();
    back_off(std::chrono::hours(1), stop.get_token());
    EXPECT_LT(Clock::now() - begun, std::chrono::minutes(1));
}

}  // namespace
}  // namespace tandem
