// A private Postgres that sends telemetry to a private ClickHouse, and what tests ask of both.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "clickhouse/client/client.h"
#include "postgres/client/connection.h"
#include "support/with_extension.h"

namespace tandem::telemetry_test {

// Servers are started once for all tests of a suite; each test looks for its own statements.
class TelemetryTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite();
    static void TearDownTestSuite();
    void SetUp() override { ASSERT_NE(observer, nullptr) << "the servers did not start"; }

    static std::unique_ptr<postgres::Connection> connect(const std::string& database = "postgres",
                                                         const std::string& application = "test");
    // One statement or several; fails the test on an error.
    static void run(const std::string& sql);
    // The SQLSTATE of a statement that has to fail.
    static std::string failure_of(const std::string& sql);
    // First value as text, asked without telemetry; fails the test on an error.
    static std::string ask(const std::string& sql);
    // Of ClickHouse, at once.
    static std::string stored(const std::string& sql);
    // Of ClickHouse, once nothing is queued.
    static std::string events(const std::string& sql);
    static void wait_until_stored();
    // Waits for a query of ClickHouse, whatever is queued meanwhile.
    static void wait_for_stored(const std::string& sql, const std::string& expected);
    // Waits for a query of Postgres to answer `expected`.
    static void wait_for(const std::string& sql, const std::string& expected);
    // Asks again and again; false when it has not come true in a minute.
    static bool comes_true(const std::function<bool()>& condition);
    // Empty when captured = exported + queued + dropped.
    static std::string imbalance();

    static test_support::BothServers servers;
    static std::unique_ptr<postgres::Connection> connection;
    static std::unique_ptr<postgres::Connection> observer;
    static std::unique_ptr<clickhouse::Client> client;
};

}  // namespace tandem::telemetry_test
