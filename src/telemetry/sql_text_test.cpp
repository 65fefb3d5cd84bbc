#include "telemetry/sql_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace tandem::telemetry {
namespace {

std::string hide_all(const std::string& sql, size_t room = 1000) {
    std::string out(room, '\0');
    out.resize(normalise(sql, nullptr, 0, out.data(), room).size);
    return out;
}

std::string hide(const std::string& sql, const std::vector<int32_t>& places, int highest = 0) {
    std::string out(1000, '\0');
    List<int32_t> list = {places.data(), static_cast<uint32_t>(places.size())};
    out.resize(normalise(sql, &list, highest, out.data(), out.size()).size);
    return out;
}

TEST(NormaliseText, hides_every_kind_of_literal) {
    const std::vector<std::pair<std::string, std::string>> kCases = {
        {"SELECT 1, 'a', 2.5e-3, .5, 0x1F", "SELECT $1, $2, $3, $4, $5"},
        {"SELECT 'it''s', E'a\\'b', e'\\\\', B'01', X'ff', N'n', U&'d\\0061'",
         "SELECT $1, $2, $3, $4, $5, $6, $7"},
        {"SELECT $$a 'b$$, $x$ $$ $x$, $1, $2", "SELECT $3, $4, $1, $2"},
        {"SELECT a1, \"b 'c' 1\", t.x2 FROM t1", "SELECT a1, \"b 'c' 1\", t.x2 FROM t1"},
        {"SELECT U&\"d'\" , 'x'", "SELECT U&\"d'\" , $1"},
        {"ALTER USER u PASSWORD 'secret'", "ALTER USER u PASSWORD $1"},
        {"SELECT 1 - 2, 1-2, a[1:2]", "SELECT $1 - $2, $3-$4, a[$5:$6]"},
        {"  SELECT 1 ;\n ", "SELECT $1"},
    };
    for (const auto& [sql, expected] : kCases) EXPECT_EQ(hide_all(sql), expected) << sql;
}

TEST(NormaliseText, takes_comments_out_and_leaves_hints) {
    EXPECT_EQ(hide_all("/* a='1' */ SELECT /* x /* y */ z */ b -- 'c\nFROM t /*d*/"),
              "SELECT b FROM t");
    EXPECT_EQ(hide_all("/*+ SeqScan(t) */ SELECT a"), "/*+ SeqScan(t) */ SELECT a");
}

TEST(NormaliseText, hides_the_rest_of_an_unfinished_literal) {
    EXPECT_EQ(hide_all("SELECT 'abc"), "SELECT $1");
    EXPECT_EQ(hide_all("SELECT $q$abc$q"), "SELECT $1");
    EXPECT_EQ(hide_all("SELECT E'abc\\"), "SELECT $1");
    EXPECT_EQ(hide("SELECT 'abc", {}), "SELECT $1");
    EXPECT_EQ(hide_all("SELECT a /* 'abc"), "SELECT a");
}

TEST(NormaliseText, replaces_only_the_places_it_is_told) {
    EXPECT_EQ(hide("SELECT a FROM t WHERE b = -5 ORDER BY 1", {26}),
              "SELECT a FROM t WHERE b = $1 ORDER BY 1");
    EXPECT_EQ(hide("SELECT - 5, true, x'1'", {7, 12, 18}, 2), "SELECT $3, $4, $5");
    EXPECT_EQ(hide("SELECT 'a', 1", {}), "SELECT 'a', 1");
}

TEST(NormaliseText, ends_between_two_characters) {
    EXPECT_EQ(hide_all("SELECT äöü", 8), "SELECT");
    EXPECT_EQ(hide_all("SELECT äöü", 9), "SELECT ä");
    EXPECT_EQ(hide_all("SELECT äöü", 10), "SELECT ä");
    EXPECT_EQ(hide_all("SELECT äöü", 11), "SELECT äö");
    std::string out(8, '\0');
    EXPECT_TRUE(normalise("SELECT äöü", nullptr, 0, out.data(), out.size()).cut);
}

RC_GTEST_PROP(NormaliseText, stays_within_its_bounds_whatever_comes, (std::string sql)) {
    const size_t room = sql.size() / 2 + 1;
    std::string out(room + 1, '#');
    auto all = normalise(sql, nullptr, 0, out.data(), room);
    RC_ASSERT(all.size <= room);
    RC_ASSERT(out[room] == '#');
}

// Quotes and comments nested at random: no letter of a literal is ever shown.
TEST(NormaliseText, never_shows_a_secret_between_random_tokens) {
    const std::vector<std::string> kTokens = {"'secret'",
                                              "E'\\'secret'",
                                              "$$secret$$",
                                              "a",
                                              "\"b'\"",
                                              " ",
                                              "/* ' */",
                                              "--'\n",
                                              "$t$'secret$t$",
                                              "'secret''secret'",
                                              "1",
                                              "$1",
                                              "u&'secret'",
                                              "/*/*'*/*/",
                                              "=",
                                              "-"};
    unsigned state = 1;
    for (int round = 0; round < 20'000; ++round) {
        std::string sql;
        for (int i = 0; i < 8; ++i) {
            state = state * 1664525 + 1013904223;
            sql += kTokens[(state >> 16) % kTokens.size()] + " ";
        }
        ASSERT_EQ(hide_all(sql).find("secret"), std::string::npos) << sql;
    }
}

std::map<std::string, std::string> tags(const std::string& sql) {
    Text comment = tags_comment(sql);
    std::map<std::string, std::string> all;
    Text key;
    Text value;
    while (next_tag(&comment, &key, &value)) {
        std::string content(value.size(), '\0');
        content.resize(decode_tag(value, content.data()));
        all[std::string(key)] = content;
    }
    return all;
}

using Tags = std::map<std::string, std::string>;

TEST(Tags, are_read_from_the_comment_at_either_end) {
    Tags expected = {{"app", "shop"}, {"route", "/a b"}};
    EXPECT_EQ(tags("SELECT 1 /*app='shop',route='%2Fa%20b'*/;"), expected);
    EXPECT_EQ(tags("/* app='shop', route='%2Fa%20b' */ SELECT 1"), expected);
    EXPECT_EQ(tags("SELECT /*app='x'*/ 1"), Tags{});
    EXPECT_EQ(tags("SELECT 1 /* just words */"), Tags{});
    EXPECT_EQ(tags("/*+ Hint(a='b') */ SELECT 1"), Tags{});
}

TEST(Tags, resolve_escapes_and_stop_at_what_is_none) {
    EXPECT_EQ(tags("SELECT 1 /*a='it\\'s',b='c%zz',rest*/"), (Tags{{"a", "it's"}, {"b", "c%zz"}}));
    EXPECT_EQ(tags("SELECT 1 /*a='open*/"), Tags{});
}

TEST(Fingerprint, is_never_zero_and_differs) {
    EXPECT_NE(fingerprint(""), 0);
    EXPECT_NE(fingerprint("SELECT a"), fingerprint("SELECT b"));
}

}  // namespace
}  // namespace tandem::telemetry
