// DDL and partition maintenance on mirrored tables, without a row written after it: both sides
// become equal by themselves, whatever the stream says or keeps to itself.
#include <gtest/gtest.h>

#include "base/back_off.h"
#include "integration/mirror/mirror_fixture.h"

namespace tandem::test {
namespace {

struct Case {
    const char* name;
    const char* ddl;
    // The whole table again; nothing: whether depends on what is seen of it first.
    std::optional<bool> loads = false;
};
void PrintTo(const Case& one, std::ostream* out) {
    *out << one.name;
}

// Before each: t (id, v, s, ts, c) with 50 rows; p, partitioned by id, with leaves p1 to p3.
const Case kCases[] = {
    {"adds_a_column", "ALTER TABLE t ADD COLUMN n int"},
    {"adds_a_column_with_a_default", "ALTER TABLE t ADD COLUMN n int DEFAULT 7"},
    {"adds_an_identity", "ALTER TABLE t ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY", true},
    {"adds_a_volatile_default",
     "ALTER TABLE t ADD COLUMN n float8 DEFAULT random(); ALTER TABLE t ALTER n DROP DEFAULT",
     true},
    {"drops_an_expression",
     "ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (v * 2) STORED; "
     "ALTER TABLE t ALTER n DROP EXPRESSION",
     true},
    {"drops_a_column", "ALTER TABLE t DROP COLUMN s"},
    {"renames_a_column", "ALTER TABLE t RENAME COLUMN v TO w"},
    {"swaps_names",
     "ALTER TABLE t ADD COLUMN w int; ALTER TABLE t RENAME COLUMN v TO x; "
     "ALTER TABLE t RENAME COLUMN w TO v; ALTER TABLE t RENAME COLUMN x TO w",
     std::nullopt},
    {"drops_and_adds", "ALTER TABLE t DROP COLUMN v, ADD COLUMN v int", true},
    {"drops_and_adds_another_type", "ALTER TABLE t DROP COLUMN v; ALTER TABLE t ADD COLUMN v text",
     true},
    {"renames_in_place_of_a_dropped_one",
     "ALTER TABLE t ADD COLUMN v_new int DEFAULT 3; ALTER TABLE t DROP COLUMN v; "
     "ALTER TABLE t RENAME COLUMN v_new TO v",
     true},
    {"computes_values_anew", "ALTER TABLE t ALTER v TYPE int USING v + 1", true},
    {"rounds_times", "ALTER TABLE t ALTER ts TYPE timestamptz(0)", true},
    {"widens_integers", "ALTER TABLE t ALTER v TYPE bigint", true},
    {"pads_more", "ALTER TABLE t ALTER c TYPE char(10)", true},
    {"cuts_text", "ALTER TABLE t ALTER s TYPE varchar(2) USING left(s, 2)", true},
    {"widens_text", "ALTER TABLE t ALTER s TYPE varchar(100); ALTER TABLE t ALTER s TYPE text"},
    {"drops_not_null", "ALTER TABLE t ALTER v DROP NOT NULL"},
    {"adds_a_column_of_a_type_of_an_extension",
     "CREATE EXTENSION cube; ALTER TABLE t ADD COLUMN g cube; UPDATE t SET g = '(1,2)' WHERE id < "
     "5",
     true},
    {"moves_rows", "VACUUM FULL t"},
    {"moves_rows_after_one_was_truncated", "TRUNCATE t; CLUSTER t USING t_pkey", std::nullopt},
    {"moves_rows_of_a_partition", "CLUSTER p2 USING p2_pkey; CLUSTER p1 USING p1_pkey"},
    {"moves_and_changes", "ALTER TABLE t ALTER v TYPE int USING v + 1; CLUSTER t USING t_pkey",
     true},
    {"is_logged_again", "ALTER TABLE p3 SET ACCESS METHOD heap; ALTER TABLE t SET LOGGED"},
    {"truncates", "TRUNCATE t"},
    {"renames_the_table", "ALTER TABLE t RENAME TO moved"},
    {"detaches_a_partition", "ALTER TABLE p DETACH PARTITION p1"},
    {"drops_a_partition", "DROP TABLE p2"},
    {"truncates_a_partition", "TRUNCATE p2"},
    {"attaches_a_partition",
     "CREATE TABLE p9 (id int PRIMARY KEY, v int); INSERT INTO p9 SELECT i, i FROM "
     "generate_series(3000, 3009) i; ALTER TABLE p ATTACH PARTITION p9 FOR VALUES FROM (3000) TO "
     "(4000)"},
    {"creates_a_partition", "CREATE TABLE p8 PARTITION OF p FOR VALUES FROM (5000) TO (6000)"},
};

class mirror_follows_ddl : public MirrorFixture, public testing::WithParamInterface<Case> {};

TEST_P(mirror_follows_ddl, without_a_row_written_after_it) {
    limits_.folding.grace = std::chrono::milliseconds(500);
    restart_daemon();
    sql("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL, s varchar(20), ts timestamptz, c "
        "char(5)); INSERT INTO t SELECT i, i, 'text ' || i, '2024-01-01 00:00:00.6+00', i "
        "FROM generate_series(1, 50) i");
    sql("CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id)");
    for (int leaf = 0; leaf < 3; ++leaf)
        sql("CREATE TABLE p" + std::to_string(leaf + 1) + " PARTITION OF p FOR VALUES FROM (" +
            std::to_string(leaf * 1000) + ") TO (" + std::to_string(leaf * 1000 + 1000) + ")");
    sql("INSERT INTO p SELECT i, i FROM generate_series(0, 2999, 30) i");
    mirror("m", "'t', 'p'");
    sql("UPDATE t SET v = v + 100 WHERE id % 5 = 0; DELETE FROM p WHERE id < 100");
    wait("m");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.settled_heaps", "2"));
    sql(GetParam().ddl);
    // Both looks of the guard, the load, and what is left for readers to see.
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.changed_tables()", "0"));
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '30s')"), "t");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.changed_tables()", "0"));
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '30s')"), "t");
    expect_equal("m");
    EXPECT_EQ(value("SELECT count(*) FROM tandem.mirror_tables WHERE state = 'live'"), "2");
    if (GetParam().loads) {
        EXPECT_EQ(value("SELECT max(generation) > 0 FROM tandem.mirror_table"),
                  *GetParam().loads ? "t" : "f");
    }
}

INSTANTIATE_TEST_SUITE_P(each, mirror_follows_ddl, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

class mirror_told_of_ddl : public MirrorFixture {
  protected:
    std::string told() {
        return value(
            "SELECT count(*) FROM pg_logical_slot_get_changes('watch', NULL, NULL) WHERE data LIKE "
            "'%prefix: tandem%content:ddl%'");
    }
};

TEST_F(mirror_told_of_ddl, by_event_triggers_and_of_mirrored_tables_only) {
    // What a slot is asked for has to have reached the disk.
    sql("SET synchronous_commit = on; CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE "
        "other (id int PRIMARY KEY)");
    mirror("m", "'t'");
    sql("SELECT pg_create_logical_replication_slot('watch', 'test_decoding')");
    sql("ALTER TABLE other ADD COLUMN n int; CREATE TEMP TABLE mine (id int); CREATE VIEW look AS "
        "SELECT 1");
    EXPECT_EQ(told(), "0");
    sql("ALTER TABLE t ADD COLUMN n int");
    EXPECT_EQ(told(), "1");
    sql("CREATE INDEX ON t (v)");
    EXPECT_EQ(told(), "1");
    sql("DROP TABLE t");
    EXPECT_EQ(told(), "1");
    sql("ALTER EVENT TRIGGER tandem_ddl DISABLE; ALTER TABLE other ADD COLUMN o int");
    EXPECT_EQ(told(), "0");
    sql("SELECT pg_drop_replication_slot('watch')");
}

// Whoever runs DDL must not notice: not by an error, not by waiting, not by a right that is
// missing.
TEST_F(mirror_told_of_ddl, and_stands_in_nobodys_way) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v int); CREATE ROLE nobody LOGIN; GRANT CREATE ON "
        "SCHEMA public TO "
        "nobody; ALTER TABLE t OWNER TO nobody");
    mirror("m", "'t'");
    sql("SET SESSION AUTHORIZATION nobody");
    sql("ALTER TABLE t ADD COLUMN n int; CREATE TABLE of_nobody (id int); DROP TABLE of_nobody");
    sql("RESET SESSION AUTHORIZATION");
    sql("BEGIN; ALTER TABLE t ADD COLUMN o int; PREPARE TRANSACTION 'two'");
    sql("COMMIT PREPARED 'two'");
    wait("m");
    // Somebody holds the catalog; then it is not even there.
    postgres::ConnectOptions options;
    options.conninfo = conninfo();
    auto other = postgres::Connection::open(options);
    ASSERT_TRUE(other.ok()) << other.error().to_string();
    ASSERT_TRUE(
        other->execute("BEGIN; LOCK TABLE tandem.mirror_table IN ACCESS EXCLUSIVE MODE").ok());
    sql("SET statement_timeout = '20s'; ALTER TABLE t ADD COLUMN p int; RESET statement_timeout");
    ASSERT_TRUE(other->execute("ROLLBACK").ok());
    sql("BEGIN; ALTER TABLE tandem.mirror_table RENAME TO away; ALTER TABLE t ADD COLUMN q int; "
        "ALTER TABLE "
        "tandem.away RENAME TO mirror_table; COMMIT");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.changed_tables()", "0"));
    expect_equal("m");
    sql("ALTER TABLE t OWNER TO CURRENT_USER; DROP OWNED BY nobody; DROP ROLE nobody");
}

class mirror_of_leaves : public MirrorFixture {};

// Anybody may write messages into the WAL. One that names a table as a partition of another must
// not bring its rows there.
TEST_F(mirror_of_leaves, reads_no_table_that_is_no_partition) {
    sql("CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id); CREATE TABLE p1 "
        "PARTITION OF p FOR VALUES FROM (0) TO (1000); INSERT INTO p SELECT i, i FROM "
        "generate_series(1, 50) i; CREATE TABLE secret (id int PRIMARY KEY, v int); INSERT INTO "
        "secret SELECT i, i FROM generate_series(500, 509) i");
    mirror("m", "'p'");
    sql("SELECT pg_logical_emit_message(true, 'tandem', 'leaf:' || 'p'::regclass::oid || ':' || "
        "'secret'::regclass::oid || ':true')");
    wait("m");
    // The guard notices, and it goes again.
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirror_leaf WHERE loads", "0"));
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.changed_tables()", "0"));
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '30s')"), "t");
    expect_equal("m");
    EXPECT_EQ(ch_value("SELECT count() FROM tandem_rows.p WHERE id >= 500"), "(0)");
}

// Rows that go from one partition to another outside of the table come with the load of the leaf;
// the delta says of their keys that they went.
TEST_F(mirror_of_leaves, keeps_rows_that_were_moved_to_a_new_partition) {
    limits_.folding.grace = std::chrono::milliseconds(300);
    limits_.folding.generation_age = std::chrono::milliseconds(50);
    sql("CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY RANGE (id); CREATE TABLE pd "
        "PARTITION OF p DEFAULT; INSERT INTO p SELECT i, i FROM generate_series(0, 299) i");
    mirror("m", "'p'");
    sql("CREATE TABLE p1 (LIKE p INCLUDING ALL); WITH moved AS (DELETE FROM pd WHERE id < 100 "
        "RETURNING *) INSERT INTO p1 SELECT * FROM moved; DELETE FROM p1 WHERE id = 7");
    sql("ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (100)");
    sql("BEGIN; CREATE TABLE p2 (LIKE p INCLUDING ALL); WITH moved AS (DELETE FROM pd WHERE id < "
        "200 RETURNING *) INSERT INTO p2 SELECT * FROM moved; ALTER TABLE p ATTACH PARTITION p2 "
        "FOR VALUES FROM (100) TO (200); UPDATE p SET v = v + 1 WHERE id % 7 = 0; COMMIT");
    sql("UPDATE p SET v = v + 1 WHERE id % 5 = 0; DELETE FROM p WHERE id % 50 = 49");
    wait("m");
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '30s')"), "t");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirror_leaf WHERE loads", "0"));
    expect_equal("m");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirror_leaf", "0"));
    expect_equal("m");
    ASSERT_TRUE(eventually("SELECT bool_and(delta_empty) FROM tandem.mirror_copy", "t"));
    expect_equal("m");
}

}  // namespace
}  // namespace tandem::test
