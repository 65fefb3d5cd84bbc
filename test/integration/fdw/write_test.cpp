// Writing to foreign tables: what arrives is what was sent, or an error says why not.
#include "integration/fdw/fdw_fixture.h"

namespace tandem::fdw_test {

namespace {

class FdwWrite : public FdwTest {
  protected:
    void SetUp() override {
        FdwTest::SetUp();
        if (HasFatalFailure()) return;
        run_clickhouse(
            "CREATE TABLE shop.log (id Int64, small UInt8, t String, n Nullable(Decimal(12, 3)), d "
            "Date, dt DateTime, at DateTime64(6, 'UTC'), e Enum8('a' = 1, 'b' = 2), u UUID, ip "
            "IPv4, "
            "tags Array(Nullable(String)), f Float64, low LowCardinality(String), big UInt64, "
            "filled Int32 DEFAULT 42, twice Int64 MATERIALIZED id * 2) ENGINE = MergeTree ORDER BY "
            "id");
        run("CREATE FOREIGN TABLE log (id bigint, small smallint, t text, n numeric, d date, dt "
            "timestamptz, at timestamptz, e text, u uuid, ip inet, tags text[] OPTIONS (type "
            "'Array(Nullable(String))'), f float8, low text, "
            "big numeric, filled int) SERVER far_away");
    }

    // A row, with one value other than usual.
    std::string insert(const std::string& column = "", const std::string& value = "") {
        std::vector<std::pair<std::string, std::string>> row = {
            {"id", "1"},
            {"small", "255"},
            {"t", "'it''s'"},
            {"n", "NULL"},
            {"d", "'2024-02-29'"},
            {"dt", "'2024-02-29 12:00:00+02'"},
            {"at", "'1969-12-31 23:59:59.999999Z'"},
            {"e", "'b'"},
            {"u", "'00112233-4455-6677-8899-aabbccddeeff'"},
            {"ip", "'10.1.2.3'"},
            {"tags", "ARRAY['x', NULL, 'y,\"']"},
            {"f", "0.1"},
            {"low", "'l'"},
            {"big", "18446744073709551615"}};
        std::string names;
        std::string values;
        for (auto& [name, usual] : row) {
            names += (names.empty() ? "" : ", ") + name;
            values += (values.empty() ? "" : ", ") + (name == column ? value : usual);
        }
        return ask("INSERT INTO log (" + names + ") VALUES (" + values + ") RETURNING id");
    }

    std::string there(const std::string& sql) {
        return ask("SELECT a FROM tandem.query('far_away', $q$" + sql + "$q$) AS t (a text)");
    }
};

TEST_F(FdwWrite, sends_every_value_as_it_is) {
    EXPECT_EQ(insert(), "1");
    EXPECT_EQ(
        ask("SELECT log::text FROM log"),
        "(1,255,it's,,2024-02-29,\"2024-02-29 10:00:00+00\",\"1969-12-31 23:59:59.999999+00\","
        "b,00112233-4455-6677-8899-aabbccddeeff,10.1.2.3,\"{x,NULL,\"\"y,\\\\\"\"\"\"}\",0.1,l,"
        "18446744073709551615,42)");
    EXPECT_EQ(there("SELECT twice AS a FROM shop.log"), "2");
    EXPECT_EQ(insert("n", "12.345"), "1");
    EXPECT_EQ(there("SELECT sum(n) AS a FROM shop.log"), "12.345");
}

TEST_F(FdwWrite, refuses_what_would_not_come_back) {
    for (auto [column, value] : {std::pair{"small", "256"},
                                 {"small", "-1"},
                                 {"d", "'1960-01-01'"},
                                 {"d", "'2200-01-01'"},
                                 {"dt", "'2024-01-01 00:00:00.5Z'"},
                                 {"dt", "'2200-01-01Z'"},
                                 {"n", "1.2345"},
                                 {"n", "1234567890.1"},
                                 {"n", "'NaN'"},
                                 {"e", "'c'"},
                                 {"ip", "'2001:db8::1'"},
                                 {"big", "18446744073709551616"},
                                 {"big", "-1"},
                                 {"big", "0.5"},
                                 {"at", "'infinity'"},
                                 {"id", "NULL"},
                                 {"t", "NULL"},
                                 {"e", "NULL"},
                                 {"low", "NULL"},
                                 {"tags", "NULL"},
                                 {"tags", "'{{a},{b}}'"}})
        EXPECT_TRUE(insert(column, value).starts_with("ERROR")) << column << " " << value;
    EXPECT_EQ(there("SELECT count() AS a FROM shop.log"), "0");
}

// Back from the unsigned number it would be the same again.
TEST_F(FdwWrite, refuses_negative_numbers_for_unsigned_columns) {
    run_clickhouse(
        "CREATE TABLE shop.counts (a UInt64, b Nullable(UInt32)) ENGINE = MergeTree ORDER BY a");
    run("CREATE FOREIGN TABLE counts (a bigint, b int) SERVER far_away");
    EXPECT_TRUE(ask("INSERT INTO counts VALUES (-1, 1)").starts_with("ERROR"));
    EXPECT_TRUE(ask("INSERT INTO counts VALUES (1, -1)").starts_with("ERROR"));
    run("INSERT INTO counts VALUES (9223372036854775807, 2147483647), (0, NULL)");
    EXPECT_EQ(ask("SELECT count(*) || ' ' || max(a) || ' ' || max(b) FROM counts"),
              "2 9223372036854775807 2147483647");
}

// ClickHouse is not the client, whose encoding send functions write.
TEST_F(FdwWrite, sends_texts_as_the_database_has_them) {
    run_clickhouse(
        "CREATE TABLE shop.words (t String, a Array(String)) ENGINE = MergeTree ORDER BY t");
    run("CREATE FOREIGN TABLE words (t text, a text[] OPTIONS (type 'Array(String)')) SERVER "
        "far_away");
    run("CREATE TABLE spoken (t text); INSERT INTO spoken VALUES (U&'\\00C4pfel')");
    run("SET client_encoding = 'LATIN1'; SET plan_cache_mode = force_generic_plan");
    run("INSERT INTO words SELECT t, ARRAY[t, 'x'] FROM spoken");
    run("PREPARE find (text) AS SELECT count(*) FROM words WHERE t = $1");
    EXPECT_EQ(ask("EXECUTE find (U&'\\00C4pfel')"), "1");
    EXPECT_EQ(ask("SELECT count(*) FROM spoken s JOIN words w ON w.t = s.t"), "1");
    run("RESET client_encoding");
    EXPECT_EQ(ask("SELECT t || a::text FROM words"), "\xC3\x84pfel{\xC3\x84pfel,x}");
}

TEST_F(FdwWrite, takes_many_rows_in_blocks) {
    run_clickhouse(
        "CREATE TABLE shop.many (id Int64, t String, n Decimal(12, 3), d Date32) ENGINE = "
        "MergeTree ORDER BY id");
    run("CREATE FOREIGN TABLE many (id bigint, t text, n numeric(12, 3), d date) SERVER far_away");
    run("CREATE TABLE source AS SELECT i AS id, 'row ' || i AS t, (i / 7.0)::numeric(12, 3) AS n, "
        "date '2000-01-01' + i % 9000 AS d FROM generate_series(1, 250000) i");
    run("INSERT INTO many SELECT * FROM source");
    const std::string sums =
        "SELECT row(count(*), sum(id), sum(n), max(t), min(d), max(d))::text "
        "FROM ";
    EXPECT_EQ(ask(sums + "many"), ask(sums + "source"));
    EXPECT_EQ(ask("WITH moved AS (INSERT INTO many SELECT id + 1000000, t, n, d FROM many WHERE id "
                  "<= 10 RETURNING id) SELECT count(*) FROM moved"),
              "10");
    run("TRUNCATE many");
    EXPECT_EQ(ask("SELECT count(*) FROM many"), "0");
    run("COPY source TO '/tmp/tandem_fdw_" + ask("SELECT pg_backend_pid()") + ".copy'");
    run("COPY many FROM '/tmp/tandem_fdw_" + ask("SELECT pg_backend_pid()") + ".copy'");
    run("COPY (SELECT 1) TO PROGRAM 'rm /tmp/tandem_fdw_" + ask("SELECT pg_backend_pid()") +
        ".copy'");
    EXPECT_EQ(ask(sums + "many"), ask(sums + "source"));
}

TEST_F(FdwWrite, says_why_it_does_not) {
    EXPECT_TRUE(
        ask("INSERT INTO log (id) VALUES (1) ON CONFLICT DO NOTHING").starts_with("ERROR 0A000"));
    EXPECT_TRUE(ask("UPDATE log SET t = ''").starts_with("ERROR"));
    EXPECT_TRUE(ask("DELETE FROM log").starts_with("ERROR"));
    EXPECT_TRUE(ask("TRUNCATE log RESTART IDENTITY").starts_with("ERROR 0A000"));
    run("CREATE FOREIGN TABLE made (n bigint) SERVER far_away OPTIONS (query 'SELECT 1 AS n')");
    EXPECT_TRUE(ask("INSERT INTO made VALUES (1)").starts_with("ERROR"));
    EXPECT_TRUE(ask("TRUNCATE made").starts_with("ERROR 0A000"));
    run("CREATE FOREIGN TABLE missing (n bigint) SERVER far_away");
    EXPECT_TRUE(ask("INSERT INTO missing VALUES (1)").starts_with("ERROR HV00R"));
    clickhouse_->stop();
    EXPECT_TRUE(insert().starts_with("ERROR 08006"));
    ASSERT_TRUE(clickhouse_->start_again().ok());
    EXPECT_EQ(insert(), "1");
}

// Partitions that lie elsewhere.
TEST_F(FdwWrite, is_a_partition_among_local_ones) {
    run_clickhouse("CREATE TABLE shop.old (k Int32, v String) ENGINE = MergeTree ORDER BY k");
    run("CREATE TABLE parted (k int, v text) PARTITION BY RANGE (k)");
    run("CREATE TABLE fresh PARTITION OF parted FOR VALUES FROM (100) TO (200)");
    run("CREATE FOREIGN TABLE old PARTITION OF parted FOR VALUES FROM (0) TO (100) SERVER "
        "far_away");
    run("INSERT INTO parted SELECT i, 'v' || i FROM generate_series(0, 199) i");
    EXPECT_EQ(ask("SELECT row(count(*), sum(k), max(v))::text FROM parted"), "(200,19900,v99)");
    EXPECT_EQ(there("SELECT count() AS a FROM shop.old"), "100");
}

}  // namespace

}  // namespace tandem::fdw_test
