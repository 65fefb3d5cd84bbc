// Who sees what: row level security, security barriers, functions that run as their owner, plans
// that outlive a setting.
#include "integration/route/differential.h"

namespace tandem::route_test {

namespace {

constexpr const char* kTenants = R"sql(
CREATE TABLE tenants (id int PRIMARY KEY, name text NOT NULL, parent int);
INSERT INTO tenants SELECT i, 'tenant ' || i, nullif(i / 2, 0) FROM generate_series(1, 9) i;
CREATE TABLE bills (id int PRIMARY KEY, tenant int, amount numeric(12,2), note text, day date);
INSERT INTO bills SELECT i, nullif(i % 10, 0), (i * 7919 % 10007)::numeric / 100,
    CASE WHEN i % 3 <> 0 THEN 'n' || i % 7 END, date '2024-01-01' + i % 300
    FROM generate_series(1, 700) i;
CREATE ROLE ann; CREATE ROLE bob;
GRANT SELECT ON tenants, bills TO ann, bob;
ALTER TABLE bills ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON bills FOR SELECT TO ann
    USING (tenant = current_setting('app.tenant', true)::int);
CREATE POLICY family ON bills FOR SELECT TO bob
    USING (EXISTS (SELECT 1 FROM tenants t WHERE t.id = tenant AND t.parent IS NOT NULL));
CREATE POLICY early ON bills AS RESTRICTIVE FOR SELECT TO ann USING (day < '2024-09-01');
)sql";

class RouteVisibility : public RouteDifferential {
  protected:
    void SetUp() override {
        RouteDifferential::SetUp();
        if (HasFatalFailure()) return;
        run(kTenants);
        hold_in_both("tenants");
        hold_in_both("bills");
    }

    // As ann, who sees one tenant, as bob, who sees some, and as the owner.
    void compare_for_all(const std::string& sql, bool routes) {
        for (const char* role : {"SET ROLE ann", "SET ROLE bob", "RESET ROLE"}) {
            for (const char* tenant : {"3", "7", "99"}) {
                run(std::string(role) + "; SET app.tenant = '" + tenant + "'");
                // What the test reads to tell where a query ran is not for everybody.
                run("RESET ROLE; SET tandem.route = off; " + std::string(role));
                std::string postgres = sorted_rows(answer(sql));
                run("SET tandem.route = on");
                EXPECT_EQ(sorted_rows(answer(sql)), postgres) << role << " " << tenant << sql;
                run("RESET ROLE");
                if (std::string_view(role) == "RESET ROLE") continue;
                run(role);
                std::string ran = explain(sql, "ANALYZE, COSTS OFF");
                EXPECT_EQ(ran.find("Executed in: ClickHouse") != std::string::npos, routes)
                    << role << "\n"
                    << ran;
                run("RESET ROLE");
            }
        }
    }
};

TEST_F(RouteVisibility, ships_policies_as_conditions) {
    const char* queries[] = {
        "SELECT count(*), sum(amount), min(day), max(note) FROM bills",
        "SELECT tenant, count(*) FROM bills GROUP BY tenant",
        "SELECT t.name, count(b.id), sum(b.amount) FROM tenants t LEFT JOIN bills b ON b.tenant = "
        "t.id GROUP BY t.name",
        "SELECT t.id, b.id FROM tenants t FULL JOIN bills b ON b.tenant = t.parent",
        "SELECT id FROM tenants t WHERE EXISTS (SELECT 1 FROM bills b WHERE b.tenant = t.id)",
        "SELECT id FROM tenants WHERE id NOT IN (SELECT tenant FROM bills)",
        "SELECT id FROM tenants WHERE id IN (SELECT tenant FROM bills WHERE amount > 50)",
        "SELECT t.id, (SELECT sum(amount) FROM bills b WHERE b.tenant = t.id) FROM tenants t",
        "SELECT a.id, b.id FROM bills a JOIN bills b ON a.id = b.id WHERE a.note = 'n3'",
        "SELECT t.id, x.id FROM tenants t CROSS JOIN LATERAL (SELECT b.id FROM bills b WHERE "
        "b.tenant = t.id ORDER BY b.amount DESC, b.id LIMIT 2) x",
        "SELECT amount, lag(amount) OVER (ORDER BY id) FROM bills",
    };
    for (const char* sql : queries) compare_for_all(sql, true);
    // Where it could fail for somebody else's row, Postgres keeps to its own order of evaluation.
    compare_for_all("SELECT count(*) FROM bills WHERE 100 / (id - 5) > 2", false);
}

TEST_F(RouteVisibility, plans_again_for_another_role) {
    run("PREPARE q AS SELECT count(*) FROM bills");
    run("SET app.tenant = '3'; SET ROLE ann");
    std::string ann = ask("EXECUTE q");
    run("SET app.tenant = '4'");
    std::string other = ask("EXECUTE q");
    run("SET ROLE bob");
    std::string bob = ask("EXECUTE q");
    run("RESET ROLE");
    EXPECT_EQ(ask("EXECUTE q"), "700");
    run("SET tandem.route = off; SET app.tenant = '3'; SET ROLE ann");
    EXPECT_EQ(ask("SELECT count(*) FROM bills"), ann);
    run("SET app.tenant = '4'");
    EXPECT_EQ(ask("SELECT count(*) FROM bills"), other);
    run("SET ROLE bob");
    EXPECT_EQ(ask("SELECT count(*) FROM bills"), bob);
    run("RESET ROLE");
}

TEST_F(RouteVisibility, looks_through_security_barriers_where_nothing_can_fail) {
    run("CREATE VIEW cheap WITH (security_barrier) AS SELECT * FROM bills WHERE amount < 50");
    EXPECT_TRUE(compare("SELECT tenant, count(*), max(amount) FROM cheap GROUP BY tenant", false));
    EXPECT_TRUE(
        compare("SELECT t.id, c.id FROM tenants t LEFT JOIN cheap c ON c.tenant = t.id", false));
    EXPECT_EQ(reason_for("SELECT count(*) FROM cheap WHERE 100 / (id - 5) > 2"), "row_security");
}

TEST_F(RouteVisibility, lets_no_caller_weaken_a_definer) {
    run("CREATE FUNCTION bill_count() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$ "
        "BEGIN RETURN (SELECT count(*) FROM bills); END $$");
    // A row that ClickHouse does not have, and never gets: nothing reads the slot.
    run("INSERT INTO bills VALUES (100000, 1, 1, 'new', '2024-01-01')");
    run("SET tandem.freshness = eventual; SET tandem.wait_budget = 0");
    EXPECT_EQ(ask("SELECT count(*) FROM bills"), "700");
    EXPECT_EQ(ask("SELECT bill_count()"), "701");
}

TEST_F(RouteVisibility, plans_again_what_was_prepared_under_another_setting) {
    run("SET tandem.route = off; PREPARE q AS SELECT count(*) FROM bills");
    for (int i = 0; i < 7; ++i) EXPECT_EQ(ask("EXECUTE q"), "700");
    run("SET tandem.route = on");
    EXPECT_NE(explain("EXECUTE q").find("Custom Scan (Tandem)"), std::string::npos);
    run("DEALLOCATE q; SET tandem.route_cost_threshold = 1e9; PREPARE q AS SELECT count(*) FROM "
        "bills");
    for (int i = 0; i < 7; ++i) EXPECT_EQ(ask("EXECUTE q"), "700");
    run("SET tandem.route_cost_threshold = 0");
    EXPECT_NE(explain("EXECUTE q").find("Custom Scan (Tandem)"), std::string::npos);
}

}  // namespace

}  // namespace tandem::route_test
