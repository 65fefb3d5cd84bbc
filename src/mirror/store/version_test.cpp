#include "mirror/store/version.h"

#include <gtest/gtest.h>

namespace tandem::mirror {
namespace {

TEST(version, orders_by_epoch_then_commit_then_change) {
    Version first = Version::of_change(1, Lsn{100}, 7);
    EXPECT_LT(first, Version::of_change(1, Lsn{100}, 8));
    EXPECT_LT(first, Version::of_change(1, Lsn{101}, 1));
    EXPECT_LT(Version::of_change(1, Lsn{~uint64_t{0}}, 9), Version::snapshot(2));
    EXPECT_LT(Version::snapshot(1), Version::of_change(1, Lsn{1}, 0).tombstone());
}

TEST(version, puts_tombstone_and_later_row_below_the_row_and_above_the_change_before) {
    Version row = Version::of_change(1, Lsn{100}, 7);
    EXPECT_LT(row.tombstone(), row.later());
    EXPECT_LT(row.later(), row);
    EXPECT_LT(Version::of_change(1, Lsn{100}, 6), row.tombstone());
    EXPECT_TRUE(row.later().is_later());
    EXPECT_FALSE(row.is_later());
    EXPECT_TRUE(Version::snapshot(3).is_later());
}

TEST(version, survives_the_way_through_text) {
    Version version = Version::of_change(65535, Lsn{~uint64_t{0}}, 12345);
    auto parsed = parse_version(to_string(version));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed.value(), version);
    EXPECT_EQ(to_string(Version{}), "0");
    EXPECT_FALSE(parse_version("").ok());
    EXPECT_FALSE(parse_version("12x").ok());
    EXPECT_FALSE(parse_version("340282366920938463463374607431768211456").ok());
}

}  // namespace
}  // namespace tandem::mirror
