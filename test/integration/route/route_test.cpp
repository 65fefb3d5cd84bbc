// Behaviour of the router in a backend: what runs where, and that nobody notices.
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>

#include "integration/route/route_fixture.h"

namespace tandem::route_test {

namespace {

constexpr const char* kCount = "SELECT count(*) FROM sales";

class RouteBehaviour : public RouteTest {
  protected:
    void SetUp() override {
        RouteTest::SetUp();
        if (HasFatalFailure()) return;
        run("CREATE TABLE sales (id bigint PRIMARY KEY, region text, amount numeric(12,2), qty "
            "int)");
        run("INSERT INTO sales SELECT i, 'r' || i % 3, i * 1.25, i % 7 FROM generate_series(1, "
            "1000) i");
        run("CREATE TABLE plain (id int PRIMARY KEY)");
        hold_in_both("sales");
        // Where a query ran shows in its answer: ClickHouse has one row less.
        for (const char* part : {"", "_tandem_delta_"})
            run_clickhouse("ALTER TABLE tandem_rows." + std::string(part) +
                           "sales DELETE WHERE id = 1 SETTINGS mutations_sync = 1");
        run("SET tandem.route_cost_threshold = 0");
    }

    bool routed(const std::string& sql = kCount) { return ask(sql) == "999"; }
};

TEST_F(RouteBehaviour, answers_from_clickhouse_and_says_so_in_explain) {
    EXPECT_EQ(ask(kCount), "999");
    std::string plan = explain(kCount);
    EXPECT_NE(plan.find("Custom Scan (Tandem)"), std::string::npos) << plan;
    EXPECT_NE(plan.find("Remote SQL:"), std::string::npos) << plan;
    EXPECT_NE(explain(kCount, "ANALYZE, COSTS OFF").find("Executed in: ClickHouse"),
              std::string::npos);
    run("SET tandem.route = off");
    EXPECT_EQ(ask(kCount), "1000");
}

TEST_F(RouteBehaviour, lays_the_remote_sql_out_for_people) {
    const char* sql = "SELECT region, count(*) FROM sales WHERE qty > 2 GROUP BY region";
    EXPECT_EQ(explain(sql),
              "Custom Scan (Tandem)\n"
              "  Remote SQL: SELECT t1.`region` AS c1, count()::Int64 AS c2\n"
              "      FROM `tandem`.`sales` AS t1\n"
              "      WHERE (t1.`qty` > toInt32(2))\n"
              "      GROUP BY t1.`region`\n");
    std::string verbose = explain(sql, "VERBOSE, COSTS OFF");
    EXPECT_NE(verbose.find("\n      SETTINGS "), std::string::npos) << verbose;
    EXPECT_NE(verbose.find("join_use_nulls = 1"), std::string::npos) << verbose;
    auto object = nlohmann::json::parse(explain(sql, "FORMAT JSON, COSTS OFF"));
    std::string shown = object[0]["Plan"]["Remote SQL"];
    EXPECT_NE(shown.find("\nWHERE (t1.`qty` > toInt32(2))\nGROUP BY"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("SETTINGS"), std::string::npos) << shown;
}

TEST_F(RouteBehaviour, says_what_clickhouse_read_and_how_long_it_took) {
    std::string plan = explain(kCount, "ANALYZE, COSTS OFF");
    for (const char* line : {"Executed in: ClickHouse\n", "  Position: 0/",
                             "  Rows Read: ", "  Bytes Read: ", "  ClickHouse Time: "})
        EXPECT_NE(plan.find(line), std::string::npos) << line << "\n" << plan;
    // A sum cannot be answered from what is known about the parts.
    auto object = nlohmann::json::parse(
        explain("SELECT sum(qty) FROM sales", "ANALYZE, FORMAT JSON, COSTS OFF"));
    const auto& node = object[0]["Plan"];
    EXPECT_EQ(node["Executed in"], "ClickHouse") << object;
    EXPECT_GE(node["Rows Read"].get<int>(), 999) << object;
    EXPECT_GE(node["Bytes Read"].get<int>(), 999 * 4) << object;
    EXPECT_GT(node["ClickHouse Time"].get<double>(), 0.0) << object;
    EXPECT_LT(node["ClickHouse Time"].get<double>(), object[0]["Execution Time"].get<double>());
    EXPECT_NE(node["Position"].get<std::string>().find('/'), std::string::npos) << object;
    EXPECT_EQ(explain(kCount, "ANALYZE, COSTS OFF, TIMING OFF").find("ClickHouse Time"),
              std::string::npos);
}

TEST_F(RouteBehaviour, names_the_reason_when_a_query_stays) {
    EXPECT_EQ(reason_for(kCount), "routed");
    EXPECT_EQ(reason_for("SELECT random(), count(*) FROM sales"), "partly");
    EXPECT_EQ(reason_for("SELECT count(*) FROM sales WHERE id > random()"), "volatile");
    EXPECT_EQ(reason_for("SELECT count(*) FROM sales, plain"), "unmirrored_relation");
    EXPECT_EQ(reason_for("DELETE FROM sales"), "not_select");
    EXPECT_EQ(reason_for("SELECT ctid FROM sales"), "expression");
    run("SET tandem.route_cost_threshold = 1e9");
    std::string plan = explain(kCount);
    EXPECT_NE(plan.find("Tandem: not routed (cheap): "), std::string::npos) << plan;
    EXPECT_EQ(explain("SELECT count(*) FROM plain").find("Tandem"), std::string::npos);
    auto object = nlohmann::json::parse(explain(kCount, "FORMAT JSON, COSTS OFF"));
    EXPECT_EQ(object[0]["Tandem"]["Reason"], "cheap") << object;
    EXPECT_EQ(object[0]["Tandem"]["Routed"], false) << object;
    EXPECT_NE(
        explain(kCount, "FORMAT XML, COSTS OFF").find("    </Tandem>\n  </Query>\n</explain>"),
        std::string::npos);
    EXPECT_NE(explain(kCount, "FORMAT YAML, COSTS OFF").find("\n  Tandem: \n    Routed: false\n"),
              std::string::npos);
    run("SET tandem.route = force");
    EXPECT_EQ(ask("SELECT ctid FROM sales").substr(0, 11), "ERROR TD014");
    EXPECT_EQ(ask(kCount), "999");
}

TEST_F(RouteBehaviour, never_reads_in_clickhouse_what_the_transaction_wrote) {
    run("BEGIN");
    EXPECT_TRUE(routed());
    run("INSERT INTO plain VALUES (1)");
    EXPECT_TRUE(routed());
    run("SAVEPOINT s; DELETE FROM sales WHERE id = 2");
    EXPECT_EQ(ask(kCount), "999");  // Postgres: 1000 - 1
    EXPECT_NE(explain(kCount, "ANALYZE, COSTS OFF").find("own_writes"), std::string::npos);
    run("ROLLBACK TO s");
    EXPECT_TRUE(routed());
    run("ROLLBACK");
    run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    EXPECT_EQ(ask(kCount), "1000");
    run("COMMIT");
}

TEST_F(RouteBehaviour, follows_the_state_of_the_mirror_with_prepared_statements) {
    run("PREPARE p AS SELECT count(*) FROM sales WHERE qty >= 0");
    for (int i = 0; i < 8; ++i) EXPECT_EQ(ask("EXECUTE p"), "999") << i;
    run("UPDATE tandem.mirror_table SET state = 'loading'");
    EXPECT_EQ(ask("EXECUTE p"), "1000");
    run("UPDATE tandem.mirror_table SET state = 'live'");
    EXPECT_EQ(ask("EXECUTE p"), "999");
    run("UPDATE tandem.mirror SET state = 'failed'");
    EXPECT_EQ(ask("EXECUTE p"), "1000");
    run("UPDATE tandem.mirror SET state = 'running'");
    run("ALTER TABLE sales ALTER qty TYPE bigint");
    EXPECT_EQ(ask("EXECUTE p"), "1000");
}

TEST_F(RouteBehaviour, stays_when_rows_were_rewritten_behind_the_mirrors_back) {
    const char* heaps =
        "UPDATE tandem.mirror_table SET heaps = (SELECT string_agg(oid || '/' || relfilenode, ' ' "
        "ORDER BY oid) FROM pg_class WHERE relname = 'sales') WHERE table_name = 'sales'";
    run(heaps);
    EXPECT_TRUE(routed());
    run("VACUUM FULL sales");
    EXPECT_EQ(ask(kCount), "1000");
    EXPECT_NE(explain(kCount, "ANALYZE, COSTS OFF").find("rewritten"), std::string::npos);
    run(heaps);
    EXPECT_TRUE(routed());
}

TEST_F(RouteBehaviour, does_not_wait_for_a_mirror_in_trouble) {
    run("SET tandem.freshness = strong; SET tandem.wait_budget = 60000");
    run("UPDATE tandem.mirror SET error_code = 'connection_failed'");
    EXPECT_EQ(ask(kCount), "1000");
    EXPECT_NE(explain(kCount, "ANALYZE, COSTS OFF").find("mirror_in_trouble"), std::string::npos);
    run("SET tandem.freshness = eventual");
    EXPECT_TRUE(routed());
}

TEST_F(RouteBehaviour, plans_again_what_was_prepared_before_the_table_was_mirrored) {
    run("CREATE TABLE late (id bigint PRIMARY KEY)");
    run("INSERT INTO late SELECT generate_series(1, 1000)");
    run("PREPARE late_count AS SELECT count(*) FROM late");
    for (int i = 0; i < 8; ++i) EXPECT_EQ(ask("EXECUTE late_count"), "1000");
    hold_in_both("late");
    for (const char* part : {"", "_tandem_delta_"})
        run_clickhouse("ALTER TABLE tandem_rows." + std::string(part) +
                       "late DELETE WHERE id = 1 SETTINGS mutations_sync = 1");
    ASSERT_TRUE(connect()->execute("SELECT tandem.forget_plans('late'::regclass)").ok());
    EXPECT_EQ(ask("EXECUTE late_count"), "999");
}

TEST_F(RouteBehaviour, takes_parameters_of_generic_plans) {
    run("PREPARE q (bigint) AS SELECT count(*) FROM sales WHERE id <= $1");
    for (int i = 0; i < 8; ++i) EXPECT_EQ(ask("EXECUTE q (500)"), "499") << i;
    EXPECT_EQ(ask("EXECUTE q (NULL)"), "0");
}

TEST_F(RouteBehaviour, checks_privileges_as_if_the_query_ran_here) {
    run("CREATE ROLE reader; GRANT SELECT (id) ON sales TO reader; SET ROLE reader");
    EXPECT_EQ(ask("SELECT sum(qty) FROM sales"), "ERROR 42501: permission denied for table sales");
    EXPECT_EQ(ask("SELECT count(id) FROM sales"), "999");
    run("RESET ROLE; REVOKE SELECT (id) ON sales FROM reader; SET ROLE reader");
    EXPECT_EQ(ask("SELECT count(id) FROM sales").substr(0, 11), "ERROR 42501");
    run("RESET ROLE");
    run("ALTER TABLE sales ENABLE ROW LEVEL SECURITY; GRANT SELECT ON sales TO reader; SET ROLE "
        "reader");
    EXPECT_EQ(ask("SELECT count(id) FROM sales"), "0");
}

TEST_F(RouteBehaviour, believes_no_catalog_that_a_stranger_owns) {
    run("CREATE ROLE stranger; ALTER SCHEMA tandem OWNER TO stranger");
    EXPECT_EQ(ask(kCount), "1000");
    run("ALTER ROLE stranger REPLICATION");
    EXPECT_TRUE(routed());
    run("ALTER ROLE stranger NOREPLICATION");
    EXPECT_EQ(ask(kCount), "1000");
    EXPECT_EQ(reason_for(kCount), "catalog_owner");
}

TEST_F(RouteBehaviour, says_that_the_catalog_is_newer_than_the_library) {
    const char* touch = "ALTER TABLE tandem.mirror_table SET (fillfactor = 90)";
    run("INSERT INTO tandem.catalog_version (fingerprint, migration) VALUES ('later', 999)");
    run(touch);
    EXPECT_EQ(ask(kCount), "1000");
    EXPECT_EQ(reason_for(kCount), "catalog_newer");
    EXPECT_EQ(reason_for("SELECT count(*) FROM plain"), "catalog_newer");
    EXPECT_EQ(reason_for("SELECT count(*) FROM pg_class"), "unmirrored_relation");
    std::string plan = explain(kCount);
    EXPECT_NE(plan.find("Tandem: not routed (catalog_newer): "), std::string::npos) << plan;
    EXPECT_NE(plan.find("Upgrade the package"), std::string::npos) << plan;
    auto object = nlohmann::json::parse(explain(kCount, "FORMAT JSON, COSTS OFF"));
    EXPECT_EQ(object[0]["Tandem"]["Reason"], "catalog_newer") << object;
    run("SET tandem.route = force");
    EXPECT_EQ(ask(kCount).substr(0, 11), "ERROR TD014");
    EXPECT_EQ(ask("SELECT count(*) > 0 FROM tandem.mirror_table"), "t");
    run("RESET tandem.route; DELETE FROM tandem.catalog_version");
    run(touch);
    EXPECT_TRUE(routed());
}

TEST_F(RouteBehaviour, serves_cursors_in_both_directions) {
    run("BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id FROM sales ORDER BY id LIMIT 5");
    EXPECT_EQ(ask("FETCH 1 FROM c"), "2");
    EXPECT_EQ(ask("FETCH LAST FROM c"), "6");
    EXPECT_EQ(ask("FETCH FIRST FROM c"), "2");
    run("DECLARE d CURSOR WITH HOLD FOR SELECT id FROM sales ORDER BY id LIMIT 5; COMMIT");
    EXPECT_EQ(ask("FETCH 1 FROM d"), "2");
    run("CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; r record; "
        "BEGIN "
        "SELECT count(*) INTO n FROM sales; FOR r IN SELECT id FROM sales LOOP n := n + 1; END "
        "LOOP; "
        "RETURN n; END $$");
    EXPECT_EQ(ask("SELECT f()"), "1998");
    run("CREATE TABLE copied AS SELECT id FROM sales");
    EXPECT_EQ(ask("SELECT count(*) FROM copied"), "999");
}

TEST_F(RouteBehaviour, answers_from_postgres_when_clickhouse_is_gone) {
    EXPECT_TRUE(routed());
    clickhouse_->kill_hard();
    EXPECT_EQ(ask(kCount), "1000");
    EXPECT_NE(explain(kCount, "ANALYZE, COSTS OFF").find("unavailable"), std::string::npos);
    run("SET tandem.route = force");
    EXPECT_EQ(ask(kCount).substr(0, 6), "ERROR ");
    ASSERT_TRUE(clickhouse_->start_again().ok());
    EXPECT_TRUE(routed());
    // The idle connection was lost with the server; nobody notices.
    clickhouse_->kill_hard();
    ASSERT_TRUE(clickhouse_->start_again().ok());
    EXPECT_TRUE(routed());
}

TEST_F(RouteBehaviour, stays_out_of_functions_that_a_parallel_query_calls) {
    run("CREATE FUNCTION counted(i int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE AS $$ "
        "DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM sales WHERE id >= i - i AND "
        "now() > '2020-01-01'; RETURN n; END $$");
    run("CREATE TABLE wide AS SELECT i FROM generate_series(1, 20000) i; ANALYZE wide");
    run("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; "
        "SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2");
    EXPECT_EQ(ask("SELECT max(counted(i)) FROM wide WHERE i % 5000 = 0"), "1000");
    EXPECT_EQ(ask("SELECT counted(1)"), "999");
}

TEST_F(RouteBehaviour, computes_sums_with_more_bits_once_they_need_them) {
    run("CREATE TABLE factors (id int PRIMARY KEY, a numeric(18, 4) NOT NULL, b numeric(18, 4) NOT "
        "NULL)");
    run("INSERT INTO factors SELECT i, 12.5 * i, 3.25 FROM generate_series(1, 50) i");
    hold_in_both("factors");
    run("SET tandem.route = force");
    const std::string small = "SELECT sum(a * b), sum(a - b) FROM factors";
    const std::string large = "SELECT id % 2, sum(a * b) FROM factors GROUP BY 1 ORDER BY 1";
    EXPECT_EQ(explain(small, "ANALYZE, COSTS OFF").find("Executed in: Postgres"),
              std::string::npos);
    run_clickhouse(
        "INSERT INTO tandem_rows.factors (id, a, b) VALUES (99, 99999999999999.9999, "
        "-99999999999999.9999)");
    run("SET tandem.route = off; INSERT INTO factors VALUES (99, 99999999999999.9999, "
        "-99999999999999.9999)");
    const std::string expected = answer(large);
    run("SET tandem.route = force; PREPARE again AS " + large);
    EXPECT_EQ(answer("EXECUTE again"), expected) << "by Postgres";
    EXPECT_NE(explain(large, "ANALYZE, COSTS OFF").find("Executed in: ClickHouse"),
              std::string::npos);
    EXPECT_EQ(answer("EXECUTE again"), expected);
    EXPECT_NE(explain("EXECUTE again", "ANALYZE, COSTS OFF").find("Executed in: ClickHouse"),
              std::string::npos);
    // The first part's rows may be with the client when the second part overflows.
    EXPECT_EQ(explain(small).find("toDecimal128"), std::string::npos);
    const std::string united =
        "SELECT id::numeric FROM factors UNION ALL SELECT sum(a * b) FROM factors";
    EXPECT_NE(explain(united).find("toDecimal128"), std::string::npos) << explain(united);
}

TEST_F(RouteBehaviour, waits_for_freshness_only_as_long_as_allowed) {
    run("SET tandem.freshness = strong; SET tandem.wait_budget = 50");
    EXPECT_EQ(ask(kCount), "1000");
    EXPECT_NE(explain(kCount, "ANALYZE, COSTS OFF").find("Reason: lag"), std::string::npos);
    // A slot that is confirmed up to now is fresh enough until something is written.
    run("SELECT pg_create_logical_replication_slot('tandem_m', 'pgoutput')");
    // By another session: reading may write (it prunes pages), which counts as done by this one.
    auto other = connect();
    ASSERT_TRUE(other
                    ->execute("SELECT pg_replication_slot_advance('tandem_m', "
                              "pg_current_wal_insert_lsn())")
                    .ok());
    run("SET tandem.freshness = session");
    EXPECT_TRUE(routed()) << explain(kCount, "ANALYZE, COSTS OFF");
    run("INSERT INTO plain VALUES (5)");
    EXPECT_EQ(ask(kCount), "1000");
}

TEST_F(RouteBehaviour, verifies_both_answers_and_counts) {
    run("SET tandem.route = verify");
    EXPECT_EQ(ask(kCount), "1000");
    EXPECT_EQ(
        ask("SELECT queries FROM tandem.route_reasons WHERE reason_code = 'verify_different'"),
        "1");
    EXPECT_EQ(ask("SELECT count(*) FROM sales WHERE id > 1"), "999");
    EXPECT_EQ(ask("SELECT queries FROM tandem.route_reasons WHERE reason_code = 'verify_equal'"),
              "1");
}

// Queries that ClickHouse is still at when something happens to it: there the table has a million
// rows of one region, so that a join with itself does not end while the test runs.
class RouteInMidQuery : public RouteBehaviour {
  protected:
    static constexpr const char* kEndless =
        "SELECT count(*) FROM sales a JOIN sales b ON a.region = b.region AND a.qty <> b.qty + 10";

    void SetUp() override {
        RouteBehaviour::SetUp();
        if (HasFatalFailure()) return;
        run_clickhouse(
            "INSERT INTO tandem_rows.sales (id, region, amount, qty, _tandem_from) "
            "SELECT number + 5000, 'r1', 1, 1, 1 FROM numbers(1000000)");
        run("SET tandem.route = off");
        postgres_answer_ = ask(kEndless);
        run("SET tandem.route = on");
    }

    // Asks in a thread of its own and returns once ClickHouse is at it.
    std::future<std::string> ask_endless() {
        auto answer = std::async(std::launch::async, [this] { return ask(kEndless); });
        EXPECT_TRUE(becomes_running(true));
        return answer;
    }

    bool becomes_running(bool wanted) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (std::chrono::steady_clock::now() < deadline)
            if (queries_running() == wanted) return true;
        return false;
    }

    std::string postgres_answer_;

  private:
    bool queries_running() {
        auto rows = clickhouse::select_all(
            *client_,
            {.sql = "SELECT query_id FROM system.processes WHERE query_id LIKE 'tandem-%'"});
        EXPECT_TRUE(rows.ok()) << rows.error().to_string();
        return rows.ok() && rows->rows() > 0;
    }
};

// More than is held in memory has been sent when a guard finds what only Postgres can answer: 60
// MB, and the last row.
TEST_F(RouteBehaviour, answers_from_postgres_when_a_guard_fails_late) {
    run("CREATE TABLE late (id int PRIMARY KEY, n int NOT NULL, note text NOT NULL); INSERT INTO "
        "late VALUES (1, 3, '')");
    hold_in_both("late");
    run("INSERT INTO late SELECT i, CASE i WHEN 30000 THEN 25 ELSE 3 END, repeat('x', 2000) FROM "
        "generate_series(2, 30000) i");
    // Row 2 is not in ClickHouse.
    run_clickhouse(
        "INSERT INTO tandem_rows.late (id, n, note, _tandem_from, _tandem_origin) SELECT number + "
        "3, if(number = 29997, 25, 3), repeat('x', 2000), 0, 0 FROM numbers(29998)");
    auto rows_of = [&](const std::string& sql) {
        auto rows = connection_->query(sql);
        EXPECT_TRUE(rows.ok()) << rows.error().to_string();
        return rows.ok() ? rows->rows() : -1;
    };
    const std::string routed =
        "SELECT id, note FROM late WHERE factorial(CASE WHEN id = 30000 THEN 3 ELSE n END) > 0";
    EXPECT_EQ(rows_of(routed), 29999);
    EXPECT_EQ(rows_of("SELECT id, note FROM late WHERE factorial(n) > 0"), 30000);
    // A cursor that is read in part, and one that is not read at all.
    run("BEGIN; DECLARE c CURSOR FOR " + routed);
    EXPECT_EQ(rows_of("FETCH 10 FROM c"), 10);
    EXPECT_EQ(rows_of("FETCH 20 FROM c"), 20);
    run("DECLARE d CURSOR FOR SELECT id FROM late WHERE factorial(n) > 0; COMMIT");
}

TEST_F(RouteInMidQuery, answers_from_postgres_when_clickhouse_dies) {
    std::future<std::string> answer = ask_endless();
    clickhouse_->kill_hard();
    EXPECT_EQ(answer.get(), postgres_answer_);
}

TEST_F(RouteInMidQuery, fails_in_mode_force_when_clickhouse_dies) {
    run("SET tandem.route = force");
    std::future<std::string> answer = ask_endless();
    clickhouse_->kill_hard();
    EXPECT_EQ(answer.get().substr(0, 6), "ERROR ");
    EXPECT_EQ(ask("SELECT 1"), "1");
}

TEST_F(RouteInMidQuery, stops_the_remote_query_at_a_timeout) {
    run("SET statement_timeout = 1000");
    EXPECT_EQ(ask(kEndless).substr(0, 11), "ERROR 57014");
    EXPECT_TRUE(becomes_running(false)) << "ClickHouse goes on for nobody";
}

TEST_F(RouteInMidQuery, stops_the_remote_query_when_it_is_cancelled) {
    std::string pid = ask("SELECT pg_backend_pid()");
    std::future<std::string> answer = ask_endless();
    EXPECT_TRUE(connect()->execute("SELECT pg_cancel_backend(" + pid + ")").ok());
    EXPECT_EQ(answer.get().substr(0, 11), "ERROR 57014");
    EXPECT_TRUE(becomes_running(false)) << "ClickHouse goes on for nobody";
    EXPECT_EQ(ask(kCount), "1000999");
}

}  // namespace

}  // namespace tandem::route_test
