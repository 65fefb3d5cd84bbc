// Schema tandem is brought up to date from every age it can have.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "catalog/catalog.h"
#include "postgres/client/connection.h"
#include "support/servers.h"

namespace tandem::test {
namespace {

std::string read_file(const std::string& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

class catalog_upgrade : public testing::Test {
  protected:
    void SetUp() override {
        auto postgres = test_support::TestPostgres::start();
        ASSERT_TRUE(postgres.ok()) << postgres.error().to_string();
        postgres_ = *std::move(postgres);
        auto connection = postgres::Connection::open({.conninfo = postgres_->conninfo()});
        ASSERT_TRUE(connection.ok()) << connection.error().to_string();
        connection_ = std::make_unique<postgres::Connection>(*std::move(connection));
    }
    void run(const std::string& sql) {
        Status done = connection_->execute(sql);
        ASSERT_TRUE(done.ok()) << done.error().to_string();
    }
    std::string ask(const std::string& sql) {
        auto answer = connection_->query(sql);
        EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.error().to_string());
        return answer.ok() && answer->rows() > 0 ? answer->text(0, 0) : "";
    }
    Status install() { return catalog::install(postgres_->conninfo(), {}); }

    std::unique_ptr<test_support::TestPostgres> postgres_;
    std::unique_ptr<postgres::Connection> connection_;
};

TEST_F(catalog_upgrade, from_nothing_and_again) {
    ASSERT_TRUE(install().ok());
    std::string number = ask("SELECT migration FROM tandem.catalog_version");
    EXPECT_GE(number, "2");
    run("INSERT INTO tandem.mirror (name, target_id, database, slot_name, publication) VALUES "
        "('m', 1, 'd', 's', 'p')");
    ASSERT_TRUE(install().ok());
    EXPECT_EQ(ask("SELECT migration FROM tandem.catalog_version"), number);
    EXPECT_EQ(ask("SELECT count(*) FROM tandem.mirrors"), "1");
}

TEST_F(catalog_upgrade, from_0_1_loads_its_tables_again) {
    run(read_file(TANDEM_SOURCE_DIRECTORY "/src/catalog/migrations/0001_first.sql"));
    run("INSERT INTO tandem.catalog_version VALUES ('of 0.1')");
    run("INSERT INTO tandem.target (name, host, native_port, http_port) VALUES ('default', 'h', 1, "
        "2)");
    run("INSERT INTO tandem.mirror (name, target_id, database, slot_name, publication, state) "
        "VALUES ('m', 1, 'd', 's', 'p', 'running')");
    run("INSERT INTO tandem.mirror_table (mirror_id, relid, schema_name, table_name, target_table, "
        "state, consistent_lsn, truncated_at) VALUES (1, 1, 'public', 'a', 'a', 'live', '0/5', 7), "
        "(1, 2, 'public', 'b', 'b', 'failed', NULL, NULL)");
    Status installed = install();
    ASSERT_TRUE(installed.ok()) << installed.error().to_string();
    EXPECT_EQ(ask("SELECT string_agg(table_name || ' ' || state || ' ' || generation, ', ' ORDER "
                  "BY table_name) FROM tandem.mirror_table"),
              "a pending 1, b failed 0");
    EXPECT_EQ(ask("SELECT tables FROM tandem.mirrors"), "2");
}

TEST_F(catalog_upgrade, from_the_future_is_refused_with_what_to_do) {
    ASSERT_TRUE(install().ok());
    run("UPDATE tandem.catalog_version SET migration = 1000");
    Status installed = install();
    ASSERT_FALSE(installed.ok());
    EXPECT_EQ(installed.error().code(), ErrorCode::kUnsupportedVersion);
    EXPECT_NE(installed.error().message().find("upgrade the program"), std::string::npos);
    EXPECT_EQ(ask("SELECT migration FROM tandem.catalog_version"), "1000");
}

}  // namespace
}  // namespace tandem::test
