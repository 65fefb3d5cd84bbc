// How the user wants a table laid out in ClickHouse: taken, refused, kept, and right whatever is
// changed.
#include "integration/mirror/mirror_fixture.h"
#include "sqltext/quote.h"

namespace tandem::test {
namespace {

using std::chrono::milliseconds;

class layout : public MirrorFixture {
  protected:
    void create(const std::string& table, const std::string& options) {
        sql("SELECT tandem.create_mirror('m', ARRAY['" + table + "'], " +
            sqltext::pg_literal(options) + ")");
        live();
    }
    void live() {
        ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '60s')"), "t")
            << value("SELECT string_agg(t::text, ' ') FROM tandem.mirror_tables t");
    }
    // Of the newest copy: ORDER BY, PARTITION BY.
    std::string keys() {
        return ch_value(
            "SELECT sorting_key, partition_key FROM system.tables WHERE database = "
            "'tandem_rows' AND name = '" +
            value("SELECT main FROM tandem.mirror_copy WHERE visible_from IS NOT NULL "
                  "ORDER BY copy DESC LIMIT 1") +
            "'");
    }
    void refused(const std::string& options, const std::string& sqlstate, const std::string& why) {
        auto done = source().execute("SELECT tandem.create_mirror('m', ARRAY['t'], " +
                                     sqltext::pg_literal(options) + ")");
        ASSERT_FALSE(done.ok()) << options;
        EXPECT_EQ(done.error().sqlstate(), sqlstate) << done.error().to_string();
        EXPECT_THAT(done.error().to_string(), ::testing::HasSubstr(why));
    }
};

TEST_F(layout, is_taken_and_kept) {
    stop_daemon();
    limits_.folding.grace = milliseconds(200);
    limits_.folding.generation_age = milliseconds(50);
    start_daemon();
    sql("CREATE TABLE t (id int PRIMARY KEY, tenant int NOT NULL, at date NOT NULL, body text)");
    sql("INSERT INTO t SELECT i, i % 7, '2020-01-01'::date + i % 150, 'b' FROM generate_series(1, 5000) "
        "i");
    create("t", R"_({"order_by": {"t": ["tenant", "at"]},
                     "partition_by": {"public.t": "toYYYYMM(at)"},
                     "codecs": {"t": {"body": "ZSTD(3)", "at": "DoubleDelta, LZ4"}},
                     "batch_rows": 1000})_");
    EXPECT_EQ(keys(), "('tenant, at','toYYYYMM(at)')");
    EXPECT_EQ(ch_value("SELECT name, compression_codec FROM system.columns WHERE table = 't' AND "
                       "database = 'tandem_rows' AND name IN ('body', 'at') ORDER BY name"),
              "('at','CODEC(DoubleDelta, LZ4)') ('body','CODEC(ZSTD(3))')");
    EXPECT_EQ(value("SELECT options FROM tandem.mirror"), R"_({"batch_rows": 1000})_");
    EXPECT_EQ(value("SELECT layout FROM tandem.mirror_tables"),
              "ORDER BY (tenant, at) PARTITION BY toYYYYMM(at) at CODEC(DoubleDelta, LZ4) body "
              "CODEC(ZSTD(3))");
    // What it is ordered and partitioned by changes; rows are still found by their key.
    for (int round = 0; round < 2; ++round) {
        sql("UPDATE t SET tenant = tenant + 1, at = at + 40 WHERE id % 3 = 0");
        sql("DELETE FROM t WHERE id % 11 = " + std::to_string(round));
        sql("UPDATE t SET id = -id WHERE id % 13 = " + std::to_string(round + 1));
        expect_equal("m");
        EXPECT_TRUE(eventually("SELECT delta_empty FROM tandem.mirror_tables", "t"));
        expect_equal("m");
    }
    sql("TRUNCATE t; INSERT INTO t VALUES (1, 1, '2021-01-01', 'x')");
    expect_equal("m");
    EXPECT_EQ(keys(), "('tenant, at','toYYYYMM(at)')");
    restart_daemon();
    sql("TRUNCATE t; INSERT INTO t VALUES (1, 1, '2021-01-01', 'x'); UPDATE t SET tenant = 2");
    expect_equal("m");
    EXPECT_EQ(keys(), "('tenant, at','toYYYYMM(at)')");
    sql("SELECT tandem.resync_mirror('m')");
    live();
    EXPECT_EQ(keys(), "('tenant, at','toYYYYMM(at)')");
    expect_equal("m");
}

TEST_F(layout, finds_large_values_that_an_update_leaves_alone) {
    sql("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, body text); ALTER TABLE t ALTER body "
        "SET STORAGE EXTERNAL");
    sql("INSERT INTO t SELECT i, i % 5, repeat(md5(i::text), 300) FROM generate_series(1, 60) i");
    create("t", R"_({"order_by": {"t": ["n"]}})_");
    sql("UPDATE t SET n = n + 1 WHERE id < 20; UPDATE t SET id = id + 100 WHERE id BETWEEN 10 AND "
        "30");
    expect_equal("m");
}

TEST_F(layout, changes_with_alter_mirror_and_with_its_columns) {
    sql("CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL, v text)");
    sql("INSERT INTO t SELECT i, i % 3, i % 5, 'v' FROM generate_series(1, 100) i");
    create("t", "{}");
    EXPECT_EQ(keys(), "('(id)','')");
    sql(R"_(SELECT tandem.alter_mirror('m', '{"order_by": {"t": ["b", "a"]}, "partition_by": {"t": "a"}}'))_");
    live();
    EXPECT_EQ(keys(), "('b, a','a')");
    expect_equal("m");
    std::string copy = value("SELECT max(copy) FROM tandem.mirror_copy");
    sql(R"_(SELECT tandem.alter_mirror('m', '{"order_by": {"t": ["b", "a"]}}'))_");
    EXPECT_EQ(value("SELECT state FROM tandem.mirror_tables"), "live");  // nothing new
    sql("ALTER TABLE t RENAME COLUMN b TO bb; UPDATE t SET bb = 9 WHERE id < 9");
    EXPECT_TRUE(
        eventually("SELECT count(*) FROM tandem.mirror_column WHERE column_name = 'bb'", "1"));
    live();
    EXPECT_EQ(keys(), "('bb, a','a')");
    expect_equal("m");
    sql("ALTER TABLE t DROP COLUMN a; UPDATE t SET bb = 10 WHERE id < 5");
    EXPECT_TRUE(eventually("SELECT count(*) FROM tandem.mirror_column", "3"));
    live();
    EXPECT_EQ(keys(), "('(bb)','')");
    expect_equal("m");
    sql("ALTER TABLE t ALTER bb DROP NOT NULL; UPDATE t SET bb = NULL WHERE id < 5");
    EXPECT_TRUE(
        eventually("SELECT NOT not_null FROM tandem.mirror_column WHERE column_name = 'bb'", "t"));
    live();
    EXPECT_EQ(keys(), "('(id)','')");
    expect_equal("m");
    sql(R"_(SELECT tandem.alter_mirror('m', '{"order_by": {"t": null}, "partition_by": {"t": null}}'))_");
    live();
    EXPECT_EQ(value("SELECT layout FROM tandem.mirror_table"), "{}");
    expect_equal("m");
}

TEST_F(layout, is_refused_with_what_is_wrong) {
    sql("CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, n int, g int GENERATED ALWAYS AS (a) "
        "STORED)");
    refused(R"_({"order_by": {"t": ["nope"]}})_", "42703", "no column \"nope\"");
    refused(R"_({"order_by": {"t": ["lower(a)"]}})_", "42703", "expressions are not");
    refused(R"_({"order_by": {"t": ["a", "n"]}})_", "22023", "ALTER COLUMN n SET NOT NULL");
    refused(R"_({"order_by": {"t": ["a", "a"]}})_", "22023", "twice");
    refused(R"_({"order_by": {"t": ["g"]}})_", "22023", "generated");
    refused(R"_({"order_by": {"t": []}})_", "22023", "not of its form");
    refused(R"_({"order_by": {"other": ["a"]}})_", "42704", "no table \"other\"");
    refused(R"_({"order_by": ["a"]})_", "22023", "must be an object");
    refused(R"_({"partition_by": {"t": "n"}})_", "22023", "may be NULL");
    refused(R"_({"partition_by": {"t": "toYYYYMM(nope)"}})_", "42703", "no column \"nope\"");
    refused(R"_({"partition_by": {"t": "rand()"}})_", "42703", "expressions are not");
    refused(R"_({"codecs": {"t": {"a": "LZ4), x Int32 CODEC(LZ4"}}})_", "22023", "no codec");
    refused(R"_({"codecs": {"t": {"nope": "LZ4"}}})_", "42703", "no column \"nope\"");
    refused(R"_({"ttl": {"t": "a"}})_", "22023", "unknown option");
    EXPECT_EQ(value("SELECT count(*) FROM tandem.mirror"), "0");
}

TEST_F(layout, holds_for_a_table_of_a_thousand_columns_and_one_without_a_key) {
    std::string columns;
    for (int i = 1; i < 1000; ++i) columns += ", c" + std::to_string(i) + " int";
    sql("CREATE TABLE t (id int PRIMARY KEY" + columns +
        "); ALTER TABLE t ALTER c999 SET NOT NULL");
    sql("INSERT INTO t (id, c999) SELECT i, i % 9 FROM generate_series(1, 300) i");
    create("t", R"_({"order_by": {"t": ["c999", "id"]}})_");
    sql("UPDATE t SET c999 = 10, c500 = 1 WHERE id < 50; DELETE FROM t WHERE id > 250");
    expect_equal("m");
    EXPECT_EQ(keys(), "('c999, id','')");
    sql("CREATE TABLE log (at date NOT NULL, what text); ALTER TABLE log REPLICA IDENTITY FULL");
    sql("INSERT INTO log SELECT '2024-01-01'::date + i % 90, 'w' FROM generate_series(1, 1000) i");
    sql(R"_(SELECT tandem.create_mirror('n', ARRAY['log'], '{"order_by": {"log": ["at"]},
           "partition_by": {"log": "toYYYYMM(at)"}}'))_");
    sql("SELECT tandem.wait_until_live('n', '60s')");
    sql("UPDATE log SET what = 'x' WHERE at < '2024-02-01'; DELETE FROM log WHERE at > "
        "'2024-03-01'");
    expect_equal("n");
    EXPECT_EQ(
        ch_value("SELECT sorting_key, partition_key FROM system.tables WHERE name = 'log' AND "
                 "database = 'tandem_rows'"),
        "('(at)','toYYYYMM(at)')");
}

}  // namespace
}  // namespace tandem::test
