// Where the router once answered wrongly, or easily could: a test per trap.
#include "integration/route/differential.h"

namespace tandem::route_test {

namespace {

// ClickHouse gives a bare number the smallest type that holds it: each width has a first number.
TEST_F(RouteDifferential, computes_with_literals_of_every_width) {
    run("CREATE TABLE numbers (id int PRIMARY KEY, a2 smallint, a4 int, a8 bigint)");
    run("INSERT INTO numbers SELECT i, v, v, v FROM unnest(ARRAY[-128, -127, -100, -7, -5, -1, 0, "
        "1, 3, 7, 100, 127, NULL]) WITH ORDINALITY x (v, i)");
    hold_in_both("numbers");
    const char* values[] = {"127",   "128",   "200",   "255",        "256",        "1000",
                            "32767", "32768", "65535", "65536",      "2147483647", "2147483648",
                            "0",     "1",     "3",     "4294967296", "-1"};
    for (const std::string column : {"a2", "a4", "a8"})
        for (const std::string type : {"smallint", "int", "bigint"})
            for (const std::string value : values) {
                int64_t number = std::atoll(value.c_str());
                if (number > (type == "smallint" ? 32767 : type == "int" ? 2147483647 : 1LL << 40))
                    continue;
                std::string literal = "(" + value + ")::" + type;
                std::string minus = "(-(" + value + "))::" + type;
                auto both = [&](const std::string& op) {
                    return column + op + literal + ", " + literal + op + column + ", " + column +
                           op + minus + ", " + minus + op + column;
                };
                std::string sums = "SELECT id, " + both(" + ") + ", " + both(" - ") +
                                   ", coalesce(nullif(" + column + ", " + literal + "), " +
                                   literal + ") FROM numbers WHERE id < 13 AND abs(a2) <= 1";
                compare(sums, false);
                compare("SELECT id, " + both(" * ") + " FROM numbers WHERE a2 BETWEEN -1 AND 1",
                        false);
                std::string divisor = column + " <> 0";
                if (number == 0) continue;
                EXPECT_TRUE(compare("SELECT id, " + both(" / ") + ", " + both(" % ") +
                                        " FROM numbers WHERE " + divisor,
                                    false))
                    << column << " " << literal;
            }
    // What overflows is an error on either side, the quotient of the smallest number too.
    run("CREATE TABLE smallest (id int PRIMARY KEY, a2 smallint, a4 int, a8 bigint)");
    run("INSERT INTO smallest VALUES (1, -32768, -2147483648, -9223372036854775808)");
    hold_in_both("smallest");
    for (const std::string column : {"a2", "a4", "a8"})
        for (const std::string type : {"smallint", "int", "bigint"})
            for (const std::string op : {" / ", " % ", " * ", " + ", " - "})
                compare("SELECT " + column + op + "(-1)::" + type + " FROM smallest", false);
}

TEST_F(RouteDifferential, has_null_where_an_outer_join_finds_nothing) {
    run("CREATE TYPE mood AS ENUM ('sad', 'glad')");
    run("CREATE TABLE a (id int PRIMARY KEY, x int)");
    run("CREATE TABLE b (id int PRIMARY KEY, tags text[] NOT NULL, m mood NOT NULL, by inet NOT "
        "NULL, n int NOT NULL, loose numeric NOT NULL, f float8 NOT NULL)");
    run("INSERT INTO a SELECT i, i FROM generate_series(1, 31) i");
    run("INSERT INTO b SELECT i, CASE WHEN i % 2 = 0 THEN ARRAY['x', NULL] ELSE '{}' END, 'glad', "
        "'10.0.0.1', i, i, i FROM generate_series(1, 22, 2) i");
    hold_in_both("a");
    hold_in_both("b");
    for (const std::string column : {"tags", "m", "by", "n", "loose", "f"}) {
        const std::string inner[] = {"b", "(SELECT id, " + column + " FROM b)",
                                     "(SELECT id, " + column + ", 1 AS one FROM b OFFSET 0)"};
        for (const std::string& from : inner) {
            std::string rest = " FROM a LEFT JOIN " + from + " b ON a.id = b.id";
            compare("SELECT count(b." + column + "), count(*)" + rest, false);
            compare("SELECT count(*)" + rest + " WHERE b." + column + " IS NULL", false);
            compare("SELECT count(*)" + rest + " WHERE b." + column + " IS NOT NULL", false);
            compare("SELECT a.id, b." + column + rest, false);
            compare("SELECT count(b." + column + ") FROM " + from + " b RIGHT JOIN a USING (id)",
                    false);
            compare("SELECT count(b." + column + ") FROM " + from + " b FULL JOIN a USING (id)",
                    false);
        }
    }
    EXPECT_TRUE(
        compare("SELECT a.id, b.loose FROM a LEFT JOIN (SELECT id, loose FROM b) b ON a.id "
                "= b.id",
                false));
    EXPECT_TRUE(
        compare("SELECT count(b.one) FROM a LEFT JOIN (SELECT id, 1 AS one FROM b) b ON "
                "a.id = b.id",
                false));
}

class RouteTimes : public RouteDifferential {
  protected:
    // Fractions of seconds around the ends of minutes, hours and days, before 1970 above all.
    void compare_times() {
        run("CREATE TABLE times (id int PRIMARY KEY, ts timestamp, tz timestamptz)");
        run("INSERT INTO times SELECT row_number() OVER (), t, t AT TIME ZONE 'UTC' FROM (SELECT "
            "timestamp '1960-02-29' + d * interval '30 days 7 hours' + f * interval '1 "
            "microsecond' "
            "FROM generate_series(0, 9) d, unnest(ARRAY[-1, 0, 1, -1000000, -1000001, -999999, "
            "500000, "
            "-60000001, -3600000001, 86399999999]) f UNION ALL SELECT timestamp '1970-01-01' + f * "
            "interval '1 microsecond' FROM generate_series(-3, 3) f) x (t)");
        hold_in_both("times");
        for (const std::string column : {"ts", "tz"}) {
            for (const char* unit : {"minute", "hour", "day", "week", "month", "quarter", "year"})
                EXPECT_TRUE(compare(
                    "SELECT id, date_trunc('" + std::string(unit) + "', " + column + ") FROM times",
                    false));
            for (const char* field : {"minute", "hour", "day", "week", "month", "quarter", "year",
                                      "dow", "isodow", "doy", "isoyear"})
                EXPECT_TRUE(compare(
                    "SELECT id, extract(" + std::string(field) + " FROM " + column + ") FROM times",
                    false));
            for (const char* step :
                 {"1 month", "13 months", "1 day", "1 month -1 day", "1 microsecond",
                  "1 month 3 days 00:00:00.000001", "-1 month", "-00:00:00.5"})
                for (const char* op : {" + ", " - "})
                    EXPECT_TRUE(compare(
                        "SELECT id, " + column + op + "interval '" + step + "' FROM times", false));
            compare("SELECT id, " + column + "::date FROM times", false);
        }
    }
};

TEST_F(RouteTimes, keeps_fractions_of_seconds_before_1970) {
    compare_times();
}

class RouteWithServerInBerlin : public RouteTimes {
  protected:
    RouteWithServerInBerlin() { zone_ = "Europe/Berlin"; }
};

TEST_F(RouteWithServerInBerlin, takes_timestamps_apart_as_they_are_written) {
    compare_times();
    for (const char* sql :
         {"SELECT id, tz, ts FROM items", "SELECT min(ts), max(ts), count(DISTINCT ts) FROM items",
          "SELECT date_trunc('month', ts), count(*) FROM items GROUP BY 1",
          "SELECT extract(year FROM ts), extract(dow FROM d), count(*) FROM items GROUP BY 1, 2",
          "SELECT ts::date, count(*) FROM items GROUP BY 1",
          "SELECT id FROM items WHERE id < 2000 ORDER BY ts DESC, id LIMIT 20"})
        EXPECT_TRUE(compare(sql, false)) << sql;
    compare(
        "SELECT count(*) FROM items WHERE ts IN ('1960-02-29 23:59:59.999999', '2299-12-31 "
        "23:59:59.999999')",
        false);
    compare("SELECT count(*) FROM items WHERE ts > d AND ts < tz AND ts <> '2000-01-01'", false);
    compare("SELECT id, coalesce(ts, '2024-03-31 02:30'), nullif(ts, tz::timestamp) FROM items",
            false);
}

TEST_F(RouteDifferential, keeps_the_order_of_subqueries) {
    run("CREATE VIEW sorted_items AS SELECT id, g, f, u, c FROM items ORDER BY g DESC, id");
    const std::string ordered = "(SELECT id, g, i4, n, f FROM items ORDER BY i2, id)";
    const std::string routed[] = {
        "SELECT * FROM " + ordered + " x LIMIT 3",
        "SELECT id FROM " + ordered + " x OFFSET 2 FETCH FIRST 4 ROWS ONLY",
        "SELECT id, g * 2 FROM " + ordered + " x WHERE g > 1 LIMIT 5",
        "SELECT * FROM " + ordered + " x",
        "SELECT * FROM (SELECT * FROM " + ordered + " y WHERE id > 100) x LIMIT 3",
        "SELECT * FROM (SELECT * FROM " + ordered +
            " y LIMIT 20 OFFSET 1) x WHERE id % 2 = 0 "
            "LIMIT 4",
        "WITH x AS " + ordered + " SELECT id FROM x LIMIT 7",
        "WITH x AS MATERIALIZED " + ordered + " SELECT id FROM x LIMIT 7",
        "SELECT id FROM sorted_items LIMIT 11",
        "SELECT id FROM (SELECT id, f FROM items ORDER BY f DESC NULLS LAST, u, id) x LIMIT 9",
        "SELECT id FROM (SELECT id, c FROM items ORDER BY c, tz DESC, id) x LIMIT 9",
        "SELECT g FROM (SELECT g, count(*) AS n FROM items GROUP BY g ORDER BY count(*), g) x "
        "LIMIT 2",
        "SELECT g FROM (SELECT DISTINCT g FROM items ORDER BY g DESC) x LIMIT 3",
        "SELECT id FROM (SELECT id, t COLLATE \"C\" AS t FROM items ORDER BY 2, id) x LIMIT 6",
        "SELECT count(*), min(id) FROM (SELECT id FROM " + ordered + " y LIMIT 5) x",
        "SELECT (SELECT id FROM " + ordered + " x LIMIT 1), g FROM items GROUP BY g ORDER BY g",
        "SELECT id FROM items WHERE id IN (SELECT id FROM " + ordered + " x LIMIT 10) ORDER BY id",
        "SELECT id FROM " + ordered + " x ORDER BY id DESC LIMIT 3",
        "SELECT sum(i4 % 10) FROM " + ordered + " x",
    };
    for (const std::string& sql : routed) EXPECT_TRUE(compare(sql, true)) << sql << reason(sql);
    const std::string others[] = {
        "SELECT row_number() OVER (), id FROM " + ordered + " x",
        "SELECT id, row_number() OVER (PARTITION BY g) FROM " + ordered + " x",
        "SELECT id, row_number() OVER (ORDER BY i4, id) FROM items LIMIT 4",
        "SELECT id FROM (SELECT id, rank() OVER (ORDER BY i4, id) AS r FROM items) x WHERE r > 9 "
        "LIMIT 4",
        "SELECT x.id, d.name FROM " + ordered + " x LEFT JOIN dims d ON x.g = d.k LIMIT 6",
        "SELECT string_agg(id::text, ',') FROM (SELECT id FROM items WHERE id < 50 ORDER BY i4) x",
        "SELECT array_agg(id) FROM (SELECT id FROM " + ordered + " y LIMIT 9) x",
    };
    for (const std::string& sql : others) compare(sql, true);
    for (const char* mode : {"off", "on"}) {
        run("SET tandem.route = " + std::string(mode) + "; BEGIN; DECLARE rows_" + mode +
            " CURSOR FOR SELECT id FROM " + ordered + " x");
        run("MOVE 5 FROM rows_" + std::string(mode));
    }
    EXPECT_EQ(answer("FETCH 7 FROM rows_off"), answer("FETCH 7 FROM rows_on"));
    run("COMMIT");
}

// Postgres does not compute what nobody asks for, and knows when a constant is not needed.
TEST_F(RouteDifferential, computes_no_constant_that_postgres_does_not) {
    const char* routed[] = {
        "SELECT s.id FROM (SELECT id, 1/0 AS z FROM items) s WHERE s.id < 9",
        "WITH s AS (SELECT id, 1/0 AS z FROM items) SELECT count(*) FROM s",
        "SELECT s.n FROM (SELECT count(*) AS n, 1/0 AS z FROM items) s",
        "SELECT count(*) FROM (SELECT g, 1/0 AS z, max(id) FROM items GROUP BY g) s",
        "SELECT count(*) FROM (SELECT random(), 1/0 FROM items) s, (SELECT 1 AS one) t WHERE false",
        "SELECT s.g FROM (SELECT g, array_agg(id) AS z FROM items GROUP BY g) s",
        "SELECT s.id FROM (SELECT * FROM (SELECT *, 1/0 AS z FROM items) y) s WHERE s.id < 9",
        "SELECT d.k FROM dims d LEFT JOIN (SELECT id, 'x'::int AS z FROM items) s ON d.k = s.id",
    };
    for (const char* sql : routed) compare(sql, false);
    EXPECT_TRUE(compare(routed[0], false)) << reason(routed[0]);
    EXPECT_TRUE(compare(routed[3], false)) << reason(routed[3]);
    EXPECT_TRUE(compare(routed[5], false)) << reason(routed[5]);
    const char* others[] = {
        "SELECT count(*) FROM dims WHERE EXISTS (SELECT 1/0 FROM items WHERE g = k)",
        "SELECT CASE WHEN z = 0 THEN 1 ELSE 1/0 END FROM (SELECT id, 0 AS z FROM items) s",
        "SELECT count(*) FROM (SELECT id, 0 AS z FROM items) s WHERE z = 0 OR 1/0 > 1",
        "SELECT s.id FROM (SELECT id, 1/0 AS z FROM items UNION ALL SELECT k, 2 FROM dims) s",
        "SELECT CASE WHEN id < 0 THEN 1/0 ELSE 1 END FROM items",
        "SELECT id, 1/0 FROM items WHERE id < 0",
        "SELECT count(*) FROM items WHERE id < 0 AND 1/0 > 1",
        "SELECT count(*), x.a FROM (SELECT 5 AS a, 'q'::text AS b, id FROM items) x GROUP BY x.a",
        "SELECT count(*) FROM (SELECT 1/0 AS z FROM items GROUP BY g OFFSET 0) s",
        "SELECT (SELECT 1/0 FROM items WHERE id < 0)",
    };
    for (const char* sql : others) compare(sql, false);
}

TEST_F(RouteDifferential, takes_no_column_for_an_alias) {
    run("CREATE TABLE named (id int PRIMARY KEY, c1 int, c2 text, t1 text, t2 int, o1 int, "
        "\"null\" "
        "int)");
    run("INSERT INTO named SELECT i, 100 - i, 'x' || i % 3, CASE WHEN i % 2 = 0 THEN 'y' END, i % "
        "5, i * 7 % 11, i FROM generate_series(1, 30) i");
    hold_in_both("named");
    EXPECT_TRUE(compare("SELECT DISTINCT t2 FROM named ORDER BY t2", true));
    EXPECT_TRUE(compare("SELECT DISTINCT o1, c2 FROM named ORDER BY o1 DESC, c2 LIMIT 3", true));
    EXPECT_TRUE(compare("SELECT \"null\", t1 FROM named ORDER BY \"null\"", true));
    EXPECT_TRUE(
        compare("SELECT id FROM (SELECT id, c2 FROM named ORDER BY o1, id) c1 LIMIT 4", true));
    EXPECT_TRUE(
        compare("SELECT a.t1, b.c1, count(b.t2) FROM named a JOIN (SELECT t2 AS c2, c1, t2 "
                "FROM named) b ON a.t2 = b.c2 GROUP BY 1, 2 ORDER BY 2, 1",
                true));
}

TEST_F(RouteDifferential, finds_jsonb_pairs_that_look_like_structure) {
    run("CREATE TABLE docs (id int PRIMARY KEY, j jsonb NOT NULL)");
    run("INSERT INTO docs SELECT row_number() OVER (), d FROM (VALUES "
        "('{\"a\": \"x, \", \": \": \"y\"}'::jsonb), ('{\", \": \": \"}'), ('{\"x\": \"1\", \", "
        "\": \": \"}'), "
        "('{\"a\": \"x, \", \": 1, \": \": \", \"z\": \"y\"}'), ('{\"a\": [\"x, \"], \"b\": "
        "\"c\"}'), "
        "('{\"\": \"v\", \"k\": \"\"}'), ('{\"a\": \"b, \", \"k\": {\": \": \"v\"}}'), "
        "('{\"a\": \"q, \\\"k\\\": \\\"v\\\"\"}'), ('{\"k\": \"v\"}'), ('{\"a\": 1, \"k\": "
        "\"v\"}'), "
        "('[\"k\", \"v\"]'), ('\"k\"'), ('{\"}\": \"v, \", \"], \": \"v\"}'), "
        "('{\"l\": [\"x, \", \"], \", \"v\"], \"m\": \"v\"}')) x (d)");
    hold_in_both("docs");
    const char* pieces[] = {", ", ": ", ": 1, ", "], ", "}",    "]",  "",
                            "k",  "v",  "a",     "x, ", ", \"", "\"", "q, \"k\": \"v\"",
                            "b",  "{",  "}, ",   ": {"};
    for (const std::string key : pieces)
        for (const std::string value : pieces)
            compare("SELECT id FROM docs WHERE j ->> '" + key + "' = '" + value + "'", false);
}

TEST_F(RouteDifferential, answers_as_if_shared_queries_were_computed_once) {
    const char* queries[] = {
        "WITH w AS (SELECT id, g FROM items LIMIT 20) SELECT count(*) FROM w a JOIN w b ON a.id = "
        "b.id",
        "WITH w AS (SELECT id, row_number() OVER (ORDER BY g) AS n FROM items) SELECT count(*) "
        "FROM w a JOIN w b ON a.id = b.id AND a.n = b.n",
        "WITH w AS (SELECT * FROM (SELECT id FROM items OFFSET 7) x) SELECT count(*) FROM w a "
        "JOIN w b ON a.id = b.id",
    };
    for (const char* sql : queries) EXPECT_TRUE(compare(sql, false)) << reason(sql);
    // Rows numbered by two orders, of which none is that of the other's peers.
    EXPECT_EQ(reason_for("WITH w AS (SELECT g, row_number() OVER (ORDER BY g) AS n, row_number() "
                         "OVER (ORDER BY b) AS m FROM items) SELECT count(*) FROM w x JOIN w y ON "
                         "x.n = y.n AND x.m = y.m"),
              "shared_cte");
    EXPECT_TRUE(
        compare("WITH w AS (SELECT g, count(*) AS n FROM items GROUP BY g) SELECT "
                "sum(a.n), count(*) FROM w a JOIN w b ON a.g = b.g",
                false));
}

TEST_F(RouteDifferential, compares_floats_to_the_last_bit) {
    run("CREATE TABLE floats (id int PRIMARY KEY, f float8, r real)");
    run("INSERT INTO floats SELECT i, 0.1 + i * 0.2, (0.1 + i * 0.2)::real FROM generate_series(0, "
        "99) i; INSERT INTO floats VALUES (200, 0.1::float8 + 0.2::float8, 16777217), (201, "
        "1.7976931348623157e308, 3.4028235e38), (202, 4.9e-324, 1e-45), (203, 'NaN', 'NaN'), (204, "
        "'-Infinity', 'Infinity'), (205, '-0', '-0')");
    hold_in_both("floats");
    const char* literals[] = {
        "0.30000000000000004", "0.1 + 0.2", "1.7976931348623157e308", "4.9e-324",        "'NaN'",
        "'-Infinity'",         "-0.0",      "2.9000000000000004",     "9007199254740993"};
    for (const char* digits : {"1", "0"}) {
        run("SET extra_float_digits = " + std::string(digits));
        for (const std::string literal : literals)
            for (const std::string op : {" = ", " < ", " >= "})
                EXPECT_TRUE(compare(
                    "SELECT id FROM floats WHERE f" + op + "(" + literal + ")::float8", false));
        for (const std::string literal : {"16777217", "3.4028235e38", "1e-45", "0.3", "'NaN'"})
            EXPECT_TRUE(compare("SELECT id FROM floats WHERE r = " + literal + "::real", false));
        EXPECT_TRUE(
            compare("SELECT percentile_cont(0.1::float8 + 0.2) WITHIN GROUP (ORDER BY f) "
                    "FROM floats WHERE id < 100",
                    false));
    }
    run("PREPARE near (float8) AS SELECT count(*) FROM floats WHERE f = $1");
    for (int i = 0; i < 8; ++i) EXPECT_EQ(ask("EXECUTE near (0.1::float8 + 0.2)"), "1") << i;
    EXPECT_EQ(ask("EXECUTE near (NULL)"), "0");
}

TEST_F(RouteDifferential, returns_no_label_that_may_have_another_name_by_now) {
    run("CREATE TYPE state AS ENUM ('new', 'done')");
    run("CREATE TABLE steps (s state, n int PRIMARY KEY)");
    run("CREATE TABLE states (s state PRIMARY KEY, n int)");
    for (const std::string table : {"steps", "states"}) {
        run("INSERT INTO " + table + " VALUES ('new', 1), ('done', 2)");
        hold_in_both(table);
    }
    run("ALTER TYPE state RENAME VALUE 'new' TO 'fresh'");
    compare("SELECT s, n FROM steps", false);
    compare("SELECT n, min(s) FROM steps GROUP BY n", false);
    EXPECT_TRUE(compare("SELECT sum(n) FROM steps", false));
    // Changes of a row are found by its key.
    EXPECT_FALSE(compare("SELECT sum(n) FROM states", false));
}

TEST_F(RouteDifferential, plans_queries_on_tables_that_lost_a_column) {
    run("CREATE TABLE changed (id int PRIMARY KEY, a int, b int)");
    run("INSERT INTO changed SELECT i, i, i FROM generate_series(1, 9) i");
    hold_in_both("changed");
    run("ALTER TABLE changed DROP COLUMN a");
    run("ALTER TABLE changed ADD COLUMN c int DEFAULT 5");
    compare("SELECT count(*), sum(b) FROM changed", false);
    compare("SELECT * FROM changed", false);
}

}  // namespace

}  // namespace tandem::route_test
