// Reading foreign tables: Postgres asks its own copy of the rows the same.
#include "integration/fdw/fdw_fixture.h"

namespace tandem::fdw_test {

namespace {

class FdwRead : public FdwTest {};

TEST_F(FdwRead, answers_as_a_local_table_does) {
    same("SELECT * FROM items");
    same("SELECT id, t FROM items WHERE i4 > 0 AND t IS NOT NULL ORDER BY id LIMIT 7", true);
    same("SELECT count(*) FROM items");
    same("SELECT g, sum(n), avg(i8), max(ts), min(d) FROM items GROUP BY g ORDER BY g", true);
    same("SELECT g, count(DISTINCT t) FROM items WHERE b GROUP BY g HAVING count(*) > 3");
    same(
        "SELECT d.name, sum(i.n) FROM items i JOIN dims d ON d.k = i.g GROUP BY 1 ORDER BY 2 DESC "
        "LIMIT 3",
        true);
    same("SELECT g FROM items UNION SELECT k FROM dims EXCEPT SELECT 3");
    same("SELECT DISTINCT v FROM items");
    same(
        "SELECT name FROM dims d WHERE EXISTS (SELECT 1 FROM items i WHERE i.g = d.k AND i.i4 <> "
        "d.k)");
    same("SELECT max(x), count(x), sum(x) FROM nothing");
    same(
        "WITH s AS (SELECT g, sum(i4) AS s FROM items GROUP BY g) SELECT count(*) FROM s WHERE s > "
        "(SELECT avg(s) FROM s)");
}

TEST_F(FdwRead, ships_queries_as_a_whole) {
    for (const char* sql :
         {"SELECT g, sum(n) FROM items WHERE i4 > 5 GROUP BY g ORDER BY 2 DESC LIMIT 3",
          "SELECT d.name, count(*) FROM items i JOIN dims d ON d.k = i.g GROUP BY 1",
          "SELECT DISTINCT g FROM items", "SELECT g FROM items UNION SELECT k FROM dims",
          "SELECT id, row_number() OVER (ORDER BY id) FROM items",
          "SELECT * FROM dims ORDER BY k LIMIT 3"})
        EXPECT_TRUE(is_whole(sql)) << sql << "\n" << far_plan(sql);
}

// A local table in the query: the foreign one is read by itself, with what ships of its conditions.
TEST_F(FdwRead, reads_only_what_is_needed_beside_a_local_table) {
    run("CREATE TABLE near (k int, note text)");
    run("INSERT INTO near SELECT i, 'note ' || i FROM generate_series(1, 5) i");
    same(
        "SELECT n.note, i.id, i.n FROM near n JOIN items i ON i.g = n.k WHERE i.i4 > 100 AND i.t "
        "LIKE 'z%'");
    same("SELECT n.note, count(*) FROM near n LEFT JOIN items i ON i.g = n.k GROUP BY 1");
    same("SELECT (SELECT max(id) FROM items WHERE g = n.k) FROM near n");
    same("SELECT count(*) FROM near n, items i");
    same("SELECT n.k, i::text FROM near n JOIN dims i ON i.k = n.k");
    std::string plan = far_plan(
        "SELECT n.note, i.n FROM near n JOIN items i ON i.g = n.k WHERE i.i4 > 100 AND "
        "pg_backend_pid() > i.i4");
    EXPECT_EQ(count(plan, "Foreign Scan"), 1) << plan;
    EXPECT_EQ(count(plan, "s.`"), 3) << plan;
    EXPECT_EQ(plan.find("`t`"), std::string::npos) << plan;
    EXPECT_NE(plan.find("`i4` > "), std::string::npos) << plan;
}

TEST_F(FdwRead, binds_parameters_of_prepared_statements) {
    const std::string sql = "SELECT count(*), sum(n) FROM items WHERE n < $1 AND d >= $2";
    run("SET search_path = far, public; PREPARE far_one (numeric, date) AS " + sql);
    run("SET search_path = public; PREPARE near_one (numeric, date) AS " + sql);
    for (int i = 0; i < 8; ++i) {
        std::string values =
            "(" + std::to_string(i * 1000) + ".0625, '200" + std::to_string(i) + "-02-28')";
        EXPECT_EQ(answer("EXECUTE near_one " + values), answer("EXECUTE far_one " + values)) << i;
    }
}

TEST_F(FdwRead, moves_cursors) {
    std::string sql = "SELECT id, t FROM items ORDER BY id";
    for (const char* path : {"public", "far, public"}) {
        run(std::string("SET search_path = ") + path + "; BEGIN");
        run("DECLARE c SCROLL CURSOR FOR " + sql);
        EXPECT_EQ(ask("FETCH 1 FROM c"), "1");
        EXPECT_EQ(ask("FETCH RELATIVE 10 FROM c"), "11");
        EXPECT_EQ(ask("FETCH PRIOR FROM c"), "10");
        run("COMMIT");
    }
}

// Nobody has to know ClickHouse's types by heart.
TEST_F(FdwRead, casts_columns_whose_types_nobody_named) {
    for (const char* table : {"items", "dims"}) {
        std::string columns = ask(std::string("SELECT string_agg(format('%I %s', attname, "
                                              "format_type(atttypid, atttypmod)), ', ' ORDER BY "
                                              "attnum) FROM pg_attribute WHERE attrelid = '") +
                                  table + "'::regclass AND attnum > 0");
        run(std::string("DROP FOREIGN TABLE far.") + table);
        run(std::string("CREATE FOREIGN TABLE far.") + table + " (" + columns +
            ") SERVER far_away OPTIONS (database 'shop')");
    }
    same("SELECT * FROM items");
    same("SELECT * FROM items WHERE i8 > 5 AND d < '2020-01-01' AND n > 0 AND u IS NOT NULL");
    same("SELECT g, sum(n), max(tz), count(u) FROM items GROUP BY g");
    same("SELECT d.name, count(*) FROM items i JOIN dims d ON d.k = i.g WHERE d.w > 2 GROUP BY 1");
}

TEST_F(FdwRead, learns_of_rows_by_analyze) {
    run("ANALYZE far.items");
    EXPECT_EQ(ask("SELECT reltuples FROM pg_class WHERE oid = 'far.items'::regclass"), "3002");
    EXPECT_EQ(ask("SELECT n_distinct FROM pg_stats WHERE schemaname = 'far' AND tablename = "
                  "'items' AND attname = 'g'"),
              "6");
    run("CREATE TABLE near AS SELECT 1 AS one");
    std::string plan = far_plan("SELECT * FROM items, near", "COSTS ON");
    EXPECT_NE(plan.find("rows=3002"), std::string::npos) << plan;
}

// 200 MB of rows, of which the backend holds a block at a time.
TEST_F(FdwRead, holds_no_more_than_a_block) {
    run("CREATE FOREIGN TABLE far.wide (n bigint, t text) SERVER far_away OPTIONS (query 'SELECT "
        "number AS n, repeat(toString(number % 10), 200) AS t FROM numbers(1000000)')");
    run("CREATE TABLE near AS SELECT 1 AS one");
    const std::string peak =
        "SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || "
        "'/status') FROM 'VmHWM:\\s+(\\d+)')::int / 1024";
    EXPECT_EQ(ask("SELECT count(t) FROM (SELECT * FROM far.wide WHERE n < 1000) w, near"), "1000");
    int before = std::atoi(ask(peak).c_str());
    EXPECT_EQ(ask("SELECT sum(length(t)) FROM far.wide, near"), "200000000");
    EXPECT_EQ(ask("SELECT count(*) FROM (SELECT * FROM far.wide OFFSET 1) w, near WHERE t <> ''"),
              "999999");
    // The rows of a function are kept in a file.
    EXPECT_EQ(
        ask("SELECT sum(length(t)) FROM tandem.query('far_away', 'SELECT repeat(''x'', 200) AS t "
            "FROM numbers(700000)') AS q (t text)"),
        "140000000");
    EXPECT_LT(std::atoi(ask(peak).c_str()), before + 100);
}

TEST_F(FdwRead, plans_while_clickhouse_is_down_and_says_so_when_asked) {
    clickhouse_->stop();
    EXPECT_NE(far_plan("SELECT g, count(*) FROM items GROUP BY g").find("Remote SQL"),
              std::string::npos);
    EXPECT_NE(far_plan("SELECT * FROM items i JOIN pg_class c ON c.oid = i.id").find("Remote SQL"),
              std::string::npos);
    EXPECT_TRUE(far("SELECT count(*) FROM items").starts_with("ERROR 08006"));
    EXPECT_TRUE(
        far("SELECT * FROM items i JOIN pg_class c ON c.oid = i.id").starts_with("ERROR 08006"));
    ASSERT_TRUE(clickhouse_->start_again().ok());
    same("SELECT count(*) FROM items");
}

}  // namespace

}  // namespace tandem::fdw_test
