// ClickHouse away, hung, or without its tables; the worker ended; Postgres stopped. No session ever
// waits, and captured = exported + queued + dropped at every look.
#include <csignal>

#include <chrono>
#include <thread>

#include "integration/telemetry/telemetry_fixture.h"

namespace tandem::telemetry_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Of stopping Postgres or dropping a database while ClickHouse hangs. Without the non-blocking
// worker it is as long as the hang; a loaded machine needs some hundred milliseconds for either.
constexpr milliseconds kSoon{10'000};

class TelemetryFaults : public TelemetryTest {
  protected:
    static void say(int count, const std::string& sql = "SELECT 'fault'") {
        for (int i = 0; i < count; ++i) run(sql);
    }
    static int64_t number(const std::string& column) {
        return std::stoll(ask("SELECT " + column + " FROM tandem.telemetry_stats"));
    }
    template <typename Action>
    static milliseconds took(Action action) {
        auto begin = steady_clock::now();
        action();
        return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
    }
};

TEST_F(TelemetryFaults, events_wait_while_clickhouse_is_away_and_arrive_once) {
    say(10);
    wait_until_stored();
    const std::string before = stored("SELECT count() FROM tandem_telemetry.events_raw");
    const int64_t exported = number("exported");
    servers.clickhouse->kill_hard();
    say(500);
    wait_for("SELECT failures > 0 FROM tandem.telemetry_stats", "t");
    EXPECT_EQ(imbalance(), "");
    EXPECT_GE(number("queued"), 500);
    ASSERT_TRUE(servers.clickhouse->start_again().ok());
    wait_until_stored();
    EXPECT_EQ(imbalance(), "");
    EXPECT_EQ(number("dropped"), 0);
    EXPECT_EQ(
        std::stoll(stored("SELECT count() FROM tandem_telemetry.events_raw")) - std::stoll(before),
        number("exported") - exported);
}

TEST_F(TelemetryFaults, a_hung_clickhouse_holds_nobody_up) {
    say(1);
    wait_until_stored();
    run("CREATE DATABASE tele_drop");
    wait_until_stored();
    servers.clickhouse->hang();
    say(200);
    EXPECT_LT(took([] { run("DROP DATABASE tele_drop"); }), kSoon);
    EXPECT_EQ(imbalance(), "");
    servers.clickhouse->wake_up();
    wait_until_stored();
    EXPECT_EQ(imbalance(), "");
    EXPECT_EQ(number("dropped"), 0);
}

TEST_F(TelemetryFaults, tables_that_are_gone_are_made_again) {
    say(1);
    wait_until_stored();
    ASSERT_TRUE(client->execute({.sql = "DROP DATABASE tandem_telemetry SYNC"}).ok());
    say(20, "SELECT 'again', 1");
    wait_until_stored();
    EXPECT_EQ(imbalance(), "");
    EXPECT_GE(std::stoll(stored("SELECT count() FROM tandem_telemetry.events_raw")), 20);
}

TEST_F(TelemetryFaults, a_worker_that_is_ended_comes_back_and_loses_nothing_that_it_could_send) {
    say(50);
    const std::string starts = ask("SELECT worker_starts FROM tandem.telemetry_stats");
    ASSERT_EQ(kill(static_cast<pid_t>(number("worker_pid")), SIGTERM), 0);
    wait_for("SELECT worker_starts > " + starts + " FROM tandem.telemetry_stats", "t");
    say(50, "SELECT 'after the end', 1, 2");
    wait_until_stored();
    EXPECT_EQ(imbalance(), "");
    EXPECT_EQ(number("dropped"), number("dropped_worker_ended"));
    EXPECT_EQ(stored("SELECT count() FROM tandem_telemetry.query_texts WHERE text = "
                     "'SELECT $1, $2, $3'"),
              "1");
}

TEST_F(TelemetryFaults, what_does_not_fit_is_dropped_and_counted_and_nobody_waits) {
    wait_until_stored();
    ask("ALTER SYSTEM SET tandem.telemetry_backlog = '4MB'");
    ask("SELECT pg_reload_conf()");
    servers.clickhouse->hang();
    const std::string many =
        "DO $$ BEGIN FOR i IN 1..30000 LOOP PERFORM count(*) FROM (VALUES (1)) v; "
        "END LOOP; END $$";
    // Long errors fill a ring fast.
    auto filler = connect("postgres", "filler");
    for (int i = 0; i < 20 && number("dropped_ring_full") == 0; ++i) {
        ASSERT_TRUE(filler->execute(many).ok());
        EXPECT_EQ(imbalance(), "");
    }
    EXPECT_GT(number("dropped_ring_full"), 0);
    servers.clickhouse->wake_up();
    wait_until_stored();
    EXPECT_EQ(imbalance(), "");
    ask("ALTER SYSTEM RESET tandem.telemetry_backlog");
    ask("SELECT pg_reload_conf()");
}

TEST_F(TelemetryFaults, a_terminated_session_leaves_its_statement) {
    auto victim = connect("postgres", "victim");
    const std::string pid = std::to_string(victim->backend_pid());
    auto killer = std::jthread([&] {
        auto eyes = connect("postgres", "killer");
        while (eyes->query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = " +
                           pid + " AND query LIKE '%pg_sleep(600)%' AND wait_event = 'PgSleep'")
                   ->rows() == 0) {
        }
    });
    EXPECT_FALSE(victim->execute("SELECT pg_sleep(600)").ok());
    killer.join();
    wait_for("SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid, "0");
    EXPECT_EQ(
        events("SELECT count() FROM tandem_telemetry.events_raw WHERE application = 'victim' AND "
               "sqlstate = '57P01' AND duration_us > 0"),
        "1");
}

// The last of the suite: both servers stop.
TEST_F(TelemetryFaults, zz_stopping_sends_the_rest_and_a_hung_clickhouse_does_not_delay_it) {
    wait_until_stored();
    ask("ALTER SYSTEM SET tandem.telemetry_flush_interval = '60s'");
    ask("SELECT pg_reload_conf()");
    say(30, "SELECT 'last words', 1, 2, 3");
    connection.reset();
    observer.reset();
    servers.postgres->stop();
    EXPECT_EQ(
        stored("SELECT count() FROM tandem_telemetry.events_raw WHERE query_id IN (SELECT "
               "query_id FROM tandem_telemetry.query_texts WHERE text = 'SELECT $1, $2, $3, $4')"),
        "30");
    ASSERT_TRUE(servers.postgres->start_again().ok());
    connection = connect();
    say(30);
    connection.reset();
    servers.clickhouse->hang();
    EXPECT_LT(took([] { servers.postgres->stop(); }), kSoon);
    servers.clickhouse->wake_up();
}

}  // namespace
}  // namespace tandem::telemetry_test
