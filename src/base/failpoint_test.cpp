#include "base/failpoint.h"

#include <gtest/gtest.h>

namespace tandem {

TEST(failpoint, fires_on_the_nth_hit_only) {
    ASSERT_TRUE(set_failpoints("stream_before_insert=error@2").ok());
    EXPECT_TRUE(failpoint("stream_before_insert").ok());
    EXPECT_FALSE(failpoint("stream_before_insert").ok());
    EXPECT_TRUE(failpoint("stream_before_insert").ok());
    EXPECT_TRUE(failpoint("stream_after_insert").ok());
    ASSERT_TRUE(set_failpoints("").ok());
    EXPECT_TRUE(failpoint("stream_before_insert").ok());
}

TEST(failpoint, refuses_names_and_actions_that_do_not_exist) {
    for (const char* text : {"nowhere=error", "stream_before_insert", "stream_before_insert=nap",
                             "stream_before_insert=error@0", "stream_before_insert=error@x"})
        EXPECT_FALSE(set_failpoints(text).ok()) << text;
}

TEST(failpoint_death, kill_ends_the_process_at_once) {
    EXPECT_EXIT(
        {
            MUST(set_failpoints("feedback_before_send=kill"));
            (void)failpoint("feedback_before_send");
        },
        testing::KilledBySignal(SIGKILL), "");
}

}  // namespace tandem
