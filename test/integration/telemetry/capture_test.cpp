// What becomes an event, and what stands in it. Each test finds its statements by a word of theirs
// in the text or by the application name of a session of its own.
#include "integration/telemetry/telemetry_fixture.h"

namespace tandem::telemetry_test {
namespace {

// Events of a session whose application_name is the test's, by statement number.
class TelemetryCapture : public TelemetryTest {
  protected:
    void SetUp() override {
        TelemetryTest::SetUp();
        name_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
        session_ = connect("postgres", name_);
        ASSERT_NE(session_, nullptr);
    }
    void say(const std::string& sql) {
        auto status = session_->execute(sql);
        ASSERT_TRUE(status.ok()) << sql << "\n" << status.error().to_string();
    }
    std::string sqlstate(const std::string& sql) {
        auto status = session_->execute(sql);
        EXPECT_FALSE(status.ok()) << sql;
        return status.ok() ? "" : std::string(status.error().sqlstate());
    }
    // An expression over the events of this session and their texts.
    std::string of_events(const std::string& expression, const std::string& where = "1") {
        return events(
            "SELECT " + expression +
            " FROM (SELECT e.*, t.text AS text FROM tandem_telemetry.events_raw e LEFT JOIN "
            "(SELECT database, query_id, argMax(text, seen) AS text FROM "
            "tandem_telemetry.query_texts GROUP BY database, query_id) t "
            "USING (database, query_id) WHERE application = '" +
            name_ + "' ORDER BY statement) WHERE " + where);
    }
    std::string operations(const std::string& where = "1") {
        return of_events("arrayStringConcat(groupArray(operation), ',')", where);
    }

    std::string name_;
    std::unique_ptr<postgres::Connection> session_;
};

TEST_F(TelemetryCapture, every_kind_of_statement_with_its_tag) {
    say("CREATE TABLE kinds (id int PRIMARY KEY, v text)");
    say("INSERT INTO kinds SELECT g, 'x' FROM generate_series(1, 7) g");
    say("UPDATE kinds SET v = 'y' WHERE id < 4");
    say("DELETE FROM kinds WHERE id = 7");
    say("SELECT * FROM kinds");
    say("BEGIN");
    say("INSERT INTO kinds VALUES (8, 'z')");
    say("COMMIT");
    say("VACUUM kinds");
    say("COPY (SELECT * FROM kinds) TO '/dev/null'");
    say("DROP TABLE kinds");
    EXPECT_EQ(
        operations("operation != 'SET' AND level = 0"),
        "CREATE TABLE,INSERT,UPDATE,DELETE,SELECT,BEGIN,INSERT,COMMIT,VACUUM,COPY,DROP TABLE");
    EXPECT_EQ(
        of_events("arrayStringConcat(groupArray(toString(rows)), ',')",
                  "operation IN ('INSERT', 'UPDATE', 'DELETE', 'SELECT', 'COPY') AND level = 0"),
        "7,3,1,6,1,7");
    EXPECT_EQ(of_events("countIf(commit_us > 0)", "operation = 'COMMIT'"), "1");
    EXPECT_EQ(of_events("countIf(commit_us > 0)", "operation = 'UPDATE'"), "1")
        << "alone in its transaction";
    EXPECT_EQ(of_events("countIf(query_id = 0 OR text = '')"), "0");
}

TEST_F(TelemetryCapture, who_where_and_when) {
    const std::string before = ask("SELECT extract(epoch FROM clock_timestamp())");
    say("SELECT 'who_where'");
    const std::string after = ask("SELECT extract(epoch FROM clock_timestamp())");
    EXPECT_EQ(of_events("concat(database, ' ', user, ' ', role, ' ', toString(pid = " +
                            std::to_string(session_->backend_pid()) +
                            "), ' ', server_role, ' ', toString(toFloat64(ts) BETWEEN " + before +
                            " - 0.001 AND " + after + " + 0.001))",
                        "text LIKE 'SELECT $1%' AND operation = 'SELECT'"),
              "postgres " + ask("SELECT current_user") + " " + ask("SELECT current_user") +
                  " 1 primary 1");
    EXPECT_EQ(of_events("uniqExact(session_id)"), "1");
    EXPECT_EQ(of_events("count() = uniqExact(statement)"), "1");
    say("CREATE ROLE tele_other");
    say("SET ROLE tele_other");
    say("SELECT 1, 'role'");
    EXPECT_EQ(of_events("any(role)", "text = 'SELECT $1, $2'"), "tele_other");
    say("RESET ROLE");
}

TEST_F(TelemetryCapture, a_failed_statement_is_the_same_record_with_its_error) {
    EXPECT_EQ(sqlstate("SELECT 1/0 AS fails_in_planning"), "22012");
    say("CREATE TABLE errs (id int CONSTRAINT errs_key PRIMARY KEY)");
    say("INSERT INTO errs VALUES (1)");
    EXPECT_EQ(sqlstate("INSERT INTO errs SELECT g FROM generate_series(5, 1, -1) g"), "23505");
    EXPECT_EQ(sqlstate("SELEC syntax FROM 'secret'"), "42601");
    EXPECT_EQ(sqlstate("SELECT missing_column FROM errs"), "42703");
    say("SET statement_timeout = '100ms'");
    EXPECT_EQ(sqlstate("SELECT pg_sleep(30), 'timed_out'"), "57014");
    say("RESET statement_timeout");
    say("DROP TABLE errs");
    EXPECT_EQ(of_events("arrayStringConcat(groupArray(sqlstate), ',')", "sqlstate != ''"),
              "22012,23505,42601,42703,57014");
    EXPECT_EQ(of_events("any(concat(error_constraint, '|', error_table, '|', error_schema, '|', "
                        "error_detail, '|', operation))",
                        "sqlstate = '23505'"),
              "errs_key|errs|public|Key (id)=(1) already exists.|INSERT");
    EXPECT_EQ(of_events("any(wal_records > 0)", "sqlstate = '23505'"), "1")
        << "counters up to the failure";
    EXPECT_EQ(of_events("any(duration_us BETWEEN 90000 AND 25000000)", "sqlstate = '57014'"), "1");
    EXPECT_EQ(of_events("any(text)", "sqlstate = '42601'"), "SELEC syntax FROM $1");
    EXPECT_EQ(of_events("any(error_position)", "sqlstate = '42601'"), "1");
    EXPECT_EQ(of_events("countIf(text = '' OR query_id = 0)", "sqlstate != ''"), "0");
}

TEST_F(TelemetryCapture, an_error_at_commit_belongs_to_the_commit) {
    say("CREATE TABLE deferred (id int PRIMARY KEY, up int REFERENCES deferred DEFERRABLE "
        "INITIALLY "
        "DEFERRED)");
    say("BEGIN");
    say("INSERT INTO deferred VALUES (1, 99)");
    EXPECT_EQ(sqlstate("COMMIT"), "23503");
    EXPECT_EQ(sqlstate("INSERT INTO deferred VALUES (2, 98)"), "23503");
    say("DROP TABLE deferred");
    EXPECT_EQ(of_events("arrayStringConcat(groupArray(concat(operation, ' ', sqlstate)), ',')",
                        "level = 0 AND operation IN ('COMMIT', 'INSERT')"),
              "INSERT ,COMMIT 23503,INSERT 23503");
}

TEST_F(TelemetryCapture, what_a_function_runs_is_nested_and_points_at_its_caller) {
    say("CREATE FUNCTION nest() RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM count(*) FROM pg_class; PERFORM count(*) FROM pg_type; "
        "BEGIN EXECUTE 'SELECT 1/(SELECT 0)'; EXCEPTION WHEN division_by_zero THEN NULL; END; "
        "RETURN 1; END $$");
    say("SELECT nest()");
    EXPECT_EQ(of_events("arrayStringConcat(groupArray(toString(level)), ',')",
                        "operation = 'SELECT' AND text NOT LIKE 'SET%'"),
              "0,1,1,1");
    EXPECT_EQ(of_events("uniqExact(parent)", "level = 1 AND operation = 'SELECT'"), "1");
    EXPECT_EQ(of_events("any(sqlstate)", "level = 1 AND sqlstate != ''"), "22012")
        << "also when the function swallows it";
    EXPECT_EQ(of_events("sumIf(duration_us, level = 1) <= sumIf(duration_us, level = 0)",
                        "operation = 'SELECT'"),
              "1");
    say("DROP FUNCTION nest()");
}

TEST_F(TelemetryCapture, a_cursor_is_one_event_with_all_its_rows) {
    say("BEGIN");
    say("DECLARE c CURSOR FOR SELECT g FROM generate_series(1, 100) g");
    say("FETCH 10 FROM c");
    say("SELECT pg_sleep(0.2)");
    say("FETCH 5 FROM c");
    say("CLOSE c");
    say("COMMIT");
    EXPECT_EQ(of_events("any(rows)", "operation = 'SELECT' AND text LIKE '%generate_series%'"),
              "15");
    EXPECT_EQ(of_events("maxIf(duration_us, text LIKE '%generate_series%') < "
                        "maxIf(duration_us, text LIKE '%pg_sleep%')",
                        "operation = 'SELECT'"),
              "1")
        << "without the time between the fetches";
    EXPECT_EQ(
        of_events("arrayStringConcat(groupArray(toString(rows)), ',')", "operation = 'FETCH'"),
        "10,5");
    // One that its transaction takes along.
    say("BEGIN");
    say("DECLARE c CURSOR FOR SELECT g, 1 FROM generate_series(1, 100) g");
    say("FETCH 3 FROM c");
    say("ROLLBACK");
    EXPECT_EQ(of_events("any(rows)", "operation = 'SELECT' AND text LIKE '%g, $1 %'"), "3");
}

TEST_F(TelemetryCapture, prepared_statements_by_either_protocol) {
    const postgres::Parameter parameters[] = {{.value = "5", .type = Oid{23}}};
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(session_->query("SELECT $1 + 1 AS extended", parameters).ok());
    // Another operator: names do not tell statements apart.
    say("PREPARE p AS SELECT $1 - 2 AS by_execute");
    for (int i = 0; i < 3; ++i) say("EXECUTE p(7)");
    EXPECT_EQ(of_events("count()", "text LIKE '%extended' AND level = 0"), "3");
    EXPECT_EQ(
        of_events("count()", "text LIKE '%by_execute' AND operation = 'SELECT' AND level = 0"),
        "3");
    EXPECT_EQ(of_events("count()", "operation = 'PREPARE'"), "1");
}

TEST_F(TelemetryCapture, no_secret_reaches_clickhouse) {
    say("CREATE ROLE tele_secret PASSWORD 'hunter2'");
    say("ALTER ROLE tele_secret PASSWORD 'hunter2'");
    say("ALTER USER tele_secret WITH ENCRYPTED PASSWORD E'hunter\\062'");
    EXPECT_EQ(sqlstate("CREATE ROLE tele_secret PASSWORD 'hunter2'"), "42710");
    EXPECT_EQ(sqlstate("CREATE ROL tele_secret PASSWORD 'hunter2'"), "42601");
    say("DO $$ BEGIN PERFORM 'hunter2'; END $$");
    say("SELECT 'hunter2' /* hunter2 */");
    say("DROP ROLE tele_secret");
    wait_until_stored();
    EXPECT_EQ(stored("SELECT count() FROM tandem_telemetry.query_texts WHERE text LIKE '%hunter%'"),
              "0");
    EXPECT_EQ(stored("SELECT count() FROM tandem_telemetry.events_raw WHERE error_message LIKE "
                     "'%hunter%' OR error_detail LIKE '%hunter%'"),
              "0");
    EXPECT_EQ(of_events("any(text)", "operation = 'ALTER ROLE'").find("ALTER"), 0U);
}

TEST_F(TelemetryCapture, tags_and_trace_of_a_comment) {
    say("SELECT 'tagged' "
        "/*app='shop',route='%2Fcart',traceparent='00-0af7651916cd43dd8448eb211c80319c-"
        "b7ad6b7169203331-01'*/");
    EXPECT_EQ(of_events("any(concat(tags['app'], tags['route'], ' ', trace_id, ' ', span_id))",
                        "trace_id != ''"),
              "shop/cart 0af7651916cd43dd8448eb211c80319c b7ad6b7169203331");
    EXPECT_EQ(of_events("any(text)", "trace_id != ''"), "SELECT $1");
}

TEST_F(TelemetryCapture, long_texts_end_between_characters) {
    std::string names;
    for (int i = 0; i < 500; ++i) names += ", 1 AS \"äöü" + std::to_string(i) + "\"";
    say("SET tandem.telemetry_text_max = 2000");
    say("SELECT 0 AS \"ö\"" + names);
    EXPECT_EQ(
        of_events("any(concat(toString(isValidUTF8(text)), ' ', toString(length(text) > 1990)))",
                  "text LIKE 'SELECT $1 AS \"ö%'"),
        "1 1");
}

TEST_F(TelemetryCapture, switches_of_the_session) {
    say("SET tandem.telemetry = off");
    say("SELECT 'unseen'");
    say("SET tandem.telemetry = on");
    say("SET tandem.telemetry_nested = off");
    say("DO $$ BEGIN PERFORM count(*) FROM pg_class; END $$");
    say("SET tandem.telemetry_nested = on");
    EXPECT_EQ(of_events("countIf(level > 0)"), "0");
    say("SET tandem.telemetry_sample_rate = 0.25");
    say("SET tandem.telemetry_slow_duration = '50ms'");
    for (int i = 0; i < 400; ++i) say("SELECT 'sampled', 'x'");
    say("SELECT pg_sleep(0.06), 'slow'");
    EXPECT_EQ(sqlstate("SELECT 1/0"), "22012");
    say("SET tandem.telemetry_sample_rate = 1");
    const std::string sampled = "text = 'SELECT $1, $2'";
    // Of 400 by a quarter: beyond 7 standard deviations.
    EXPECT_EQ(of_events("countIf(weight = 4) BETWEEN 40 AND 160", sampled), "1");
    EXPECT_EQ(of_events("any(weight)", "text LIKE 'SELECT pg_sleep%'"), "1");
    EXPECT_EQ(of_events("any(weight)", "sqlstate = '22012'"), "1");
    EXPECT_EQ(of_events("countIf(text LIKE 'SELECT $1' AND operation = 'SELECT')"), "0");
}

TEST_F(TelemetryCapture, is_read_from_postgres) {
    for (int i = 0; i < 5; ++i) say("SELECT 'read', 'back', 'here'");
    EXPECT_EQ(sqlstate("SELECT nowhere_column_here"), "42703");
    wait_until_stored();
    EXPECT_EQ(ask("SELECT calls || ' ' || errors || ' ' || operation || ' ' || (mean_ms > 0) FROM "
                  "tandem.top_queries WHERE query = 'SELECT $1, $2, $3'"),
              "5 0 SELECT true");
    EXPECT_EQ(ask("SELECT sqlstate || ' ' || message FROM tandem.telemetry_errors('1 hour') "
                  "WHERE message LIKE '%nowhere%'"),
              "42703 column \"nowhere_column_here\" does not exist");
    EXPECT_EQ(stored("SELECT sum(calls_) FROM (SELECT sum(calls) AS calls_ FROM "
                     "tandem_telemetry.query_stats_5m)"),
              stored("SELECT toFloat64(sum(weight)) FROM tandem_telemetry.events_raw"));
    EXPECT_EQ(stored("SELECT count() FROM system.columns WHERE database = 'tandem_telemetry' AND "
                     "table = 'events_raw' AND comment = ''"),
              "0");
    auto stranger = connect("postgres", name_);
    ASSERT_TRUE(stranger->execute("CREATE ROLE tele_stranger").ok());
    ASSERT_TRUE(stranger->execute("SET ROLE tele_stranger").ok());
    EXPECT_FALSE(stranger->query("SELECT * FROM tandem.telemetry_queries('1 hour')").ok());
    EXPECT_FALSE(stranger->query("SELECT * FROM tandem.top_queries").ok());
}

// What the page tells people to ask can be asked.
TEST_F(TelemetryCapture, every_question_of_the_page) {
    say("SELECT 'asked'");
    wait_until_stored();
    const std::string page = test_support::source_text("docs/howto/telemetry.md");
    int asked = 0;
    for (const std::string fence : {"\n```clickhouse\n", "\n```sql\n"})
        for (size_t at = 0; (at = page.find(fence, at)) != std::string::npos;) {
            at += fence.size();
            std::string sql = page.substr(at, page.find("\n```", at) - at);
            if (fence == "\n```clickhouse\n")
                stored("SELECT count() FROM (" + sql + ")");
            else if (sql.starts_with("SELECT"))
                ask(sql);
            else
                continue;
            ++asked;
        }
    EXPECT_GE(asked, 10);
}

}  // namespace
}  // namespace tandem::telemetry_test
