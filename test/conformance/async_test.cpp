// The non-blocking connection against the real server, driven by poll(2) as a backend drives it by
// its latch.
#include <gtest/gtest.h>
#include <poll.h>

#include <string>

#include "clickhouse/client/async.h"
#include "conformance/proxy.h"
#include "support/servers.h"

namespace tandem::clickhouse {
namespace {

using std::chrono::milliseconds;
using test_support::Proxy;
using test_support::TestClickHouse;

TestClickHouse& server() {
    static std::unique_ptr<TestClickHouse> started = [] {
        auto result = TestClickHouse::start();
        if (!result.ok()) ADD_FAILURE() << result.error().to_string();
        return result.ok() ? std::move(result).value() : nullptr;
    }();
    return *started;
}

Endpoint endpoint() {
    return {.host = server().host(),
            .port = server().native_port(),
            .user = server().user(),
            .password = server().password()};
}

std::unique_ptr<AsyncConnection> open(const Endpoint& to, const ClientOptions& options = {}) {
    auto connection = AsyncConnection::open(to, options);
    EXPECT_TRUE(connection.ok()) << connection.error().to_string();
    return std::move(connection).value();
}

struct Outcome {
    Step last = Step::kError;
    size_t rows = 0;
    size_t blocks = 0;
    size_t waits = 0;
};

// Steps until the end; calls `on_block` after each block.
template <typename OnBlock>
Outcome run(AsyncConnection& connection, OnBlock on_block) {
    Outcome outcome;
    for (;;) {
        const Step step = connection.step();
        switch (step) {
            case Step::kBlock:
                outcome.rows += connection.take_block().rows();
                ++outcome.blocks;
                on_block();
                break;
            case Step::kWantRead:
            case Step::kWantWrite: {
                ++outcome.waits;
                const short events = step == Step::kWantRead ? POLLIN : (POLLIN | POLLOUT);
                pollfd polled = {connection.fd(), events, 0};
                ::poll(&polled, 1, connection.deadline().poll_timeout_ms());
                break;
            }
            case Step::kDone:
            case Step::kError:
                outcome.last = step;
                return outcome;
        }
    }
}

Outcome run(AsyncConnection& connection) {
    return run(connection, [] {});
}

TEST(async_connection, runs_a_query_from_the_connect_to_the_end) {
    const auto connection = open(endpoint());
    ASSERT_TRUE(connection->start({.sql = "SELECT number FROM numbers(1000000)"}).ok());
    const Outcome outcome = run(*connection);
    ASSERT_EQ(outcome.last, Step::kDone);
    EXPECT_EQ(outcome.rows, 1000000u);
    EXPECT_GT(outcome.waits, 0u);
    EXPECT_TRUE(connection->idle());
    EXPECT_EQ(connection->server().name, "ClickHouse");
    EXPECT_EQ(connection->progress().rows_read, 1000000u);
}

TEST(async_connection, serves_query_after_query) {
    const auto connection = open(endpoint());
    for (size_t i = 1; i <= 20; ++i) {
        ASSERT_TRUE(
            connection->start({.sql = "SELECT number FROM numbers(" + std::to_string(i) + ")"})
                .ok());
        const Outcome outcome = run(*connection);
        ASSERT_EQ(outcome.last, Step::kDone);
        EXPECT_EQ(outcome.rows, i);
    }
}

TEST(async_connection, gives_the_header_even_without_rows) {
    const auto connection = open(endpoint());
    ASSERT_TRUE(connection->start({.sql = "SELECT 1 AS a, 'x' AS b WHERE 0"}).ok());
    EXPECT_EQ(run(*connection).last, Step::kDone);
    ASSERT_EQ(connection->header().columns.size(), 2u);
    EXPECT_EQ(connection->header().columns[0].name, "a");
    EXPECT_EQ(connection->header().columns[1].column.type->name, "String");
}

TEST(async_connection, reports_a_refused_login) {
    Endpoint wrong = endpoint();
    wrong.password += "x";
    const auto connection = open(wrong);
    ASSERT_TRUE(connection->start({.sql = "SELECT 1"}).ok());
    EXPECT_EQ(run(*connection).last, Step::kError);
    EXPECT_EQ(connection->error().code(), ErrorCode::kAuthenticationFailed);
    EXPECT_TRUE(connection->broken());
}

TEST(async_connection, reports_an_exception_in_the_middle_and_stays_usable) {
    const auto connection = open(endpoint());
    ASSERT_TRUE(connection
                    ->start({.sql = "SELECT throwIf(number = 300000) FROM numbers(1000000)",
                             .settings = {{"max_block_size", "1000"}}})
                    .ok());
    EXPECT_EQ(run(*connection).last, Step::kError);
    EXPECT_EQ(connection->error().foreign_code(), 395);
    ASSERT_TRUE(connection->idle());
    ASSERT_TRUE(connection->start({.sql = "SELECT 1"}).ok());
    EXPECT_EQ(run(*connection).rows, 1u);
}

TEST(async_connection, cancels_a_query_and_stays_usable) {
    const auto connection = open(endpoint());
    ASSERT_TRUE(connection->start({.sql = "SELECT number FROM system.numbers"}).ok());
    const Outcome outcome = run(*connection, [&] { connection->cancel(); });
    EXPECT_EQ(outcome.last, Step::kError);
    EXPECT_EQ(connection->error().code(), ErrorCode::kCancelled);
    ASSERT_TRUE(connection->idle());
    ASSERT_TRUE(connection->start({.sql = "SELECT 1"}).ok());
    EXPECT_EQ(run(*connection).rows, 1u);
}

TEST(async_connection, holds_one_block_however_slow_the_reader_is) {
    const auto connection = open(endpoint());
    ASSERT_TRUE(connection->start({.sql = "SELECT number FROM system.numbers"}).ok());
    size_t blocks = 0;
    const Outcome outcome = run(*connection, [&] {
        if (++blocks == 200) connection->cancel();
    });
    EXPECT_EQ(outcome.last, Step::kError);
    EXPECT_GE(outcome.blocks, 200u);
}

TEST(async_connection, keeps_the_deadline_of_the_query) {
    const auto connection = open(endpoint());
    ASSERT_TRUE(connection->start({.sql = "SELECT sleep(3)", .timeout = milliseconds(300)}).ok());
    EXPECT_EQ(run(*connection).last, Step::kError);
    EXPECT_EQ(connection->error().code(), ErrorCode::kTimeout);
    EXPECT_TRUE(connection->broken());
}

TEST(async_connection, notices_that_the_idle_connection_was_closed) {
    Proxy proxy({.target_port = server().native_port()});
    Endpoint to = endpoint();
    to.port = proxy.port();
    const auto connection = open(to);
    ASSERT_TRUE(connection->start({.sql = "SELECT 1"}).ok());
    ASSERT_EQ(run(*connection).last, Step::kDone);
    proxy.cut_all();
    pollfd polled = {connection->fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&polled, 1, 5000), 1);
    const Status started = connection->start({.sql = "SELECT 1"});
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code(), ErrorCode::kConnectionLost);
    EXPECT_TRUE(connection->broken());
}

TEST(async_connection, reports_a_cut_in_the_middle) {
    Proxy proxy({.target_port = server().native_port(), .cut_after_answer_bytes = 50000});
    Endpoint to = endpoint();
    to.port = proxy.port();
    const auto connection = open(to);
    ASSERT_TRUE(connection->start({.sql = "SELECT number FROM system.numbers"}).ok());
    EXPECT_EQ(run(*connection).last, Step::kError);
    EXPECT_EQ(connection->error().code(), ErrorCode::kConnectionLost);
}

TEST(async_connection, speaks_tls) {
    Proxy proxy({.target_port = server().native_port(), .tls = true});
    Endpoint to = endpoint();
    to.port = proxy.port();
    to.secure = true;
    to.tls = {.ca_file = proxy.certificate_file(), .server_name = "localhost"};
    const auto connection = open(to);
    ASSERT_TRUE(connection->start({.sql = "SELECT number FROM numbers(300000)"}).ok());
    const Outcome outcome = run(*connection);
    EXPECT_EQ(outcome.last, Step::kDone);
    EXPECT_EQ(outcome.rows, 300000u);
}

TEST(async_connection, sends_large_external_tables_while_reading) {
    const auto connection = open(endpoint());
    types::Block block;
    block.columns.push_back({ "id", types::Column(MUST(types::parse_clickhouse_type("UInt64"))) });
    for (uint64_t i = 0; i < 3000000; ++i) block.columns[0].column.append_fixed(i * 2654435761);
    Query query{.sql = "SELECT id FROM ext"};
    query.external_tables.push_back({"ext", std::move(block)});
    ASSERT_TRUE(connection->start(query).ok());
    EXPECT_EQ(run(*connection).rows, 3000000u);
}

}  // namespace
}  // namespace tandem::clickhouse
