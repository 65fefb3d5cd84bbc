// Options, credentials, statements and what goes wrong.
#include "integration/fdw/fdw_fixture.h"

namespace tandem::fdw_test {

namespace {

class FdwOptions : public FdwTest {};

TEST_F(FdwOptions, names_what_is_allowed) {
    const std::string server = "CREATE SERVER s FOREIGN DATA WRAPPER tandem_fdw OPTIONS ";
    auto failure = [&](const std::string& sql) { return ask(sql); };
    EXPECT_TRUE(failure(server + "(hostname 'x')").starts_with("ERROR HV00D"));
    for (const char* option : {"port '0'", "port 'x'", "port '70000'", "tls 'maybe'",
                               "driver 'http'", "connect_timeout '-1'", "query_timeout '1s'",
                               "settings 'max_threads'", "settings '=1'", "host ''", "host 'a,,b'",
                               "host 'a:0'", "host 'a b'", "updatable '2'", "transactional 'yess'"})
        EXPECT_TRUE(failure(server + "(" + option + ")").starts_with("ERROR HV024")) << option;
    EXPECT_TRUE(failure("CREATE FOREIGN TABLE bad (c int) SERVER far_away OPTIONS (query 'SELECT "
                        "1', \"table\" 't')")
                    .starts_with("ERROR HV024"));
    EXPECT_TRUE(failure("CREATE FOREIGN TABLE bad (c int OPTIONS (tpye 'Int8')) SERVER far_away")
                    .starts_with("ERROR HV00D"));
    auto refused = connection_->execute(server + "(hostname 'x')");
    run(server +
        "(host 'h, 10.0.0.1:9000,::1', port '1', updatable 'true', transactional 'false', dbname "
        "'d', tls 'true', ca_file '/ca', connect_timeout "
        "'100', query_timeout '100', settings 'max_threads = 1, max_block_size=100', "
        "driver 'native')");
}

TEST_F(FdwOptions, reads_queries_and_settings) {
    run("CREATE FOREIGN TABLE far.made (n bigint, who text) SERVER far_away OPTIONS (query 'SELECT "
        "number AS n, currentUser() AS who FROM numbers(10)')");
    EXPECT_EQ(ask("SELECT sum(n) FROM far.made WHERE n > 3"), "39");
    run("CREATE FOREIGN TABLE far.setting (v text) SERVER far_away OPTIONS (query 'SELECT "
        "toString(getSetting(''max_block_size'')) AS v', settings 'max_block_size = 1234')");
    EXPECT_EQ(ask("SELECT v FROM far.setting"), "1234");
    EXPECT_EQ(ask("SELECT v FROM far.setting, pg_database LIMIT 1"), "1234");
    run_clickhouse(
        "CREATE TABLE shop.newest (k Int64, v Int64) ENGINE = ReplacingMergeTree ORDER "
        "BY k");
    run_clickhouse("SYSTEM STOP MERGES shop.newest");
    run_clickhouse("INSERT INTO shop.newest VALUES (1, 1)");
    run_clickhouse("INSERT INTO shop.newest VALUES (1, 2)");
    run("CREATE FOREIGN TABLE far.newest (k bigint, v bigint) SERVER far_away OPTIONS (final "
        "'true')");
    EXPECT_EQ(ask("SELECT sum(v) FROM far.newest"), "2");
    run("CREATE FOREIGN TABLE far.renamed (a bigint OPTIONS (column_name 'k')) SERVER far_away "
        "OPTIONS (\"table\" 'newest')");
    EXPECT_EQ(ask("SELECT sum(a) FROM far.renamed"), "2");
}

TEST_F(FdwOptions, wants_a_credential_of_users) {
    run("CREATE ROLE guest LOGIN; GRANT USAGE ON FOREIGN SERVER far_away TO guest; GRANT USAGE ON "
        "SCHEMA far TO guest; GRANT SELECT ON far.dims TO guest");
    run("SET ROLE guest");
    EXPECT_TRUE(ask("SELECT count(*) FROM far.dims").starts_with("ERROR 42704"));
    run("CREATE USER MAPPING FOR guest SERVER far_away OPTIONS (\"user\" 'default')");
    EXPECT_TRUE(ask("SELECT count(*) FROM far.dims").starts_with("ERROR 2F003"));
    EXPECT_TRUE(ask("ALTER USER MAPPING FOR guest SERVER far_away OPTIONS (password_required "
                    "'false')")
                    .starts_with("ERROR 42501"));
    EXPECT_TRUE(ask("ALTER USER MAPPING FOR guest SERVER far_away OPTIONS (password_file "
                    "'/etc/hostname')")
                    .starts_with("ERROR 42501"));
    EXPECT_TRUE(ask("SELECT * FROM tandem.query('far_away', 'SELECT 1 AS a') AS t (a int)")
                    .starts_with("ERROR 42501"));
    run("ALTER USER MAPPING FOR guest SERVER far_away OPTIONS (SET \"user\" '" +
        clickhouse_->user() + "', password '" + clickhouse_->password() + "')");
    EXPECT_EQ(ask("SELECT count(*) FROM far.dims"), "10");
    EXPECT_TRUE(ask("SELECT count(*) FROM far.items").starts_with("ERROR 42501"));
    run("RESET ROLE");
    // A view reads with its owner's.
    run("CREATE VIEW through AS SELECT count(*) AS n FROM far.items; GRANT SELECT ON through TO "
        "guest; DROP USER MAPPING FOR guest SERVER far_away; SET ROLE guest");
    EXPECT_EQ(ask("SELECT n FROM through"), "3002");
    run("RESET ROLE");
}

TEST_F(FdwOptions, says_what_went_wrong) {
    make_server("wrong_password", "wrong");
    run("CREATE FOREIGN TABLE far.locked (k int) SERVER wrong_password OPTIONS (\"table\" 'dims')");
    EXPECT_TRUE(ask("SELECT count(*) FROM far.locked").starts_with("ERROR 28000"));
    EXPECT_TRUE(ask("SELECT count(*) FROM far.locked, pg_namespace").starts_with("ERROR 28000"));
    run("CREATE FOREIGN TABLE far.missing (k int) SERVER far_away");
    EXPECT_TRUE(ask("SELECT count(*) FROM far.missing").starts_with("ERROR TD003"));
    run("CREATE FOREIGN TABLE far.column_missing (nope int) SERVER far_away OPTIONS (\"table\" "
        "'dims')");
    EXPECT_TRUE(ask("SELECT nope FROM far.column_missing").starts_with("ERROR TD003"));
    run("CREATE FOREIGN TABLE far.slow (n bigint) SERVER far_away OPTIONS (query 'SELECT "
        "sum(sleepEachRow(1)) AS n FROM numbers(100)', settings "
        "'function_sleep_max_microseconds_per_block = 1000000000')");
    run("SET statement_timeout = 500");
    EXPECT_TRUE(ask("SELECT n FROM far.slow").starts_with("ERROR 57014"));
    EXPECT_TRUE(ask("SELECT n FROM far.slow, pg_namespace").starts_with("ERROR 57014"));
    run("RESET statement_timeout");
    same("SELECT count(*) FROM items");
}

TEST_F(FdwOptions, runs_clickhouse_statements) {
    EXPECT_EQ(ask("SELECT tandem.execute('far_away', 'CREATE TABLE shop.made (a Int64) ENGINE = "
                  "Memory')"),
              "");
    run("SELECT tandem.execute('far_away', 'INSERT INTO shop.made VALUES (1), (2)')");
    EXPECT_EQ(ask("SELECT sum(a) FROM tandem.query('far_away', 'SELECT a FROM shop.made') AS t (a "
                  "bigint)"),
              "3");
    EXPECT_TRUE(ask("SELECT tandem.execute('far_away', 'nonsense')").starts_with("ERROR TD003"));
    EXPECT_TRUE(ask("SELECT tandem.execute('nobody', 'SELECT 1')").starts_with("ERROR 42704"));
}

}  // namespace

}  // namespace tandem::fdw_test
