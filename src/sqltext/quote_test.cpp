#include "sqltext/quote.h"

#include <gtest/gtest.h>

#include <vector>

namespace tandem::sqltext {
namespace {

using namespace std::string_view_literals;

TEST(quote, doubles_quotes_in_postgres_identifiers) {
    EXPECT_EQ(pg_ident("plain"), R"("plain")");
    EXPECT_EQ(pg_ident(R"(we"ird Name?-)"), R"("we""ird Name?-")");
    EXPECT_EQ(pg_qualified("my schema", "order"), R"("my schema"."order")");
}

TEST(quote, cuts_postgres_text_at_a_nul_byte) {
    EXPECT_EQ(pg_ident("a\0b"sv), R"("a")");
    EXPECT_EQ(pg_literal("a\0'; DROP"sv), "'a'");
}

TEST(quote, keeps_postgres_literals_closed_whatever_the_string_setting) {
    EXPECT_EQ(pg_literal("it's"), "'it''s'");
    EXPECT_EQ(pg_literal(R"(a\'b)"), R"(E'a\\''b')");
}

TEST(quote, writes_postgres_arrays) {
    std::vector<std::string> elements = {"a,b", "", R"(q"\)"};
    EXPECT_EQ(pg_array(elements), R"({"a,b","","q\"\\"})");
    EXPECT_EQ(pg_array({}), "{}");
}

TEST(quote, escapes_clickhouse_identifiers_and_strings) {
    EXPECT_EQ(ch_ident("a`b\\c"), R"(`a\`b\\c`)");
    EXPECT_EQ(ch_qualified("db", "t 1"), "`db`.`t 1`");
    EXPECT_EQ(ch_string("it's\n\\\0"sv), R"('it\'s\n\\\0')");
    EXPECT_EQ(ch_string("\xff\xfe"), "'\xff\xfe'");
}

TEST(quote, joins_lists) {
    std::vector<std::string> names = {"a", "b c"};
    EXPECT_EQ(pg_ident_list(names), R"("a", "b c")");
    EXPECT_EQ(ch_ident_list(names), "`a`, `b c`");
    EXPECT_EQ(ch_ident_list({}), "");
}

}  // namespace
}  // namespace tandem::sqltext
