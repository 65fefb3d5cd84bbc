// Faults by design: each is brought about once, on real servers, with the daemon in a process of
// its own. What random kills cannot hit is here: slots and servers set back, daemons that were
// stopped for too long, servers that answer nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/back_off.h"
#include "catalog/catalog.h"
#include "clickhouse/client/client.h"
#include "conformance/proxy.h"
#include "fault/daemon_process.h"
#include "mirror/verify/verify.h"
#include "postgres/client/connection.h"
#include "support/with_extension.h"

namespace tandem::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

milliseconds since(Clock::time_point begun) {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
}

class faults : public ::testing::Test {
  protected:
    void SetUp() override { start(false); }

    void start(bool small_disks) {
        auto both = test_support::start_both(
            TANDEM_MODULE,
            {.settings = {{"tandem.connect_timeout", "2s"}}, .small_disks = small_disks});
        ASSERT_TRUE(both.ok()) << both.error().to_string();
        directory_ = std::move(both->directory);
        postgres_ = std::move(both->postgres);
        clickhouse_ = std::move(both->clickhouse);
        daemon_ = std::make_unique<DaemonProcess>(*postgres_, *clickhouse_);
        other_ = std::make_unique<DaemonProcess>(*postgres_, *clickhouse_);
        connect();
        install("postgres");
    }

    void install(const std::string& database) {
        catalog::TargetOptions target;
        target.native_port = clickhouse_->native_port();
        target.http_port = clickhouse_->http_port();
        target.user = clickhouse_->user();
        target.password = clickhouse_->password();
        auto installed = catalog::install(postgres_->conninfo(database), target);
        ASSERT_TRUE(installed.ok()) << installed.error().to_string();
    }

    void connect(const std::string& database = "postgres") {
        postgres::ConnectOptions options;
        options.conninfo = postgres_->conninfo(database);
        options.pinned_search_path = false;
        auto connection = postgres::Connection::open(options);
        ASSERT_TRUE(connection.ok()) << connection.error().to_string();
        connection_ = std::move(connection).value();
        sql("SET synchronous_commit = on");
    }

    void sql(const std::string& statement) {
        auto done = connection_->execute(statement);
        ASSERT_TRUE(done.ok()) << statement << ": " << done.error().to_string();
    }

    std::string value(const std::string& query) {
        auto rows = connection_->query(query);
        if (rows.ok()) return rows->rows() == 0 ? "" : rows->text(0, 0);
        ADD_FAILURE() << query << ": " << rows.error().to_string();
        return "";
    }

    bool eventually(const std::string& query, const std::string& expected,
                    std::chrono::seconds patience = std::chrono::seconds(60)) {
        auto begun = Clock::now();
        std::string last;
        while (since(begun) < patience) {
            last = value(query);
            if (last == expected) return true;
            back_off(milliseconds(20));
        }
        ADD_FAILURE() << query << " gives " << last << ", not " << expected << "; "
                      << test_support::state_of_tandem(*connection_);
        return false;
    }

    clickhouse::Endpoint target() const {
        clickhouse::Endpoint endpoint;
        endpoint.port = clickhouse_->native_port();
        endpoint.user = clickhouse_->user();
        endpoint.password = clickhouse_->password();
        return endpoint;
    }

    std::string ch(const std::string& query) {
        auto client = clickhouse::connect_native(target());
        if (!client.ok()) return client.error().to_string();
        auto block = clickhouse::select_all(
            **client, {.sql = "SELECT toString(tuple(*)) FROM (" + query + ")"});
        if (!block.ok()) return block.error().to_string();
        return block->rows() == 0 ? "" : std::string(block->columns[0].column.string(0));
    }

    void ch_execute(const std::string& statement) {
        auto client = clickhouse::connect_native(target());
        ASSERT_TRUE(client.ok()) << client.error().to_string();
        auto done = (*client)->execute({.sql = statement});
        ASSERT_TRUE(done.ok()) << statement << ": " << done.error().to_string();
    }

    // A mirror of three tables with some history, live.
    void mirror_some_tables() {
        sql("CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, n "
            "int); CREATE TABLE log (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, v int)");
        sql("INSERT INTO a SELECT i, 'a' || i FROM generate_series(1, 500) i");
        sql("INSERT INTO b SELECT i, i FROM generate_series(1, 500) i");
        daemon_->start();
        sql("SELECT tandem.create_mirror('m', ARRAY['a', 'b', 'log'])");
        ASSERT_TRUE(eventually("SELECT tandem.wait_until_live('m', '60s')", "t"));
        write_some();
        wait();
    }

    void write_some() {
        ++written_;
        std::string n = std::to_string(written_);
        sql("INSERT INTO log (v) SELECT " + n + " FROM generate_series(1, 100)");
        sql("UPDATE a SET v = v || '" + n + "' WHERE id % 7 = " + n + " % 7");
        sql("DELETE FROM b WHERE id = " + n + "; INSERT INTO b VALUES (10000 + " + n + ", " + n +
            ")");
    }

    void wait() { ASSERT_TRUE(eventually("SELECT tandem.wait_for('m', NULL, '60s')", "t")); }

    void expect_equal(const std::string& database = "postgres") {
        ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '90s')"), "t");
        wait();
        auto verified = mirror::verify_mirror(postgres_->conninfo(database), target(), "m", {});
        ASSERT_TRUE(verified.ok()) << verified.error().to_string();
        EXPECT_FALSE(verified->empty());
        for (const mirror::VerifiedTable& table : *verified)
            EXPECT_TRUE(table.state == "live" && table.comparison.equal())
                << table.name << " " << table.state << ": " << table.comparison.to_string();
        // What people see who ask ClickHouse directly.
        EXPECT_EQ(ch("SELECT count() FROM tandem.log"),
                  "(" + value("SELECT count(*) FROM log") + ")");
    }

    void expect_mended(const std::string& code) {
        ASSERT_TRUE(eventually(
            "SELECT coalesce(incident_code, 'none') FROM tandem.mirrors WHERE name = 'm'", code));
        write_some();
        expect_equal();
        EXPECT_EQ(value("SELECT coalesce(error_code, state) FROM tandem.mirrors WHERE name = 'm'"),
                  "running");
    }

    void pause() {
        sql("SELECT tandem.pause_mirror('m')");
        ASSERT_TRUE(eventually("SELECT state FROM tandem.mirrors WHERE name = 'm'", "paused"));
    }
    void resume() { sql("SELECT tandem.resume_mirror('m')"); }

    std::unique_ptr<test_support::TestPostgres> postgres_;
    std::unique_ptr<test_support::TestClickHouse> clickhouse_;
    std::unique_ptr<test_support::TestDirectory> directory_;
    std::unique_ptr<DaemonProcess> daemon_;
    std::unique_ptr<DaemonProcess> other_;  // a second one, of the same catalog
    std::optional<postgres::Connection> connection_;
    int written_ = 0;
};

// --- whom we mirror -----------------------------------------------------------------------------

TEST_F(faults, a_slot_that_somebody_advanced_is_recognised_and_its_tables_loaded_again) {
    mirror_some_tables();
    pause();
    write_some();
    sql("SELECT pg_replication_slot_advance('tandem_m', pg_current_wal_insert_lsn())");
    resume();
    expect_mended("slot_ahead");
}

TEST_F(faults, a_slot_that_somebody_made_anew_is_recognised_and_its_tables_loaded_again) {
    mirror_some_tables();
    pause();
    sql("SELECT pg_drop_replication_slot('tandem_m')");
    write_some();
    sql("SELECT pg_create_logical_replication_slot('tandem_m', 'pgoutput')");
    resume();
    expect_mended("slot_ahead");
}

TEST_F(faults, a_source_restored_from_a_copy_is_recognised_and_loaded_again) {
    mirror_some_tables();
    connection_.reset();
    postgres_->stop();
    ASSERT_TRUE(postgres_->save_data(directory_->path() + "/source").ok());
    ASSERT_TRUE(postgres_->start_again().ok());
    connect();
    write_some();
    wait();
    connection_.reset();
    postgres_->stop();
    ASSERT_TRUE(postgres_->restore_data(directory_->path() + "/source").ok());
    ASSERT_TRUE(postgres_->start_again().ok());
    connect();
    // Past where ClickHouse is, so that the position alone tells nothing.
    for (int i = 0; i < 20; ++i) write_some();
    expect_mended("source_restored");
}

TEST_F(faults, a_clickhouse_restored_from_a_copy_is_recognised_and_loaded_again) {
    mirror_some_tables();
    clickhouse_->stop();
    ASSERT_TRUE(clickhouse_->save_data(directory_->path() + "/target").ok());
    ASSERT_TRUE(clickhouse_->start_again().ok());
    write_some();
    wait();
    clickhouse_->stop();
    ASSERT_TRUE(clickhouse_->restore_data(directory_->path() + "/target").ok());
    ASSERT_TRUE(clickhouse_->start_again().ok());
    expect_mended("target_restored");
}

TEST_F(faults, a_clickhouse_that_lost_everything_is_loaded_again) {
    mirror_some_tables();
    pause();
    ch_execute("DROP DATABASE tandem SYNC");
    ch_execute("DROP DATABASE tandem_rows SYNC");
    resume();
    expect_mended("target_restored");
}

TEST_F(faults, a_table_that_somebody_dropped_in_clickhouse_is_loaded_again) {
    mirror_some_tables();
    ch_execute("DROP TABLE tandem_rows.log SYNC");
    write_some();
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirror_copy WHERE copy > 1", "1"));
    expect_equal();
    EXPECT_EQ(value("SELECT coalesce(incident_code, 'none') FROM tandem.mirrors"), "none");
}

TEST_F(faults, nothing_is_taken_for_a_fault_when_everybody_is_killed) {
    mirror_some_tables();
    for (int i = 0; i < 3; ++i) {
        write_some();
        daemon_->kill_hard();
        write_some();
        connection_.reset();
        postgres_->kill_hard();
        ASSERT_TRUE(postgres_->start_again().ok());
        clickhouse_->kill_hard();
        ASSERT_TRUE(clickhouse_->start_again().ok());
        connect();
        daemon_->start();
        write_some();
        expect_equal();
    }
    EXPECT_EQ(value("SELECT coalesce(incident_code, 'none') FROM tandem.mirrors"), "none");
    EXPECT_EQ(value("SELECT max(copy) FROM tandem.mirror_copy"), "1");
}

TEST_F(faults, a_copy_of_the_database_does_not_write_to_the_tables_of_the_original) {
    mirror_some_tables();
    pause();
    connection_.reset();
    connect("template1");
    ASSERT_TRUE(
        eventually("SELECT count(*) FROM pg_stat_activity WHERE datname = 'postgres' AND "
                   "application_name NOT LIKE 'tandem%'",
                   "0"));
    daemon_->kill_hard();
    ASSERT_TRUE(
        eventually("SELECT count(*) FROM pg_stat_activity WHERE datname = 'postgres'", "0"));
    sql("CREATE DATABASE twin TEMPLATE postgres");
    connect();
    daemon_->start();
    resume();
    connect("twin");
    DaemonProcess twin({postgres_->conninfo("twin"), clickhouse_->native_port(),
                        clickhouse_->http_port(), clickhouse_->user(), clickhouse_->password()});
    twin.start();
    resume();
    sql("INSERT INTO log (v) VALUES (-1)");
    ASSERT_TRUE(eventually("SELECT error_code FROM tandem.mirrors WHERE state = 'failed'",
                           "other_cluster"));
    connect();
    write_some();
    expect_equal();
}

TEST_F(faults, a_second_catalog_is_kept_away_from_the_first_ones_tables) {
    mirror_some_tables();
    sql("CREATE DATABASE second");
    connect("second");
    install("second");
    sql("CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'of the second')");
    DaemonProcess second({postgres_->conninfo("second"), clickhouse_->native_port(),
                          clickhouse_->http_port(), clickhouse_->user(), clickhouse_->password()});
    second.start();
    sql("SELECT tandem.create_mirror('m', ARRAY['a'])");
    ASSERT_TRUE(
        eventually("SELECT error_code FROM tandem.mirrors WHERE state = 'failed'", "target_taken"));
    // A mirror of the same name, elsewhere: neither slots nor queries collide.
    sql("SELECT tandem.drop_mirror('m')");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirrors", "0"));
    sql("SELECT tandem.create_mirror('m', ARRAY['a'], '{\"database\": \"elsewhere\"}')");
    ASSERT_TRUE(eventually("SELECT tandem.wait_until_live('m', '60s')", "t"));
    EXPECT_EQ(ch("SELECT v FROM elsewhere.a"), "('of the second')");
    EXPECT_EQ(value("SELECT count(*) FROM pg_replication_slots"), "2");
    connect();
    write_some();
    expect_equal();
    // What a mirror has left is anybody's.
    sql("SELECT tandem.drop_mirror('m')");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirrors", "0"));
    connect("second");
    sql("SELECT tandem.create_mirror('n', ARRAY['a'])");
    for (int i = 0;
         i < 100 && value("SELECT state FROM tandem.mirrors WHERE name = 'n'") != "running"; ++i) {
        sql("SELECT tandem.resume_mirror('n')");
        back_off(milliseconds(100));
    }
    ASSERT_TRUE(eventually("SELECT tandem.wait_until_live('n', '60s')", "t"));
    EXPECT_EQ(ch("SELECT v FROM tandem.a"), "('of the second')");
}

// The daemon follows to a standby that was promoted. Without slots that fail over the slot is not
// there: nothing proves that the stream has no gap.
TEST_F(faults, a_promoted_standby_is_recognised_and_its_tables_loaded_again) {
    mirror_some_tables();
    auto promoted = test_support::TestPostgres::start_standby_of(*postgres_);
    ASSERT_TRUE(promoted.ok()) << promoted.error().to_string();
    write_some();
    wait();
    daemon_->kill_hard();
    connection_.reset();
    postgres_->kill_hard();
    postgres_ = std::move(promoted).value();
    connect();
    ASSERT_TRUE(eventually("SELECT pg_is_in_recovery()", "t"));
    sql("SELECT pg_promote()");
    connect();
    ASSERT_TRUE(eventually("SELECT pg_is_in_recovery()", "f"));
    daemon_->addresses().source = postgres_->conninfo();
    daemon_->start();
    for (int i = 0; i < 5; ++i) write_some();
    expect_mended("failover_lost");
}

// --- starts that are interrupted ----------------------------------------------------------------

TEST_F(faults, a_slot_that_was_still_being_made_is_made_again) {
    sql("CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE log (id bigint PRIMARY KEY, v "
        "int)");
    postgres::ConnectOptions options;
    options.conninfo = postgres_->conninfo();
    options.pinned_search_path = false;
    auto writer = postgres::Connection::open(options);
    ASSERT_TRUE(writer.ok()) << writer.error().to_string();
    ASSERT_TRUE(writer->execute("BEGIN; INSERT INTO log VALUES (1, 1)").ok());
    daemon_->start();
    sql("SELECT tandem.create_mirror('m', ARRAY['a', 'log'])");
    const std::string making =
        "SELECT count(*) FROM pg_replication_slots WHERE confirmed_flush_lsn IS NULL";
    ASSERT_TRUE(eventually(making, "1"));
    daemon_->kill_hard();
    daemon_->start();
    sql("INSERT INTO log VALUES (2, 2)");
    back_off(milliseconds(1500));
    EXPECT_EQ(value("SELECT string_agg(DISTINCT state, ' ') FROM tandem.mirror_tables"), "pending");
    ASSERT_TRUE(writer->execute("INSERT INTO log VALUES (3, 3); COMMIT").ok());
    expect_equal();
}

TEST_F(faults, a_table_that_joins_waits_for_older_transactions_whoever_asks) {
    mirror_some_tables();
    sql("CREATE TABLE late (id int PRIMARY KEY)");
    postgres::ConnectOptions options;
    options.conninfo = postgres_->conninfo();
    options.pinned_search_path = false;
    auto writer = postgres::Connection::open(options);
    ASSERT_TRUE(writer.ok()) << writer.error().to_string();
    ASSERT_TRUE(writer->execute("BEGIN; INSERT INTO late VALUES (1)").ok());
    sql("SELECT tandem.add_tables(mirror_id, ARRAY['late']) FROM tandem.mirror; NOTIFY tandem");
    ASSERT_TRUE(
        eventually("SELECT count(*) FROM pg_publication_tables WHERE tablename = 'late'", "1"));
    daemon_->kill_hard();
    daemon_->start();
    back_off(milliseconds(2500));
    EXPECT_EQ(value("SELECT state FROM tandem.mirror_tables WHERE table_name = 'late'"), "pending");
    ASSERT_TRUE(writer->execute("COMMIT").ok());
    expect_equal();
    EXPECT_EQ(ch("SELECT count() FROM tandem.late"), "(1)");
}

TEST_F(faults, a_partitioned_table_without_partitions_becomes_live) {
    sql("CREATE TABLE log (id bigint, v int, PRIMARY KEY (id)) PARTITION BY RANGE (id)");
    daemon_->start();
    sql("SELECT tandem.create_mirror('m', ARRAY['log'])");
    expect_equal();
    sql("CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (100); INSERT INTO log VALUES "
        "(1, 1), (2, 2)");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirror_tables WHERE state = 'live'", "1"));
    expect_equal();
}

// --- who writes ---------------------------------------------------------------------------------

class fencing : public faults, public ::testing::WithParamInterface<const char*> {};

// The daemon stops in the middle of a write, another one takes over; then the first one goes on
// where it was.
TEST_P(fencing, a_daemon_that_was_stopped_for_too_long_writes_nothing_any_more) {
    mirror_some_tables();
    daemon_->stop();
    daemon_->start(std::string(GetParam()) + "=stop@1");
    sql("TRUNCATE b; INSERT INTO b SELECT i, i FROM generate_series(1, 100) i");
    sql("INSERT INTO log (v) SELECT 7 FROM generate_series(1, 1000)");
    ASSERT_TRUE(daemon_->wait_until_hung());
    auto begun = Clock::now();
    other_->start();
    ASSERT_TRUE(eventually("SELECT tandem.wait_for('m', NULL, '90s')", "t"));
    std::printf("taken over after %ld ms\n", static_cast<long>(since(begun).count()));
    EXPECT_LT(since(begun), std::chrono::seconds(20));
    write_some();
    expect_equal();
    daemon_->wake_up();
    for (int i = 0; i < 10; ++i) {
        write_some();
        wait();
    }
    expect_equal();
    EXPECT_EQ(value("SELECT coalesce(error_code, state) FROM tandem.mirrors"), "running");
    EXPECT_EQ(value("SELECT count(*) FROM tandem.mirror_tables WHERE state <> 'live'"), "0");
    // And when the new one dies, the old one is as good as any other.
    other_->kill_hard();
    write_some();
    expect_equal();
}

INSTANTIATE_TEST_SUITE_P(at, fencing,
                         ::testing::Values("stream_before_insert", "stream_after_insert",
                                           "truncate_before_apply", "feedback_before_send"));

TEST_F(faults, another_daemon_takes_over_within_seconds_when_one_dies) {
    mirror_some_tables();
    other_->start();
    for (int i = 0; i < 3; ++i) {
        write_some();
        (i % 2 == 0 ? daemon_ : other_)->kill_hard();
        auto begun = Clock::now();
        write_some();
        wait();
        std::printf("taken over after %ld ms\n", static_cast<long>(since(begun).count()));
        EXPECT_LT(since(begun), std::chrono::seconds(6));
        (i % 2 == 0 ? daemon_ : other_)->start();
    }
    expect_equal();
}

// --- servers that answer nothing ----------------------------------------------------------------

TEST_F(faults, pause_drop_and_stop_take_seconds_while_clickhouse_hangs) {
    mirror_some_tables();
    sql("CREATE TABLE c (id int PRIMARY KEY)");
    sql("SELECT tandem.create_mirror('second', ARRAY['c'])");
    ASSERT_TRUE(eventually("SELECT tandem.wait_until_live('second', '60s')", "t"));
    clickhouse_->hang();
    write_some();
    sql("INSERT INTO c VALUES (1)");
    back_off(milliseconds(500));
    auto begun = Clock::now();
    sql("SELECT tandem.drop_mirror('second')");
    ASSERT_TRUE(eventually("SELECT count(*) FROM tandem.mirrors", "1"));
    EXPECT_LT(since(begun), milliseconds(3000));
    EXPECT_EQ(value("SELECT count(*) FROM pg_replication_slots"), "1");
    begun = Clock::now();
    pause();
    EXPECT_LT(since(begun), milliseconds(3000));
    EXPECT_EQ(value("SELECT count(*) FROM pg_replication_slots WHERE active"), "0");
    EXPECT_LT(daemon_->stop(), milliseconds(3000));
    daemon_->start();
    resume();
    back_off(milliseconds(1000));
    EXPECT_LT(daemon_->stop(), milliseconds(3000));
    clickhouse_->wake_up();
    daemon_->start();
    write_some();
    expect_equal();
}

// --- disks without space ------------------------------------------------------------------------

class full_disks : public faults {
  protected:
    void SetUp() override { start(true); }
    std::string disk(const char* server) const { return directory_->path() + "/disk_of_" + server; }
    void fill(const char* server) const { std::ofstream(disk(server)).put('x'); }
    void make_room(const char* server) const { std::filesystem::remove(disk(server)); }
};

TEST_F(full_disks, of_clickhouse_neither_stop_the_application_nor_lose_anything) {
    mirror_some_tables();
    fill("clickhouse");
    for (int i = 0; i < 5; ++i) write_some();
    ASSERT_TRUE(
        eventually("SELECT error_message ~ 'space' FROM tandem.mirrors WHERE name = 'm'", "t"));
    // What is asked meanwhile is answered by Postgres.
    sql("SET tandem.route_cost_threshold = 0");
    EXPECT_EQ(value("SELECT count(*) FROM log WHERE v > 1"), "500");
    make_room("clickhouse");
    write_some();
    expect_equal();
    EXPECT_EQ(value("SELECT coalesce(incident_code, 'none') FROM tandem.mirrors"), "none");
    EXPECT_EQ(value("SELECT max(copy) FROM tandem.mirror_copy"), "1");
}

TEST_F(full_disks, of_postgres_leave_nothing_in_clickhouse_that_was_not_committed) {
    mirror_some_tables();
    fill("postgres");
    // A statement fails when a file should grow; the server ends when that is one of the WAL.
    Status failed;
    for (int i = 0; i < 1000 && failed.ok(); ++i)
        failed = connection_->execute(
            "INSERT INTO a SELECT i, repeat(i::text, 50) FROM generate_series((SELECT max(id) + 1 "
            "FROM a), (SELECT max(id) + 2000 FROM a)) i; UPDATE b SET n = n + 1");
    ASSERT_FALSE(failed.ok());
    make_room("postgres");
    connection_.reset();
    ASSERT_TRUE(postgres_->wait_until_ready().ok());
    connect();
    write_some();
    expect_equal();
    EXPECT_EQ(value("SELECT coalesce(incident_code, 'none') FROM tandem.mirrors"), "none");
    EXPECT_EQ(value("SELECT max(copy) FROM tandem.mirror_copy"), "1");
}

// What a disk that failed, or was full in the wrong moment, leaves behind.
class damage : public faults {
  protected:
    // All rows of the log that ClickHouse has in main: the files of its parts.
    std::vector<std::string> parts_of_the_log() {
        std::vector<std::string> parts;
        auto client = clickhouse::connect_native(target());
        if (!client.ok()) return parts;
        auto found = clickhouse::select_all(
            **client, {.sql = "SELECT path FROM system.parts WHERE active AND database = "
                              "'tandem_rows' AND table = 'log'"});
        if (!found.ok()) return parts;
        for (size_t i = 0; i < found->rows(); ++i)
            parts.emplace_back(found->columns[0].column.string(i));
        return parts;
    }

    static void empty_the_files(const std::vector<std::string>& parts) {
        ASSERT_FALSE(parts.empty());
        for (const std::string& part : parts)
            for (const auto& file : std::filesystem::directory_iterator(part))
                if (file.path().string().find(".mrk") != std::string::npos ||
                    file.path().string().find(".cmrk") != std::string::npos ||
                    file.path().extension() == ".bin")
                    std::filesystem::resize_file(file.path(), 0);
    }

    void expect_one_table_loaded_again() {
        write_some();
        ASSERT_TRUE(eventually("SELECT max(copy) FROM tandem.mirror_copy", "2"));
        expect_equal();
        EXPECT_EQ(value("SELECT string_agg(DISTINCT table_name, ' ') FROM tandem.mirror_copy JOIN "
                        "tandem.mirror_table USING (mirror_id, relid) WHERE copy > 1"),
                  "log");
    }
};

TEST_F(damage, that_a_start_of_clickhouse_finds_is_mended_by_a_load) {
    mirror_some_tables();
    std::vector<std::string> parts = parts_of_the_log();
    clickhouse_->stop();
    empty_the_files(parts);
    ASSERT_TRUE(clickhouse_->start_again().ok());
    expect_one_table_loaded_again();
}

TEST_F(damage, that_a_query_meets_is_mended_by_a_load) {
    mirror_some_tables();
    empty_the_files(parts_of_the_log());
    ch_execute("SYSTEM DROP MARK CACHE");
    ch_execute("SYSTEM DROP UNCOMPRESSED CACHE");
    // The one who asks gets his answer.
    sql("SET tandem.route_cost_threshold = 0");
    EXPECT_EQ(value("SELECT sum(v) FROM log"), "100");
    expect_one_table_loaded_again();
}

// --- connections that break --------------------------------------------------------------------

class broken_connections : public faults, public ::testing::WithParamInterface<bool> {
  protected:
    // The daemon reaches ClickHouse and Postgres through these.
    void put_proxies_between() {
        to_clickhouse_ = std::make_unique<test_support::Proxy>(
            test_support::ProxyOptions{.target_port = clickhouse_->native_port()});
        to_postgres_ = std::make_unique<test_support::Proxy>(
            test_support::ProxyOptions{.target_port = postgres_->port()});
        std::string source = postgres_->conninfo();
        std::string port = "port=" + std::to_string(postgres_->port());
        source.replace(source.find(port), port.size(),
                       "port=" + std::to_string(to_postgres_->port()));
        daemon_->addresses().source = source;
        daemon_->addresses().native_port = to_clickhouse_->port();
    }

    // From now on every connection breaks after that many bytes, in one of the directions.
    void cut(int64_t bytes, bool requests, bool clickhouse) {
        auto options = [&](uint16_t port, bool here) {
            test_support::ProxyOptions cut{.target_port = port};
            if (here) (requests ? cut.cut_after_request_bytes : cut.cut_after_answer_bytes) = bytes;
            return cut;
        };
        to_clickhouse_->set_options(options(clickhouse_->native_port(), clickhouse));
        to_postgres_->set_options(options(postgres_->port(), !clickhouse));
        (clickhouse ? to_clickhouse_ : to_postgres_)->cut_all();
    }

    void heal() {
        to_clickhouse_->set_options({.target_port = clickhouse_->native_port()});
        to_postgres_->set_options({.target_port = postgres_->port()});
        to_clickhouse_->cut_all();
        to_postgres_->cut_all();
    }

    std::unique_ptr<test_support::Proxy> to_clickhouse_, to_postgres_;
};

TEST_P(broken_connections, lose_and_double_nothing_wherever_they_are_cut) {
    put_proxies_between();
    mirror_some_tables();
    const int64_t places[] = {150, 900, 2500, 6000, 15000, 40000, 100000};
    for (int64_t place : places) {
        for (bool requests : {false, true}) {
            cut(place, requests, GetParam());
            for (int i = 0; i < 4; ++i) {
                write_some();
                back_off(milliseconds(80));
            }
        }
    }
    heal();
    expect_equal();
    EXPECT_EQ(value("SELECT coalesce(incident_code, 'none') FROM tandem.mirrors"), "none");
}

INSTANTIATE_TEST_SUITE_P(to, broken_connections, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "clickhouse" : "postgres"; });

// What a query of a new session takes, in milliseconds; its answer must be Postgres'.
class asking : public faults {
  protected:
    static constexpr const char* kQuestion = "SELECT count(*), sum(v) FROM log WHERE id > 0";

    double ask(const std::string& mode) {
        connect();
        sql("SET TimeZone = 'UTC'; SET tandem.route_cost_threshold = 0; SET tandem.route = off");
        std::string expected = value(kQuestion);
        sql("SET tandem.route = " + mode);
        auto begun = Clock::now();
        EXPECT_EQ(value(kQuestion), expected);
        return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
    }

    bool routed() {
        connect();
        sql("SET TimeZone = 'UTC'; SET tandem.route_cost_threshold = 0");
        std::string plan =
            value("EXPLAIN (ANALYZE, FORMAT JSON, COSTS OFF) " + std::string(kQuestion));
        return plan.find("\"ClickHouse\"") != std::string::npos;
    }

    double median(const std::string& mode) {
        std::vector<double> times;
        for (int i = 0; i < 15; ++i) times.push_back(ask(mode));
        std::sort(times.begin(), times.end());
        return times[times.size() / 2];
    }

    // The first one finds out, for at most the budget and the time to connect; nobody after it.
    void expect_one_wait() {
        double first = ask("on");
        EXPECT_LT(first, 4000);
        double before = median("off");
        double with = median("on");
        std::printf("first query %.0f ms, then %.2f ms; without routing %.2f ms\n", first, with,
                    before);
        EXPECT_LT(with, before + 5);
    }

    void expect_routed_again() {
        auto begun = Clock::now();
        while (!routed() && since(begun) < std::chrono::seconds(60)) back_off(milliseconds(100));
        std::printf("routed again after %ld ms\n", static_cast<long>(since(begun).count()));
        EXPECT_LT(since(begun), std::chrono::seconds(60));
    }
};

TEST_F(asking, waits_once_for_a_clickhouse_that_hangs_while_rows_are_written) {
    mirror_some_tables();
    ASSERT_TRUE(routed());
    clickhouse_->hang();
    write_some();
    expect_one_wait();
    clickhouse_->wake_up();
    expect_routed_again();
}

TEST_F(asking, waits_once_for_a_clickhouse_that_hangs_while_nothing_is_written) {
    mirror_some_tables();
    ASSERT_TRUE(routed());
    clickhouse_->hang();
    expect_one_wait();
    // The mirror finds out by itself; until it says otherwise nobody tries again.
    ASSERT_TRUE(eventually("SELECT count(error_code) FROM tandem.mirrors", "1"));
    back_off(milliseconds(6000));
    EXPECT_LT(median("on"), median("off") + 5);
    clickhouse_->wake_up();
    expect_routed_again();
}

TEST_F(asking, waits_once_for_a_clickhouse_that_is_stopped) {
    mirror_some_tables();
    ASSERT_TRUE(routed());
    clickhouse_->kill_hard();
    write_some();
    expect_one_wait();
    ASSERT_TRUE(clickhouse_->start_again().ok());
    expect_routed_again();
}

TEST_F(asking, does_not_ask_the_clickhouse_of_the_original_from_a_copy) {
    mirror_some_tables();
    ASSERT_TRUE(routed());
    sql("UPDATE tandem.mirror SET source_system = '1'");
    EXPECT_FALSE(routed());
    sql("SET tandem.route_cost_threshold = 0; SET tandem.route = force");
    auto refused = connection_->query(kQuestion);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message().find("other_cluster"), std::string::npos)
        << refused.error().message();
}

}  // namespace
}  // namespace tandem::test

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "--daemon")
        return tandem::test::run_daemon_process();
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
