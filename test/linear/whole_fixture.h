// A private Postgres with the extension, a private ClickHouse and a daemon in this process: what an
// application sees of the whole.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "control/reconciler.h"
#include "postgres/client/connection.h"
#include "support/servers.h"

namespace tandem::test {

class WholeFixture : public ::testing::Test {
  protected:
    void SetUp() override;

    void start_daemon();
    void stop_daemon();
    std::unique_ptr<postgres::Connection> connect() const;
    static void must(postgres::Connection& connection, const std::string& sql);
    // How long a random test goes on: TANDEM_BUDGET_SECONDS, or `otherwise`.
    static int budget_seconds(int otherwise);

    std::unique_ptr<test_support::TestDirectory> directory_;
    std::unique_ptr<test_support::TestPostgres> postgres_;
    std::unique_ptr<test_support::TestClickHouse> clickhouse_;
    control::ReconcilerOptions options_;
    std::unique_ptr<postgres::Connection> admin_;
    std::jthread daemon_;
};

}  // namespace tandem::test
