// Servers that are away, hang, die on the way, or are several.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "integration/fdw/fdw_fixture.h"

namespace tandem::fdw_test {

namespace {

class FdwFaults : public FdwTest {
  protected:
    void SetUp() override {
        FdwTest::SetUp();
        if (HasFatalFailure()) return;
        run("CREATE TABLE near AS SELECT 1 AS one");
        run_clickhouse("CREATE TABLE shop.log (id Int64) ENGINE = MergeTree ORDER BY id");
        run("CREATE FOREIGN TABLE far.log (id bigint) SERVER far_away");
    }

    // Does something while the session waits for ClickHouse.
    template <typename What>
    std::thread when_it_waits(What what) {
        std::string pid = ask("SELECT pg_backend_pid()");
        return std::thread([this, pid, what] {
            auto other = connect();
            for (;;) {
                auto waits =
                    other->query("SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid +
                                 " AND wait_event_type = 'Extension' AND state = 'active'");
                if (waits.ok() && waits->text(0, 0) == "1") break;
            }
            what(*other, pid);
        });
    }

    // A port that takes connections and never says a word.
    static int silent_port(int* listener) {
        *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(bind(*listener, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(listen(*listener, 16), 0);
        getsockname(*listener, reinterpret_cast<sockaddr*>(&address), &size);
        return ntohs(address.sin_port);
    }
};

// Nothing waits for a server that says nothing: not a cancelled or late statement, nor what others
// do of the kind that wants all sessions to answer.
TEST_F(FdwFaults, ends_at_once_while_the_server_hangs) {
    same("SELECT count(*) FROM items");
    clickhouse_->hang();
    auto cancel = [](postgres::Connection& other, const std::string& pid) {
        for (const std::string& sql :
             {std::string("CREATE DATABASE passing"), std::string("DROP DATABASE passing"),
              "SELECT pg_cancel_backend(" + pid + ")"})
            EXPECT_TRUE(other.query(sql).ok()) << sql;
    };
    for (const char* sql :
         {"SELECT count(*) FROM far.items",
          "SELECT i.id FROM near n JOIN far.items i ON i.id = n.one",
          "INSERT INTO far.log SELECT 1", "SELECT tandem.execute('far_away', 'SELECT 1')"}) {
        std::thread other = when_it_waits(cancel);
        EXPECT_TRUE(ask(sql).starts_with("ERROR 57014")) << sql;
        other.join();
    }
    run("SET statement_timeout = 300");
    EXPECT_TRUE(ask("SELECT count(*) FROM far.items, near").starts_with("ERROR 57014"));
    run("RESET statement_timeout");
    EXPECT_NE(far_plan("SELECT count(*) FROM items, near"), "");
    // A fast shutdown.
    std::thread other =
        when_it_waits([this](postgres::Connection&, const std::string&) { postgres_->stop(); });
    EXPECT_TRUE(ask("SELECT count(*) FROM far.items").starts_with("ERROR"));
    other.join();
    clickhouse_->wake_up();
}

TEST_F(FdwFaults, says_so_when_the_server_dies_on_the_way) {
    run("CREATE FOREIGN TABLE far.slow (n bigint) SERVER far_away OPTIONS (query 'SELECT number + "
        "sleepEachRow(0.01) AS n FROM numbers(100000)', settings 'max_block_size = 10')");
    run_clickhouse(
        "CREATE TABLE shop.slow_log (id Int64, s UInt8 DEFAULT sleepEachRow(0.00002)) ENGINE = "
        "MergeTree ORDER BY id");
    run("CREATE FOREIGN TABLE far.slow_log (id bigint) SERVER far_away");
    const char* statements[] = {
        "SELECT max(n) FROM far.slow", "SELECT max(n) FROM far.slow, near",
        "INSERT INTO far.slow_log SELECT i FROM generate_series(1, 100000000) i"};
    std::string pids;
    std::vector<std::thread> sessions;
    std::string answers[3];
    for (int i = 0; i < 3; ++i) {
        auto session = std::shared_ptr<postgres::Connection>(connect());
        auto pid = session->query("SELECT pg_backend_pid()");
        ASSERT_TRUE(pid.ok());
        pids += (i == 0 ? "" : ",") + std::string(pid->text(0, 0));
        sessions.emplace_back([session, sql = statements[i], &got = answers[i]] {
            auto status = session->execute(sql);
            got = status.ok() ? "done" : status.error().to_string();
        });
    }
    while (ask("SELECT count(*) FROM pg_stat_activity WHERE pid IN (" + pids +
               ") AND wait_event_type = 'Extension' AND state = 'active'") != "3") {
    }
    clickhouse_->kill_hard();
    for (std::thread& session : sessions) session.join();
    for (const std::string& got : answers)
        EXPECT_NE(got.find("[connection_lost]"), std::string::npos) << got;
    std::string got = ask("INSERT INTO far.log VALUES (1)");
    EXPECT_TRUE(got.starts_with("ERROR 08006")) << got;
    ASSERT_TRUE(clickhouse_->start_again().ok());
    EXPECT_EQ(ask("SELECT count(*) FROM far.dims"), "10");
}

TEST_F(FdwFaults, goes_on_at_another_host) {
    int listener;
    std::string silent = std::to_string(silent_port(&listener));
    std::string good = "127.0.0.1:" + std::to_string(clickhouse_->native_port());
    auto ask_at = [&](const std::string& hosts, const std::string& sql) {
        run("ALTER SERVER far_away OPTIONS (SET host '" + hosts + "')");
        return ask(sql);
    };
    run("ALTER SERVER far_away OPTIONS (ADD connect_timeout '300', DROP port)");
    EXPECT_EQ(ask_at("127.0.0.1:1, " + good, "SELECT count(*) FROM far.dims"), "10");
    EXPECT_EQ(
        ask_at("127.0.0.1:1,no-such-host.invalid," + good, "SELECT count(*) FROM far.dims, near"),
        "10");
    EXPECT_EQ(ask_at(good + ",127.0.0.1:1", "INSERT INTO far.log VALUES (1)"), "");
    EXPECT_EQ(ask_at("127.0.0.1:1 ," + good, "INSERT INTO far.log VALUES (2)"), "");
    std::string up =
        ask_at("127.0.0.1:" + silent + "," + good, "SELECT count(*) FROM far.log, near");
    EXPECT_EQ(up, "2");
    // All of them are away.
    std::string got =
        ask_at("127.0.0.1:" + silent + ",127.0.0.1:1", "SELECT count(*) FROM far.dims");
    EXPECT_TRUE(got.starts_with("ERROR 08006")) << got;
    // A wrong password is one everywhere.
    run("ALTER USER MAPPING FOR CURRENT_USER SERVER far_away OPTIONS (SET password 'wrong')");
    got = ask_at("127.0.0.1:1," + good + "," + good, "SELECT count(*) FROM far.dims");
    EXPECT_TRUE(got.starts_with("ERROR 28000")) << got;
    close(listener);
}

TEST_F(FdwFaults, reads_a_password_from_a_file) {
    std::string file = ask("SHOW data_directory") + "/password";
    std::ofstream(file) << clickhouse_->password() << "\nnot this\n";
    run("ALTER USER MAPPING FOR CURRENT_USER SERVER far_away OPTIONS (DROP password, ADD "
        "password_file '" +
        file + "')");
    EXPECT_EQ(ask("SELECT count(*) FROM far.dims"), "10");
    std::ofstream(file) << "wrong\n";
    EXPECT_TRUE(ask("SELECT count(*) FROM far.dims").starts_with("ERROR 28000"));
    unlink(file.c_str());
    EXPECT_TRUE(ask("SELECT count(*) FROM far.dims").starts_with("ERROR 58P01"));
}

// A connection that fails is closed, or used again: none is left behind. Ten times as many in the
// long run.
TEST_F(FdwFaults, leaks_nothing_over_many_errors) {
    make_server("locked", "wrong");
    run("CREATE FOREIGN TABLE far.locked (k int) SERVER locked OPTIONS (\"table\" 'dims')");
    run("CREATE FOREIGN TABLE far.missing (k int) SERVER far_away");
    const char* statements[] = {
        "SELECT count(*) FROM far.missing", "SELECT count(*) FROM far.locked, near",
        "INSERT INTO far.log VALUES (NULL)", "SELECT 1 / (id - 5) FROM far.items WHERE id = 5"};
    auto fail = [&](int times) {
        for (int i = 0; i < times; ++i)
            for (const char* sql : statements) EXPECT_TRUE(ask(sql).starts_with("ERROR")) << sql;
    };
    auto files = [&] {
        return std::atoi(
            ask("SELECT count(*) FROM pg_ls_dir('/proc/' || pg_backend_pid() || '/fd')").c_str());
    };
    auto kilobytes = [&] {
        return std::atoi(ask("SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || "
                             "'/status') FROM 'VmRSS:\\s+(\\d+)')")
                             .c_str());
    };
    auto connections = [&] {
        return std::atoi(ask("SELECT n FROM tandem.query('far_away', 'SELECT value AS n FROM "
                             "system.metrics WHERE metric = ''TCPConnection''') AS q (n bigint)")
                             .c_str());
    };
    fail(50);
    int files_before = files();
    int kilobytes_before = kilobytes();
    int connections_before = connections();
    fail(std::getenv("TANDEM_BUDGET_SECONDS") != nullptr ? 2500 : 200);
    EXPECT_LE(files(), files_before + 2);
    EXPECT_LE(kilobytes(), kilobytes_before + 4096);
    EXPECT_LE(connections(), connections_before + 2);
}

}  // namespace

}  // namespace tandem::fdw_test
