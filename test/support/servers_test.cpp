#include "support/servers.h"

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/back_off.h"
#include "stack/machine/files.h"
#include "stack/machine/process.h"

namespace tandem::test_support {
namespace {

using stack::port_answers;

std::string ask(const TestPostgres& server, const std::string& sql) {
    PGconn* connection = PQconnectdb(server.conninfo().c_str());
    PGresult* result = PQexec(connection, sql.c_str());
    std::string answer = PQresultStatus(result) == PGRES_TUPLES_OK ? PQgetvalue(result, 0, 0)
                                                                   : PQerrorMessage(connection);
    PQclear(result);
    PQfinish(connection);
    return answer;
}

// The HTTP status of a query.
std::string http_answer(uint16_t port, const std::string& user, const std::string& password,
                        const std::string& query = "SELECT%201") {
    stack::SpawnOptions curl{
        .arguments = {"/usr/bin/curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H",
                      "X-ClickHouse-User: " + user, "-H", "X-ClickHouse-Key: " + password, "-X",
                      "POST", "-d", "",
                      "http://127.0.0.1:" + std::to_string(port) + "/?query=" + query}};
    Result<std::string> answer = stack::run_program(curl, std::chrono::seconds(20));
    return answer.ok() ? *answer : answer.error().to_string();
}

uid_t owner_of(pid_t pid) {
    struct stat info = {};
    stat(("/proc/" + std::to_string(pid)).c_str(), &info);
    return info.st_uid;
}

TEST(test_postgres, keeps_its_data_and_its_port_over_a_kill) {
    auto started = TestPostgres::start({.durable = true});
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    TestPostgres& server = **started;
    EXPECT_EQ(ask(server, "SHOW wal_level"), "logical");
    ask(server, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n");
    uint16_t port = server.port();
    server.kill_hard();
    EXPECT_FALSE(port_answers(port));
    Status again = server.start_again();
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    EXPECT_EQ(server.port(), port);
    EXPECT_EQ(ask(server, "SELECT count(*) FROM t"), "1000");
}

TEST(test_postgres, takes_settings_with_a_restart) {
    auto started = TestPostgres::start();
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    TestPostgres& server = **started;
    server.stop();
    Status again = server.start_again({{"wal_level", "replica"}});
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    EXPECT_EQ(ask(server, "SHOW wal_level"), "replica");
}

TEST(test_clickhouse, serves_on_the_same_ports_after_a_kill) {
    auto started = TestClickHouse::start();
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    TestClickHouse& server = **started;
    uint16_t native = server.native_port();
    uint16_t http = server.http_port();
    EXPECT_TRUE(port_answers(native));
    EXPECT_TRUE(port_answers(http));
    EXPECT_EQ(http_answer(http, "tandem", server.password()), "200");
    EXPECT_NE(http_answer(http, "tandem", "wrong"), "200");
    // The engine's own prompt needs this user; it must not be able to read or change anything.
    EXPECT_NE(http_answer(http, "default", "", "SELECT%20*%20FROM%20system.users"), "200");
    EXPECT_NE(http_answer(http, "default", "", "CREATE%20DATABASE%20d"), "200");
    EXPECT_NE(http_answer(http, "default", "", "SELECT%20*%20FROM%20system.query_log"), "200");
    EXPECT_NE(http_answer(http, "default", "", "SYSTEM%20SHUTDOWN"), "200");
    server.kill_hard();
    EXPECT_FALSE(port_answers(native));
    Status again = server.start_again();
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    EXPECT_EQ(server.native_port(), native);
    EXPECT_EQ(server.http_port(), http);
    server.stop();
    again = server.start_again();
    ASSERT_TRUE(again.ok()) << again.error().to_string();
}

TEST(test_servers, never_run_as_root) {
    auto postgres = TestPostgres::start();
    ASSERT_TRUE(postgres.ok()) << postgres.error().to_string();
    auto clickhouse = TestClickHouse::start();
    ASSERT_TRUE(clickhouse.ok()) << clickhouse.error().to_string();
    EXPECT_NE(owner_of((*postgres)->pid()), 0u);
    EXPECT_NE(owner_of((*clickhouse)->pid()), 0u);
}

TEST(test_servers, leave_nothing_behind_when_the_test_is_killed) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        auto postgres = TestPostgres::start();
        std::string line =
            postgres.ok() ? (*postgres)->data_directory() + " " + std::to_string((*postgres)->pid())
                          : "failed";
        ssize_t ignored = write(ends[1], line.data(), line.size());
        static_cast<void>(ignored);
        raise(SIGKILL);
    }
    close(ends[1]);
    char text[512] = {};
    ASSERT_GT(read(ends[0], text, sizeof text - 1), 0);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    std::string line = text;
    size_t space = line.find(' ');
    ASSERT_NE(space, std::string::npos) << line;
    pid_t server = std::stoi(line.substr(space + 1));
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
    auto remains = [&] {
        return std::filesystem::exists(line.substr(0, space)) || stack::identify(server);
    };
    while (remains() && std::chrono::steady_clock::now() < deadline)
        back_off(std::chrono::milliseconds(20));
    EXPECT_FALSE(remains());
}

}  // namespace
}  // namespace tandem::test_support
