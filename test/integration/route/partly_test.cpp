// Queries that are routed partly: what is shown of them, who may ask, and that Postgres answers as
// long as nothing has been returned. Answers are compared by corpus/partly.sql.
#include "integration/route/differential.h"

namespace tandem::route_test {

namespace {

constexpr const char* kBills = R"sql(
CREATE TABLE bills (id int PRIMARY KEY, tenant int, amount numeric(12,2), note text);
INSERT INTO bills SELECT i, i % 10, (i * 7919 % 10007)::numeric / 100, 'n' || i % 7
    FROM generate_series(1, 2000) i;
ANALYZE bills;
CREATE FUNCTION label(n numeric) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    $f$BEGIN RETURN 'n' || n; END$f$;
)sql";

constexpr const char* kLabelled =
    "SELECT label(tenant), count(*), sum(amount) FROM bills GROUP BY tenant HAVING label(tenant) "
    "<> 'n3'";
constexpr const char* kJoined =
    "SELECT a.tenant, b.note, a.n * b.n FROM (SELECT tenant, count(*) AS n FROM bills GROUP BY 1) "
    "a JOIN (SELECT note, max(id) AS n FROM bills GROUP BY 1) b ON label(a.n) < label(b.n)";

class RoutePartly : public RouteDifferential {
  protected:
    void SetUp() override {
        RouteDifferential::SetUp();
        if (HasFatalFailure()) return;
        run(kBills);
        hold_in_both("bills");
    }

    // As Postgres answers, in the pieces' way if `partly`.
    void compare_as(const std::string& role, const std::string& sql, bool partly) {
        run(role);
        run("SET tandem.route = off");
        std::string postgres = sorted_rows(answer(sql));
        run("SET tandem.route = on");
        EXPECT_EQ(sorted_rows(answer(sql)), postgres) << role << "\n" << sql;
        std::string plan = explain(sql, "ANALYZE, COSTS OFF, TIMING OFF");
        bool ran = plan.find("Executed in: ClickHouse") != std::string::npos;
        EXPECT_EQ(ran && plan.find("Rest in Postgres") != std::string::npos, partly) << plan;
        run("RESET ROLE");
    }
};

TEST_F(RoutePartly, shows_its_pieces_and_the_plan_of_the_rest) {
    EXPECT_EQ(explain(kJoined),
              "Custom Scan (Tandem)\n"
              "  Rest in Postgres: function: a function is not in the rule table: label\n"
              "  Remote SQL 1: SELECT t1.`tenant` AS c1, count()::Int64 AS c2\n"
              "      FROM `tandem`.`bills` AS t1\n"
              "      GROUP BY t1.`tenant`\n"
              "  Remote SQL 2: SELECT t1.`note` AS c1, max(t1.`id`)::Nullable(Int32) AS c2\n"
              "      FROM `tandem`.`bills` AS t1\n"
              "      GROUP BY t1.`note`\n"
              "  ->  Nested Loop\n"
              "        Join Filter: (label((\"piece 1\".n)::numeric) < label((\"piece "
              "2\".n)::numeric))\n"
              "        ->  Named Tuplestore Scan\n"
              "        ->  Named Tuplestore Scan\n");
    std::string json = explain(kJoined, "FORMAT JSON, COSTS OFF");
    EXPECT_NE(json.find("\"Remote SQL 2\": \"SELECT"), std::string::npos) << json;
    EXPECT_EQ(ask("SELECT routed || reason_code FROM tandem.explain_route($q$" +
                  std::string(kJoined) + "$q$)"),
              "truepartly");
}

TEST_F(RoutePartly, reads_a_piece_as_often_as_the_rest_wants) {
    run("SET enable_material = off");
    compare_as("RESET ROLE", kJoined, true);
    run("SET work_mem = '64kB'");
    compare_as("RESET ROLE",
               "SELECT a.id, b.id FROM (SELECT id FROM bills WHERE tenant = 3) a JOIN (SELECT id "
               "FROM bills WHERE tenant = 4) b ON label(a.id) = label(b.id - 1)",
               true);
}

TEST_F(RoutePartly, serves_cursors_forwards_and_backwards) {
    const std::string sql = std::string(kJoined) + " ORDER BY 1, 2";
    run("BEGIN; DECLARE c SCROLL CURSOR FOR " + sql + "; DECLARE d CURSOR FOR " + sql);
    std::string first = answer("FETCH 5 FROM c");
    EXPECT_EQ(answer("FETCH 5 FROM d"), first);
    run("MOVE BACKWARD ALL FROM c");
    EXPECT_EQ(answer("FETCH 5 FROM c"), first);
    run("COMMIT");
    EXPECT_GT(routed_so_far(), 0);
}

TEST_F(RoutePartly, serves_generic_plans_when_clickhouse_goes_and_comes) {
    run("SET plan_cache_mode = force_generic_plan; PREPARE q(text) AS SELECT label(tenant), "
        "count(*) FROM bills GROUP BY tenant HAVING label(tenant) <> $1");
    int64_t before = routed_so_far();
    std::string whole = sorted_rows(answer("EXECUTE q('n3')"));
    EXPECT_EQ(routed_so_far(), before + 1);
    clickhouse_->kill_hard();
    EXPECT_EQ(sorted_rows(answer("EXECUTE q('n3')")), whole);
    EXPECT_EQ(routed_so_far(), before + 1);
    ASSERT_TRUE(clickhouse_->start_again().ok());
    EXPECT_EQ(sorted_rows(answer("EXECUTE q('n3')")), whole);
    run("SET tandem.route = off");
    EXPECT_EQ(sorted_rows(answer("EXECUTE q('n3')")), whole);
    run("SET tandem.route = verify");
    EXPECT_EQ(sorted_rows(answer("EXECUTE q('n3')")), whole);
    EXPECT_EQ(ask("SELECT coalesce(sum(queries), 0) FROM tandem.route_reasons WHERE reason_code = "
                  "'verify_different'"),
              "0");
}

// One piece is well, the other has a row that ClickHouse refuses to answer for.
TEST_F(RoutePartly, is_answered_by_postgres_when_one_piece_fails) {
    run("CREATE TABLE letters (id int PRIMARY KEY, t text NOT NULL); INSERT INTO letters SELECT i, "
        "CASE WHEN i = 150 THEN 'Ä' ELSE 'A' END FROM generate_series(1, 300) i; ANALYZE letters");
    hold_in_both("letters");
    const std::string sql =
        "SELECT a.n, b.m, random() < 2 FROM (SELECT count(*) AS n FROM bills) a, (SELECT "
        "max(ascii(t)) AS m FROM letters) b";
    int64_t before = routed_so_far();
    run("SET tandem.route = off");
    std::string postgres = answer(sql);
    run("SET tandem.route = on");
    EXPECT_EQ(answer(sql), postgres);
    EXPECT_EQ(routed_so_far(), before);
    std::string plan = explain(sql, "ANALYZE, COSTS OFF, TIMING OFF");
    EXPECT_NE(plan.find("Executed in: Postgres"), std::string::npos) << plan;
    EXPECT_NE(plan.find("Rest in Postgres"), std::string::npos) << plan;
}

TEST_F(RoutePartly, asks_for_the_rights_that_the_query_needs) {
    run("CREATE ROLE nobody; CREATE ROLE ann; GRANT SELECT ON bills TO ann; CREATE VIEW totals AS "
        "SELECT tenant, sum(amount) AS total FROM bills GROUP BY tenant; GRANT SELECT ON totals TO "
        "nobody");
    run("SET ROLE nobody");
    EXPECT_EQ(answer(kJoined).substr(0, 11), "ERROR 42501");
    run("RESET ROLE");
    compare_as("SET ROLE ann", kJoined, true);
    compare_as("SET ROLE nobody", "SELECT label(total), random() < 2 FROM totals", true);
    run("SET ROLE nobody");
    EXPECT_EQ(answer("SELECT t.total, b.n FROM totals t, (SELECT count(*) AS n FROM bills) b WHERE "
                     "random() < 2")
                  .substr(0, 11),
              "ERROR 42501");
    run("RESET ROLE");
}

TEST_F(RoutePartly, shows_nobody_more_rows_than_the_policies_do) {
    run("CREATE ROLE ann; GRANT SELECT ON bills TO ann; ALTER TABLE bills ENABLE ROW LEVEL "
        "SECURITY; CREATE POLICY own ON bills FOR SELECT TO ann USING (tenant = "
        "current_setting('app.tenant', true)::int)");
    for (const char* tenant : {"3", "7", "99"}) {
        run(std::string("SET app.tenant = '") + tenant + "'");
        compare_as("SET ROLE ann", kLabelled, true);
        compare_as("SET ROLE ann", kJoined, true);
    }
    run("CREATE VIEW guarded WITH (security_barrier) AS SELECT tenant, count(*) AS n FROM bills "
        "WHERE tenant < 5 GROUP BY tenant; GRANT SELECT ON guarded TO ann");
    compare_as("SET ROLE ann", "SELECT tenant FROM guarded WHERE label(10 / (tenant - 7)) <> 'x'",
               true);
    compare_as("RESET ROLE", kLabelled, true);
}

TEST_F(RoutePartly, leaves_what_costs_little_or_is_written_here_alone) {
    run("SET tandem.route_cost_threshold = 1000000");
    EXPECT_NE(explain(kLabelled).find("not routed (cheap)"), std::string::npos);
    run("SET tandem.route_cost_threshold = 0");
    run("BEGIN; UPDATE bills SET note = 'x' WHERE id = 1");
    std::string plan = explain(kLabelled, "ANALYZE, COSTS OFF, TIMING OFF");
    EXPECT_NE(plan.find("own_writes"), std::string::npos) << plan;
    run("ROLLBACK");
    run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    plan = explain(kLabelled, "ANALYZE, COSTS OFF, TIMING OFF");
    EXPECT_NE(plan.find("isolation"), std::string::npos) << plan;
    run("ROLLBACK");
}

TEST_F(RoutePartly, says_what_in_the_rest_may_see_another_moment) {
    run("CREATE FUNCTION peek(n bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $f$BEGIN RETURN "
        "(SELECT n + count(*) FROM pg_class); END$f$");
    std::string plan =
        explain("SELECT tenant, count(*) FROM bills GROUP BY tenant HAVING peek(count(*)) > 2");
    EXPECT_NE(plan.find("rest_reads"), std::string::npos) << plan;
}

TEST_F(RoutePartly, plans_again_when_a_function_changes) {
    run("SET plan_cache_mode = force_generic_plan; PREPARE q AS SELECT label(tenant), count(*) "
        "FROM "
        "bills GROUP BY tenant HAVING label(tenant) <> 'n3'");
    std::string before = sorted_rows(answer("EXECUTE q"));
    run("CREATE OR REPLACE FUNCTION label(n numeric) RETURNS text LANGUAGE plpgsql IMMUTABLE AS "
        "$f$BEGIN RETURN 'm' || n; END$f$");
    EXPECT_NE(sorted_rows(answer("EXECUTE q")), before);
    run("SET tandem.route = off");
    std::string postgres = sorted_rows(answer("EXECUTE q"));
    run("SET tandem.route = on");
    EXPECT_EQ(sorted_rows(answer("EXECUTE q")), postgres);
}

}  // namespace

}  // namespace tandem::route_test
