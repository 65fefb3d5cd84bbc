// Tables without a key, by REPLICA IDENTITY FULL: equal rows are counted, through everything that a
// mirror goes through.
#include <random>

#include "base/back_off.h"
#include "base/failpoint.h"
#include "integration/mirror/mirror_fixture.h"
#include "mirror/schema/source_types.h"
#include "mirror/store/clickhouse_target.h"
#include "mirror/verify/verify.h"
#include "sqltext/stored_relation.h"

namespace tandem::test {
namespace {

using std::chrono::milliseconds;

class keyless : public MirrorFixture {
  protected:
    void quick_folds() {
        stop_daemon();
        limits_.folding.grace = milliseconds(200);
        limits_.folding.generation_age = milliseconds(50);
        start_daemon();
    }
    void fold_all(const std::string& table) {
        EXPECT_TRUE(eventually(
            "SELECT delta_empty FROM tandem.mirror_tables WHERE table_name = '" + table + "'",
            "t"));
    }
    // Table t (a, b) as a reader at the position sees it.
    std::string rows(const std::string& position, int oldest) {
        std::vector<std::string> columns = {"a", "b"};
        std::string generation = std::to_string(oldest);
        sqltext::StoredRelation relation;
        relation.database = "tandem_rows";
        relation.main = "t";
        relation.delta = "_tandem_delta_t";
        relation.columns = columns;
        relation.position = position;
        relation.oldest = generation;
        return ch_value("SELECT a, b, count() FROM (" + sqltext::stored_relation(relation) +
                        ") GROUP BY ALL ORDER BY ALL");
    }
    std::string position() {
        wait("m");
        return value(
            "SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE database = "
            "current_database()");
    }
    static clickhouse::Endpoint endpoint() {
        clickhouse::Endpoint target;
        target.host = clickhouse_->host();
        target.port = clickhouse_->native_port();
        target.user = clickhouse_->user();
        target.password = clickhouse_->password();
        return target;
    }
    std::string delta_rows(const std::string& table) {
        return ch_value("SELECT count() FROM tandem_rows.`_tandem_delta_" + table + "`");
    }
};

TEST_F(keyless, counts_equal_rows) {
    sql("CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL");
    sql("INSERT INTO t SELECT 1, 'three' FROM generate_series(1, 3)");
    sql("INSERT INTO t VALUES (2, NULL), (2, NULL), (NULL, NULL)");
    mirror("m", "'t'");
    EXPECT_EQ(ch_value("SELECT count() FROM tandem.t"), "(6)");
    sql("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 1)");
    sql("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 2)");
    wait("m");
    EXPECT_EQ(ch_value("SELECT a, b, count() FROM tandem.t GROUP BY ALL ORDER BY ALL"),
              "(1,'three',2) (2,NULL,1) (NULL,NULL,1)");
    expect_equal("m");
    // Several times in one transaction.
    sql("BEGIN; UPDATE t SET b = 'x'; UPDATE t SET b = 'three' WHERE a = 1; INSERT INTO t VALUES "
        "(1, 'three'), (1, 'three'); DELETE FROM t WHERE ctid = (SELECT max(ctid) FROM t); "
        "UPDATE t SET a = a; COMMIT");
    expect_equal("m");
    sql("INSERT INTO t VALUES (7, 'gone'); DELETE FROM t WHERE a = 7");
    sql("UPDATE t SET a = 2, b = NULL WHERE ctid = (SELECT max(ctid) FROM t)");
    expect_equal("m");
    EXPECT_EQ(value("SELECT string_agg(state, ' ') FROM tandem.mirror_tables"), "live");
}

TEST_F(keyless, stays_a_plain_table_while_rows_only_come) {
    sql("CREATE TABLE log (at timestamptz, what text); ALTER TABLE log REPLICA IDENTITY FULL");
    sql("INSERT INTO log SELECT now(), 'same' FROM generate_series(1, 5000)");
    mirror("m", "'log'");
    sql("INSERT INTO log SELECT at, what FROM log LIMIT 500");
    sql("INSERT INTO log VALUES (NULL, 'one'), (NULL, 'one')");
    expect_equal("m");
    EXPECT_EQ(ch_value("SELECT count() FROM tandem_rows.log"), "(5502)");
    EXPECT_EQ(delta_rows("log"), "(0)");
    EXPECT_EQ(value("SELECT delta_empty FROM tandem.mirror_tables"), "t");
}

TEST_F(keyless, folds_what_went) {
    quick_folds();
    sql("CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL");
    sql("INSERT INTO t SELECT i % 50, 'b' FROM generate_series(1, 1000) i");
    mirror("m", "'t'");
    for (int round = 0; round < 3; ++round) {
        sql("DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE a % 7 = 0 LIMIT 30)");
        sql("UPDATE t SET b = b || 'c' WHERE ctid IN (SELECT ctid FROM t WHERE a < 10 LIMIT 60)");
        sql("INSERT INTO t SELECT a, b FROM t WHERE a % 5 = 0 LIMIT 40");
        expect_equal("m");
        fold_all("t");
        expect_equal("m");
        EXPECT_EQ("(" + value("SELECT count(*) FROM t") + ")",
                  ch_value("SELECT count() FROM tandem_rows.t"));
    }
    sql("DELETE FROM t");
    wait("m");
    fold_all("t");
    expect_equal("m");
    EXPECT_EQ(ch_value("SELECT count() FROM tandem_rows.t"), "(0)");
}

TEST_F(keyless, tells_all_types_of_values_apart_as_postgres_stores_them) {
    sql("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, b text)");
    sql("CREATE TABLE t (f8 float8, f4 float4, n numeric, n2 numeric(10, 2), t text, c char(5), "
        "d date, ts timestamptz, iv interval, j json, jb jsonb, by bytea, ia int[], fa float8[], "
        "e mood, p pair, u uuid, ip inet, b bool, r int4range, o oid, body text)");
    sql("ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t ALTER body SET STORAGE EXTERNAL");
    const char* rows =
        "INSERT INTO t (f8, f4, n, n2, t, c, d, ts, iv, j, jb, by, ia, fa, e, p, u, ip, b, r, o) "
        "VALUES ('-0', '-0', 1.0, 1, '', '', '2024-02-29', '2024-02-29 23:59:59.999999Z', "
        "'1 day', '{\"a\": 1}', '{\"a\": 1.0}', '\\x00', '{1,NULL}', '{-0,NaN}', 'sad', '(1,x)', "
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.1/8', true, '[1,5)', 7), "
        "('0', '0', 1.00, 1, 'a', 'a', '2024-02-29', '2024-02-29 23:59:59.999999Z', "
        "'24:00:00', '{\"a\":1}', '{\"a\": 1.00}', '\\x', '{1}', '{0,NaN}', 'ok', '(1,)', "
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', '10.0.0.1', false, 'empty', 8), "
        "('NaN', 'NaN', 'NaN', NULL, 'b', 'b', 'infinity', NULL, NULL, NULL, NULL, NULL, NULL, "
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), "
        "('Infinity'::float8 - 'Infinity'::float8, 'NaN', 'NaN', NULL, 'b', 'b', 'infinity', "
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), "
        "(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL)";
    sql(rows);
    sql(rows);
    mirror("m", "'t'");
    sql(rows);
    sql("UPDATE t SET body = repeat(md5(random()::text), 300)");
    expect_equal("m");
    sql("UPDATE t SET o = 9");  // a large value that it leaves alone
    expect_equal("m");
    // Of the three of each one goes, whichever way it came.
    sql("DELETE FROM t WHERE ctid IN (SELECT min(ctid) FROM t GROUP BY f8::text, n::text, t)");
    sql("UPDATE t SET body = NULL");
    expect_equal("m");
    sql("DELETE FROM t");
    expect_equal("m");
    EXPECT_EQ(value("SELECT string_agg(state, ' ') FROM tandem.mirror_tables"), "live");
}

TEST_F(keyless, loads_beside_writers_and_through_restarts) {
    quick_folds();
    stop_daemon();
    limits_.chunk_blocks = 2;
    start_daemon();
    sql("CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL");
    sql("INSERT INTO t SELECT i % 40, 'b' FROM generate_series(1, 20000) i");
    std::atomic<int> written = 0;
    std::vector<std::jthread> writers;
    for (unsigned i = 0; i < 2; ++i)
        writers.emplace_back([&, i](const std::stop_token& stop) {
            postgres::ConnectOptions connect;
            connect.conninfo = conninfo();
            connect.pinned_search_path = false;
            auto connection = postgres::Connection::open(connect);
            std::mt19937 random(i);
            while (!stop.stop_requested() && connection.ok()) {
                std::string a = std::to_string(random() % 45);
                std::string some = "(SELECT ctid FROM t WHERE a = " + a + " LIMIT 3 FOR UPDATE)";
                std::string statements[] = {
                    "INSERT INTO t VALUES (" + a + ", 'b'), (" + a + ", 'b')",
                    "DELETE FROM t WHERE ctid IN " + some,
                    "UPDATE t SET a = (a + 1) % 45 WHERE ctid IN " + some,
                    "BEGIN; UPDATE t SET b = b WHERE ctid IN " + some + "; INSERT INTO t VALUES (" +
                        a + ", 'new'); DELETE FROM t WHERE b = 'new' AND a = " + a + "; COMMIT"};
                if (connection->execute(statements[random() % 4]).ok()) ++written;
            }
        });
    sql("SELECT tandem.create_mirror('m', ARRAY['t'])");
    ASSERT_TRUE(eventually("SELECT state <> 'pending' FROM tandem.mirror_tables", "t"));
    restart_daemon();
    sql("SELECT tandem.wait_until_live('m', '60s')");
    expect_equal("m");
    for (int round = 0; round < 3; ++round) {
        restart_daemon();
        expect_equal("m");
    }
    EXPECT_TRUE(eventually("SELECT sum(folds) > 1 FROM tandem.mirror_copy", "t"));
    expect_equal("m");
    sql("SELECT tandem.resync_mirror('m', ARRAY['t'])");
    EXPECT_TRUE(eventually("SELECT state FROM tandem.mirror_tables", "live"));
    expect_equal("m");
    writers.clear();
    EXPECT_GT(written, 100);
    expect_equal("m");
}

TEST_F(keyless, is_truncated_and_loaded_again_when_its_columns_change) {
    sql("CREATE TABLE t (a int, b text, c int); ALTER TABLE t REPLICA IDENTITY FULL");
    sql("INSERT INTO t SELECT i % 5, 'b', i FROM generate_series(1, 100) i");
    mirror("m", "'t'");
    sql("BEGIN; INSERT INTO t VALUES (1, 'x', 1); TRUNCATE t; INSERT INTO t VALUES (1, 'y', 1), "
        "(1, 'y', 1); COMMIT; DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)");
    expect_equal("m");
    sql("INSERT INTO t SELECT i % 5, 'b', i % 2 FROM generate_series(1, 100) i");
    sql("ALTER TABLE t RENAME COLUMN b TO bb; DELETE FROM t WHERE a = 1");
    expect_equal("m");
    for (const char* ddl :
         {"ALTER TABLE t ADD COLUMN d int DEFAULT 4", "ALTER TABLE t DROP COLUMN c"}) {
        sql(ddl);
        sql("DELETE FROM t WHERE ctid IN (SELECT ctid FROM t LIMIT 7); INSERT INTO t (a) VALUES "
            "(1), (1)");
        EXPECT_TRUE(eventually(
            "SELECT count(*) FROM tandem.mirror_tables t WHERE state = 'live' AND 3 + (SELECT "
            "count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum = 3 AND NOT "
            "attisdropped) = (SELECT count(*) FROM tandem.mirror_column)",
            "1"));
        expect_equal("m");
    }
}

TEST_F(keyless, is_told_apart_by_what_the_replica_identity_says) {
    sql("CREATE TABLE u (a int NOT NULL, b int); CREATE UNIQUE INDEX u_a ON u (a); "
        "ALTER TABLE u REPLICA IDENTITY USING INDEX u_a");
    sql("CREATE TABLE lazy (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, b int); "
        "ALTER TABLE lazy REPLICA IDENTITY FULL");
    sql("CREATE TABLE keyed (a int PRIMARY KEY, b int); ALTER TABLE keyed REPLICA IDENTITY FULL");
    for (const char* table : {"u", "lazy", "keyed"})
        sql(std::string("INSERT INTO ") + table + " SELECT i, i FROM generate_series(1, 20) i");
    mirror("m", "'u', 'lazy', 'keyed'");
    sql("UPDATE u SET a = -a WHERE a < 5; UPDATE u SET b = 0 WHERE a > 15; DELETE FROM u WHERE b = "
        "9");
    sql("UPDATE lazy SET a = a + 1; DELETE FROM lazy WHERE b = 9");
    sql("UPDATE keyed SET b = 1 WHERE a = 3");
    expect_equal("m");
    EXPECT_EQ(
        value("SELECT string_agg(table_name, ',' ORDER BY 1) FROM tandem.mirror_table t WHERE "
              "NOT EXISTS (SELECT FROM tandem.mirror_column c WHERE c.relid = t.relid AND "
              "c.key_position > 0)"),
        "lazy");
    // Without its key the old rows still come whole; they are counted from then on.
    sql("ALTER TABLE keyed DROP CONSTRAINT keyed_pkey; INSERT INTO keyed VALUES (3, 1), (3, 1)");
    EXPECT_TRUE(
        eventually("SELECT count(*) FROM tandem.mirror_table t WHERE state = 'live' AND NOT "
                   "EXISTS (SELECT FROM tandem.mirror_column c WHERE c.relid = t.relid AND "
                   "c.key_position > 0)",
                   "2"));
    sql("DELETE FROM keyed WHERE ctid = (SELECT max(ctid) FROM keyed)");
    expect_equal("m");
}

TEST_F(keyless, needs_full_and_says_so) {
    sql("CREATE TABLE \"T 1\" (a int)");
    auto refused = source().execute("SELECT tandem.create_mirror('m', ARRAY['\"T 1\"'])");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().sqlstate(), "TD009");
    EXPECT_THAT(refused.error().to_string(),
                ::testing::HasSubstr("ALTER TABLE public.\"T 1\" REPLICA IDENTITY FULL"));
    sql("ALTER TABLE \"T 1\" REPLICA IDENTITY FULL; INSERT INTO \"T 1\" VALUES (1), (1)");
    mirror("m", "'\"T 1\"'");
    expect_equal("m");
    sql("ALTER TABLE \"T 1\" REPLICA IDENTITY DEFAULT");
    ASSERT_TRUE(
        eventually("SELECT state || ' ' || coalesce(error_code, '') FROM "
                   "tandem.mirror_tables",
                   "failed no_replica_identity"));
    sql("UPDATE \"T 1\" SET a = 2");
    sql("ALTER TABLE \"T 1\" REPLICA IDENTITY FULL; SELECT tandem.resync_mirror('m')");
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '30s')"), "t");
    expect_equal("m");
}

TEST_F(keyless, is_verified_by_counts_and_repaired) {
    sql("CREATE TABLE t (a int, v text); ALTER TABLE t REPLICA IDENTITY FULL");
    sql("INSERT INTO t SELECT i % 100, NULLIF('v' || i % 3, 'v0') FROM generate_series(1, 900) i");
    mirror("m", "'t'");
    expect_equal("m");
    // One of some equal rows gone, one too many of others, and rows nobody has.
    ch("INSERT INTO tandem_rows.t SELECT * FROM tandem_rows.t WHERE a = 5 AND v = 'v1' LIMIT 1");
    ch("DELETE FROM tandem_rows.t WHERE a = 6 AND v IS NULL");
    ch("INSERT INTO tandem_rows.t SELECT * REPLACE ('NULL' AS v) FROM (SELECT * FROM "
       "tandem_rows.t WHERE a = 7 AND v IS NULL LIMIT 1)");
    clickhouse::Endpoint target = endpoint();
    auto found = mirror::verify_mirror(conninfo(), target, "m", {});
    ASSERT_TRUE(found.ok()) << found.error().to_string();
    const mirror::Comparison& different = found->at(0).comparison;
    EXPECT_EQ(different.differing, 3U);
    std::set<std::string> lines;
    for (const auto& one : different.differences)
        lines.insert(one.key + " " + one.source.value_or("-") + " " + one.target.value_or("-"));
    EXPECT_EQ(lines, (std::set<std::string>{"('5', 'v1') - 1 more", "('6', NULL) 3 more -",
                                            "('7', 'NULL') - 1 more"}));
    found = mirror::verify_mirror(conninfo(), target, "m", {}, {.repair = true});
    ASSERT_TRUE(found.ok()) << found.error().to_string();
    EXPECT_TRUE(found->at(0).equal()) << found->at(0).comparison.to_string();
    expect_equal("m");
}

// Loaded again by itself: the copy cannot be what the source has.
TEST_F(keyless, notices_that_more_rows_went_than_there_were) {
    quick_folds();
    sql("CREATE TABLE t (a int); ALTER TABLE t REPLICA IDENTITY FULL");
    sql("INSERT INTO t VALUES (1), (1), (2)");
    mirror("m", "'t'");
    ch("DELETE FROM tandem_rows.t WHERE a = 1");
    sql("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)");
    EXPECT_TRUE(
        eventually("SELECT max(copy) FROM tandem.mirror_copy WHERE visible_from IS NOT NULL", "2"));
    expect_equal("m");
}

// Whoever reads, at whatever step of a fold, with what was known before it or after.
TEST_F(keyless, reads_the_same_at_every_step_of_a_fold) {
    sql("CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL");
    sql("INSERT INTO t SELECT i % 5, 'b' FROM generate_series(1, 50) i");
    mirror("m", "'t'");
    std::string before = position();
    std::string all = rows(before, 1);
    sql("DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE a = 1 LIMIT 4)");
    sql("UPDATE t SET b = 'c' WHERE ctid IN (SELECT ctid FROM t WHERE a = 2 LIMIT 3)");
    sql("DELETE FROM t WHERE a = 3; INSERT INTO t VALUES (4, 'b')");
    std::string middle = position();
    std::string then = rows(middle, 1);
    // Rows of kinds that went, which come behind the position of the fold.
    sql("INSERT INTO t VALUES (1, 'b'), (3, 'b'), (9, 'new')");
    std::string after = position();
    std::string now = rows(after, 1);
    EXPECT_NE(all, then);
    EXPECT_NE(then, now);
    stop_daemon();

    mirror::ClickHouseTarget target({.endpoint = endpoint(), .query_prefix = "fold"});
    auto table = std::make_shared<mirror::Table>();
    table->database = "tandem";
    table->target = "t";
    for (const char* name : {"a", "b"}) table->columns.emplace_back().target_name = name;
    auto generations = target.generations(*table);
    ASSERT_TRUE(generations.ok() && !generations->empty());
    mirror::FoldTask task{table, 1, generations->back(), false};
    int next = static_cast<int>(task.newest) + 1;
    uint64_t at = std::stoull(middle);
    auto same = [&](const char* step, int oldest) {
        EXPECT_EQ(rows(middle, oldest), then) << step;
        EXPECT_EQ(rows(after, oldest), now) << step;
    };
    for (int time = 0; time < 2; ++time) {  // again, as after a crash
        auto settled = target.settle_counts(task, Lsn{at});
        ASSERT_TRUE(settled.ok()) << settled.error().to_string();
        EXPECT_TRUE(settled.value());
        same("settled", 1);
        EXPECT_EQ(rows(before, 1), all);
    }
    ASSERT_TRUE(set_failpoints("fold_after_insert=error").ok());
    EXPECT_FALSE(target.fold(task).ok());
    ASSERT_TRUE(set_failpoints("").ok());
    same("half folded", 1);
    task.again = true;
    for (int time = 0; time < 2; ++time) {
        auto folded = target.fold(task);
        ASSERT_TRUE(folded.ok()) << folded.error().to_string();
        same("folded", 1);
        same("published", next);
    }
    for (uint32_t generation : *generations)
        ASSERT_TRUE(target.drop_generation(*table, generation).ok());
    same("dropped", next);
}

}  // namespace
}  // namespace tandem::test
