#include "mirror/batch/key_index.h"

#include <gtest/gtest.h>

namespace tandem::mirror {
namespace {

TEST(key_index, finds_what_was_put_after_growing) {
    KeyIndex index;
    for (uint32_t i = 0; i < 10000; ++i)
        EXPECT_FALSE(index.put("key " + std::to_string(i), i).has_value());
    for (uint32_t i = 0; i < 10000; ++i) EXPECT_EQ(index.find("key " + std::to_string(i)), i);
    EXPECT_FALSE(index.find("key 10000").has_value());
    EXPECT_EQ(index.size(), 10000U);
}

TEST(key_index, gives_the_value_it_replaces) {
    KeyIndex index;
    index.put("a", 1);
    EXPECT_EQ(index.put("a", 2), 1U);
    EXPECT_EQ(index.find("a"), 2U);
    EXPECT_EQ(index.size(), 1U);
}

TEST(key_index, tells_keys_apart_that_share_a_begin) {
    KeyIndex index;
    index.put("", 1);
    index.put(std::string_view("\0", 1), 2);
    EXPECT_EQ(index.find(""), 1U);
    EXPECT_EQ(index.find(std::string_view("\0", 1)), 2U);
}

TEST(key_index, is_empty_after_clear) {
    KeyIndex index;
    index.put("a", 1);
    index.clear();
    EXPECT_FALSE(index.find("a").has_value());
    EXPECT_FALSE(index.put("a", 3).has_value());
}

}  // namespace
}  // namespace tandem::mirror
