// Local rows joined to a foreign table by their keys, which are sent.
#include "integration/fdw/fdw_fixture.h"

namespace tandem::fdw_test {

namespace {

class FdwJoin : public FdwTest {
  protected:
    void SetUp() override {
        FdwTest::SetUp();
        if (HasFatalFailure()) return;
        run("CREATE TABLE wanted AS SELECT i AS n, CASE WHEN i % 10 <> 0 THEN i * 3 END AS id, (i "
            "% "
            "8)::bigint AS g, 'v' || i % 12 AS v, date '1990-01-31' + i * 20 AS d, md5((i * "
            "3)::text)::uuid AS u, i * 1.5::numeric AS x FROM generate_series(1, 1200) i");
        run("INSERT INTO wanted SELECT n + 5000, id, g, v, d, u, x FROM wanted WHERE n % 7 = 0");
        run("ANALYZE wanted");
    }

    void sends_keys(const std::string& sql) {
        std::string plan = far_plan(sql);
        EXPECT_EQ(count(plan, "Tandem Key Join"), 1) << sql << "\n" << plan;
        same(sql);
    }
};

TEST_F(FdwJoin, sends_keys_and_answers_as_postgres_does) {
    sends_keys("SELECT w.n, i.* FROM wanted w JOIN items i ON i.id = w.id");
    sends_keys(
        "SELECT w.n, i.t FROM wanted w JOIN items i ON i.id = w.id WHERE i.i4 > 0 AND w.n < 50");
    sends_keys("SELECT count(*), sum(i.n), max(w.x) FROM wanted w, items i WHERE w.u = i.u");
    sends_keys("SELECT w.n, i.id FROM wanted w JOIN items i ON i.d = w.d AND i.g = w.g");
    sends_keys("SELECT w.n, i.id FROM wanted w JOIN items i ON i.d = w.d AND i.i2 > w.n");
    sends_keys(
        "SELECT w.n, i.id, i.t FROM wanted w LEFT JOIN items i ON i.id = w.id AND i.i4 > w.n");
    sends_keys(
        "SELECT w.n, i.id FROM wanted w LEFT JOIN items i ON i.id = w.id WHERE coalesce(i.i4, 1) > "
        "0");
    sends_keys("SELECT w.n FROM wanted w WHERE EXISTS (SELECT FROM items i WHERE i.id = w.id)");
    sends_keys("SELECT w.n FROM wanted w WHERE NOT EXISTS (SELECT FROM items i WHERE i.id = w.id)");
    sends_keys("SELECT i.id, i.t FROM items i WHERE i.id IN (SELECT id FROM wanted WHERE n > 100)");
    sends_keys("SELECT w.n, i.id FROM wanted w JOIN items i ON i.id = w.id + 1 ORDER BY 1 LIMIT 5");
    sends_keys(
        "SELECT w.n, i.t FROM wanted w JOIN items i ON i.id = w.id WHERE i.t LIKE 'z%' OR w.n = 4");
    // A whole row, and a system column of the local one.
    sends_keys("SELECT w, i.id, w.ctid FROM wanted w JOIN items i ON i.id = w.id");
}

// A chain: what one join finds are the keys of the next.
TEST_F(FdwJoin, joins_several_tables) {
    const std::string sql =
        "SELECT w.n, i.t, d.name FROM wanted w JOIN items i ON i.id = w.id JOIN dims d ON d.k = "
        "i.g WHERE w.n < 100";
    same(sql);
    EXPECT_GE(count(far_plan(sql), "Tandem Key Join"), 1) << far_plan(sql);
    same("SELECT count(*) FROM wanted w JOIN items i ON i.id = w.id JOIN wanted o ON o.d = i.d");
    same(
        "SELECT (SELECT count(*) FROM wanted o JOIN items i ON i.id = o.id WHERE o.n < w.n) FROM "
        "wanted w WHERE n < 6");
    // What is below the join depends on the row around it.
    const std::string correlated =
        "SELECT w.n, (SELECT string_agg(i.id::text, ',' ORDER BY i.id) FROM (SELECT id FROM wanted "
        "o "
        "WHERE o.n > w.n ORDER BY n LIMIT 3) o JOIN items i ON i.id = o.id) FROM wanted w WHERE n "
        "< 6";
    EXPECT_EQ(count(far_plan(correlated), "Tandem Key Join"), 1) << far_plan(correlated);
    same(correlated);
}

TEST_F(FdwJoin, asks_once_for_a_batch_and_again_for_the_next) {
    const std::string sql = "SELECT w.n, i.id FROM wanted w JOIN items i ON i.id = w.id";
    std::string plan = far_plan(sql, "ANALYZE, COSTS OFF, TIMING OFF");
    EXPECT_NE(plan.find("Batches: 1\n"), std::string::npos) << plan;
    EXPECT_NE(plan.find("Keys Sent: 1080\n"), std::string::npos) << plan;
    run("SET work_mem = '64kB'");
    plan = far_plan(sql, "ANALYZE, COSTS OFF, TIMING OFF");
    EXPECT_EQ(plan.find("Batches: 1\n"), std::string::npos) << plan;
    sends_keys(sql);
    same("SELECT w.n, i.id FROM wanted w LEFT JOIN items i ON i.id = w.id");
    same("SELECT w.n FROM wanted w WHERE NOT EXISTS (SELECT FROM items i WHERE i.id = w.id)");
    run("RESET work_mem");
}

TEST_F(FdwJoin, sends_nothing_where_nothing_can_fit) {
    for (const char* sql :
         {"SELECT * FROM wanted w JOIN items i ON i.id = w.id WHERE w.n < 0",
          "SELECT w.n, i.id FROM wanted w LEFT JOIN items i ON i.id = w.id WHERE w.id IS NULL"}) {
        same(sql);
        std::string plan = far_plan(sql, "ANALYZE, COSTS OFF, TIMING OFF");
        EXPECT_NE(plan.find("Keys Sent: 0\n"), std::string::npos) << plan;
    }
}

// What cannot be sent as an array of keys is read by another plan.
TEST_F(FdwJoin, leaves_other_joins_to_postgres) {
    for (const char* sql :
         {"SELECT w.n, i.id FROM wanted w JOIN items i ON i.n = w.x",
          "SELECT w.n, i.id FROM wanted w JOIN items i ON i.f = w.n",
          "SELECT w.n, i.id FROM items i LEFT JOIN wanted w ON i.id = w.id",
          "SELECT w.n, i.id FROM items i FULL JOIN wanted w ON i.id = w.id",
          "SELECT w.n, i.id FROM wanted w JOIN items i ON i.id > w.id WHERE w.n < 4"})
        same(sql);
    run("BEGIN");
    same(
        "SELECT w.n, i.id FROM wanted w JOIN items i ON i.id = w.id WHERE w.n < 9 FOR UPDATE OF w");
    run("ROLLBACK");
    std::string sums[2];
    for (int side = 0; side < 2; ++side) {
        run(std::string("BEGIN; SET search_path = ") + (side == 0 ? "public" : "far, public"));
        run("UPDATE wanted SET n = -i.id FROM items i WHERE i.id = wanted.id AND i.i4 > 0");
        sums[side] = ask("SELECT count(*) || ' ' || sum(n) FROM wanted");
        run("ROLLBACK");
    }
    EXPECT_EQ(sums[0], sums[1]);
}

// Rows one by one, where a row gives more than a key.
TEST_F(FdwJoin, reads_by_one_row_where_that_is_less) {
    run("CREATE TABLE few AS SELECT 30 AS low, 40 AS high; ANALYZE few; ANALYZE far.items");
    const std::string sql =
        "SELECT i.id, i.t FROM few f JOIN items i ON i.id BETWEEN f.low AND f.high";
    same(sql);
    std::string plan = far_plan(sql);
    EXPECT_NE(plan.find("Nested Loop"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("Join Filter"), std::string::npos) << plan;
    EXPECT_NE(plan.find("`id` >= {p"), std::string::npos) << plan;
}

TEST_F(FdwJoin, serves_prepared_statements_and_cursors) {
    run("SET plan_cache_mode = force_generic_plan");
    const std::string sql =
        "SELECT count(*), sum(i.n) FROM wanted w JOIN items i ON i.id = w.id WHERE w.n < $1 AND "
        "i.i4 "
        "> $2";
    run("SET search_path = far, public; PREPARE far_one (int, int) AS " + sql);
    run("SET search_path = public; PREPARE near_one (int, int) AS " + sql);
    for (const char* values : {"(100, 0)", "(1000, 50)", "(0, 0)", "(NULL, 1)"})
        EXPECT_EQ(answer(std::string("EXECUTE near_one ") + values),
                  answer(std::string("EXECUTE far_one ") + values));
    run("SET search_path = far, public; BEGIN; DECLARE c SCROLL CURSOR FOR SELECT i.id FROM wanted "
        "w "
        "JOIN items i ON i.id = w.id ORDER BY i.id");
    EXPECT_EQ(ask("FETCH 1 FROM c"), "3");
    EXPECT_EQ(ask("FETCH RELATIVE 2 FROM c"), "9");
    EXPECT_EQ(ask("FETCH PRIOR FROM c"), "6");
    run("COMMIT; SET search_path = public");
}

TEST_F(FdwJoin, says_so_when_the_server_is_gone) {
    clickhouse_->stop();
    std::string got = far("SELECT w.n, i.id FROM wanted w JOIN items i ON i.id = w.id");
    EXPECT_TRUE(got.starts_with("ERROR 08006")) << got;
    ASSERT_TRUE(clickhouse_->start_again().ok());
    same("SELECT w.n, i.id FROM wanted w JOIN items i ON i.id = w.id");
}

}  // namespace

}  // namespace tandem::fdw_test
