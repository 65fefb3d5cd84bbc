// Which side runs under `on`: by estimate, and by what a query took before. Where a side has to be
// slow, it is by far: ClickHouse sleeps, Postgres compares all pairs of rows.
#include "integration/route/route_fixture.h"

namespace tandem::route_test {

namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE visits (id int PRIMARY KEY, page int NOT NULL, ms int NOT NULL);
INSERT INTO visits SELECT i, i % 50, i * 7 % 1000 FROM generate_series(1, 60000) i;
CREATE TABLE few (id int PRIMARY KEY, page int NOT NULL);
INSERT INTO few SELECT i, i % 3 FROM generate_series(1, 40) i;
CREATE TABLE pairs (id int PRIMARY KEY, page int NOT NULL);
INSERT INTO pairs SELECT i, i % 7 FROM generate_series(1, 3000) i;
ANALYZE;
)sql";

constexpr const char* kLarge = "SELECT page, count(*), sum(ms) FROM visits GROUP BY page";
// Forty rows, and all of them dear to the planner.
constexpr const char* kFew = "SELECT page, count(*) FROM few GROUP BY page";
constexpr const char* kFewAreDear = "SET cpu_tuple_cost = 300";
// Postgres goes through the table once for each of its rows.
constexpr const char* kPairs =
    "SELECT count(*) FROM pairs a WHERE (SELECT count(*) FROM pairs b WHERE b.page = a.page) > 3";
constexpr const char* kPairsAreCheap =
    "SET cpu_tuple_cost = 0; SET cpu_operator_cost = 1e-9; SET seq_page_cost = 1e-6; "
    "SET jit = off; SET max_parallel_workers_per_gather = 0; SET tandem.route_cost_threshold = "
    "1e-9";

class RouteCost : public RouteTest {
  protected:
    void SetUp() override {
        RouteTest::SetUp();
        if (HasFatalFailure()) return;
        run(kTables);
        for (const char* table : {"visits", "few", "pairs"}) hold_in_both(table);
        run("SET tandem.route_cost_threshold = 100; SELECT tandem.route_stats_reset()");
    }

    // Where it runs; it is run.
    std::string side_of(const std::string& sql) {
        std::string plan = explain(sql, "ANALYZE, COSTS OFF, TIMING OFF");
        if (plan.find("Executed in: ClickHouse") != std::string::npos) return "ClickHouse";
        return plan.find("Executed in: Postgres") != std::string::npos ? "Postgres" : plan;
    }

    // The line of EXPLAIN with this label.
    std::string line(const std::string& sql, const std::string& label) {
        std::string plan = explain(sql, "COSTS ON");
        size_t at = plan.find(label + ": ");
        return at == std::string::npos ? "" : plan.substr(at, plan.find('\n', at) - at);
    }

    std::string stat(const std::string& what) {
        return ask("SELECT " + what + " FROM tandem.route_stats ORDER BY last_seen DESC LIMIT 1");
    }

    // ClickHouse takes its time over each row of `few`, or does not any more.
    void slow_down() {
        run_clickhouse("RENAME TABLE tandem_rows.few TO tandem_rows.few_fast");
        run_clickhouse(
            "CREATE VIEW tandem_rows.few AS SELECT * FROM tandem_rows.few_fast WHERE "
            "sleepEachRow(0.02) = id * 0");
    }
    // It takes its time as well, and then it fails.
    void break_down() {
        run_clickhouse("RENAME TABLE tandem_rows.few TO tandem_rows.few_fast");
        run_clickhouse(
            "CREATE VIEW tandem_rows.few AS SELECT * FROM tandem_rows.few_fast WHERE "
            "sleepEachRow(0.02) = id * 0 AND sleepEachRow(0.02) = throwIf(id > 0)");
    }
    void speed_up() {
        run_clickhouse("DROP VIEW tandem_rows.few");
        run_clickhouse("RENAME TABLE tandem_rows.few_fast TO tandem_rows.few");
    }

    int runs_until(const std::string& side, const std::string& sql) {
        for (int runs = 1; runs <= 40; ++runs)
            if (side_of(sql) == side) return runs;
        return -1;
    }
};

TEST_F(RouteCost, sends_a_large_aggregate) {
    run("SET cpu_tuple_cost = 1");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(side_of(kLarge), "ClickHouse");
    EXPECT_EQ(line(kLarge, "Tandem Choice"), "Tandem Choice: ClickHouse");
}

TEST_F(RouteCost, keeps_what_postgres_expects_to_be_done_with_at_once) {
    run("SET cpu_tuple_cost = 1; SET tandem.route_cost_threshold = 10");
    EXPECT_EQ(side_of(kFew), "Postgres");
    std::string plan = explain(kFew, "COSTS ON");
    EXPECT_NE(plan.find("Tandem Choice: Postgres"), std::string::npos) << plan;
    EXPECT_NE(plan.find("Seq Scan on few"), std::string::npos) << plan;
    // Who asks for no comparison gets none.
    run("SET tandem.route_cost_threshold = 0");
    EXPECT_EQ(side_of(kFew), "ClickHouse");
    run("SET tandem.route = force; SET tandem.route_cost_threshold = 10");
    EXPECT_EQ(side_of(kFew), "ClickHouse");
}

TEST_F(RouteCost, keeps_an_indexed_look_up_at_any_cost) {
    run("SET random_page_cost = 1e6; SET seq_page_cost = 1e9; SET enable_seqscan = off");
    std::string kept = "not routed (index_look_up)";
    for (const char* sql :
         {"SELECT ms FROM visits WHERE id IN (17, 18, 19)",
          "SELECT sum(ms) FROM visits WHERE id BETWEEN 100 AND 150",
          "SELECT v.ms FROM visits v JOIN few f ON f.id = v.id WHERE v.id = 7 AND v.ms > 3"}) {
        std::string plan = explain(sql);
        EXPECT_NE(plan.find(kept), std::string::npos) << plan;
    }
    // Sixty thousand of them are no look-up.
    std::string plan = explain("SELECT sum(ms) FROM visits WHERE id BETWEEN 1 AND 60000");
    EXPECT_EQ(plan.find(kept), std::string::npos) << plan;
    plan = explain("SELECT sum(ms) FROM visits WHERE id BETWEEN 1 AND 60000 AND ms = 3");
    EXPECT_EQ(plan.find(kept), std::string::npos) << plan;
}

TEST_F(RouteCost, takes_back_what_clickhouse_was_slow_at_and_tries_again) {
    run(kFewAreDear);
    slow_down();
    EXPECT_EQ(side_of(kFew), "ClickHouse");
    EXPECT_EQ(side_of(kFew), "Postgres");
    EXPECT_NE(explain(kFew, "COSTS ON").find("ClickHouse is tried again"), std::string::npos);
    EXPECT_NE(line(kFew, "Tandem Learnt").find("1 runs, "), std::string::npos);
    int again = runs_until("ClickHouse", kFew);
    EXPECT_GT(again, 2);
    EXPECT_EQ(side_of(kFew), "Postgres");  // it was in vain
    EXPECT_EQ(stat("side"), "postgres");
    speed_up();
    EXPECT_GT(runs_until("ClickHouse", kFew), again);
}

TEST_F(RouteCost, takes_back_what_fails_in_clickhouse_after_a_while) {
    run(kFewAreDear);
    break_down();
    EXPECT_EQ(ask(kFew + std::string(" ORDER BY 1")), "0");
    EXPECT_NE(stat("last_reason"), "slower");
    EXPECT_EQ(ask(kFew + std::string(" ORDER BY 1")), "0");
    EXPECT_EQ(stat("last_reason"), "slower");
}

TEST_F(RouteCost, takes_back_what_is_given_up_in_clickhouse) {
    run(kFewAreDear);
    slow_down();
    run("SET statement_timeout = 500");
    EXPECT_EQ(ask(kFew).substr(0, 11), "ERROR 57014");
    EXPECT_EQ(side_of(kFew), "Postgres");
    EXPECT_EQ(stat("last_reason"), "slower");
}

TEST_F(RouteCost, finds_out_that_postgres_is_faster_than_its_planner_believes) {
    run("SET cpu_tuple_cost = 1e9");
    slow_down();
    std::string sql = kFew + std::string(" ORDER BY page");
    run("SET tandem.route = off");
    std::string expected = answer(sql);
    run("SET tandem.route = on");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(answer(sql), expected);
    EXPECT_EQ(stat("routed || ' ' || local"), "3 0");
    EXPECT_EQ(answer(sql), expected);  // kept from the run that was in time
    EXPECT_EQ(stat("routed || ' ' || local || ' ' || refused"), "3 1 {\"slower\": 1}");
    EXPECT_EQ(side_of(sql), "Postgres");
    EXPECT_EQ(answer(sql), expected);
    EXPECT_EQ(stat("routed || ' ' || local"), "3 3");
}

TEST_F(RouteCost, gives_postgres_no_longer_than_clickhouse_takes) {
    run_clickhouse("RENAME TABLE tandem_rows.pairs TO tandem_rows.pairs_fast");
    run_clickhouse(
        "CREATE VIEW tandem_rows.pairs AS SELECT * FROM tandem_rows.pairs_fast WHERE "
        "sleepEachRow(0.00002) = id * 0");
    run("SET max_parallel_workers_per_gather = 0; SET jit = off; SET statement_timeout = '60s'");
    std::string expected = "3000";
    for (int i = 0; i < 6; ++i) EXPECT_EQ(ask(kPairs), expected);
    EXPECT_EQ(stat("routed || ' ' || local || ' ' || refused"), "6 0 {}");
    EXPECT_EQ(stat("postgres_mean_ms > 0"), "t");
    // What was cancelled was that plan and nothing else.
    EXPECT_EQ(ask("SELECT pg_sleep(0.3)::text"), "");
    EXPECT_EQ(ask("SHOW statement_timeout"), "1min");
    run("BEGIN");
    run(kPairs);
    run("COMMIT");
}

TEST_F(RouteCost, goes_by_estimates_alone_where_nothing_is_to_be_learnt) {
    run(kFewAreDear);
    slow_down();
    EXPECT_EQ(side_of(kFew), "ClickHouse");
    EXPECT_EQ(side_of(kFew), "Postgres");
    run("SET tandem.route_learning = off");
    EXPECT_EQ(side_of(kFew), "ClickHouse");
    EXPECT_EQ(line(kFew, "Tandem Choice"), "Tandem Choice: ClickHouse");
    run("SET tandem.route_learning = on");
    EXPECT_EQ(line(kFew, "Tandem Choice"), "Tandem Choice: Postgres");
}

TEST_F(RouteCost, sends_what_turned_out_slow_in_postgres) {
    run(kPairsAreCheap);
    EXPECT_EQ(side_of(kPairs), "Postgres");
    std::string expected = ask(kPairs);
    EXPECT_EQ(side_of(kPairs), "ClickHouse");
    EXPECT_EQ(ask(kPairs), expected);
    EXPECT_EQ(stat("side"), "clickhouse");
}

TEST_F(RouteCost, prepared_statements_change_sides_as_well) {
    run(kPairsAreCheap);
    run("SET plan_cache_mode = force_generic_plan");
    run("PREPARE q AS SELECT count(*) FROM pairs a WHERE (SELECT count(*) FROM pairs b WHERE "
        "b.page "
        "= a.page) > $1");
    EXPECT_EQ(side_of("EXECUTE q (3)"), "Postgres");
    EXPECT_EQ(side_of("EXECUTE q (3)"), "ClickHouse");
    run("RESET ALL; SET tandem.freshness = eventual; SET tandem.route_cost_threshold = 100; SET "
        "plan_cache_mode = force_generic_plan");
    run(kFewAreDear);
    run("PREPARE f AS SELECT page, count(*) FROM few GROUP BY page");
    EXPECT_EQ(side_of("EXECUTE f"), "ClickHouse");
    slow_down();
    // Its mean is dragged up within a few runs.
    EXPECT_GT(runs_until("Postgres", "EXECUTE f"), 0);
}

TEST_F(RouteCost, sessions_share_what_they_have_learnt) {
    if (ask("SHOW shared_preload_libraries").find("tandem") == std::string::npos)
        GTEST_FAIL() << "the library is not preloaded";
    run(kFewAreDear);
    slow_down();
    EXPECT_EQ(side_of(kFew), "ClickHouse");
    connection_ = connect();
    run("SET tandem.freshness = eventual; SET tandem.route_cost_threshold = 100");
    run(kFewAreDear);
    EXPECT_EQ(side_of(kFew), "Postgres");
}

TEST_F(RouteCost, knows_a_query_again_whatever_its_constants) {
    run("SET cpu_tuple_cost = 1");
    for (int page : {1, 2, 3})
        EXPECT_EQ(side_of("SELECT count(*) FROM visits WHERE ms > " + std::to_string(page)),
                  "ClickHouse");
    EXPECT_EQ(stat("routed"), "3");
    run("SELECT count(*) FROM visits WHERE page > 1");
    EXPECT_EQ(stat("routed"), "1");
}

TEST_F(RouteCost, says_both_estimates_and_what_was_learnt) {
    run("SET cpu_tuple_cost = 1");
    EXPECT_NE(line(kLarge, "Tandem Estimate").find("Postgres "), std::string::npos);
    EXPECT_NE(line(kLarge, "Tandem Estimate").find("ClickHouse "), std::string::npos);
    EXPECT_EQ(line(kLarge, "Tandem Learnt"), "");
    run(kLarge);
    run(kLarge);
    EXPECT_EQ(line(kLarge, "Tandem Learnt").substr(0, 23), "Tandem Learnt: 2 runs, ");
    // A transaction with one snapshot runs it here, and that is learnt as well.
    run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    run(kLarge);
    run("COMMIT");
    EXPECT_NE(line(kLarge, "Tandem Learnt").find("; 1 runs, "), std::string::npos);
    // EXPLAIN itself is no run, and one that reads clocks for each node says nothing of the others.
    run("EXPLAIN (ANALYZE) " + std::string(kLarge));
    EXPECT_EQ(line(kLarge, "Tandem Learnt").substr(0, 23), "Tandem Learnt: 2 runs, ");
    EXPECT_EQ(explain(kLarge).find("Tandem Estimate"), std::string::npos);
}

TEST_F(RouteCost, stats_count_runs_rows_and_reasons) {
    run("SET cpu_tuple_cost = 1");
    run(kLarge);
    run(kLarge);
    EXPECT_EQ(stat("routed || ' ' || local || ' ' || rows_returned || ' ' || refused"),
              "2 0 100 {}");
    // And some of the delta.
    EXPECT_EQ(stat("rows_read >= 120000 AND rows_kept_off_the_wire = rows_read - rows_returned"),
              "t");
    EXPECT_EQ(stat("clickhouse_ms > 0 AND postgres_ms = 0 AND first_seen <= last_seen"), "t");
    run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    run(kLarge);
    run("COMMIT");
    EXPECT_EQ(stat("routed || ' ' || local || ' ' || refused || ' ' || last_reason"),
              "2 1 {\"isolation\": 1} isolation");
    EXPECT_EQ(stat("postgres_ms > 0"), "t");
    // Refused when it was planned.
    run("SELECT sum(ms * random()) FROM visits");
    EXPECT_EQ(stat("routed || ' ' || local || ' ' || refused || ' ' || last_reason"),
              "0 0 {\"volatile\": 1} volatile");
    EXPECT_EQ(ask("SELECT count(*) FROM tandem.route_stats WHERE username = current_user AND "
                  "database = current_database()"),
              "2");
    run("SELECT tandem.route_stats_reset()");
    EXPECT_EQ(ask("SELECT count(*) FROM tandem.route_stats"), "0");
    EXPECT_EQ(ask("SELECT count(*) FROM tandem.route_reasons"), "0");
}

TEST_F(RouteCost, stats_are_ones_own_or_those_of_all_for_who_may_read_all) {
    run("SET cpu_tuple_cost = 1");
    run("CREATE ROLE ann; CREATE ROLE auditor; GRANT SELECT ON visits TO ann; "
        "GRANT pg_read_all_stats TO auditor; SELECT tandem.route_stats_reset()");
    run(kLarge);
    run("SET ROLE ann");
    run(kLarge);
    EXPECT_EQ(ask("SELECT string_agg(username, ',') FROM tandem.route_stats"), "ann");
    EXPECT_EQ(ask("SELECT tandem.route_stats_reset()").substr(0, 11), "ERROR 42501");
    run("RESET ROLE; SET ROLE auditor");
    EXPECT_EQ(ask("SELECT count(*) FROM tandem.route_stats"), "2");
    run("RESET ROLE");
}

TEST_F(RouteCost, forgets_the_queries_seen_longest_ago) {
    run("SET cpu_tuple_cost = 1; SET tandem.route_cost_threshold = 10");
    // More than there is room for, told apart by their columns.
    run("DO $$ BEGIN FOR i IN 1..3000 LOOP EXECUTE 'SELECT count(*), ' || repeat('1, ', i / 100) "
        "|| 'sum(random() + ' || repeat('1 + ', i % 100) || '1) FROM few'; END LOOP; END $$");
    EXPECT_EQ(ask("SELECT count(*) BETWEEN 1000 AND 2048 FROM tandem.route_stats"), "t");
    EXPECT_EQ(stat("refused"), "{\"volatile\": 1}");
}

}  // namespace

}  // namespace tandem::route_test
