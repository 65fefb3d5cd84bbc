#include "postgres/client/replication.h"

#include <gtest/gtest.h>

#include "postgres/introspect/introspect.h"

namespace tandem::postgres {
namespace {

TEST(timeline_history, is_read_as_the_server_writes_it) {
    auto ends = parse_timeline_history(
        "1\t0/3000060\tno recovery target specified\n\n"
        "# a comment\n"
        "2\t1/A0\tbefore 2000-01-01 01:00:00+01\n");
    ASSERT_TRUE(ends.ok()) << ends.error().to_string();
    ASSERT_EQ(ends->size(), 2U);
    EXPECT_EQ((*ends)[0].timeline, 1U);
    EXPECT_EQ((*ends)[0].end, Lsn{0x3000060});
    EXPECT_EQ((*ends)[1].timeline, 2U);
    EXPECT_EQ((*ends)[1].end, Lsn{0x1000000A0});
}

TEST(timeline_history, odd_lines_are_an_error) {
    EXPECT_FALSE(parse_timeline_history("x\n").ok());
    EXPECT_FALSE(parse_timeline_history("1\n").ok());
    EXPECT_FALSE(parse_timeline_history("1\tnot a position\n").ok());
    EXPECT_TRUE(parse_timeline_history("").ok());
}

TEST(server_version, tells_releases_that_lose_changes) {
    EXPECT_EQ(release_without_lost_changes(150012), "15.13");
    EXPECT_EQ(release_without_lost_changes(170004), "17.5");
    EXPECT_EQ(release_without_lost_changes(150013), std::nullopt);
    EXPECT_EQ(release_without_lost_changes(180000), std::nullopt);
    EXPECT_EQ(release_without_lost_changes(140000), "14.18");
}

}  // namespace
}  // namespace tandem::postgres
