#include "route/sql/lay_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace tandem::route::sql {
namespace {

std::string plain(std::string_view sql) {
    return lay_out(sql, {.settings = false});
}

TEST(lay_out, begins_a_line_with_every_clause) {
    EXPECT_EQ(plain("SELECT DISTINCT t1.`a` AS c1 FROM `d`.`t` AS t1 LEFT JOIN `d`.`u` AS t2 ON "
                    "t1.`a` = t2.`a` WHERE t1.`b` GROUP BY t1.`a` HAVING h ORDER BY t1.`a` ASC "
                    "NULLS LAST LIMIT 5 OFFSET 1 SETTINGS limit = 0, x = {}"),
              "SELECT DISTINCT t1.`a` AS c1\n"
              "FROM `d`.`t` AS t1\n"
              "LEFT JOIN `d`.`u` AS t2 ON t1.`a` = t2.`a`\n"
              "WHERE t1.`b`\n"
              "GROUP BY t1.`a`\n"
              "HAVING h\n"
              "ORDER BY t1.`a` ASC NULLS LAST\n"
              "LIMIT 5\n"
              "OFFSET 1");
}

TEST(lay_out, indents_queries_in_queries) {
    EXPECT_EQ(plain("SELECT f(c1) FROM (SELECT a AS c1 FROM t UNION ALL SELECT b AS c1 FROM u) AS "
                    "t3 WHERE c1 IN (SELECT c FROM v) AND left(x, 1) = 'a'"),
              "SELECT f(c1)\n"
              "FROM (\n"
              "  SELECT a AS c1\n"
              "  FROM t\n"
              "  UNION ALL\n"
              "  SELECT b AS c1\n"
              "  FROM u\n"
              ") AS t3\n"
              "WHERE c1 IN (\n"
              "  SELECT c\n"
              "  FROM v\n"
              ") AND left(x, 1) = 'a'");
}

TEST(lay_out, writes_casts_short) {
    EXPECT_EQ(plain("SELECT CAST(count(), 'Int64') AS c1"), "SELECT count()::Int64 AS c1");
    EXPECT_EQ(plain("SELECT CAST(CAST(t1.`a`, 'Nullable(Int64)') + CAST({c1:Int64}, 'Int32'), "
                    "'Nullable(DateTime64(6, \\'UTC\\'))')"),
              "SELECT (t1.`a`::Nullable(Int64) + {c1:Int64}::Int32)::Nullable(DateTime64(6, "
              "'UTC'))");
    EXPECT_EQ(plain("SELECT CAST((a, b)[1], 'Int8'), CAST(f(1) OVER (), 'Int8'), CAST(-1, 'Int8'), "
                    "CAST('1', 'Int8')"),
              "SELECT ((a, b)[1])::Int8, (f(1) OVER ())::Int8, (-1)::Int8, ('1')::Int8");
    EXPECT_EQ(plain("SELECT CAST(a, b), CAST(a AS Int8), CAST"),
              "SELECT CAST(a, b), CAST(a AS Int8), CAST");
}

TEST(lay_out, takes_nothing_in_names_and_values_for_syntax) {
    std::string sql = "SELECT ' FROM (SELECT ', `a ) WHERE \\` \\\\`, 'it\\'s CAST(1, ''Int8'')'";
    EXPECT_EQ(plain(sql), sql);
    EXPECT_EQ(plain("SELECT ') SETTINGS ' FROM t SETTINGS a = 1"), "SELECT ') SETTINGS '\nFROM t");
}

TEST(lay_out, breaks_long_lines_where_the_fewest_parentheses_are_open) {
    std::string sql =
        "SELECT aaaaaaaaaa(bbbbbbbbbb, cccccccccc), dddddddddd(eeeeeeeeee, ffffffffff)";
    EXPECT_EQ(lay_out(sql, {.width = 60, .indent = 2}),
              "SELECT aaaaaaaaaa(bbbbbbbbbb, cccccccccc),\n"
              "      dddddddddd(eeeeeeeeee, ffffffffff)");
    EXPECT_EQ(lay_out("SELECT 1 WHERE aaaaaaaaaaaaaaa AND bbbbbbbbbbbbbb", {.width = 30}),
              "SELECT 1\n"
              "WHERE aaaaaaaaaaaaaaa\n"
              "    AND bbbbbbbbbbbbbb");
    std::string many = "SELECT 1 SETTINGS a = 1";
    for (int i = 0; i < 100; ++i) many += ", setting_" + std::to_string(i) + " = 'throw'";
    std::istringstream lines(lay_out(many, {.indent = 10}));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

std::string without_blanks(std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
    return text;
}

TEST(lay_out, loses_nothing_of_any_text) {
    for (const char* sql : {"", "'", "`a", "{", "(", "((SELECT", ")", "CAST(", "CAST(, '')",
                            "SELECT )) FROM", "CAST(a, 'b", "\\", "'\\", "SELECT (SELECT (SELECT a",
                            ") WHERE ) FROM", "UNION", "SELECT a,b, c,   d"})
        EXPECT_EQ(without_blanks(lay_out(sql, {.width = 0})), without_blanks(sql));
}

}  // namespace
}  // namespace tandem::route::sql
