// The numbers of an event against those that Postgres itself gives for the same execution.
#include <regex>

#include "integration/telemetry/telemetry_fixture.h"

namespace tandem::telemetry_test {
namespace {

class TelemetryAccuracy : public TelemetryTest {
  protected:
    // A number behind `name=` in the first line of EXPLAIN (ANALYZE, BUFFERS) that has it.
    static std::string explained(const std::string& plan, const std::string& pattern) {
        std::smatch found;
        return std::regex_search(plan, found, std::regex(pattern)) ? found[1].str() : "0";
    }
};

// EXPLAIN ANALYZE executes the query below itself, so event and plan speak of one execution.
TEST_F(TelemetryAccuracy, equals_explain_analyze_of_the_same_execution) {
    run("CREATE TABLE acc (id int, pad text)");
    run("INSERT INTO acc SELECT g, repeat('x', 200) FROM generate_series(1, 20000) g");
    run("SET work_mem = '64kB'; SET max_parallel_workers_per_gather = 0");
    auto plan = connection->query(
        "EXPLAIN (ANALYZE, BUFFERS, WAL, FORMAT TEXT) SELECT id, pad FROM acc ORDER BY pad, id");
    ASSERT_TRUE(plan.ok()) << plan.error().to_string();
    std::string text;
    for (int i = 0; i < plan->rows(); ++i) text += plan->text(i, 0) + "\n";
    const std::string of =
        " FROM tandem_telemetry.events_raw WHERE operation = 'SELECT' AND level = 1 "
        "AND query_id = (SELECT any(query_id) FROM tandem_telemetry.query_texts "
        "WHERE operation = 'SELECT' AND text LIKE '%SELECT id, pad FROM acc%')";
    EXPECT_EQ(events("SELECT any(rows)" + of), "20000");
    EXPECT_EQ(stored("SELECT any(shared_blks_hit)" + of), explained(text, "shared hit=([0-9]+)"));
    EXPECT_EQ(stored("SELECT any(temp_blks_read)" + of), explained(text, "temp read=([0-9]+)"));
    EXPECT_EQ(stored("SELECT any(temp_blks_written)" + of),
              explained(text, "temp read=[0-9]+ written=([0-9]+)"));
    EXPECT_EQ(stored("SELECT any(temp_blk_write_time_us > 0)" + of), "1");
    const double ms = std::stod(explained(text, "Execution Time: ([0-9.]+) ms"));
    const double event_ms = std::stod(stored("SELECT any(duration_us) / 1000" + of));
    EXPECT_LE(event_ms, ms * 1.2 + 5);
    EXPECT_GE(event_ms, ms * 0.5);
    EXPECT_EQ(
        stored("SELECT any(cpu_user_us + cpu_system_us BETWEEN 1 AND duration_us + 20000)" + of),
        "1");
    run("RESET work_mem; RESET max_parallel_workers_per_gather");
}

TEST_F(TelemetryAccuracy, wal_equals_the_wal_written) {
    run("CREATE TABLE wal_acc (id int)");
    auto plan = connection->query(
        "EXPLAIN (ANALYZE, WAL) INSERT INTO wal_acc SELECT generate_series(1, 5000)");
    ASSERT_TRUE(plan.ok());
    std::string text;
    for (int i = 0; i < plan->rows(); ++i) text += plan->text(i, 0) + "\n";
    const std::string of =
        " FROM tandem_telemetry.events_raw WHERE operation = 'INSERT' AND level = 1 "
        "AND rows = 5000";
    EXPECT_EQ(events("SELECT any(wal_records)" + of), explained(text, "records=([0-9]+)"));
    EXPECT_EQ(stored("SELECT any(wal_bytes)" + of), explained(text, "bytes=([0-9]+)"));
}

TEST_F(TelemetryAccuracy, parallel_workers_are_counted_with_their_cpu) {
    run("CREATE TABLE par AS SELECT g AS id FROM generate_series(1, 300000) g");
    run("ANALYZE par");
    run("SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; "
        "SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0");
    auto answer = connection->query("SELECT sum(sqrt(id)) AS par_sum FROM par");
    ASSERT_TRUE(answer.ok());
    const std::string of =
        " FROM tandem_telemetry.events_raw WHERE operation = 'SELECT' AND query_id = (SELECT "
        "any(query_id) FROM tandem_telemetry.query_texts WHERE text LIKE '%par_sum%')";
    EXPECT_EQ(
        events("SELECT concat(toString(count()), ' ', toString(any(parallel_workers_planned)))" +
               of),
        "1 2");
    EXPECT_EQ(stored("SELECT any(parallel_workers_launched) <= 2 AND any(cpu_user_us) > 0" + of),
              "1");
    EXPECT_EQ(stored("SELECT any(shared_blks_hit + shared_blks_read) >= " +
                     ask("SELECT pg_relation_size('par') / 8192") + of),
              "1")
        << "the workers' blocks among them";
    run("RESET ALL");
}

}  // namespace
}  // namespace tandem::telemetry_test
