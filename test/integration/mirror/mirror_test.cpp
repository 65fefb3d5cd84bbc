// The mirror between a real Postgres and a real ClickHouse.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "integration/mirror/mirror_fixture.h"

namespace tandem::test {
namespace {

class mirror_on_real_servers : public MirrorFixture {};

TEST_F(mirror_on_real_servers, loads_and_follows_a_table) {
    sql("CREATE TABLE item (id int PRIMARY KEY, name text, n bigint)");
    sql("INSERT INTO item SELECT i, 'name ' || i, i * 10 FROM generate_series(1, 10000) i");
    mirror("m", "'item'");
    EXPECT_EQ(ch_value("SELECT count(), sum(n) FROM tandem.item"), "(10000,500050000)");
    sql("INSERT INTO item VALUES (20000, 'new', NULL)");
    sql("UPDATE item SET name = 'changed' WHERE id = 5");
    sql("DELETE FROM item WHERE id = 6");
    sql("UPDATE item SET id = 30000 WHERE id = 7");
    wait("m");
    EXPECT_EQ(ch_value("SELECT id, name, n FROM tandem.item WHERE id IN (5,6,7,20000,30000) "
                       "ORDER BY id"),
              "(5,'changed',50) (20000,'new',NULL) (30000,'name 7',70)");
    EXPECT_EQ(ch_value("SELECT count() FROM tandem.item"), "(10000)");
}

// Values that one path might write differently from the other, or not at all.
const char* const kTypesTable = R"(
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "great"');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TABLE everything (
    id bigint PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8,
    n numeric, n102 numeric(10,2), n7630 numeric(60,30), t text, v varchar(20), c char(7), nm name,
    by bytea, d date, tm time, tmz timetz, ts timestamp, tz timestamptz, iv interval, u uuid,
    j json, jb jsonb, ip inet, ci cidr, mac macaddr, bt bit(5), vb varbit, m money, x xml,
    p point, r4 int4range, rts tstzrange, o oid, ta text[], ia int[], na numeric(8,3)[], e mood,
    ea mood[], pr pair, dom positive, tv tsvector, l pg_lsn, jp jsonpath, nn text NOT NULL))";

const char* const kTypesRows[] = {
    R"((true, 32767, 2147483647, 9223372036854775807, 3.4028235e38, 1.7976931348623157e308,
        12345678901234567890.123456789, 99999999.99, 1.000000000000000000000000000001,
        E'tab\t newline\n quote'' \\ ünïcödé 🐘', 'varchar', 'char', 'name', '\x00ff5c27',
        '2024-02-29', '23:59:59.999999', '12:00:00+05:30', '2024-02-29 23:59:59.999999',
        '2024-02-29 23:59:59.999999+00', '1 year 2 mons 3 days 04:05:06.789',
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1.10, "a": 2}', '{"b": [1, null, "x"]}',
        '10.1.2.3/8', '10.0.0.0/8', '08:00:2b:01:02:03', B'10101', B'1', '12.34', '<a>b</a>',
        '(1.5,-2.25)', '[1,10)', '["2024-01-01 00:00:00+00",)', 4294967295, ARRAY['a', NULL, ''],
        ARRAY[1, -2, NULL], ARRAY[1.5, -2.125], 'ok', ARRAY['sad']::mood[], ROW(1, 'x y'), 7,
        'a fat cat', '16/B374D848', '$.a[*]', 'not null'))",
    R"((false, -32768, -2147483648, -9223372036854775808, -0.0, 4.9e-324, 0.000, -99999999.99,
        -999999999999999999999999999999.999999999999999999999999999999, '', '', '', '', '',
        '1970-01-01', '00:00:00', '00:00:00-12', '1970-01-01 00:00:00', '1969-12-31 23:59:59+00',
        '-1 day', '00000000-0000-0000-0000-000000000000', 'null', 'null', '::1', '::/0',
        'ff:ff:ff:ff:ff:ff', B'00000', B'', '-0.01', '<a/>', '(0,0)', 'empty', 'empty', 0, '{}', '{}',
        '{}', 'it''s "great"', '{}', ROW(NULL, NULL), 1, '', '0/0', '$', ''))",
    R"((NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'x'))",
};

TEST_F(mirror_on_real_servers, keeps_every_type_by_both_paths) {
    sql(kTypesTable);
    auto insert = [&](int first) {
        int id = first;
        for (const char* row : kTypesRows)
            sql("INSERT INTO everything VALUES (" + std::to_string(id++) + ", " +
                std::string(row).substr(1));
    };
    insert(100);
    mirror("m", "'everything'");
    insert(200);
    sql("UPDATE everything SET nn = nn || 'changed' WHERE id IN (101, 201)");
    expect_equal("m");
    EXPECT_EQ(value("SELECT count(*) FROM tandem.quarantine"), "0");
}

TEST_F(mirror_on_real_servers, says_which_value_it_could_not_hold) {
    sql("CREATE TABLE odd (id int PRIMARY KEY, d date, ts timestamptz, n numeric(10,2), t text)");
    sql("INSERT INTO odd VALUES (1, 'infinity', '2020-01-01', 1, 'a')");
    mirror("m", "'odd'");
    sql("INSERT INTO odd VALUES (2, '2020-01-01', '-infinity', 'NaN', 'b')");
    expect_equal("m");  // of the other columns
    EXPECT_EQ(value("SELECT string_agg(column_name, ',' ORDER BY column_name) FROM "
                    "tandem.quarantine"),
              "d,n,ts");
    EXPECT_EQ(value("SELECT state FROM tandem.mirror_tables"), "live");
}

TEST_F(mirror_on_real_servers, follows_composite_and_changed_keys) {
    sql("CREATE TABLE pairs (a text, b int, c uuid DEFAULT gen_random_uuid(), v int, "
        "PRIMARY KEY (b, a))");
    sql("INSERT INTO pairs SELECT 'k' || i % 7, i, gen_random_uuid(), i FROM generate_series(1, "
        "500) i");
    mirror("m", "'pairs'");
    sql("UPDATE pairs SET b = b + 1000 WHERE b % 2 = 0");
    sql("UPDATE pairs SET a = 'moved' WHERE b = 11");
    sql("BEGIN; DELETE FROM pairs WHERE b = 13; INSERT INTO pairs VALUES ('k6', 13); "
        "UPDATE pairs SET b = 14 WHERE b = 13; UPDATE pairs SET b = 13 WHERE b = 14; COMMIT");
    expect_equal("m");
}

TEST_F(mirror_on_real_servers, keeps_toast_values_that_an_update_leaves_alone) {
    sql("CREATE TABLE doc (id int PRIMARY KEY, tag text, body text, j jsonb)");
    sql("ALTER TABLE doc ALTER body SET STORAGE EXTERNAL");
    sql("INSERT INTO doc SELECT i, 'a', repeat(md5(i::text), 300), NULL "
        "FROM generate_series(1, 50) i");
    mirror("m", "'doc'");
    sql("UPDATE doc SET tag = 'b' WHERE id <= 20");                  // from ClickHouse
    sql("UPDATE doc SET id = id + 100 WHERE id BETWEEN 10 AND 30");  // under the old key
    sql("BEGIN; UPDATE doc SET body = repeat('new', 3000) WHERE id = 1; "
        "UPDATE doc SET tag = 'c' WHERE id = 1; UPDATE doc SET id = 500 WHERE id = 1; COMMIT");
    sql("UPDATE doc SET tag = 'd' WHERE id = 500");
    expect_equal("m");
    sql("ALTER TABLE doc REPLICA IDENTITY FULL");
    sql("UPDATE doc SET tag = 'e' WHERE id < 10; DELETE FROM doc WHERE id = 5; "
        "UPDATE doc SET id = 700 WHERE id = 6");
    expect_equal("m");
}

// Of one look-up they would be too many; how many fit is found out.
TEST_F(mirror_on_real_servers, keeps_toast_values_that_are_too_large_to_be_looked_up_together) {
    sql("CREATE TABLE doc (id int PRIMARY KEY, tag text, body text)");
    sql("ALTER TABLE doc ALTER body SET STORAGE EXTERNAL");
    sql("INSERT INTO doc SELECT i, 'a', repeat(md5(i::text), 120000) FROM generate_series(1, 9) i");
    sql("INSERT INTO doc VALUES (10, 'a', repeat('one alone is more', 1200000))");
    mirror("m", "'doc'");
    sql("UPDATE doc SET tag = 'b'");
    expect_equal("m");
    EXPECT_EQ(ch_value("SELECT sum(length(body)), count() FROM tandem.doc WHERE tag = 'b'"),
              "(54960000,10)");
}

TEST_F(mirror_on_real_servers, truncates_in_order) {
    sql("CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int PRIMARY KEY, "
        "a int REFERENCES a)");
    sql("INSERT INTO a SELECT i, i FROM generate_series(1, 100) i");
    mirror("m", "'a', 'b'");
    sql("BEGIN; INSERT INTO a VALUES (1000, 1); TRUNCATE a CASCADE; INSERT INTO a VALUES (1, 2); "
        "INSERT INTO b VALUES (1, 1); COMMIT");
    sql("UPDATE a SET v = 3");
    expect_equal("m");
    EXPECT_EQ(ch_value("SELECT id, v FROM tandem.a"), "(1,3)");
}

TEST_F(mirror_on_real_servers, follows_added_dropped_and_renamed_columns) {
    sql("CREATE TABLE t (id int PRIMARY KEY, a int, b text NOT NULL)");
    sql("INSERT INTO t SELECT i, i, 'b' FROM generate_series(1, 10) i");
    mirror("m", "'t'");
    sql("ALTER TABLE t ADD COLUMN c int DEFAULT 42, ADD COLUMN d text");
    sql("INSERT INTO t VALUES (11, 1, 'x', 43, 'd')");
    expect_equal("m");
    EXPECT_EQ(ch_value("SELECT id, c, d FROM tandem.t WHERE id IN (1, 11) ORDER BY id"),
              "(1,42,NULL) (11,43,'d')");
    sql("ALTER TABLE t RENAME COLUMN a TO renamed; ALTER TABLE t DROP COLUMN d");
    sql("ALTER TABLE t ALTER b DROP NOT NULL");
    sql("UPDATE t SET renamed = 5, b = NULL WHERE id = 2");
    expect_equal("m");
    EXPECT_EQ(ch_value("SELECT renamed, b FROM tandem.t WHERE id = 2"), "(5,NULL)");
}

TEST_F(mirror_on_real_servers, loads_a_table_again_that_changed_too_much_and_goes_on_with_others) {
    sql("CREATE TABLE bad (id int PRIMARY KEY, v int); CREATE TABLE good (id int PRIMARY KEY)");
    sql("INSERT INTO bad VALUES (1, 1)");
    mirror("m", "'bad', 'good'");
    sql("ALTER TABLE bad ALTER v TYPE text USING 'v' || v");
    sql("INSERT INTO bad VALUES (2, 'two')");
    sql("INSERT INTO good VALUES (1)");
    wait("m");
    EXPECT_EQ(ch_value("SELECT id FROM tandem.good"), "(1)");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.changed_tables()", "0"));
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '30s')"), "t");
    expect_equal("m");
    EXPECT_EQ(ch_value("SELECT v FROM tandem.bad WHERE id = 1"), "('v1')");
}

TEST_F(mirror_on_real_servers, takes_names_that_need_quotes) {
    sql(R"(CREATE SCHEMA "My Schema"; CREATE TABLE "My Schema"."select from"
        ("Key""1" int, "group" int, "a.b" text, PRIMARY KEY ("Key""1", "group")))");
    sql(R"(INSERT INTO "My Schema"."select from" VALUES (1, 2, 'x'))");
    mirror("m", R"('"My Schema"."select from"')");
    sql(R"(UPDATE "My Schema"."select from" SET "a.b" = 'y'; )"
        R"(INSERT INTO "My Schema"."select from" VALUES (3, 4, '`\'))");
    expect_equal("m");
}

TEST_F(mirror_on_real_servers, reads_partitions_as_one_table) {
    sql("CREATE TABLE parted (id int, at date, v text, PRIMARY KEY (id, at)) "
        "PARTITION BY RANGE (at)");
    sql("CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO "
        "('2024-02-01')");
    sql("CREATE TABLE parted_2 (v text, at date NOT NULL, id int NOT NULL, PRIMARY KEY (id, at)); "
        "ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM ('2024-02-01') TO "
        "('2024-03-01')");
    sql("INSERT INTO parted SELECT i, date '2024-01-01' + i % 60, 'v' FROM "
        "generate_series(0, 599) i WHERE i % 60 < 59");
    mirror("m", "'parted'");
    sql("UPDATE parted SET at = at + 31 WHERE at < '2024-01-20'; DELETE FROM parted WHERE id < 50");
    expect_equal("m");
}

TEST_F(mirror_on_real_servers, loads_while_writers_run_and_survives_a_restart) {
    limits_.chunk_blocks = 4;
    restart_daemon();
    sql("CREATE TABLE busy (id int PRIMARY KEY, v int, pad text)");
    sql("INSERT INTO busy SELECT i, 0, repeat('x', 200) FROM generate_series(1, 20000) i");
    sql("SELECT tandem.create_mirror('m', ARRAY['busy'])");
    for (int i = 0; i < 40; ++i) {
        std::string n = std::to_string(i);
        sql("UPDATE busy SET v = v + 1 WHERE id % 40 = " + n);
        sql("DELETE FROM busy WHERE id % 400 = " + n);
        if (i == 20)
            sql("TRUNCATE busy; INSERT INTO busy SELECT i, 7, 'again' FROM "
                "generate_series(1, 30000) i");
        if (i % 10 == 5) restart_daemon();
    }
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '60s')"), "t");
    expect_equal("m");
}

TEST_F(mirror_on_real_servers, splits_a_large_transaction_into_batches) {
    limits_.batch_bytes = size_t{1} << 20;
    restart_daemon();
    sql("CREATE TABLE big (id int PRIMARY KEY, v text, body text); "
        "ALTER TABLE big ALTER body SET STORAGE EXTERNAL; "
        "INSERT INTO big SELECT i, 'x', repeat(md5(i::text), 100) FROM generate_series(1, 200) i");
    mirror("m", "'big'");
    sql("BEGIN; INSERT INTO big SELECT i, md5(i::text), NULL FROM generate_series(1000, 60000) i; "
        "UPDATE big SET v = v || 'y'; UPDATE big SET id = -id WHERE id % 3 = 0; COMMIT");
    expect_equal("m");
}

TEST_F(mirror_on_real_servers, follows_a_table_that_is_renamed) {
    sql("CREATE TABLE before (id int PRIMARY KEY, v int); CREATE SCHEMA other");
    mirror("m", "'before'");
    sql("ALTER TABLE before RENAME TO after; ALTER TABLE after SET SCHEMA other");
    sql("INSERT INTO other.after VALUES (1, 1)");
    expect_equal("m");
    EXPECT_EQ(value("SELECT schema_name || '.' || table_name FROM tandem.mirror_tables"),
              "other.after");
}

TEST_F(mirror_on_real_servers, keeps_the_walsender_informed_while_clickhouse_is_down) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
    mirror("m", "'t'");
    sql("ALTER SYSTEM SET wal_sender_timeout = '3s'");
    sql("SELECT pg_reload_conf()");
    const std::string walsender =
        "SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'tandem_m'";
    std::string pid = value(walsender);
    clickhouse_->kill_hard();
    sql("INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i");
    ASSERT_TRUE(eventually("SELECT error_code FROM tandem.mirrors", "connection_failed"));
    sql("SELECT pg_sleep(5)");
    EXPECT_EQ(value(walsender), pid);
    ASSERT_TRUE(clickhouse_->start_again().ok());
    wait("m");
    ASSERT_TRUE(eventually("SELECT error_code IS NULL FROM tandem.mirrors", "t"));
    sql("ALTER SYSTEM RESET wal_sender_timeout");
    sql("SELECT pg_reload_conf()");
    expect_equal("m");
}

TEST_F(mirror_on_real_servers, shows_a_commit_soon_when_idle) {
    sql("CREATE TABLE t (id int PRIMARY KEY)");
    mirror("m", "'t'");
    sql("SET synchronous_commit = on");  // the test server's default is off
    std::vector<double> milliseconds;
    for (int i = 0; i < 20; ++i) {
        auto begin = std::chrono::steady_clock::now();
        sql("INSERT INTO t VALUES (" + std::to_string(i) + ")");
        wait("m");
        milliseconds.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
                .count());
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    std::printf("commit to confirmed, median of 20: %.1f ms\n", milliseconds[10]);
    // Tens of milliseconds on an idle machine; the bound leaves room for a busy one.
    EXPECT_LT(milliseconds[10], 1000);
}

// The load waits in the middle of its chunks, for as long as this session holds the lock.
TEST_F(mirror_on_real_servers, starts_a_load_again_when_the_schema_changes_under_it) {
    limits_.chunk_blocks = 4;
    limits_.snapshot_workers = 1;
    restart_daemon();
    sql("CREATE TABLE t (id int PRIMARY KEY, a int, b int, pad text)");
    sql("INSERT INTO t SELECT i, i, i, repeat('x', 300) FROM generate_series(1, 2000) i");
    sql("CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
        "pg_advisory_xact_lock(7); RETURN NEW; END'");
    sql("CREATE TRIGGER held BEFORE UPDATE ON tandem.mirror_chunk FOR EACH ROW "
        "WHEN (NEW.first_block >= 20) EXECUTE FUNCTION held()");
    sql("SELECT pg_advisory_lock(7)");
    sql("SELECT tandem.create_mirror('m', ARRAY['t'])");
    ASSERT_TRUE(eventually(
        "SELECT count(*) FROM pg_locks l WHERE locktype = 'advisory' AND NOT granted AND "
        "l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        "1"));
    ASSERT_EQ(value("SELECT count(*) FILTER (WHERE done) > 0 AND bool_or(NOT done) FROM "
                    "tandem.mirror_chunk"),
              "t");
    const std::string generation = "SELECT generation FROM tandem.mirror_table";
    std::string before = value(generation);
    sql("ALTER TABLE t DROP COLUMN a");
    sql("SELECT pg_advisory_unlock(7)");
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '60s')"), "t");
    EXPECT_NE(value(generation), before);
    sql("UPDATE t SET b = 0 WHERE id = 1");
    expect_equal("m");
}

TEST_F(mirror_on_real_servers, confirms_the_position_of_an_idle_database) {
    sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE unmirrored (v text)");
    mirror("m", "'t'");
    sql("INSERT INTO unmirrored SELECT repeat('x', 100) FROM generate_series(1, 10000)");
    EXPECT_EQ(value("SELECT tandem.wait_for('m', pg_current_wal_lsn(), '10s')"), "t");
}

TEST_F(mirror_on_real_servers, recognises_a_lost_slot_and_resyncs) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1), (2, 2)");
    mirror("m", "'t'");
    stop_daemon();
    sql("SELECT pg_drop_replication_slot('tandem_m')");
    sql("DELETE FROM t WHERE id = 1; UPDATE t SET v = 3");
    start_daemon();
    ASSERT_TRUE(
        eventually("SELECT state || ' ' || error_code FROM tandem.mirrors", "failed slot_missing"));
    auto waited = source().execute("SELECT tandem.wait_until_live('m', '30s')");
    ASSERT_FALSE(waited.ok()) << "a mirror that failed never becomes live";
    EXPECT_NE(waited.error().message().find("slot"), std::string::npos);
    sql("SELECT tandem.resync_mirror('m')");
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '30s')"), "t");
    sql("INSERT INTO t VALUES (5, 5)");
    expect_equal("m");
}

TEST_F(mirror_on_real_servers, pauses_resumes_and_drops) {
    sql("CREATE TABLE t (id int PRIMARY KEY)");
    mirror("m", "'t'");
    sql("SELECT tandem.pause_mirror('m')");
    ASSERT_TRUE(eventually("SELECT state FROM tandem.mirrors", "paused"));
    sql("INSERT INTO t VALUES (1)");
    sql("SELECT tandem.resume_mirror('m')");
    wait("m");
    expect_equal("m");
    sql("SELECT tandem.drop_mirror('m')");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirrors", "0"));
    EXPECT_EQ(value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'tandem_m'"), "0");
    EXPECT_EQ(value("SELECT count(*) FROM pg_publication WHERE pubname = 'tandem_m'"), "0");
}

TEST_F(mirror_on_real_servers, refuses_what_it_cannot_do_and_says_why) {
    sql("CREATE TABLE keyless (v int); CREATE UNLOGGED TABLE u (id int PRIMARY KEY); "
        "CREATE TABLE t (id int PRIMARY KEY)");
    auto refusal = [&](const std::string& call) {
        auto done = source().execute("SELECT tandem." + call);
        return done.ok() ? std::string("accepted") : done.error().message();
    };
    using ::testing::HasSubstr;
    EXPECT_THAT(refusal("create_mirror('m', ARRAY['keyless'])"), HasSubstr("no primary key"));
    EXPECT_THAT(refusal("create_mirror('m', ARRAY['u'])"), HasSubstr("unlogged"));
    EXPECT_THAT(refusal("create_mirror('m', ARRAY['nothing'])"), HasSubstr("no table matches"));
    EXPECT_THAT(refusal("create_mirror('M!', ARRAY['t'])"), HasSubstr("bad mirror name"));
    EXPECT_THAT(refusal("create_mirror('m', ARRAY['t'], '{\"x\": 1}')"),
                HasSubstr("unknown option"));
    EXPECT_THAT(refusal("pause_mirror('m')"), HasSubstr("no mirror"));
    mirror("m", "'t'");
    EXPECT_THAT(refusal("create_mirror('m', ARRAY['t'])"), HasSubstr("exists already"));
    EXPECT_THAT(refusal("create_mirror('m2', ARRAY['t'])"), HasSubstr("in mirror \"m\""));
    EXPECT_THAT(refusal("create_mirror('m2', ARRAY['*'])"), HasSubstr("none of the tables"));
    EXPECT_THAT(refusal("add_to_mirror('m', ARRAY['t'])"), HasSubstr("in mirror \"m\" already"));
    sql("ALTER TABLE t RENAME TO renamed");
    EXPECT_THAT(refusal("add_to_mirror('m', ARRAY['renamed'])"), HasSubstr("already"));
    sql("ALTER TABLE renamed RENAME TO t");
    EXPECT_THAT(refusal("add_to_mirror('m', ARRAY['u'])"), HasSubstr("unlogged"));
    EXPECT_THAT(refusal("add_to_mirror('n', ARRAY['t'])"), HasSubstr("no mirror"));
    EXPECT_THAT(refusal("remove_from_mirror('m', ARRAY['u'])"), HasSubstr("has no table"));
    EXPECT_THAT(refusal("remove_from_mirror('m', ARRAY['t'])"), HasSubstr("without a table"));
}

TEST_F(mirror_on_real_servers, a_wildcard_leaves_out_what_cannot_be_and_what_is_mirrored_already) {
    sql("CREATE UNLOGGED TABLE u (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY); CREATE "
        "TABLE b (id int PRIMARY KEY)");
    mirror("m", "'a'");
    std::string notices;
    postgres::ConnectOptions connect;
    connect.conninfo = conninfo();
    connect.on_notice = [&](std::string_view text) { notices += std::string(text) + "\n"; };
    auto asking = postgres::Connection::open(connect);
    ASSERT_TRUE(asking.ok()) << asking.error().to_string();
    Status created = asking->execute("SELECT tandem.create_mirror('n', ARRAY['public.*'])");
    ASSERT_TRUE(created.ok()) << created.error().to_string();
    using ::testing::HasSubstr;
    EXPECT_THAT(notices,
                HasSubstr("public.a is left out: its ClickHouse table is that of public.a"));
    EXPECT_THAT(notices, HasSubstr("public.u is left out: it is unlogged"));
    EXPECT_EQ(value("SELECT string_agg(table_name, ' ') FROM tandem.mirror_tables WHERE mirror = "
                    "'n'"),
              "b");
}

TEST_F(mirror_on_real_servers, tables_join_and_leave_while_the_others_go_on) {
    sql("CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a SELECT i, 'a' FROM "
        "generate_series(1, 500) i");
    mirror("m", "'a'");
    sql("CREATE TABLE b (id int PRIMARY KEY, v text); INSERT INTO b SELECT i, 'b' FROM "
        "generate_series(1, 500) i");
    sql("SELECT tandem.add_to_mirror('m', ARRAY['b']); INSERT INTO b VALUES (501, 'early'); "
        "INSERT INTO a VALUES (501, 'beside')");
    EXPECT_EQ(value("SELECT tandem.wait_until_live('m', '60s')"), "t");
    expect_equal("m");
    EXPECT_EQ(value("SELECT max(copy) FROM tandem.mirror_copy"), "1") << "a was loaded again";

    sql("SELECT tandem.remove_from_mirror('m', ARRAY['b'])");
    EXPECT_EQ(value("SELECT string_agg(table_name, ' ') FROM tandem.mirror_tables"), "a");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirror_table", "1"));
    EXPECT_EQ(value("SELECT string_agg(tablename, ' ') FROM pg_publication_tables"), "a");
    EXPECT_EQ(ch_value("SELECT count() FROM system.tables WHERE database IN ('tandem', "
                       "'tandem_rows') AND name IN ('b', '_tandem_delta_b')"),
              "(0)");
    sql("INSERT INTO a VALUES (502, 'after'); DELETE FROM b");
    expect_equal("m");

    // What left may come back; also at once, before the daemon has looked.
    sql("SELECT tandem.add_to_mirror('m', ARRAY['b'])");
    EXPECT_EQ(value("SELECT tandem.wait_until_live('m', '60s')"), "t");
    sql("INSERT INTO b VALUES (1, 'again'); SELECT tandem.remove_from_mirror('m', ARRAY['b']), "
        "tandem.add_to_mirror('m', ARRAY['b'])");
    EXPECT_EQ(value("SELECT tandem.wait_until_live('m', '60s')"), "t");
    expect_equal("m");
    EXPECT_EQ(
        value("SELECT copy FROM tandem.mirror_copy JOIN tandem.mirror_table USING (mirror_id, "
              "relid) WHERE table_name = 'a'"),
        "1");
}

TEST_F(mirror_on_real_servers, a_table_moves_to_another_mirror) {
    sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE c "
        "(id int PRIMARY KEY); INSERT INTO b SELECT generate_series(1, 100)");
    mirror("m", "'a', 'b'");
    mirror("n", "'c'");
    sql("SELECT tandem.remove_from_mirror('m', ARRAY['b'])");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirror_table WHERE table_name = 'b'", "0"));
    sql("SELECT tandem.add_to_mirror('n', ARRAY['b'])");
    EXPECT_EQ(value("SELECT tandem.wait_until_live('n', '60s')"), "t");
    sql("INSERT INTO b VALUES (101)");
    expect_equal("n");
    expect_equal("m");
    // What the source has dropped is removed by its name.
    sql("DROP TABLE b");
    ASSERT_TRUE(
        eventually("SELECT state FROM tandem.mirror_tables WHERE table_name = 'b'", "dropped"));
    sql("SELECT tandem.remove_from_mirror('n', ARRAY['public.b'])");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirror_table WHERE table_name = 'b'", "0"));
    EXPECT_EQ(ch_value("SELECT count() FROM system.tables WHERE name = 'b'"), "(0)");
}

// --- the application's writes go on --------------------------------------------------------------

class mirrored_tables_stay_writable : public MirrorFixture {
  protected:
    std::string refusal(const std::string& table) {
        auto done = source().execute("SELECT tandem.create_mirror('no', ARRAY['" + table + "'])");
        return done.ok() ? "accepted" : done.error().message();
    }
    bool writable(const std::string& statement) { return source().execute(statement).ok(); }
    // Until the statement works; false after 5 seconds.
    bool soon_writable(const std::string& statement) {
        auto begin = std::chrono::steady_clock::now();
        auto spent = [&] { return std::chrono::steady_clock::now() - begin; };
        while (!writable(statement)) {
            if (spent() > std::chrono::seconds(5)) return false;
            sql("SELECT pg_sleep(0.01)");
        }
        std::printf("writable after %.0f ms\n",
                    std::chrono::duration<double, std::milli>(spent()).count());
        return true;
    }
    std::string published() {
        return value(
            "SELECT coalesce(string_agg(tablename, ',' ORDER BY tablename), '') FROM "
            "pg_publication_tables WHERE pubname = 'tandem_m'");
    }
    std::string state(const std::string& table) {
        return "SELECT state || coalesce(' ' || error_code, '') FROM tandem.mirror_tables WHERE "
               "table_name = '" +
               table + "'";
    }
};

TEST_F(mirrored_tables_stay_writable, what_has_no_key_for_every_row_is_refused_with_the_reason) {
    using ::testing::HasSubstr;
    sql("CREATE TABLE late (id int PRIMARY KEY DEFERRABLE, v int); "
        "CREATE TABLE nothing (id int PRIMARY KEY); ALTER TABLE nothing REPLICA IDENTITY NOTHING; "
        "CREATE TABLE lost (id int NOT NULL UNIQUE); "
        "ALTER TABLE lost REPLICA IDENTITY USING INDEX lost_id_key; "
        "ALTER TABLE lost DROP CONSTRAINT lost_id_key; "
        "CREATE TABLE made (id int GENERATED ALWAYS AS (1) STORED PRIMARY KEY)");
    EXPECT_THAT(refusal("late"), HasSubstr("it has a DEFERRABLE primary key"));
    EXPECT_THAT(refusal("nothing"), HasSubstr("it has REPLICA IDENTITY NOTHING"));
    EXPECT_THAT(refusal("lost"), HasSubstr("it has lost the index of its REPLICA IDENTITY"));
    EXPECT_THAT(refusal("made"), HasSubstr("it has a generated column in its key"));

    sql("CREATE TABLE rooted (a int NOT NULL, b int) PARTITION BY RANGE (a); "
        "CREATE UNIQUE INDEX rooted_a ON rooted (a); "
        "ALTER TABLE rooted REPLICA IDENTITY USING INDEX rooted_a; "
        "CREATE TABLE rooted_1 PARTITION OF rooted FOR VALUES FROM (0) TO (10)");
    EXPECT_THAT(refusal("rooted"), HasSubstr("its REPLICA IDENTITY is no primary key"));
}

TEST_F(mirrored_tables_stay_writable, every_partition_is_looked_at) {
    using ::testing::HasSubstr;
    sql("CREATE TABLE p (a int, b int NOT NULL, PRIMARY KEY (a)) PARTITION BY RANGE (a); "
        "CREATE TABLE p_low PARTITION OF p FOR VALUES FROM (0) TO (10); "
        "CREATE TABLE p_high PARTITION OF p FOR VALUES FROM (10) TO (100) PARTITION BY RANGE (a); "
        "CREATE TABLE p_deep PARTITION OF p_high FOR VALUES FROM (10) TO (20); "
        "CREATE UNIQUE INDEX deep_b ON p_deep (b)");
    sql("ALTER TABLE p_deep REPLICA IDENTITY NOTHING");
    EXPECT_THAT(refusal("p"),
                HasSubstr("its partition public.p_deep has REPLICA IDENTITY NOTHING"));
    sql("ALTER TABLE p_deep REPLICA IDENTITY USING INDEX deep_b");
    EXPECT_THAT(refusal("p"), HasSubstr("its partition public.p_deep has another key"));
    sql("ALTER TABLE p_deep REPLICA IDENTITY FULL");
    sql("INSERT INTO p SELECT i, i FROM generate_series(1, 19) i");
    mirror("m", "'p'");
    sql("UPDATE p SET b = -b; DELETE FROM p WHERE a % 3 = 0; UPDATE p SET a = 3 WHERE a = 19");
    expect_equal("m");
    // One that joins later without a key.
    sql("CREATE TABLE p_new (a int PRIMARY KEY, b int NOT NULL); "
        "ALTER TABLE p_new REPLICA IDENTITY NOTHING; "
        "ALTER TABLE p ATTACH PARTITION p_new FOR VALUES FROM (100) TO (200); "
        "INSERT INTO p VALUES (100, 1)");
    EXPECT_TRUE(soon_writable("UPDATE p SET b = 2 WHERE a = 100"));
    ASSERT_TRUE(eventually(state("p"), "failed no_replica_identity"));
    EXPECT_EQ(published(), "");
}

TEST_F(mirrored_tables_stay_writable, when_the_key_changes_between_the_call_and_the_start) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)");
    sql("CREATE TABLE good (id int PRIMARY KEY)");
    stop_daemon();
    sql("SELECT tandem.create_mirror('m', ARRAY['t', 'good'])");
    sql("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id) DEFERRABLE");
    start_daemon();
    ASSERT_TRUE(eventually(state("good"), "live"));
    EXPECT_EQ(value(state("t")), "failed no_replica_identity");
    EXPECT_EQ(published(), "good");
    EXPECT_TRUE(writable("UPDATE t SET v = 2"));
}

TEST_F(mirrored_tables_stay_writable, when_the_primary_key_is_dropped) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1), (2, 2)");
    sql("CREATE TABLE good (id int PRIMARY KEY)");
    mirror("m", "'t', 'good'");
    sql("ALTER TABLE t DROP CONSTRAINT t_pkey");
    EXPECT_TRUE(soon_writable("UPDATE t SET v = 3 WHERE id = 1"));
    ASSERT_TRUE(eventually(state("t"), "failed no_replica_identity"));
    EXPECT_THAT(value("SELECT error_message FROM tandem.mirror_tables WHERE table_name = 't'"),
                ::testing::HasSubstr("no primary key"));
    EXPECT_EQ(published(), "good");
    sql("INSERT INTO good VALUES (1)");
    wait("m");
    EXPECT_EQ(ch_value("SELECT id FROM tandem.good"), "(1)");
    // With a key again it comes back.
    sql("ALTER TABLE t ADD PRIMARY KEY (id); SELECT tandem.resync_mirror('m', ARRAY['t'])");
    ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '30s')"), "t");
    EXPECT_TRUE(writable("UPDATE t SET v = 4 WHERE id = 2"));
    expect_equal("m");
}

TEST_F(mirrored_tables_stay_writable, even_while_the_mirror_is_paused) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)");
    mirror("m", "'t'");
    sql("SELECT tandem.pause_mirror('m')");
    ASSERT_TRUE(eventually("SELECT state FROM tandem.mirrors", "paused"));
    sql("ALTER TABLE t REPLICA IDENTITY NOTHING");
    EXPECT_TRUE(soon_writable("DELETE FROM t"));
    EXPECT_EQ(value(state("t")), "failed no_replica_identity");
}

TEST_F(mirrored_tables_stay_writable, when_the_table_failed_for_another_reason) {
    sql("CREATE TABLE t (id date PRIMARY KEY, v int); INSERT INTO t VALUES ('2020-02-20', 1)");
    mirror("m", "'t'");
    sql("INSERT INTO t VALUES ('infinity', 2)");  // no key in ClickHouse
    ASSERT_TRUE(eventually(state("t"), "failed value_out_of_range"));
    ASSERT_TRUE(eventually("SELECT count(*) FROM pg_publication_rel", "0"));
    sql("ALTER TABLE t DROP CONSTRAINT t_pkey");
    EXPECT_TRUE(writable("UPDATE t SET v = 3"));
}

}  // namespace
}  // namespace tandem::test
