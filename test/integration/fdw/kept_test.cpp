// Rows that are kept back until the transaction commits.
#include "integration/fdw/fdw_fixture.h"

namespace tandem::fdw_test {

namespace {

class FdwKept : public FdwTest {
  protected:
    void SetUp() override {
        FdwTest::SetUp();
        if (HasFatalFailure()) return;
        run_clickhouse(
            "CREATE TABLE shop.log (id Int64, t String DEFAULT 'none') ENGINE = MergeTree ORDER BY "
            "id");
        run("CREATE FOREIGN TABLE log (id bigint, t text) SERVER far_away OPTIONS (transactional "
            "'true')");
        run("CREATE TABLE beside (id bigint)");
    }

    std::string there(const std::string& sql = "SELECT count() AS a FROM shop.log") {
        return ask("SELECT a FROM tandem.query('far_away', $q$" + sql + "$q$) AS t (a text)");
    }

    // Blocks that ClickHouse has taken.
    std::string inserts() {
        run("SELECT tandem.execute('far_away', 'SYSTEM FLUSH LOGS')");
        return there(
            "SELECT count() AS a FROM system.query_log WHERE type = 'QueryFinish' AND query_kind = "
            "'Insert' AND has(tables, 'shop.log')");
    }
};

TEST_F(FdwKept, sends_rows_when_the_transaction_commits) {
    run("BEGIN; INSERT INTO beside VALUES (1)");
    for (int i = 0; i < 20; ++i) run("INSERT INTO log VALUES (" + std::to_string(i) + ", 'x')");
    run("INSERT INTO log (id) VALUES (100)");
    EXPECT_EQ(there(), "0");
    EXPECT_TRUE(ask("SAVEPOINT s; TRUNCATE log").starts_with("ERROR 55000"));
    run("ROLLBACK TO s; COMMIT");
    EXPECT_EQ(there(), "21");
    EXPECT_EQ(there("SELECT t AS a FROM shop.log WHERE id = 100"), "none");
    // The same columns together.
    EXPECT_EQ(inserts(), "2");
    run("ALTER SERVER far_away OPTIONS (ADD settings 'async_insert = 1, insert_quorum_timeout = "
        "4321')");
    run("INSERT INTO log VALUES (101, 'x')");
    EXPECT_EQ(inserts(), "3");
    EXPECT_EQ(there("SELECT argMax(toString(Settings['async_insert'] != '0') || ' ' || "
                    "Settings['insert_quorum_timeout'], event_time_microseconds) AS a FROM "
                    "system.query_log WHERE type = 'QueryFinish' AND has(tables, 'shop.log') AND "
                    "query_kind = 'Insert'"),
              "1 4321");
}

TEST_F(FdwKept, forgets_what_is_rolled_back) {
    run("BEGIN; INSERT INTO log VALUES (1, 'x'); ROLLBACK");
    run("BEGIN; INSERT INTO log VALUES (2, 'x'); SAVEPOINT a; INSERT INTO log VALUES (3, 'x'); "
        "SAVEPOINT b; INSERT INTO log VALUES (4, 'x'); RELEASE b; ROLLBACK TO a; INSERT INTO log "
        "VALUES (5, 'x'); RELEASE a; COMMIT");
    run("DO $$ BEGIN BEGIN INSERT INTO log VALUES (6, 'x'); RAISE 'no'; EXCEPTION WHEN OTHERS THEN "
        "INSERT INTO log VALUES (7, 'x'); END; END $$");
    EXPECT_EQ(
        there("SELECT toString(groupArray(id)) AS a FROM (SELECT id FROM shop.log ORDER BY id)"),
        "[2,5,7]");
    EXPECT_TRUE(
        ask("INSERT INTO log SELECT i, CASE WHEN i < 10 THEN 'x' END FROM generate_series(1, "
            "10) i")
            .starts_with("ERROR"));
    EXPECT_EQ(there(), "3");
}

// A file takes what work_mem does not.
TEST_F(FdwKept, keeps_many_rows_in_a_file) {
    run("SET work_mem = '64kB'");
    run("BEGIN; COPY log FROM PROGRAM 'seq 1 150000 | sed s/$/,text/' (FORMAT csv)");
    EXPECT_EQ(ask("SELECT count(*) > 0 FROM pg_ls_tmpdir()"), "t");
    EXPECT_EQ(there(), "0");
    run("SAVEPOINT a; INSERT INTO log SELECT i, 'more' FROM generate_series(1, 20000) i; ROLLBACK "
        "TO a");
    run("COMMIT; RESET work_mem");
    EXPECT_EQ(there("SELECT toString((count(), sum(id), min(t))) AS a FROM shop.log"),
              "(150000,11250075000,'text')");
    EXPECT_EQ(inserts(), "1");
    EXPECT_EQ(ask("SELECT count(*) FROM pg_ls_tmpdir()"), "0");
}

TEST_F(FdwKept, fails_the_commit_that_clickhouse_does_not_take) {
    run("BEGIN; INSERT INTO beside VALUES (1); INSERT INTO log VALUES (1, 'x')");
    clickhouse_->stop();
    EXPECT_TRUE(ask("COMMIT").starts_with("ERROR 08006"));
    EXPECT_EQ(ask("SELECT count(*) FROM beside"), "0");
    ASSERT_TRUE(clickhouse_->start_again().ok());
    EXPECT_EQ(there(), "0");
    run("BEGIN; INSERT INTO log VALUES (1, 'x')");
    EXPECT_TRUE(ask("PREPARE TRANSACTION 'p'").starts_with("ERROR 0A000"));
    run("ROLLBACK");
    // The option of the table wins, that of the server holds otherwise.
    run("ALTER FOREIGN TABLE log OPTIONS (SET transactional 'false'); ALTER SERVER far_away "
        "OPTIONS "
        "(ADD transactional 'true')");
    run("BEGIN; INSERT INTO log VALUES (1, 'x'); ROLLBACK");
    EXPECT_EQ(there(), "1");
    run("ALTER FOREIGN TABLE log OPTIONS (DROP transactional)");
    run("BEGIN; INSERT INTO log VALUES (2, 'x'); ROLLBACK");
    EXPECT_EQ(there(), "1");
}

}  // namespace

}  // namespace tandem::fdw_test
