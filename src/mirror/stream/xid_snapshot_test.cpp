#include "mirror/stream/xid_snapshot.h"

#include <gtest/gtest.h>

namespace tandem::mirror {
namespace {

TEST(xid_snapshot, sees_what_had_ended) {
    auto snapshot = XidSnapshot::parse("10:20:10,14");
    ASSERT_TRUE(snapshot.has_value());
    EXPECT_TRUE(snapshot->sees(Xid{9}));
    EXPECT_FALSE(snapshot->sees(Xid{10}));
    EXPECT_TRUE(snapshot->sees(Xid{11}));
    EXPECT_FALSE(snapshot->sees(Xid{14}));
    EXPECT_TRUE(snapshot->sees(Xid{19}));
    EXPECT_FALSE(snapshot->sees(Xid{20}));
}

TEST(xid_snapshot, goes_on_where_ids_begin_again) {
    // 2^32 + 5 and 2^32 + 9: the stream says 5 and 9.
    auto snapshot = XidSnapshot::parse("4294967301:4294967305:");
    ASSERT_TRUE(snapshot.has_value());
    EXPECT_TRUE(snapshot->sees(Xid{4294967295U}));
    EXPECT_TRUE(snapshot->sees(Xid{4}));
    EXPECT_TRUE(snapshot->sees(Xid{6}));
    EXPECT_FALSE(snapshot->sees(Xid{9}));
}

TEST(xid_snapshot, refuses_other_texts) {
    for (const char* text : {"", "a", "1", "1:", "1:b", "1:2:x"})
        EXPECT_FALSE(XidSnapshot::parse(text).has_value()) << text;
}

}  // namespace
}  // namespace tandem::mirror
