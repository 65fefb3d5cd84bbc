// UPDATE and DELETE of foreign tables against the same on local ones.
#include "integration/fdw/fdw_fixture.h"

namespace tandem::fdw_test {

namespace {

class FdwChange : public FdwTest {
  protected:
    void SetUp() override {
        FdwTest::SetUp();
        if (HasFatalFailure()) return;
        run_clickhouse(
            "CREATE TABLE shop.stock (id Int64, g Nullable(Int32), n Decimal(12, 3), t "
            "LowCardinality(String), d Nullable(Date), at DateTime64(6, 'Europe/Berlin'), u "
            "UInt64, e Enum8('a' = 1, 'b' = 2), f Float64, ip IPv4) ENGINE = MergeTree ORDER BY "
            "id");
        const std::string columns =
            "(id bigint, g int, n numeric(12, 3)%, t text, d date, at timestamptz, u bigint, e "
            "text, f double precision, ip inet)";
        auto with = [&](const std::string& options) {
            return std::string(columns).replace(columns.find('%'), 1, options);
        };
        run("CREATE TABLE stock " + with(""));
        run("CREATE FOREIGN TABLE far.stock " + with(" OPTIONS (type 'Decimal(12, 3)')") +
            " SERVER far_away OPTIONS (updatable 'true')");
        fill();
    }

    void fill() {
        run("TRUNCATE stock, far.stock");
        run("INSERT INTO stock SELECT i, nullif(i % 7, 3), i * 0.125, 'it''s `' || i % 5, date "
            "'2020-01-01' + nullif(i % 11, 5), timestamptz '2024-01-01 00:00Z' + i * interval '1 "
            "hour', i * 10, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, i / 8.0, '10.0.0.1' FROM "
            "generate_series(1, 100) i");
        run("INSERT INTO far.stock SELECT * FROM public.stock");
    }

    // The same command, tag and rows.
    void changes_alike(const std::string& sql) {
        auto near = connection_->execute(sql);
        run("SET search_path = far, public");
        auto there = connection_->execute(sql);
        run("SET search_path = public");
        ASSERT_TRUE(near.ok()) << sql << near.error().to_string();
        ASSERT_TRUE(there.ok()) << sql << there.error().to_string();
        EXPECT_EQ(answer("SELECT * FROM stock ORDER BY id"),
                  answer("SELECT * FROM far.stock ORDER BY id"))
            << sql << "\n"
            << far_plan(sql);
    }

    std::string refused(const std::string& sql) {
        std::string got = far(sql);
        EXPECT_EQ(answer("SELECT * FROM stock ORDER BY id"),
                  answer("SELECT * FROM far.stock ORDER BY id"))
            << sql;
        return got;
    }
};

TEST_F(FdwChange, changes_rows_as_postgres_does) {
    changes_alike("UPDATE stock SET g = 5 WHERE id < 10");
    changes_alike(
        "UPDATE stock SET g = NULL, n = 1.125, t = 'it''s t1.`id`', d = NULL WHERE id = 11");
    changes_alike("UPDATE stock SET g = g + 1, n = -n WHERE g > 2 AND t <> 'x'");
    changes_alike(
        "UPDATE stock SET u = id, f = 0.1, ip = '192.168.0.1', at = '2024-02-29 10:00Z' "
        "WHERE id BETWEEN 20 AND 30");
    changes_alike("UPDATE stock SET e = 'a', d = '2024-02-29' WHERE g IS NULL OR d IS NULL");
    changes_alike("UPDATE stock SET t = t || '!' WHERE t LIKE '%`1'");
    changes_alike("UPDATE stock SET g = id::int WHERE id IN (1, 3, 5) AND at < '2025-01-01Z'");
    changes_alike("DELETE FROM stock WHERE id % 3 = 0 AND NOT (g = 1)");
    changes_alike("DELETE FROM stock WHERE u = 100000 OR id = (SELECT max(k) FROM public.dims)");
    changes_alike("UPDATE stock SET n = 0");
    changes_alike("DELETE FROM stock");
}

TEST_F(FdwChange, counts_and_binds_parameters) {
    EXPECT_EQ(ask("WITH c AS (SELECT 1) SELECT count(*) FROM far.stock WHERE g = 2"), "15");
    run("SET search_path = far, public; PREPARE change (int, text) AS UPDATE stock SET t = $2 "
        "WHERE "
        "g = $1");
    for (int i = 0; i < 7; ++i) {
        std::string sql =
            "EXECUTE change (" + std::to_string(i) + ", 'v" + std::to_string(i) + "')";
        run(sql);
    }
    run("SET search_path = public");
    for (int i = 0; i < 7; ++i)
        run("UPDATE stock SET t = 'v" + std::to_string(i) + "' WHERE g = " + std::to_string(i));
    EXPECT_EQ(answer("SELECT * FROM stock ORDER BY id"),
              answer("SELECT * FROM far.stock ORDER BY id"));
    std::string plan = far_plan("UPDATE far.stock SET g = 1 WHERE id = 4", "COSTS OFF");
    EXPECT_NE(plan.find("Foreign Update"), std::string::npos) << plan;
    EXPECT_EQ(ask("DO $$ DECLARE n int; BEGIN UPDATE far.stock SET f = 1 WHERE id <= 40; GET "
                  "DIAGNOSTICS n = ROW_COUNT; IF n <> 40 THEN RAISE 'rows: %', n; END IF; END $$"),
              "");
}

TEST_F(FdwChange, refuses_what_would_go_wrong) {
    // Values that do not fit leave no mutation behind that is tried for ever.
    for (const char* sql :
         {"UPDATE stock SET u = -1", "UPDATE stock SET e = 'c'", "UPDATE stock SET u = id - 5",
          "UPDATE stock SET t = NULL", "UPDATE stock SET d = '1900-01-01'",
          "UPDATE stock SET g = g + 2147483647", "UPDATE stock SET id = 4 WHERE id = 5",
          "UPDATE stock SET n = id / (id - 7)"})
        EXPECT_TRUE(refused(sql).starts_with("ERROR")) << sql;
    for (const char* sql :
         {"UPDATE stock SET g = 1 FROM dims WHERE k = g",
          "DELETE FROM stock USING dims WHERE k = g", "UPDATE stock SET g = 1 RETURNING id",
          "DELETE FROM stock WHERE md5(t) = 'x'", "DELETE FROM stock WHERE pg_backend_pid() = id",
          "UPDATE stock SET t = upper(t)", "UPDATE stock SET d = CURRENT_DATE + id::int",
          "INSERT INTO stock (id) VALUES (1) ON CONFLICT DO NOTHING",
          "MERGE INTO stock USING dims ON k = id WHEN MATCHED THEN DELETE"})
        EXPECT_TRUE(refused(sql).starts_with("ERROR 0A000")) << sql << " " << refused(sql);
    EXPECT_EQ(
        ask("SELECT n FROM tandem.query('far_away', 'SELECT count() AS n FROM system.mutations "
            "WHERE NOT is_done') AS q (n bigint)"),
        "0");
}

TEST_F(FdwChange, wants_to_be_asked_for) {
    run("ALTER FOREIGN TABLE far.stock OPTIONS (DROP updatable)");
    EXPECT_TRUE(refused("UPDATE stock SET g = 1").starts_with("ERROR 0A000"));
    EXPECT_TRUE(refused("DELETE FROM stock").starts_with("ERROR 0A000"));
    run("ALTER SERVER far_away OPTIONS (ADD updatable 'true')");
    changes_alike("DELETE FROM stock WHERE id > 50");
    run("ALTER FOREIGN TABLE far.stock OPTIONS (ADD updatable 'false')");
    EXPECT_TRUE(refused("DELETE FROM stock").starts_with("ERROR 0A000"));
    // Rights are Postgres'.
    run("ALTER FOREIGN TABLE far.stock OPTIONS (SET updatable 'true'); CREATE ROLE reader; GRANT "
        "USAGE ON SCHEMA far TO reader; GRANT SELECT ON far.stock TO reader; SET ROLE reader");
    EXPECT_TRUE(far("DELETE FROM stock").starts_with("ERROR 42501"));
    run("RESET ROLE");
}

}  // namespace

}  // namespace tandem::fdw_test
