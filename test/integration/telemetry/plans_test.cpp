// Plans: which, when, how often, and without values.
#include <nlohmann/json.hpp>

#include "integration/telemetry/telemetry_fixture.h"

namespace tandem::telemetry_test {
namespace {

class TelemetryPlans : public TelemetryTest {
  protected:
    void SetUp() override {
        TelemetryTest::SetUp();
        run("SET tandem.telemetry_plans = sampled");
        run("SET tandem.telemetry_plan_sample_rate = 1");
    }
    void TearDown() override {
        if (connection != nullptr) run("RESET ALL");
    }
    // Of the executions of the query whose text contains `part`.
    static std::string of(const std::string& part) {
        return " WHERE query_id IN (SELECT query_id FROM tandem_telemetry.query_texts WHERE "
               "position(text, '" +
               part + "') > 0)";
    }
    static std::string plan_ids(const std::string& part) {
        return events("SELECT uniqExact(plan_id) FROM tandem_telemetry.events_raw" + of(part));
    }
};

TEST_F(TelemetryPlans, are_the_same_whatever_the_constants_and_change_with_the_index) {
    run("CREATE TABLE plan_a (id int, name text)");
    run("INSERT INTO plan_a SELECT g, 'n' || g FROM generate_series(1, 20000) g");
    run("ANALYZE plan_a");
    for (const char* id : {"1", "77", "20000"})
        run(std::string("SELECT count(*) AS plan_count FROM plan_a WHERE id = ") + id +
            " AND name <> 'secret" + id + "'");
    EXPECT_EQ(plan_ids("plan_count"), "1");
    EXPECT_EQ(
        stored("SELECT countIf(plan_id = 0) FROM tandem_telemetry.events_raw" + of("plan_count")),
        "0");
    run("CREATE INDEX plan_a_id ON plan_a (id)");
    run("SELECT count(*) AS plan_count FROM plan_a WHERE id = 5 AND name <> 'secret5'");
    EXPECT_EQ(plan_ids("plan_count"), "2");
    EXPECT_EQ(stored("SELECT count() FROM tandem_telemetry.plans" + of("plan_count")), "2");
    const std::string text =
        stored("SELECT arrayStringConcat(groupArray(text), '\\n') FROM tandem_telemetry.plans" +
               of("plan_count"));
    EXPECT_NE(text.find("Seq Scan on plan_a  (cost=0.00.."), std::string::npos) << text;
    EXPECT_NE(text.find("plan_a_id"), std::string::npos) << text;
    EXPECT_NE(text.find("name <> ?::text"), std::string::npos) << text;
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
    const std::string json =
        stored("SELECT any(json) FROM tandem_telemetry.plans" + of("plan_count"));
    nlohmann::json plan = nlohmann::json::parse(json, nullptr, false);
    ASSERT_TRUE(plan.is_array()) << json;
    EXPECT_EQ(plan[0]["Plan"]["Node Type"], "Aggregate");
    EXPECT_EQ(json.find("secret"), std::string::npos) << json;
    EXPECT_EQ(stored("SELECT any(relations[1]) FROM tandem_telemetry.plans" + of("plan_count")),
              "public.plan_a");
}

TEST_F(TelemetryPlans, of_prepared_statements_generic_or_not_are_one) {
    run("CREATE TABLE plan_b (id int PRIMARY KEY)");
    run("PREPARE plan_prepared(int) AS SELECT id AS plan_pk FROM plan_b WHERE id = $1");
    for (const char* mode : {"force_custom_plan", "force_generic_plan"}) {
        run(std::string("SET plan_cache_mode = ") + mode);
        run("EXECUTE plan_prepared(1)");
    }
    EXPECT_EQ(events("SELECT concat(toString(count()), ' ', toString(uniqExact(plan_id))) FROM "
                     "tandem_telemetry.events_raw" +
                     of("plan_pk") + " AND operation = 'SELECT'"),
              "2 1");
}

TEST_F(TelemetryPlans, of_slow_statements_only_also_when_they_time_out) {
    run("SET tandem.telemetry_plans = slow");
    run("SET tandem.telemetry_slow_duration = '50ms'");
    run("SELECT 'plan_fast', 1");
    run("SELECT 'plan_slow', pg_sleep(0.06)");
    run("SET statement_timeout = '100ms'");
    EXPECT_EQ(failure_of("SELECT 'plan_late', 2, pg_sleep(600)"), "57014");
    run("SET statement_timeout = 0");
    const std::string taken =
        "SELECT concat(toString(count()), ' ', toString(countIf(plan_id != 0))) FROM "
        "tandem_telemetry.events_raw";
    EXPECT_EQ(events(taken + of("SELECT $1, pg_sleep($2)")), "1 1");
    EXPECT_EQ(stored(taken + of("SELECT $1, $2, pg_sleep($3)") + " AND sqlstate = '57014'"), "1 1");
    EXPECT_EQ(stored("SELECT countIf(plan_id != 0) FROM tandem_telemetry.events_raw "
                     "WHERE duration_us < 50000 AND sqlstate = '' AND query_id IN (SELECT "
                     "query_id FROM tandem_telemetry.query_texts WHERE text = 'SELECT $1, $2')"),
              "0");
}

TEST_F(TelemetryPlans, are_not_computed_when_off) {
    run("SET tandem.telemetry_plans = off");
    run("CREATE TABLE plan_off (id int)");
    run("SELECT count(*) AS plan_none FROM plan_off");
    EXPECT_EQ(plan_ids("plan_none"), "1");
    EXPECT_EQ(stored("SELECT any(plan_id) FROM tandem_telemetry.events_raw" + of("plan_none")),
              "0");
    EXPECT_EQ(stored("SELECT count() FROM tandem_telemetry.plans" + of("plan_none")), "0");
}

TEST_F(TelemetryPlans, inside_of_functions_cursors_and_parallel_queries_harm_nobody) {
    run("CREATE TABLE plan_c AS SELECT g AS id FROM generate_series(1, 50000) g");
    run("CREATE FUNCTION plan_inner(n int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS $$ "
        "DECLARE c bigint; BEGIN SELECT count(*) INTO c FROM plan_c AS plan_in WHERE id < n; "
        "RETURN c; END $$");
    run("SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; "
        "SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; "
        "SET parallel_leader_participation = on");
    auto sum = connection->query("SELECT sum(plan_inner(id)) FROM plan_c WHERE id <= 20");
    ASSERT_TRUE(sum.ok()) << sum.error().to_string();
    EXPECT_EQ(sum->text(0, 0), "190");
    run("BEGIN; DECLARE plan_cursor CURSOR WITH HOLD FOR SELECT id AS plan_held FROM plan_c; "
        "FETCH 5 FROM plan_cursor; COMMIT; CLOSE plan_cursor");
    EXPECT_EQ(failure_of("DO $$ BEGIN PERFORM 1 / (id - 3) FROM plan_c; END $$"), "22012");
    EXPECT_NE(events("SELECT count() FROM tandem_telemetry.plans" + of("plan_held")), "0");
    EXPECT_EQ(imbalance(), "");
}

// Parameters are of the same kind: more about a statement, for whoever asks for it.
TEST_F(TelemetryPlans, parameters_are_shown_as_asked_for) {
    run("PREPARE plan_args(int, text, timestamp, numeric, int) AS SELECT $1 AS plan_arg, $2, $3, "
        "$4, $5");
    const std::string values = "EXECUTE plan_args(42, 'secret', '2026-01-02 03:04:05', NULL, -1)";
    for (const char* how : {"off", "masked", "full"}) {
        run(std::string("SET tandem.telemetry_parameters = ") + how);
        run(values);
    }
    EXPECT_EQ(events("SELECT arrayStringConcat(groupArray(toString(parameters)), ' ') FROM (SELECT "
                     "parameters FROM tandem_telemetry.events_raw" +
                     of("plan_arg") + " AND operation = 'SELECT' ORDER BY statement)"),
              "[] ['42','***','2026-01-02 03:04:05',NULL,'-1'] "
              "['42','secret','2026-01-02 03:04:05',NULL,'-1']");
    run("CREATE TYPE plan_mood AS ENUM ('well')");
    run("PREPARE plan_own(plan_mood, text) AS SELECT $1 AS plan_owned, length($2)");
    run("EXECUTE plan_own('well', repeat('é', 2000))");
    EXPECT_EQ(events("SELECT concat(parameters[1], ' ', toString(length(parameters[2]))) FROM "
                     "tandem_telemetry.events_raw" +
                     of("plan_owned") + " AND operation = 'SELECT'"),
              "*** 512");
}

TEST_F(TelemetryPlans, go_into_tables_of_an_earlier_version) {
    wait_until_stored();
    for (const char* sql :
         {"ALTER TABLE tandem_telemetry.events_raw DROP COLUMN plan_id, DROP COLUMN parameters",
          "ALTER TABLE tandem_telemetry.query_texts DROP COLUMN relations",
          "DROP TABLE tandem_telemetry.plans SYNC", "DROP TABLE tandem_telemetry.activity SYNC",
          "CREATE OR REPLACE VIEW tandem_telemetry.events_recent_1h AS SELECT ts FROM "
          "tandem_telemetry.events_raw",
          "TRUNCATE TABLE tandem_telemetry.schema_version",
          "INSERT INTO tandem_telemetry.schema_version (version) SELECT 1"}) {
        auto status = client->execute({.sql = sql});
        ASSERT_TRUE(status.ok()) << sql << status.error().to_string();
    }
    const std::string before = stored("SELECT count() FROM tandem_telemetry.events_raw");
    run("CREATE TABLE plan_old (id int)");
    run("SELECT count(*) AS plan_migrated FROM plan_old");
    EXPECT_EQ(plan_ids("plan_migrated"), "1");
    EXPECT_EQ(stored("SELECT count() FROM tandem_telemetry.plans" + of("plan_migrated")), "1");
    EXPECT_EQ(stored("SELECT max(version) FROM tandem_telemetry.schema_version"), "2");
    EXPECT_EQ(stored("SELECT count() > " + before +
                     " FROM tandem_telemetry.events_recent_1h "
                     "WHERE plan_id = 0 OR plan_id != 0"),
              "1")
        << "events of before are still there";
    EXPECT_EQ(ask("SELECT dropped FROM tandem.telemetry_stats"), "0");
}

}  // namespace
}  // namespace tandem::telemetry_test
