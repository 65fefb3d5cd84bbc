// A running mirror between private real servers: Postgres, ClickHouse and a reconciler in this
// process. For integration tests; see test/support/servers.h for the servers.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "clickhouse/client/client.h"
#include "control/reconciler.h"
#include "postgres/client/connection.h"
#include "support/servers.h"

namespace tandem::test {

class MirrorFixture : public ::testing::Test {
  protected:
    // The servers are shared by the tests of one suite; every test has its own database.
    static void SetUpTestSuite();
    static void TearDownTestSuite();
    void SetUp() override;
    void TearDown() override;

    // Runs SQL in the source; the test fails when it fails.
    void sql(const std::string& statement);
    std::string value(const std::string& query);
    // First column of the first row in ClickHouse, as text.
    std::string ch_value(const std::string& query);
    void ch(const std::string& statement);

    // create_mirror and wait until every table is live.
    void mirror(const std::string& name, const std::string& tables);
    // Waits until ClickHouse has everything committed so far.
    void wait(const std::string& name);

    // Waits, then compares every table of the mirror, row by row and value by value.
    void expect_equal(const std::string& name);
    // Asks until the answer is `expected`; false after 20 seconds.
    bool eventually(const std::string& query, const std::string& expected);

    void restart_daemon();
    void start_daemon();
    void stop_daemon();

    postgres::Connection& source() { return *source_; }
    clickhouse::Client& target() { return *target_; }
    std::string conninfo() const;
    control::ReconcilerOptions options() const;

    static std::unique_ptr<test_support::TestPostgres> postgres_;
    static std::unique_ptr<test_support::TestClickHouse> clickhouse_;
    std::string database_;
    control::Limits limits_;

  private:
    std::optional<postgres::Connection> source_;
    std::unique_ptr<clickhouse::Client> target_;
    std::jthread daemon_;
};

}  // namespace tandem::test
