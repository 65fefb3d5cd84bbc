// The stack as a user meets it: the command `tandem` run as a process, with real servers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/back_off.h"
#include "config/config.h"
#include "postgres/client/connection.h"
#include "stack/clickhouse/clickhouse_http.h"
#include "stack/machine/files.h"
#include "stack/machine/process.h"
#include "stack/supervisor/settings.h"
#include "support/servers.h"

namespace tandem::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using stack::run_program;
using test_support::TestClickHouse;
using test_support::TestDirectory;
using test_support::TestPostgres;

constexpr std::chrono::minutes kPatience(3);

// A socket that listens on a port of this machine, or -1.
int listen_on(uint16_t port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        listen(listener, 1) == 0)
        return listener;
    close(listener);
    return -1;
}

class StackTest : public testing::Test {
  protected:
    void SetUp() override {
        auto directory = TestDirectory::create();
        ASSERT_TRUE(directory.ok()) << directory.error().to_string();
        directory_ = std::move(*directory);
        data_ = directory_->path() + "/data";
    }
    void TearDown() override {
        bool stopped = !fs::exists(data_ + "/run/settings.json") || run({"down"}).ok();
        EXPECT_TRUE(stopped);
    }

    // What the command printed (both streams); an error when its exit code is not 0.
    Result<std::string> run(std::vector<std::string> arguments,
                            std::vector<std::pair<std::string, std::string>> environment = {}) {
        arguments.insert(arguments.begin(), TANDEM_BINARY);
        // What follows "--" belongs to another program.
        arguments.insert(std::find(arguments.begin(), arguments.end(), "--"), {"--data", data_});
        return run_program({.arguments = arguments, .environment = std::move(environment)},
                           kPatience);
    }

    void up(std::vector<std::string> arguments = {}) {
        arguments.insert(arguments.begin(), "up");
        auto output = run(arguments);
        ASSERT_TRUE(output.ok()) << output.error().to_string();
    }

    json status() {
        auto output = run({"status", "--json"});
        EXPECT_TRUE(output.ok()) << output.error().to_string();
        return output.ok() ? json::parse(*output, nullptr, false) : json();
    }

    pid_t pid_of(const std::string& name) {
        json current = status();
        for (const json& process : current["processes"])
            if (process["name"] == name && process["running"] == true) return process["pid"];
        return -1;
    }

    std::string ask(const std::string& sql) {
        auto output = run({"sql", "--", "-XAtqc", sql});
        return output.ok() ? output->substr(0, output->find('\n')) : output.error().to_string();
    }

    // The sum that both servers must still know after whatever was done to them.
    void put_data() {
        EXPECT_EQ(ask("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n"), "");
        EXPECT_EQ(clickhouse("CREATE TABLE default.kept ENGINE = MergeTree ORDER BY n AS SELECT "
                             "number AS n FROM numbers(1001)"),
                  "");
    }
    void expect_data() {
        EXPECT_EQ(ask("SELECT sum(n) FROM kept"), "500500");
        EXPECT_EQ(clickhouse("SELECT sum(n) FROM default.kept"), "500500");
    }

    std::string clickhouse(const std::string& sql) {
        stack::Settings settings = settings_of_stack();
        auto target = stack::clickhouse_target(settings);
        if (!target.ok()) return target.error().to_string();
        auto answer = stack::ask_clickhouse(*target, sql);
        return answer.ok() ? *answer : answer.error().to_string();
    }

    stack::Settings settings_of_stack() {
        auto layout = stack::find_layout(data_);
        EXPECT_TRUE(layout.ok());
        auto settings = stack::load_settings(*layout);
        EXPECT_TRUE(settings.ok());
        return settings.ok() ? *settings : stack::Settings();
    }

    void expect_metrics();

    std::vector<pid_t> all_processes() {
        auto state = stack::load_state(*stack::find_layout(data_));
        EXPECT_TRUE(state.ok());
        std::vector<pid_t> pids = {state->supervisor.pid};
        for (const auto& process : state->processes) pids.push_back(process.id.pid);
        return pids;
    }

    bool wait_until(const std::function<bool()>& condition) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            back_off(std::chrono::milliseconds(50));
        }
        return true;
    }

    std::unique_ptr<TestDirectory> directory_;
    std::string data_;
};

TEST_F(StackTest, goes_up_and_down_and_up_again_with_the_same_data_and_ports) {
    up();
    put_data();
    json before = status();
    EXPECT_EQ(before["phase"], "ready");
    auto down = run({"down", "--json"});
    ASSERT_TRUE(down.ok()) << down.error().to_string();
    json after = status();
    EXPECT_EQ(after["running"], false);
    up();
    EXPECT_EQ(status()["endpoints"], before["endpoints"]);
    expect_data();
    up();  // Running already is no error.
}

TEST_F(StackTest, starts_each_part_again_that_is_killed) {
    up();
    put_data();
    for (const char* name : {"postgres", "clickhouse", "daemon"}) {
        pid_t victim = pid_of(name);
        ASSERT_GT(victim, 0) << name;
        kill(victim, SIGKILL);
        EXPECT_TRUE(wait_until([&] {
            pid_t now = pid_of(name);
            return now > 0 && now != victim;
        })) << name;
    }
    EXPECT_TRUE(wait_until([&] { return ask("SELECT 1") == "1"; }));
    EXPECT_TRUE(wait_until([&] { return clickhouse("SELECT 1") == "1"; }));
    expect_data();
}

TEST_F(StackTest, comes_up_again_after_everything_was_killed_at_once) {
    up();
    put_data();
    json endpoints = status()["endpoints"];
    for (pid_t pid : all_processes()) kill(pid, SIGKILL);
    up();
    EXPECT_EQ(status()["endpoints"], endpoints);
    expect_data();
}

TEST_F(StackTest, comes_up_again_after_the_supervisor_alone_was_killed) {
    up();
    put_data();
    kill(all_processes().front(), SIGKILL);
    up();
    expect_data();
}

TEST_F(StackTest, says_which_given_port_is_taken) {
    auto port = stack::free_port();
    ASSERT_TRUE(port.ok());
    auto squatter = TestClickHouse::start();
    ASSERT_TRUE(squatter.ok()) << squatter.error().to_string();
    std::string taken = std::to_string((*squatter)->http_port());
    auto output = run({"up", "--postgres-port", taken});
    ASSERT_FALSE(output.ok());
    EXPECT_NE(output.error().message().find("the port for Postgres, " + taken), std::string::npos)
        << output.error().message();
}

TEST_F(StackTest, never_gives_one_port_to_two_of_its_parts) {
    auto port = stack::free_port();
    ASSERT_TRUE(port.ok());
    std::string twice = std::to_string(*port);
    auto output = run({"up", "--clickhouse-native-port", twice, "--console-port", twice});
    ASSERT_FALSE(output.ok());
    EXPECT_NE(output.error().message().find(twice + ", is used by the stack itself"),
              std::string::npos)
        << output.error().message();
    up();
    ASSERT_TRUE(run({"down"}).ok());
    stack::Settings settings = settings_of_stack();
    settings.console_port = settings.native_port;
    ASSERT_TRUE(stack::save_settings(*stack::find_layout(data_), settings).ok());
    up();
    EXPECT_NE(settings_of_stack().console_port, settings_of_stack().native_port);
}

TEST_F(StackTest, moves_to_another_port_when_somebody_takes_its_own_at_the_last_moment) {
    uint16_t taken = 0;
    int squatter = -1;
    std::jthread watcher([&](const std::stop_token& stop) {
        while (squatter < 0 && !stop.stop_requested()) {
            auto layout = stack::find_layout(data_);
            auto settings = layout.ok() ? stack::load_settings(*layout) : Error(ErrorCode::kIo, "");
            if (settings.ok() && settings->console_port != 0) {
                taken = static_cast<uint16_t>(settings->console_port);
                squatter = listen_on(taken);
            }
            back_off(std::chrono::milliseconds(1));
        }
    });
    up();
    watcher.request_stop();
    watcher.join();
    ASSERT_GE(squatter, 0) << "the daemon was faster";
    EXPECT_NE(settings_of_stack().console_port, taken);
    close(squatter);
}

TEST_F(StackTest, says_what_to_change_on_a_source_without_logical_wal) {
    auto source = TestPostgres::start({.settings = {{"wal_level", "replica"}}});
    ASSERT_TRUE(source.ok()) << source.error().to_string();
    for (const char* command : {"doctor", "up"}) {
        auto output = run({command}, {{"TANDEM_POSTGRES", (*source)->conninfo()}});
        ASSERT_FALSE(output.ok());
        const std::string& message = output.error().message();
        EXPECT_NE(message.find("wal_level: replica"), std::string::npos) << message;
        EXPECT_NE(message.find("ALTER SYSTEM SET wal_level = 'logical'"), std::string::npos);
        EXPECT_EQ(message.find((*source)->password()), std::string::npos);
    }
}

TEST_F(StackTest, attaches_to_servers_that_are_there) {
    auto source = TestPostgres::start();
    ASSERT_TRUE(source.ok()) << source.error().to_string();
    auto target = TestClickHouse::start();
    ASSERT_TRUE(target.ok()) << target.error().to_string();
    std::string url = "clickhouse://tandem@127.0.0.1:" + std::to_string((*target)->native_port()) +
                      "/?http_port=" + std::to_string((*target)->http_port());
    auto output = run({"up"}, {{"TANDEM_POSTGRES", (*source)->conninfo()},
                               {"TANDEM_CLICKHOUSE", url},
                               {"TANDEM_CLICKHOUSE_PASSWORD", (*target)->password()}});
    ASSERT_TRUE(output.ok()) << output.error().to_string();
    EXPECT_EQ(output->find((*source)->password()), std::string::npos);
    EXPECT_EQ(pid_of("postgres"), -1);
    EXPECT_EQ(pid_of("clickhouse"), -1);
    EXPECT_GT(pid_of("daemon"), 0);
    EXPECT_EQ(ask("SELECT current_setting('port')"), std::to_string((*source)->port()));
    ASSERT_TRUE(run({"down"}).ok());
    // The servers are not ours to stop.
    EXPECT_TRUE(stack::port_answers((*source)->port()));
    EXPECT_TRUE(stack::port_answers((*target)->native_port()));
}

TEST_F(StackTest, mirrors_the_tables_of_pgbench_while_it_runs) {
    auto source = TestPostgres::start();
    ASSERT_TRUE(source.ok()) << source.error().to_string();
    stack::SpawnOptions pgbench{
        .arguments = {(*source)->bin_directory() + "/pgbench", "-i", "-q", "-s", "3"},
        .environment = {{"PGHOST", "127.0.0.1"},
                        {"PGPORT", std::to_string((*source)->port())},
                        {"PGUSER", "postgres"},
                        {"PGDATABASE", "postgres"},
                        {"PGPASSWORD", (*source)->password()}}};
    auto filled = run_program(pgbench, kPatience);
    ASSERT_TRUE(filled.ok()) << filled.error().to_string();
    // What orders a table in ClickHouse may not be NULL.
    auto connection = postgres::Connection::open({.conninfo = (*source)->conninfo()});
    ASSERT_TRUE(connection.ok()) << connection.error().to_string();
    auto altered =
        connection->execute("ALTER TABLE public.pgbench_accounts ALTER bid SET NOT NULL");
    ASSERT_TRUE(altered.ok()) << altered.error().to_string();
    pgbench.arguments = {pgbench.arguments[0], "-n", "-c", "4", "-T", "8"};
    auto writers = stack::spawn(pgbench);
    ASSERT_TRUE(writers.ok()) << writers.error().to_string();
    auto attached = run({"up"}, {{"TANDEM_POSTGRES", (*source)->conninfo()}});
    ASSERT_TRUE(attached.ok()) << attached.error().to_string();
    // pgbench_history has no primary key; a wildcard leaves it out and says so.
    auto created =
        run({"mirror", "create", "bench", "--table", "public.pgbench_*", "--order-by",
             "public.pgbench_accounts=bid,aid", "--partition-by", "public.pgbench_accounts=bid",
             "--codec", "public.pgbench_accounts.filler=ZSTD(3)"});
    ASSERT_TRUE(created.ok()) << created.error().to_string();
    EXPECT_NE(created->find("public.pgbench_history is left out: it has no primary key"),
              std::string::npos)
        << *created;
    auto ended = stack::wait_for_exit(*writers, std::chrono::steady_clock::now() + kPatience);
    ASSERT_TRUE(ended);
    EXPECT_EQ(*ended, 0);
    EXPECT_EQ(clickhouse("SELECT sorting_key, partition_key, position(create_table_query, "
                         "'CODEC(ZSTD(3))') > 0 FROM system.tables "
                         "WHERE database = 'tandem_rows' AND name = 'pgbench_accounts'"),
              "bid, aid\tbid\t1");
    auto verified = run({"verify", "bench", "--json"});
    EXPECT_TRUE(verified.ok()) << verified.error().to_string();
    for (const char* command : {"status", "verify"}) {
        auto named = run({command, "--json", "--postgres", (*source)->conninfo()});
        ASSERT_TRUE(named.ok()) << named.error().to_string();
        EXPECT_NE(named->find("pgbench_accounts"), std::string::npos) << *named;
    }
    auto removed = run({"mirror", "remove", "bench", "--table", "public.pgbench_tellers"});
    ASSERT_TRUE(removed.ok()) << removed.error().to_string();
    auto shown = run({"mirror", "show", "bench"});
    ASSERT_TRUE(shown.ok()) << shown.error().to_string();
    EXPECT_EQ(shown->find("pgbench_tellers"), std::string::npos) << *shown;
    auto added = run({"mirror", "add", "bench", "--table", "public.*"});
    ASSERT_TRUE(added.ok()) << added.error().to_string();
    EXPECT_NE(added->find("public.pgbench_accounts is left out: it is in mirror \"bench\" already"),
              std::string::npos)
        << *added;
    verified = run({"verify", "bench", "--json"});
    EXPECT_TRUE(verified.ok()) << verified.error().to_string();
}

TEST_F(StackTest, routes_a_statement_that_was_prepared_before_its_table_was_mirrored) {
    up();
    auto session = postgres::Connection::open(
        {.conninfo = status()["endpoints"]["postgres"], .pinned_search_path = false});
    ASSERT_TRUE(session.ok()) << session.error().to_string();
    auto prepared = session->execute(
        "CREATE TABLE early (id bigint PRIMARY KEY); INSERT INTO early SELECT generate_series(1, "
        "99);"
        "SET tandem.route_cost_threshold = 0; PREPARE counted AS SELECT count(*) FROM early");
    ASSERT_TRUE(prepared.ok()) << prepared.error().to_string();
    auto plan = [&session] {
        auto rows = session->query("EXPLAIN (COSTS OFF) EXECUTE counted");
        return rows.ok() ? rows->text(0, 0) : rows.error().to_string();
    };
    EXPECT_EQ(plan(), "Aggregate");
    auto created = run({"mirror", "create", "m", "--table", "public.early"});
    ASSERT_TRUE(created.ok()) << created.error().to_string();
    EXPECT_EQ(plan(), "Custom Scan (Tandem)");
    auto answer = session->query("EXECUTE counted");
    ASSERT_TRUE(answer.ok()) << answer.error().to_string();
    EXPECT_EQ(answer->text(0, 0), "99");
}

// Every file below a directory that others may read, or that is a log.
std::vector<std::string> public_texts(const std::string& home) {
    std::vector<std::string> texts;
    for (const auto& entry : fs::recursive_directory_iterator(home)) {
        if (!entry.is_regular_file()) continue;
        std::string path = entry.path().string();
        struct stat info = {};
        if (stat(path.c_str(), &info) != 0) continue;
        bool readable_by_others = (info.st_mode & 0077) != 0;
        if (!readable_by_others && !path.ends_with(".log")) continue;
        auto text = stack::read_file(path, 64 << 20);
        if (text.ok()) texts.push_back(path + ": " + *text);
    }
    return texts;
}

std::vector<std::string> command_lines() {
    std::vector<std::string> lines;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        auto text = stack::read_file(entry.path().string() + "/cmdline");
        if (text.ok()) lines.push_back(*text);
    }
    return lines;
}

TEST_F(StackTest, shows_no_secret_on_a_command_line_in_a_log_or_to_others) {
    auto printed = run({"up"});
    ASSERT_TRUE(printed.ok()) << printed.error().to_string();
    auto shown = run({"status", "--json"});
    ASSERT_TRUE(shown.ok());
    stack::Settings settings = settings_of_stack();
    std::vector<std::string> texts = command_lines();
    for (std::string& text : public_texts(data_)) texts.push_back(std::move(text));
    texts.push_back(*printed);
    texts.push_back(*shown);
    for (const std::string& secret : {settings.postgres_password, settings.clickhouse_password}) {
        ASSERT_GE(secret.size(), 32u);
        for (const std::string& text : texts)
            EXPECT_EQ(text.find(secret), std::string::npos) << text.substr(0, 200);
    }
}

TEST_F(StackTest, runs_no_server_and_no_daemon_as_root) {
    up();
    for (const char* name : {"postgres", "clickhouse", "daemon"}) {
        struct stat info = {};
        ASSERT_EQ(stat(("/proc/" + std::to_string(pid_of(name))).c_str(), &info), 0) << name;
        EXPECT_NE(info.st_uid, 0u) << name;
    }
}

TEST_F(StackTest, works_in_a_directory_that_the_servers_may_not_enter) {
    if (geteuid() != 0) return;  // Servers then run as the user who owns the directory.
    std::string closed = directory_->path() + "/closed";
    ASSERT_TRUE(stack::make_directory(closed, 0700).ok());
    data_ = closed + "/data";
    up();
    put_data();
    ASSERT_TRUE(fs::is_symlink(data_));
    ASSERT_TRUE(run({"down"}).ok());
    up();
    expect_data();
    ASSERT_TRUE(run({"down"}).ok());
    fs::remove_all(fs::canonical(data_));
    fs::remove(data_);
}

TEST_F(StackTest, serves_health_metrics_and_status_on_the_console) {
    up();
    std::string console = status()["endpoints"]["console"];
    for (const char* path : {"/healthz", "/metrics", "/api/status", "/"}) {
        auto page = run_program({.arguments = {"/usr/bin/curl", "-sf", console + path}},
                                std::chrono::seconds(30));
        EXPECT_TRUE(page.ok()) << path;
    }
}

// What metrics.def promises is served, and what must have happened by now is above 0.
void StackTest::expect_metrics() {
    std::string console = status()["endpoints"]["console"];
    auto page = run_program({.arguments = {"/usr/bin/curl", "-sf", console + "/metrics"}},
                            std::chrono::seconds(30));
    ASSERT_TRUE(page.ok()) << page.error().to_string();
    const char* served[] = {
#define TANDEM_COUNTER(member, name, help) name,
#define TANDEM_GAUGE(member, name, help) name,
#define TANDEM_HISTOGRAM(member, buckets, name, help) name "_bucket",
#define TANDEM_STATUS(...)
#include "metrics/metrics.def"
#undef TANDEM_COUNTER
#undef TANDEM_GAUGE
#undef TANDEM_HISTOGRAM
#undef TANDEM_STATUS
        "tandem_mirror_tables_live", "tandem_mirror_lag_bytes", "tandem_table_live"};
    for (const char* name : served)
        EXPECT_NE(page->find("\n" + std::string(name) + "{mirror=\"demo\""), std::string::npos)
            << name;
    for (const char* counted :
         {"tandem_stream_bytes_total", "tandem_stream_changes_total", "tandem_batches_total",
          "tandem_inserts_total", "tandem_snapshot_rows_total",
          "tandem_commit_visible_seconds_count", "tandem_mirror_slot_active"})
        EXPECT_EQ(page->find("\n" + std::string(counted) + "{mirror=\"demo\"} 0\n"),
                  std::string::npos)
            << counted;
    EXPECT_NE(page->find("tandem_route_queries_total{reason=\"routed\"}"), std::string::npos);
}

// Needs the extension where Postgres looks for it: `make install`, which `make test` runs first.
TEST_F(StackTest, answers_the_demo_query_identically_both_ways_while_writers_run) {
    auto output = run({"demo", "--json", "--events", "1000000"});
    ASSERT_TRUE(output.ok()) << output.error().to_string();
    json report = json::parse(output->substr(output->find("\n{")), nullptr, false);
    ASSERT_TRUE(report.is_object()) << *output;
    EXPECT_EQ(report["identical"], true);
    EXPECT_EQ(report["rows_compared"], 100);
    EXPECT_GE(report["rows_mirrored"], 1'000'000);
    EXPECT_GT(report["snapshot_rows_per_second"], 0.0);
    EXPECT_LT(report["lag_ms"], 10'000.0);
    EXPECT_NE(report["remote_sql"].get<std::string>().find("GROUP BY"), std::string::npos);
    EXPECT_GT(pid_of("writer"), 0);
    expect_metrics();
    auto verified = run({"verify"});
    EXPECT_TRUE(verified.ok()) << verified.error().to_string();
    auto again = run({"demo", "--json", "--events", "1000000"});
    EXPECT_TRUE(again.ok()) << again.error().to_string();
    EXPECT_EQ(report["queries"].size(), 4u);
    // A catalog of later programs: command and library say so, and misread nothing.
    const std::string routed =
        "SELECT routed FROM tandem.explain_route('SELECT max(ts) FROM events')";
    EXPECT_EQ(ask(routed), "t");
    EXPECT_EQ(ask("UPDATE tandem.catalog_version SET migration = migration + 1000"), "");
    EXPECT_EQ(ask(routed), "f");
    auto refused = run({"mirror", "list"});
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message().find("upgrade this program"), std::string::npos);
}

}  // namespace
}  // namespace tandem::test
