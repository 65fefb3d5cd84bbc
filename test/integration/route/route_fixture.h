// A private Postgres with the extension and a private ClickHouse, with tables held by both sides.
//
// The second copy is filled here, from Postgres' own literals and not through the mirror, so that a
// wrong answer is the router's. The catalog rows are those that the daemon would write.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "clickhouse/client/client.h"
#include "postgres/client/connection.h"
#include "support/with_extension.h"

namespace tandem::route_test {

class RouteTest : public ::testing::Test {
  protected:
    void SetUp() override;

    // One statement or several; fails the test on an error.
    void run(const std::string& sql);
    void run_clickhouse(const std::string& sql);
    // First value as text; "ERROR <sqlstate>: <message>" when the statement fails.
    std::string ask(const std::string& sql);
    // The whole result as text: one line with names and type OIDs, one line per row; or the error.
    std::string answer(const std::string& sql);
    // The lines of EXPLAIN.
    std::string explain(const std::string& sql, const std::string& options = "COSTS OFF");
    std::string reason_for(const std::string& sql);
    // Another session.
    std::unique_ptr<postgres::Connection> connect() const;

    // Makes ClickHouse's copy of a table and enters it into the catalog as live.
    void hold_in_both(const std::string& table);

    test_support::BothServers servers_;
    test_support::TestPostgres* postgres_ = nullptr;      // of them
    test_support::TestClickHouse* clickhouse_ = nullptr;  // of them
    std::unique_ptr<postgres::Connection> connection_;
    std::unique_ptr<clickhouse::Client> client_;
    // ClickHouse' columns that name no zone are in the server's, here UTC; not empty: in this one.
    std::string zone_;
    // Set before SetUp() by who asks thousands of questions about values alone: the tables have no
    // deltas, and ClickHouse does not compile expressions that it meets often. In the long run
    // nothing is spared.
    bool quick_ = false;

  private:
    void start_servers();
    void make_catalog();
    void add_what_nobody_sees(const std::string& main, const std::string& delta,
                              const std::string& names, const std::string& key);
};

}  // namespace tandem::route_test
