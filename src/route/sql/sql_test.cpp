#include <gtest/gtest.h>

#include "route/sql/print.h"

namespace tandem::route::sql {
namespace {

std::string text_of(Sql& sql, const Node* node, std::string_view prefix = "") {
    Select& select = *sql.query();
    select.results.push_back({node, Role::kValue, 1});
    return print(select, prefix);
}

TEST(sql, writes_arguments_where_the_form_has_them) {
    Sql sql;
    const Node* a = sql.column(1, "a");
    const Node* b = sql.result(2, Role::kValue, 3);
    EXPECT_EQ(text_of(sql, sql.form("f($2, $1, $T, $t)", {a, b}, "Nullable(Int32)", "Int32")),
              "SELECT f(t2.c3, t1.`a`, 'Nullable(Int32)', 'Int32') AS c1");
    EXPECT_EQ(text_of(sql, sql.form("($&) ($|) ($,)", {a, b})),
              "SELECT (t1.`a` AND t2.c3) (t1.`a` OR t2.c3) (t1.`a`, t2.c3) AS c1");
}

TEST(sql, takes_nothing_in_names_and_values_for_syntax) {
    Sql sql;
    EXPECT_EQ(text_of(sql, sql.form("f($1, $2)", {sql.column(1, "$1`"), sql.string("$2'")})),
              "SELECT f(t1.`$1\\``, '$2\\'') AS c1");
}

TEST(sql, names_everything_of_its_own_by_the_prefix) {
    Sql sql;
    Select& select = *sql.query();
    select.results.push_back({sql.column(1, "c1"), Role::kValue, 1});
    select.results.push_back({sql.int32(2), Role::kDigits, 1});
    select.from = sql.place(0, 1);
    EXPECT_EQ(print(select, "_tandem_"),
              "SELECT _tandem_t1.`c1` AS _tandem_c1, toInt32(2) AS _tandem_s1 FROM \1"
              "0\1 AS _tandem_t1");
    EXPECT_TRUE(is_like_own_name("c1") && is_like_own_name("t20") && is_like_own_name("s3"));
    EXPECT_FALSE(is_like_own_name("c") || is_like_own_name("cx1") || is_like_own_name("x1"));
}

TEST(sql, knows_equal_nodes_by_what_they_compute) {
    Sql sql;
    const Node* a = sql.form("($1 + $2)", {sql.column(1, "a"), sql.int32(1)});
    EXPECT_TRUE(same(*a, *sql.form("($1 + $2)", {sql.column(1, "a"), sql.int32(1)})));
    EXPECT_FALSE(same(*a, *sql.form("($1 + $2)", {sql.column(2, "a"), sql.int32(1)})));
    EXPECT_FALSE(same(*a, *sql.form("($1 - $2)", {sql.column(1, "a"), sql.int32(1)})));
    EXPECT_FALSE(same(*sql.call("sum", {a}), *sql.call("sum", {a}, sql.column(1, "b"))));
}

TEST(sql, knows_what_may_fail_on_purpose) {
    Sql sql;
    const Node* plain = sql.column(1, "a");
    const Node* guarded = sql.guarded(sql.form("$1 = 0", {plain}), plain);
    EXPECT_FALSE(plain->raises);
    EXPECT_TRUE(guarded->raises);
    EXPECT_TRUE(sql.call("sum", {sql.form("($1 + 1)", {guarded})})->raises);
    Select& select = *sql.query();
    select.where = {guarded};
    EXPECT_TRUE(sql.select(&select)->raises);
}

TEST(sql, writes_every_clause_of_a_select) {
    Sql sql;
    Select& inner = *sql.query();
    inner.results.push_back({sql.int64(1), Role::kValue, 1});
    Select& both = *sql.query();
    both.branches = {&inner, &inner};
    Select& select = *sql.query();
    const Node* key = sql.result(1, Role::kValue, 1);
    select.distinct = true;
    select.results.push_back(
        {sql.over(sql.call("count", {}), {{key}, {{key, true, true}}, "ROWS 1"}), Role::kValue, 1});
    select.from = sql.join(JoinWord::kLeft, sql.derived(&both, 1), sql.place(7, 2), {key, key});
    select.where = {key};
    select.group_by = {key};
    select.having = key;
    select.order_by = {{key, false, false}};
    select.limit_by = {key};
    select.limit = sql.form("5", {});
    EXPECT_EQ(
        print(select, ""),
        "SELECT DISTINCT count() OVER (PARTITION BY t1.c1 ORDER BY t1.c1 DESC NULLS FIRST "
        "ROWS 1) AS c1 FROM (SELECT toInt64(1) AS c1 UNION ALL SELECT toInt64(1) AS c1) AS t1 "
        "LEFT JOIN \1"
        "7\1 AS t2 ON t1.c1 AND t1.c1 WHERE t1.c1 GROUP BY t1.c1 HAVING t1.c1 ORDER BY t1.c1 "
        "ASC NULLS LAST LIMIT 1 BY t1.c1 LIMIT 5");
}

}  // namespace
}  // namespace tandem::route::sql
