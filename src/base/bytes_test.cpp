#include "base/bytes.h"

#include <gtest/gtest.h>

namespace tandem {

TEST(byte_cursor, reads_both_byte_orders) {
    ByteCursor cursor(std::string_view("\x01\x02\x01\x02", 4));
    EXPECT_EQ(MUST(cursor.big<uint16_t>()), 0x0102);
    EXPECT_EQ(MUST(cursor.little<uint16_t>()), 0x0201);
    EXPECT_TRUE(cursor.empty());
}

TEST(byte_cursor, says_where_a_message_ends_early) {
    ByteCursor cursor(std::string_view("abc"));
    ASSERT_TRUE(cursor.bytes(2).ok());
    auto value = cursor.big<int32_t>();
    ASSERT_FALSE(value.ok());
    EXPECT_EQ(value.error().message(), "message ends early: wanted 4 bytes at offset 2, have 1");
    EXPECT_EQ(cursor.remaining(), 1u) << "a failed read consumes nothing";
}

TEST(byte_cursor, refuses_a_string_without_terminator) {
    ByteCursor cursor(std::string_view("ab\0cd", 5));
    EXPECT_EQ(MUST(cursor.c_string()), "ab");
    EXPECT_FALSE(cursor.c_string().ok());
}

}  // namespace tandem
