// Schema tandem is brought up to date from every age it can have.
#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "postgres/client/connection.h"
#include "support/with_extension.h"

namespace tandem::test {
namespace {

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
    ASSERT_FALSE(number.empty());
    EXPECT_GE(std::stoi(number), 2);
    run("INSERT INTO tandem.mirror (name, target_id, database, slot_name, publication) VALUES "
        "('m', 1, 'd', 's', 'p')");
    ASSERT_TRUE(install().ok());
    EXPECT_EQ(ask("SELECT migration FROM tandem.catalog_version"), number);
    EXPECT_EQ(ask("SELECT count(*) FROM tandem.mirrors"), "1");
}

TEST_F(catalog_upgrade, from_0_1_loads_its_tables_again) {
    run(test_support::source_text("src/catalog/migrations/0001_first.sql"));
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

// What a program that does not install the catalog says about one of another age.
TEST_F(catalog_upgrade, of_another_age_is_named_by_programs_that_only_use_it) {
    EXPECT_TRUE(catalog::check_version(*connection_).ok());
    run(test_support::source_text("src/catalog/migrations/0001_first.sql"));
    run("INSERT INTO tandem.catalog_version VALUES ('of 0.1')");
    Status older = catalog::check_version(*connection_);
    ASSERT_FALSE(older.ok());
    EXPECT_NE(older.error().message().find("the daemon is older"), std::string::npos);
    ASSERT_TRUE(install().ok());
    EXPECT_TRUE(catalog::check_version(*connection_).ok());
    run("UPDATE tandem.catalog_version SET migration = 1000");
    Status newer = catalog::check_version(*connection_);
    ASSERT_FALSE(newer.ok());
    EXPECT_NE(newer.error().message().find("upgrade this program"), std::string::npos);
}

// Needs the extension where Postgres looks for it, as `make test` sees to.
TEST_F(catalog_upgrade, of_the_extension_ends_with_the_objects_of_a_new_one) {
    const std::string objects =
        "SELECT string_agg(o, E'\\n' ORDER BY o) FROM (SELECT pg_describe_object(classid, objid, "
        "0) "
        "|| coalesce(' ' || md5(pg_get_functiondef(p.oid)), '') || coalesce(' ' || p.proacl::text, "
        "'') || coalesce(' ' || md5(pg_get_viewdef(v.oid)) || v.relacl::text, '') || coalesce(' ' "
        "|| "
        "obj_description(d.objid, d.classid::regclass::name), '') AS o FROM pg_depend d LEFT JOIN "
        "pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = objid LEFT JOIN pg_class v ON "
        "d.classid = 'pg_class'::regclass AND v.oid = objid AND v.relkind = 'v' WHERE d.deptype = "
        "'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tandem')) s";
    run("CREATE EXTENSION tandem");
    std::string fresh = ask(objects);
    std::string newest = ask("SELECT extversion FROM pg_extension WHERE extname = 'tandem'");
    EXPECT_EQ(ask("SELECT tandem.version()"), newest);
    EXPECT_NE(fresh.find("explain_route"), std::string::npos);
    auto versions = connection_->query(
        "SELECT version FROM pg_available_extension_versions WHERE name = 'tandem' AND version <> "
        "$1",
        std::vector<postgres::Parameter>{{.value = newest}});
    ASSERT_TRUE(versions.ok()) << versions.error().to_string();
    EXPECT_GE(versions->rows(), 1);
    for (int i = 0; i < versions->rows(); ++i) {
        run("DROP EXTENSION tandem; CREATE EXTENSION tandem VERSION '" + versions->text(i, 0) +
            "'");
        run("ALTER EXTENSION tandem UPDATE");
        EXPECT_EQ(ask(objects), fresh) << versions->text(i, 0);
    }
}

}  // namespace
}  // namespace tandem::test
