// tandem.as_of where it is tempting to answer of another moment: before there was a mirror, in the
// middle of DDL, for roles of few rights, under settings that come and go, while deltas are folded.
#include <random>

#include "linear/as_of_fixture.h"

namespace tandem::test {
namespace {

using as_of_edges = AsOfFixture;

constexpr const char* kCount = "SELECT count(*) + sum(n) FROM t";
constexpr const char* kPosition = "SELECT pg_current_wal_insert_lsn()";

// Random changes of tables of each kind, every position asked for again and again, while deltas are
// folded and partitions are as they are. Postgres' answers of then are laid aside.
class History {
  public:
    static constexpr const char* kTables =
        "CREATE TABLE plain (id int, n bigint, PRIMARY KEY (id)); CREATE TABLE wide (a int, b "
        "text, "
        "n bigint, note text, PRIMARY KEY (b, a)); CREATE TABLE parts (id int, part int, n bigint, "
        "PRIMARY KEY (id, part)) PARTITION BY LIST (part); CREATE TABLE parts0 PARTITION OF parts "
        "FOR VALUES IN (0); CREATE TABLE parts1 PARTITION OF parts FOR VALUES IN (1); ALTER TABLE "
        "wide ALTER note SET STORAGE EXTERNAL; INSERT INTO plain SELECT i, i FROM "
        "generate_series(1, 200) i; INSERT INTO wide SELECT i, 'k' || i, i, repeat('x', 3000) FROM "
        "generate_series(1, 100) i; INSERT INTO parts SELECT i, i % 2, i FROM generate_series(1, "
        "200) i";
    static constexpr const char* kAsk =
        "SELECT p.v, w.v, q.v, q.w FROM (SELECT count(*) * 1000003 + coalesce(sum(id * 31 + n), 0) "
        "AS v FROM plain) p CROSS JOIN (SELECT count(*) * 1000003 + coalesce(sum(a * 31 + n + "
        "length(note) * 7), 0) AS v FROM wide) w CROSS JOIN (SELECT count(*) * 1000003 + "
        "coalesce(sum(id * 31 + n), 0) AS v, coalesce(sum(part * id), 0) AS w FROM parts) q";

    explicit History(unsigned seed) : random_(seed) {}
    int pick(int least, int most) {
        return std::uniform_int_distribution<int>(least, most)(random_);
    }
    std::string some(const char* column) {
        return std::string(column) + " % " + std::to_string(pick(2, 40)) + " = 1";
    }
    std::string step() {
        std::string at = std::to_string(pick(1, 300));
        switch (pick(0, 11)) {
            case 0:
                return "UPDATE plain SET n = n + 1 WHERE " + some("id");
            case 1:
                return "DELETE FROM plain WHERE " + some("id");
            case 2:
                return "INSERT INTO plain SELECT i, 5 * i FROM generate_series(" + at + ", " + at +
                       " + 40) i ON CONFLICT (id) DO UPDATE SET n = plain.n - 3";
            case 3:
                return "UPDATE wide SET n = n + 2 WHERE " + some("a");
            case 4:
                return "UPDATE wide SET b = b || 'y' WHERE " + some("a");
            case 5:
                return "DELETE FROM wide WHERE " + some("a");
            case 6:
                return "INSERT INTO wide SELECT i, 'k' || i, 9, repeat('z', 2500) FROM "
                       "generate_series(" +
                       at + ", " + at + " + 20) i ON CONFLICT DO NOTHING";
            case 7:
                return "UPDATE parts p SET part = 1 - part WHERE " + some("p.id") +
                       " AND NOT EXISTS (SELECT FROM parts o WHERE o.id = p.id AND o.part <> "
                       "p.part)";
            case 8:
                return "UPDATE parts SET n = n + 4 WHERE " + some("id");
            case 9:
                return "BEGIN; DELETE FROM parts WHERE id < " + at +
                       " AND id % 3 = 0; INSERT INTO parts SELECT i, i % 2, 1 FROM "
                       "generate_series(1, " +
                       at + ") i ON CONFLICT DO NOTHING; COMMIT";
            case 10:
                return "UPDATE plain SET id = id + 1000 WHERE id = " + at +
                       " AND NOT EXISTS (SELECT FROM plain WHERE id = " + at + " + 1000)";
            default:
                return pick(0, 4) == 0 ? "TRUNCATE plain"
                                       : "UPDATE plain SET n = 0 WHERE " + some("id");
        }
    }

  private:
    std::mt19937 random_;
};

TEST_F(as_of_edges, has_every_position_of_a_random_history) {
    if (HasFatalFailure()) return;
    const char* given = std::getenv("TANDEM_LINEAR_SEED");
    unsigned seed = given != nullptr ? static_cast<unsigned>(std::stoul(given)) : 7;
    SCOPED_TRACE("TANDEM_LINEAR_SEED=" + std::to_string(seed));
    History history(seed);
    must(*admin_, History::kTables);
    must(*admin_,
         "SELECT tandem.create_mirror('one', ARRAY['plain', 'parts']); SELECT "
         "tandem.create_mirror('two', ARRAY['wide'])");
    must(*admin_,
         "SELECT tandem.wait_until_live('one', '60s'), tandem.wait_until_live('two', '60s')");
    must(*admin_, "SET tandem.route = off");
    std::vector<Moment> moments;
    auto check = [&](const Moment& moment) {
        must(*reader_, "SET tandem.as_of = '" + moment.position + "'");
        auto answer = reader_->query(History::kAsk);
        ASSERT_TRUE(answer.ok()) << answer.error().to_string();
        EXPECT_EQ(all(*answer), moment.answer) << moment.position;
    };
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(budget_seconds(0));
    for (int i = 0; i < 60 || std::chrono::steady_clock::now() < end; ++i) {
        must(*admin_, history.step());
        std::string position = ask(*admin_, kPosition);
        auto answer = admin_->query(History::kAsk);
        ASSERT_TRUE(answer.ok()) << answer.error().to_string();
        moments.push_back({position, all(*answer)});
        if (i % 4 == 3)
            check(moments[static_cast<size_t>(
                history.pick(0, static_cast<int>(moments.size()) - 1))]);
        if (HasFailure()) return;
    }
    must(*admin_, "RESET tandem.route; SELECT tandem.wait_for('one'), tandem.wait_for('two')");
    wait_until(
        "bool_and(folds > 1) FROM tandem.mirror_copy c JOIN tandem.mirror_table t USING "
        "(mirror_id, relid) WHERE copy = (SELECT min(copy) FROM tandem.mirror_copy o WHERE "
        "o.relid = c.relid) AND c.relid <> 'plain'::regclass");
    for (const Moment& moment : moments) check(moment);
}

TEST_F(as_of_edges, positions_before_the_mirror_are_refused) {
    if (HasFatalFailure()) return;
    std::string before = ask(*admin_, kPosition);
    must(*admin_, "UPDATE t SET n = n + 1");
    must(*admin_, "SELECT tandem.create_mirror('of_t', ARRAY['t'])");
    std::string between = ask(*admin_, kPosition);
    must(*admin_, "UPDATE t SET n = n + 1");
    must(*admin_, "SELECT tandem.wait_until_live('of_t', '60s')");
    std::string moment = ask(*admin_, kPosition);
    must(*admin_, "SET tandem.route = off");
    std::string answer = ask(*admin_, kCount);
    for (const std::string& position : {std::string("0/1"), before, between}) {
        must(*reader_, "SET tandem.as_of = '" + position + "'");
        EXPECT_NE(refusal(kCount).find("as_of_schema"), std::string::npos) << position;
    }
    must(*reader_, "SET tandem.as_of = '" + moment + "'");
    EXPECT_EQ(ask(*reader_, kCount), answer);
    // A mirror that is made again begins again.
    must(*admin_, "UPDATE t SET n = n + 1; SELECT tandem.drop_mirror('of_t')");
    wait_until("NOT EXISTS (SELECT FROM tandem.mirror)");
    EXPECT_NE(refusal(kCount).find("unmirrored_relation"), std::string::npos);
    must(*admin_, "SELECT tandem.create_mirror('of_t', ARRAY['t'])");
    must(*admin_, "SELECT tandem.wait_until_live('of_t', '60s')");
    EXPECT_NE(refusal(kCount).find("as_of_schema"), std::string::npos);
}

// What DDL leaves as it was is no obstacle; what it changes is, from its commit on.
TEST_F(as_of_edges, only_ddl_that_changes_columns_hides_what_was_before) {
    if (HasFatalFailure()) return;
    mirror();
    must(*admin_, "UPDATE t SET n = n + 1");
    Moment moment = now();
    must(*admin_,
         "CREATE INDEX ON t (n); ALTER TABLE t ALTER n SET DEFAULT 4; ALTER TABLE u RENAME TO w; "
         "ALTER TABLE w RENAME TO u; ALTER TABLE t ALTER n SET STATISTICS 100; UPDATE t SET n = 3");
    must(*admin_, "RESET tandem.route; SELECT tandem.wait_for('of_t'), tandem.wait_for('of_u')");
    EXPECT_EQ(then(moment.position), moment.answer);
    must(*admin_, "BEGIN; UPDATE t SET n = n + 1; ALTER TABLE t ADD COLUMN more int");
    std::string inside = ask(*admin_, kPosition);
    must(*admin_, "UPDATE t SET more = 1; COMMIT; SELECT tandem.wait_for('of_t')");
    must(*reader_, "SET tandem.as_of = '" + inside + "'");
    EXPECT_NE(refusal(kAnswer).find("as_of_schema"), std::string::npos);
    moment = now();
    must(*admin_, "RESET tandem.route; SELECT tandem.wait_for('of_t')");
    EXPECT_EQ(then(moment.position), moment.answer);
    must(*admin_, "UPDATE t SET n = 8; ALTER TABLE t ALTER n TYPE numeric");
    must(*reader_, "SET tandem.as_of = '" + moment.position + "'");
    EXPECT_FALSE(reader_->query(kAnswer).ok()) << "whether it has been followed or not";
    must(*admin_, "SELECT tandem.wait_until_live('of_t', '60s')");
    EXPECT_FALSE(reader_->query(kAnswer).ok());
}

TEST_F(as_of_edges, times_are_the_same_in_every_zone) {
    if (HasFatalFailure()) return;
    mirror();
    wait_until("count(*) >= 2 AND max(at) < clock_timestamp() FROM tandem.moment");
    must(*admin_, "UPDATE t SET n = n + 1");
    Moment moment = now();
    moment.position =
        ask(*admin_, "SELECT date_trunc('second', clock_timestamp()) + interval '1 s'");
    wait_until("clock_timestamp() > '" + moment.position + "'");
    must(*admin_, "UPDATE t SET n = n + 1; UPDATE u SET note = 'after'");
    for (const char* zone : {"UTC", "Asia/Kolkata", "America/St_Johns"}) {
        must(*reader_, "SET TimeZone = '" + std::string(zone) + "'");
        std::string there = ask(*reader_, "SELECT timestamptz '" + moment.position + "'");
        EXPECT_EQ(then(there), moment.answer) << there;
        // Without its zone it is one of the session's.
        std::string local = ask(*reader_, "SELECT (timestamptz '" + there + "')::timestamp");
        EXPECT_EQ(then(local), moment.answer) << local;
    }
    for (const auto& [word, reason] :
         {std::pair("infinity", "as_of_ahead"), std::pair("tomorrow", "as_of_ahead"),
          std::pair("-infinity", "as_of_gone")}) {
        must(*reader_, "SET tandem.as_of = '" + std::string(word) + "'");
        EXPECT_NE(refusal(kAnswer).find(reason), std::string::npos) << word;
    }
}

TEST_F(as_of_edges, roles_of_few_rights_read_what_they_may_read) {
    if (HasFatalFailure()) return;
    mirror();
    must(*admin_,
         "CREATE ROLE few LOGIN; GRANT SELECT ON t TO few; CREATE ROLE nobody LOGIN; ALTER TABLE t "
         "ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t TO few USING (id <= 10)");
    must(*admin_, "UPDATE t SET n = n + 1");
    std::string moment = ask(*admin_, kPosition);
    must(*admin_, "UPDATE t SET n = n + 1; SELECT tandem.wait_for('of_t')");
    must(*reader_, "SET tandem.as_of = '" + moment + "'; SET ROLE few");
    EXPECT_EQ(ask(*reader_, kCount), "75") << "10 rows, 55 and 10 more";
    EXPECT_NE(refusal("SELECT count(*) FROM u").find("permission denied"), std::string::npos);
    must(*reader_, "SET ROLE nobody");
    EXPECT_NE(refusal(kCount).find("permission denied"), std::string::npos);
}

TEST_F(as_of_edges, the_setting_ends_where_postgres_ends_it) {
    if (HasFatalFailure()) return;
    mirror();
    must(*admin_, "UPDATE t SET n = 1");
    std::string old = ask(*admin_, kPosition);
    must(*admin_, "UPDATE t SET n = 2");
    const std::string sum = "SELECT sum(n) FROM t";
    must(*admin_, "CREATE FUNCTION of_old() RETURNS numeric LANGUAGE plpgsql SET tandem.as_of = '" +
                      old +
                      "' AS 'BEGIN RETURN (SELECT sum(n) FROM t); END'; CREATE FUNCTION "
                      "inlined() RETURNS numeric LANGUAGE sql AS 'SELECT sum(n) FROM t'");
    for (int i = 0; i < 7; ++i) {
        EXPECT_EQ(ask(*reader_, "SELECT of_old()"), "500");
        EXPECT_EQ(ask(*reader_, sum), "1000");
        EXPECT_EQ(ask(*reader_, "SELECT inlined()"), "1000");
    }
    must(*reader_, "PREPARE p(int) AS SELECT sum(n) FROM t WHERE id > $1");
    for (int i = 0; i < 7; ++i) EXPECT_EQ(ask(*reader_, "EXECUTE p(0)"), "1000");
    must(*reader_, "BEGIN; SAVEPOINT s; SET LOCAL tandem.as_of = '" + old + "'");
    for (int i = 0; i < 7; ++i) EXPECT_EQ(ask(*reader_, "EXECUTE p(0)"), "500");
    EXPECT_EQ(ask(*reader_, "SELECT inlined()"), "500");
    must(*reader_, "ROLLBACK TO s");
    EXPECT_EQ(ask(*reader_, "EXECUTE p(0)"), "1000");
    must(*reader_, "COMMIT; BEGIN; SET LOCAL tandem.as_of = '" + old + "'");
    must(*reader_, "DECLARE c CURSOR WITH HOLD FOR SELECT n FROM t ORDER BY id");
    EXPECT_EQ(ask(*reader_, "FETCH c"), "1");
    must(*admin_, "UPDATE t SET n = 3");
    EXPECT_EQ(ask(*reader_, "FETCH c"), "1");
    must(*reader_, "COMMIT");
    EXPECT_EQ(ask(*reader_, "FETCH c"), "1") << "what it was opened for";
    must(*reader_, "CLOSE c");
    EXPECT_EQ(ask(*reader_, "EXECUTE p(0)"), "1500");
    // The code is one that functions can catch.
    must(*reader_,
         "CREATE TABLE said (what text); DO $$ BEGIN SET LOCAL tandem.as_of = '0/1'; PERFORM "
         "count(*) FROM t; EXCEPTION WHEN SQLSTATE 'TD014' THEN INSERT INTO said VALUES (SQLERRM); "
         "END $$");
    EXPECT_NE(ask(*reader_, "SELECT what FROM said").find("as_of_schema"), std::string::npos);
}

TEST_F(as_of_edges, nothing_else_answers_of_the_present) {
    if (HasFatalFailure()) return;
    mirror();
    must(*admin_, "UPDATE t SET n = 1");
    std::string old = ask(*admin_, kPosition);
    must(*admin_,
         "UPDATE t SET n = 2; CREATE MATERIALIZED VIEW m AS SELECT sum(n) AS s FROM t; CREATE "
         "FUNCTION worker() RETURNS numeric LANGUAGE plpgsql STABLE PARALLEL SAFE AS 'BEGIN RETURN "
         "(SELECT sum(n) FROM t); END'; CREATE PROCEDURE p(INOUT s numeric) LANGUAGE plpgsql AS "
         "'BEGIN SELECT sum(n) INTO s FROM t; END'; CREATE SERVER far FOREIGN DATA WRAPPER "
         "tandem_fdw OPTIONS (host '127.0.0.1', port '1'); CREATE FOREIGN TABLE f (id int) SERVER "
         "far; CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (\"user\" 'u', password "
         "'p')");
    must(*reader_, "SET tandem.as_of = '" + old + "'; SET tandem.freshness = strong");
    for (const char* statement :
         {"SELECT s FROM m", "REFRESH MATERIALIZED VIEW m", "SELECT count(*) FROM f",
          "SELECT count(*) FROM f JOIN t USING (id)",
          "MERGE INTO t USING other o ON o.id = t.id WHEN MATCHED THEN DELETE",
          "SELECT query_to_xml('SELECT count(*) FROM other', true, true, '')",
          "EXPLAIN ANALYZE DELETE FROM t", "TABLE other"})
        EXPECT_NE(refusal(statement).find("cannot be answered as of"), std::string::npos)
            << statement;
    EXPECT_EQ(ask(*reader_, "CALL p(NULL)"), "500");
    const std::string force =
        "FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')";
    must(*reader_, "SELECT set_config(name, 'on', false) " + force);
    auto parallel = reader_->query("SELECT worker()");  // or an error, where a worker runs it
    EXPECT_EQ(parallel.ok() ? parallel->text(0, 0) : "500", "500");
    must(*reader_, "SELECT set_config(name, 'off', false) " + force);
    must(*reader_, "CREATE TABLE laid_aside AS SELECT id, n FROM t");
    must(*reader_, "SELECT sum(n) AS s INTO TEMP summed FROM t");
    must(*reader_, "RESET tandem.as_of");
    EXPECT_EQ(ask(*reader_, "SELECT sum(n) FROM laid_aside"), "500");
    EXPECT_EQ(ask(*reader_, "SELECT s FROM summed"), "500");
}

// Postgres answers for nobody who cannot.
TEST_F(as_of_edges, what_the_mirror_has_not_got_is_an_error) {
    if (HasFatalFailure()) return;
    mirror();
    Moment old = now();
    stop_daemon();
    must(*admin_, "UPDATE t SET n = 77");
    EXPECT_EQ(then(old.position), old.answer) << "nobody has to run for what is there";
    must(*reader_, "SET tandem.wait_budget = 100");
    must(*reader_, "SET tandem.as_of = '" + now().position + "'");
    EXPECT_NE(refusal(kAnswer).find("lag"), std::string::npos);
    start_daemon();
    must(*reader_, "SET tandem.wait_budget = 20000");
    wait_until("bool_and(active) FROM pg_replication_slots");
    Moment present = now();
    EXPECT_EQ(then(present.position), present.answer);
    clickhouse_->stop();
    EXPECT_NE(refusal(kAnswer).find("cannot be answered as of"), std::string::npos);
}

}  // namespace
}  // namespace tandem::test
