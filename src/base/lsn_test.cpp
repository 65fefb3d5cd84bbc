#include "base/lsn.h"

#include <gtest/gtest.h>

namespace tandem {

TEST(lsn, prints_and_parses_both_halves) {
    EXPECT_EQ(to_string(Lsn{0x16B374D848}), "16/B374D848");
    EXPECT_EQ(MUST(parse_lsn("16/B374D848")), Lsn{0x16B374D848});
    EXPECT_EQ(MUST(parse_lsn("0/0")), Lsn{});
}

TEST(lsn, refuses_text_that_is_not_an_lsn) {
    for (const char* text : {"", "16", "16/", "/1", "16/B374D848 ", "1FFFFFFFF/0", "x/y"})
        EXPECT_FALSE(parse_lsn(text).ok()) << text;
}

}  // namespace tandem
