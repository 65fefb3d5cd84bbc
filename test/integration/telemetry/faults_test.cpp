// ClickHouse away, hung, or without its tables; the worker ended; Postgres stopped. No session ever
// waits, and captured = exported + queued + dropped at every look.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "integration/telemetry/telemetry_fixture.h"
#include "stack/machine/files.h"
#include "stack/machine/process.h"

namespace tandem::telemetry_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What a hung ClickHouse may add to stopping Postgres or dropping a database. Other load only makes
// both longer, so the shortest of several is compared with the shortest of several.
constexpr milliseconds kAdded{100};
constexpr int kTries = 12;

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
    // Of `once`, which answers how long it took: the shortest of a few.
    template <typename Once>
    static milliseconds shortest(int times, Once once) {
        milliseconds best = once();
        for (int i = 1; i < times; ++i) best = std::min(best, once());
        return best;
    }
    // Whether one of several tries takes at most `longest`.
    template <typename Once>
    static bool is_ever_within(milliseconds longest, Once once) {
        for (int i = 0; i < kTries; ++i)
            if (once() <= longest) return true;
        return false;
    }
    static void set(const std::string& name, const std::string& value) {
        ask("ALTER SYSTEM SET " + name + " = '" + value + "'");
        ask("SELECT pg_reload_conf()");
    }
    static int64_t worker_memory_kb() {
        std::ifstream status("/proc/" + std::to_string(number("worker_pid")) + "/status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("RssAnon:")) return std::stoll(line.substr(8));
        ADD_FAILURE() << "no RssAnon";
        return 0;
    }
    // After all processes were ended: until Postgres takes connections again.
    static void reconnect() {
        for (auto* session : {&connection, &observer}) {
            session->reset();
            auto opened = postgres::Connection::open(
                {.conninfo = servers.postgres->conninfo(), .pinned_search_path = false});
            while (!opened.ok())
                opened = postgres::Connection::open(
                    {.conninfo = servers.postgres->conninfo(), .pinned_search_path = false});
            *session = std::make_unique<postgres::Connection>(*std::move(opened));
        }
        ask("SET tandem.telemetry = off");
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
    auto drop = [] {
        auto time = took([] { run("DROP DATABASE tele_drop"); });
        run("CREATE DATABASE tele_drop");
        return time;
    };
    const milliseconds usual = shortest(3, drop);
    servers.clickhouse->hang();
    say(200);
    EXPECT_TRUE(is_ever_within(usual + kAdded, drop)) << "usually " << usual.count() << " ms";
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
    constexpr int64_t kMemoryMaxKb = 96 << 10;
    EXPECT_LT(worker_memory_kb(), kMemoryMaxKb);
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

TEST_F(TelemetryFaults, a_killed_process_loses_what_was_queued_and_says_how_much) {
    for (bool worker : {true, false}) {
        say(10);
        wait_until_stored();
        const int64_t captured = number("captured");
        const int64_t dropped = number("dropped_worker_ended");
        const std::string before = stored("SELECT count() FROM tandem_telemetry.events_raw");
        servers.clickhouse->hang();
        say(100);
        const pid_t victim = static_cast<pid_t>(
            worker ? number("worker_pid") : std::stoll(std::to_string(connection->backend_pid())));
        // Backends are killed in mid-statement.
        std::jthread busy([&] {
            if (worker) return;
            EXPECT_FALSE(connection->execute("SELECT 'killed', pg_sleep(600)").ok());
        });
        if (!worker)
            wait_for("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
        ASSERT_EQ(kill(victim, SIGKILL), 0);
        busy.join();
        reconnect();
        servers.clickhouse->wake_up();
        EXPECT_EQ(imbalance(), "");
        EXPECT_GE(number("captured"), captured + 100);
        EXPECT_GE(number("dropped_worker_ended"), dropped + 100);
        say(20, "SELECT 'after', 'the', 'kill', 1, 2");
        wait_until_stored();
        EXPECT_EQ(imbalance(), "");
        EXPECT_GE(std::stoll(stored("SELECT count() FROM tandem_telemetry.events_raw")),
                  std::stoll(before) + 20);
    }
}

TEST_F(TelemetryFaults, a_name_is_looked_up_and_one_that_is_none_is_reported) {
    const std::string url = ask("SHOW tandem.telemetry_clickhouse");
    auto at = [&](const std::string& host) {
        std::string other = url;
        return other.replace(other.find("127.0.0.1"), strlen("127.0.0.1"), host);
    };
    set("tandem.telemetry_clickhouse", at("no-such-host.invalid"));
    say(5);
    wait_for("SELECT last_error LIKE '%no-such-host.invalid%' FROM tandem.telemetry_stats", "t");
    EXPECT_EQ(imbalance(), "");
    // It may have two addresses, of which one is ClickHouse's.
    set("tandem.telemetry_clickhouse", at("localhost"));
    say(5);
    wait_until_stored();
    EXPECT_EQ(number("dropped_rejected"), 0);
    set("tandem.telemetry_clickhouse", url);
}

// Not ClickHouse but a server that speaks TLS: what counts is whether the two believe each other.
TEST_F(TelemetryFaults, certificates_are_checked_and_shown) {
    const std::string url = ask("SHOW tandem.telemetry_clickhouse");
    const std::string files = servers.directory->path();
    auto shell = [](const std::string& command) {
        return std::system(("exec 2>/dev/null; " + command).c_str());
    };
    ASSERT_EQ(shell("cd " + files +
                    " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                    "-keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1 -addext "
                    "subjectAltName=IP:127.0.0.1 && chmod a+r key.pem cert.pem"),
              0);
    auto port = stack::free_port();
    ASSERT_TRUE(port.ok());
    const std::string where = "127.0.0.1:" + std::to_string(*port);
    int input[2];  // that it does not end at the end of its input
    ASSERT_EQ(pipe2(input, O_CLOEXEC), 0);
    auto server =
        stack::spawn({.arguments = {"/usr/bin/openssl", "s_server", "-accept", where, "-cert",
                                    files + "/cert.pem", "-key", files + "/key.pem", "-Verify", "1",
                                    "-CAfile", files + "/cert.pem", "-verify_return_error"},
                      .death_signal = SIGKILL,
                      .output_path = files + "/server.log",
                      .stdin_fd = input[0]});
    auto said = [&](const std::string& part) {
        std::ifstream log(files + "/server.log");
        return std::string(std::istreambuf_iterator<char>(log), {}).find(part) != std::string::npos;
    };
    ASSERT_TRUE(server.ok()) << server.error().to_string();
    set("tandem.telemetry_clickhouse", "clickhouses://default:x@" + where);
    say(5);
    wait_for("SELECT last_error ILIKE '%certificate%' FROM tandem.telemetry_stats", "t");
    set("tandem.telemetry_tls_ca", files + "/cert.pem");
    set("tandem.telemetry_tls_certificate", files + "/cert.pem");
    set("tandem.telemetry_tls_key", files + "/key.pem");
    EXPECT_TRUE(comes_true([&] { return said("Client certificate"); }))
        << ask("SELECT last_error FROM tandem.telemetry_stats");
    kill(*server, SIGKILL);
    waitpid(*server, nullptr, 0);
    for (int end : input) close(end);
    for (const char* name : {"ca", "certificate", "key"})
        ask(std::string("ALTER SYSTEM RESET tandem.telemetry_tls_") + name);
    set("tandem.telemetry_clickhouse", url);
    wait_until_stored();
    EXPECT_EQ(imbalance(), "");
}

// The last of the suite: both servers stop.
TEST_F(TelemetryFaults, zz_stopping_sends_the_rest_and_a_hung_clickhouse_does_not_delay_it) {
    wait_until_stored();
    ask("ALTER SYSTEM SET tandem.telemetry_flush_interval = '60s'");
    ask("SELECT pg_reload_conf()");
    // A ClickHouse that is busy for longer than the end may take is not waited for.
    std::string arrived = "0";
    for (int i = 0; i < 5 && arrived == "0"; ++i) {
        say(30, "SELECT 'last words', 1, 2, 3");
        connection.reset();
        observer.reset();
        servers.postgres->stop();
        arrived = stored(
            "SELECT count() FROM tandem_telemetry.events_raw WHERE query_id IN (SELECT query_id "
            "FROM tandem_telemetry.query_texts WHERE text = 'SELECT $1, $2, $3, $4')");
        ASSERT_TRUE(servers.postgres->start_again().ok());
        connection = connect();
    }
    EXPECT_EQ(arrived, "30");
    connection.reset();
    auto stop = [] {
        connection = connect();
        say(30);
        connection.reset();
        auto time = took([] { servers.postgres->stop(); });
        EXPECT_TRUE(servers.postgres->start_again().ok());
        return time;
    };
    const milliseconds usual = shortest(3, stop);
    servers.clickhouse->hang();
    EXPECT_TRUE(is_ever_within(usual + kAdded, stop)) << "usually " << usual.count() << " ms";
    servers.clickhouse->wake_up();
}

}  // namespace
}  // namespace tandem::telemetry_test
