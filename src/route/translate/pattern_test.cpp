#include "route/translate/pattern.h"

#include <gtest/gtest.h>

namespace tandem::route {
namespace {

std::string re2(std::string_view pattern, bool ignore_case = false) {
    std::optional<Pattern> found = translate_pattern(pattern, ignore_case);
    return found ? found->re2 : "refused";
}

TEST(pattern, translates_what_means_the_same) {
    EXPECT_EQ(re2("^abc$"), "(?s)^abc$");
    EXPECT_EQ(re2("a.c+", true), "(?si)a.c+");
    EXPECT_EQ(re2("[^0-9a-f]{2,3}"), "(?s)[^0-9a-f]{2,3}");
    EXPECT_EQ(re2("\\d+\\s\\w"), "(?s)\\d+[[:space:]]\\w");
    EXPECT_EQ(re2("[\\s\\d]"), "(?s)[[:space:]\\d]");
    EXPECT_EQ(re2("[[:alpha:]-]"), "(?s)[[:alpha:]\\-]");
    EXPECT_EQ(re2("^(?:.*(?:a|b).*)$"), "(?s)^(?:.*(?:a|b).*)$");
    EXPECT_EQ(re2("https?://(www\\.)?"), "(?s)https?://(www\\.)?");
}

TEST(pattern, refuses_what_may_not) {
    for (const char* pattern :
         {"",      "***=a", "(?i)a",  "a*?",    "a**",   "(a)\\1", "\\ya", "\\mword\\M", "a(?=b)",
          "a|^b",  "^a|b",  "a^b",    "a$b",    "[a",    "(a",     "a)",   "[[.a.]]",    "[[=a=]]",
          "[a-Z]", "[+--]", "a{256}", "a{2,1}", "a{,2}", "{a",     "\\Bx", "\\x41",      "ä",
          "a||b",  "()",    "[]a]",   "[^]a]",  "*a",    "+"})
        EXPECT_EQ(re2(pattern), "refused") << pattern;
}

TEST(pattern, knows_where_a_match_ends) {
    for (const char* pattern : {"[aeiou]", "[^0-9]+", "(\\d+)-(\\d+)", "^x*y", "(a)(b+)", "ab?"})
        EXPECT_TRUE(translate_pattern(pattern, false)->same_extent) << pattern;
    for (const char* pattern : {"a|ab", "a?(ab)?", "a*ab", "(a+)+", "a?b?c"})
        EXPECT_FALSE(translate_pattern(pattern, false)->same_extent) << pattern;
    EXPECT_TRUE(translate_pattern("x*", false)->may_be_empty);
    EXPECT_FALSE(translate_pattern("x*y", false)->may_be_empty);
}

TEST(pattern, knows_how_a_match_that_ends_with_the_text_is_shared_out) {
    for (const char* pattern :
         {"^https?://(?:www\\.)?([^/]+)/.*$", "^(?:ab)?([^0-9]+)[0-9]*$", "(a+)(b*)$", "x(a?)(a*)$",
          "^(?:a+)?(b)$", "x(a)?a*$", "^/([a-z]+)(/.*)?$"}) {
        EXPECT_TRUE(translate_pattern(pattern, false)->same_extent) << pattern;
        EXPECT_FALSE(translate_pattern(pattern, false)->may_be_empty) << pattern;
    }
    for (const char* pattern :
         {"^(?:www\\.)?([^/]+)/.*", "a?(?:ab)?b*$", "x((a*)(a*))$", "x(?:a|ab)(b*)$", "xa?a?(a*)$",
          "x(a*b?)$", "x(a*)?b$", "x(a+b)?$", "x(?:a+b+)?c$", "x(y(a)?)?$"})
        EXPECT_FALSE(translate_pattern(pattern, false)->same_extent) << pattern;
    EXPECT_TRUE(translate_pattern("(\\?.*)?$", false)->may_be_empty);
    EXPECT_EQ(translate_pattern("^(a)?(b)(c+)?$", false)->optional_groups, 0b1010u);
    EXPECT_EQ(translate_pattern("^(a)?(b)(c+)?$", false)->may_be_empty, false);
    EXPECT_TRUE(translate_pattern("P?([0-9]*)(?:7)?$", false)->may_be_empty);
}

TEST(pattern, knows_what_is_beyond_ascii) {
    EXPECT_FALSE(translate_pattern("a.b", false)->classes);
    EXPECT_TRUE(translate_pattern("\\d", false)->classes);
    EXPECT_FALSE(translate_pattern("\\d", false)->letters);
    EXPECT_TRUE(translate_pattern("\\w", false)->letters);
    EXPECT_FALSE(translate_pattern("a", true)->letters);
    EXPECT_TRUE(translate_pattern("a", true)->ignore_case);
}

TEST(pattern, translates_replacements) {
    EXPECT_EQ(translate_replacement("<\\1\\&\\\\>", 1), "<\\1\\0\\\\>");
    EXPECT_FALSE(translate_replacement("\\2", 1));
    EXPECT_FALSE(translate_replacement("\\n", 1));
    EXPECT_FALSE(translate_replacement("x\\", 1));
}

}  // namespace
}  // namespace tandem::route
