// A private Postgres and connections to it, for the integration tests of src/postgres.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "postgres/client/connection.h"
#include "postgres/client/replication.h"
#include "support/servers.h"

namespace tandem::postgres {

class PostgresTest : public ::testing::Test {
  protected:
    void SetUp() override { start({}); }

    void start(const stack::PostgresSettings& settings) {
        auto server = test_support::TestPostgres::start({.settings = settings});
        ASSERT_TRUE(server.ok()) << server.error().to_string();
        server_ = *std::move(server);
        auto connection = Connection::open(options());
        ASSERT_TRUE(connection.ok()) << connection.error().to_string();
        connection_ = std::make_unique<Connection>(*std::move(connection));
    }

    ConnectOptions options() const {
        return {.conninfo = server_->conninfo(), .pinned_search_path = false};
    }

    void run(std::string_view sql) {
        Status status = connection_->execute(sql);
        ASSERT_TRUE(status.ok()) << status.error().to_string() << "\n" << sql;
    }

    // First value of the result as text.
    std::string ask(std::string_view sql) {
        auto result = connection_->query(sql);
        EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().to_string());
        return result.ok() && result->rows() > 0 ? result->text(0, 0) : "";
    }

    std::unique_ptr<test_support::TestPostgres> server_;
    std::unique_ptr<Connection> connection_;
};

}  // namespace tandem::postgres
