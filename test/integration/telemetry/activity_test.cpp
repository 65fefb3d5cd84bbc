// Looks at the sessions: who waits for whom, what a statement waited for; and the relations of
// texts.
#include <nlohmann/json.hpp>

#include <thread>

#include "integration/telemetry/telemetry_fixture.h"
#include "stack/machine/process.h"

namespace tandem::telemetry_test {
namespace {

class TelemetryActivity : public TelemetryTest {
  protected:
    void SetUp() override {
        TelemetryTest::SetUp();
        set("tandem.telemetry_activity_interval", "20ms");
    }
    void TearDown() override {
        if (observer != nullptr) set("tandem.telemetry_activity_interval", "1s");
    }
    static void set(const std::string& name, const std::string& value) {
        ask("ALTER SYSTEM SET " + name + " = '" + value + "'");
        ask("SELECT pg_reload_conf()");
    }
};

TEST_F(TelemetryActivity, says_who_waits_for_whom_and_a_statement_what_it_waited_for) {
    run("CREATE TABLE act (id int PRIMARY KEY, n int)");
    run("INSERT INTO act VALUES (1, 0)");
    auto holder = connect("postgres", "holder");
    auto waiter = connect("postgres", "waiter");
    ASSERT_TRUE(holder->execute("BEGIN").ok());
    ASSERT_TRUE(holder->execute("UPDATE act SET n = 1 WHERE id = 1").ok());
    const std::string holder_pid = std::to_string(holder->backend_pid());
    const std::string waiter_pid = std::to_string(waiter->backend_pid());
    std::jthread waiting(
        [&] { EXPECT_TRUE(waiter->execute("UPDATE act SET n = n + 41 WHERE id = 1").ok()); });
    const std::string seen =
        "SELECT count() > 2 FROM tandem_telemetry.blocking WHERE pid = " + waiter_pid +
        " AND blocker_pid = " + holder_pid +
        " AND lock = 'transactionid' AND application = 'waiter' AND blocker_application = "
        "'holder' AND blocker_state = 'idle in transaction'";
    wait_for("SELECT exported > 0 FROM tandem.telemetry_stats", "t");
    wait_for_stored(seen, "1");
    ASSERT_TRUE(holder->execute("COMMIT").ok());
    waiting.join();
    const std::string query_id = events(
        "SELECT any(query_id) FROM tandem_telemetry.query_texts WHERE text = "
        "'UPDATE act SET n = n + $1 WHERE id = $2'");
    EXPECT_EQ(
        stored("SELECT any(database) FROM tandem_telemetry.activity WHERE pid = " + holder_pid),
        "postgres");
    // Its own profile, by looks within its duration.
    EXPECT_EQ(stored("SELECT concat(wait_event_type, ' ', wait_event, ' ', toString(ms > 0 AND ms "
                     "<= duration_us / 1000 + 1000)) FROM tandem_telemetry.statement_waits WHERE "
                     "query_id = " +
                     query_id + " ORDER BY ms DESC LIMIT 1"),
              "Lock transactionid 1");
    EXPECT_EQ(stored("SELECT sum(ms) > 0 FROM tandem_telemetry.query_waits WHERE query_id = " +
                     query_id + " AND wait_event_type = 'Lock'"),
              "1");
    EXPECT_EQ(ask("SELECT count(*) > 2 FROM tandem.telemetry_blocking('1 hour') WHERE pid = " +
                  waiter_pid + " AND blocker_pid = " + holder_pid +
                  " AND query = 'UPDATE act SET n = n + $1 WHERE id = $2'"),
              "t");
    auto shown = stack::run_program(
        {.arguments = {TANDEM_BINARY, "top", "--query", query_id, "--json", "--postgres",
                       servers.postgres->conninfo(), "--data", "/nonexistent"}},
        std::chrono::seconds(60));
    ASSERT_TRUE(shown.ok()) << shown.error().to_string();
    auto json = nlohmann::json::parse(*shown);
    EXPECT_EQ(json["waits"][0]["event"], "transactionid") << *shown;
    EXPECT_EQ(json["blocked_by"][0]["application"], "holder") << *shown;
    auto sorted = stack::run_program(
        {.arguments = {TANDEM_BINARY, "top", "--sort", "waits", "--json", "--postgres",
                       servers.postgres->conninfo(), "--data", "/nonexistent"}},
        std::chrono::seconds(60));
    ASSERT_TRUE(sorted.ok()) << sorted.error().to_string();
    EXPECT_GT(nlohmann::json::parse(*sorted)[0]["wait_ms"], 0) << *sorted;
}

TEST_F(TelemetryActivity, is_not_looked_at_when_off) {
    set("tandem.telemetry_activity_interval", "0");
    wait_for("SHOW tandem.telemetry_activity_interval", "0");
    auto busy = connect("postgres", "unseen");
    // The worker has the setting when it has sent what came after it.
    run("SELECT 'after the setting'");
    wait_until_stored();
    ASSERT_TRUE(busy->execute("SELECT pg_sleep(0.2)").ok());
    run("SELECT 'behind it'");
    wait_until_stored();
    EXPECT_EQ(stored("SELECT count() FROM tandem_telemetry.activity WHERE application = 'unseen'"),
              "0");
}

TEST_F(TelemetryActivity, texts_name_their_relations_and_views) {
    run("CREATE SCHEMA act_s");
    run("CREATE TABLE act_s.one (id int); CREATE TABLE act_two (id int)");
    run("CREATE VIEW act_view AS SELECT id FROM act_s.one");
    run("WITH c AS (SELECT id FROM act_view) SELECT count(*) AS act_names FROM c WHERE id IN "
        "(SELECT id FROM act_two) OR EXISTS (SELECT FROM act_s.one o WHERE o.id = c.id)");
    EXPECT_EQ(events("SELECT arrayStringConcat(arraySort(any(relations)), ' ') FROM "
                     "tandem_telemetry.query_texts WHERE text LIKE '%act_names%'"),
              "act_s.one public.act_two public.act_view");
}

}  // namespace
}  // namespace tandem::telemetry_test
