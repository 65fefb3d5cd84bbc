// tandem.as_of: what Postgres answered at a moment is what the router answers of it later, and what
// it cannot answer is an error that says why.
#include "linear/as_of_fixture.h"

namespace tandem::test {
namespace {

using as_of = AsOfFixture;

TEST_F(as_of, answers_what_postgres_answered_also_after_folds_and_truncate) {
    if (HasFatalFailure()) return;
    mirror();
    std::vector<Moment> moments;
    const char* const steps[] = {
        "UPDATE t SET n = n + 1000 WHERE id % 3 = 0; UPDATE u SET note = note || 'x'",
        "DELETE FROM t WHERE id BETWEEN 100 AND 200",
        "UPDATE t SET n = n + 5 WHERE id < 50; UPDATE t SET n = n + 7 WHERE id < 20",
        "INSERT INTO t SELECT i, -i FROM generate_series(100, 150) i",
        "UPDATE u SET id = id + 10000 WHERE id < 30",
        "TRUNCATE t",
        "INSERT INTO t SELECT i, 3 * i FROM generate_series(1, 40) i; DELETE FROM u WHERE id < 90",
        "UPDATE t SET n = 1",
    };
    int step = 0;
    for (const char* sql : steps) {
        must(*admin_, sql);
        moments.push_back(now());
        // Others are folded between two steps, or are still in one batch.
        if (++step % 3 == 0) wait_until_folded();
    }
    for (const Moment& moment : moments) EXPECT_EQ(then(moment.position), moment.answer);
    wait_until_folded();
    for (const Moment& moment : moments) EXPECT_EQ(then(moment.position), moment.answer);
    stop_daemon();
    start_daemon();
    wait_until("bool_and(active) FROM pg_replication_slots");
    for (const Moment& moment : moments) EXPECT_EQ(then(moment.position), moment.answer);
    must(*reader_, "RESET tandem.as_of");
    auto present = reader_->query(kAnswer);
    ASSERT_TRUE(present.ok());
    EXPECT_EQ(all(*present), moments.back().answer);
}

// Times are told apart by full seconds of the server's clock.
TEST_F(as_of, takes_a_time_for_what_was_committed_by_then) {
    if (HasFatalFailure()) return;
    mirror();
    auto second = [&] {
        auto now = admin_->query("SELECT date_trunc('second', clock_timestamp())");
        return now.ok() ? now->text(0, 0) : "";
    };
    auto next_second = [&] {
        std::string before = second();
        wait_until("clock_timestamp() >= timestamptz '" + before + "' + interval '1 s'");
        return second();
    };
    next_second();  // those before the mirror's first start are not known
    next_second();
    // One mirror stands still, or both do, when it is asked for.
    std::vector<Moment> moments;
    for (const char* sql : {"UPDATE t SET n = n + 1; UPDATE u SET note = note || 'a'", "SELECT 1",
                            "UPDATE t SET n = n + 7 WHERE id < 9; UPDATE u SET note = 'b'"}) {
        must(*admin_, sql);
        Moment moment = now();
        moment.position = next_second();
        moments.push_back(moment);
        EXPECT_EQ(then(moment.position), moment.answer) << "at once";
    }
    stop_daemon();
    must(*admin_, "UPDATE t SET n = n - 3");  // told of by the next session
    moments.push_back(now());
    moments.back().position = next_second();
    must(*admin_, "UPDATE t SET n = n - 4; UPDATE u SET note = 'c'");
    start_daemon();
    must(*admin_, "RESET tandem.route; SELECT tandem.wait_for('of_t'), tandem.wait_for('of_u')");
    auto told = admin_->query(
        "SELECT string_agg(mirror_id || ' ' || at || ' ' || position, '; ' ORDER BY at) FROM "
        "tandem.moment");
    ASSERT_TRUE(told.ok());
    for (const Moment& moment : moments)
        EXPECT_EQ(then(moment.position), moment.answer) << moment.position << told->text(0, 0);
    // One mirror has come further, and where the other was is not known to the commit.
    must(*admin_, "SET tandem.route = off");
    std::string between = next_second();
    must(*admin_, "UPDATE t SET n = n - 5; RESET tandem.route; SELECT tandem.wait_for('of_t')");
    must(*reader_, "SET tandem.as_of = '" + between + "'");
    EXPECT_NE(refusal(kAnswer).find("no_common_position"), std::string::npos);
    must(*reader_, "SELECT count(*) FROM t");
    must(*reader_, "SET tandem.as_of = '1999-01-01 00:00:00+00'");
    EXPECT_NE(refusal(kAnswer).find("as_of_gone"), std::string::npos);
    must(*reader_, "SET tandem.as_of = '2999-01-01 00:00:00+00'");
    EXPECT_NE(refusal(kAnswer).find("as_of_ahead"), std::string::npos);
    for (const char* wrong : {"no time", "0/0"}) {
        must(*reader_, "SET tandem.as_of = '" + std::string(wrong) + "'");
        EXPECT_NE(refusal(kAnswer).find(wrong), std::string::npos);
    }
    EXPECT_FALSE(reader_->execute("SET tandem.as_of = E'\\x01'").ok());
}

TEST_F(as_of, gives_all_statements_one_moment) {
    if (HasFatalFailure()) return;
    mirror();
    must(*admin_, "UPDATE t SET n = n + 1");
    Moment moment = now();
    must(*reader_, "PREPARE sum AS SELECT sum(n) FROM t");
    must(*reader_, "EXECUTE sum");
    must(*reader_, "SELECT set_config('tandem.as_of', pg_current_wal_insert_lsn()::text, false)");
    auto first = reader_->query("EXECUTE sum");
    must(*admin_, "UPDATE t SET n = n + 1; UPDATE u SET note = 'other'");
    auto second = reader_->query("EXECUTE sum");
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(first->text(0, 0), second->text(0, 0));
    // A position needs no snapshot.
    must(*reader_, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    EXPECT_EQ(then(moment.position), moment.answer);
    must(*reader_, "COMMIT");
    must(*admin_, "RESET tandem.route; SELECT tandem.wait_for('of_t'), tandem.wait_for('of_u')");
    auto current = admin_->query("SELECT tandem.current_position() >= '" + moment.position +
                                 "', tandem.current_position('of_t') >= tandem.current_position()");
    ASSERT_TRUE(current.ok()) << current.error().to_string();
    EXPECT_EQ(current->text(0, 0) + current->text(0, 1), "tt");
}

// Plans are older than the setting, or are of a setting that is over.
TEST_F(as_of, holds_for_plans_of_before_and_not_for_later_ones) {
    if (HasFatalFailure()) return;
    mirror();
    must(*admin_, "UPDATE t SET n = n + 1");
    Moment moment = now();
    must(*reader_, "PREPARE whole AS " + std::string(kAnswer));
    must(*reader_, "PREPARE key AS SELECT n FROM t WHERE id = 7");
    must(*reader_, "SET tandem.route = on");
    for (int i = 0; i < 7; ++i) must(*reader_, "EXECUTE key");
    must(*admin_, "UPDATE t SET n = n + 1; UPDATE u SET note = 'after'");
    Moment present = now();
    auto ask = [&](const std::string& what) { return AsOfFixture::ask(*reader_, what); };
    must(*reader_, "BEGIN; SET LOCAL tandem.as_of = '" + moment.position + "'");
    EXPECT_EQ(ask("EXECUTE key"), "8");
    EXPECT_EQ(all(*reader_->query("EXECUTE whole")), moment.answer);
    must(*reader_, "COMMIT");
    EXPECT_EQ(ask("EXECUTE key"), "9") << "SET LOCAL is over";
    EXPECT_EQ(all(*reader_->query("EXECUTE whole")), present.answer);
    must(*reader_,
         "SET tandem.as_of = '" + moment.position + "'; PREPARE old AS " + std::string(kAnswer));
    EXPECT_EQ(all(*reader_->query("EXECUTE old")), moment.answer);
    must(*reader_, "SET tandem.route = verify");
    EXPECT_EQ(all(*reader_->query("EXECUTE old")), moment.answer) << "nothing to compare with";
    must(*reader_, "RESET tandem.as_of");
    EXPECT_EQ(all(*reader_->query("EXECUTE old")), present.answer);
    must(*reader_, "SET tandem.as_of = '" + moment.position + "'");
    must(*reader_, "DISCARD ALL");
    must(*reader_, "SET tandem.wait_budget = 20000");
    EXPECT_EQ(all(*reader_->query(kAnswer)), present.answer) << "a pool hands it on";
    // A function that was planned in the same query, before as_of was set.
    must(*admin_,
         "RESET tandem.route; CREATE FUNCTION one(int) RETURNS bigint LANGUAGE sql VOLATILE AS "
         "'SELECT n FROM t WHERE id = 7 AND $1 > 0'");
    must(*reader_, "SET tandem.route = off");
    EXPECT_NE(refusal("SELECT one(i), set_config('tandem.as_of', '" + moment.position +
                      "', false) FROM generate_series(1, 2) i")
                  .find("as_of_statement"),
              std::string::npos);
    // A cursor reads the moment at which it was opened, or nothing.
    must(*reader_,
         "RESET tandem.as_of; SET tandem.route = force; BEGIN; DECLARE c SCROLL CURSOR FOR SELECT "
         "n FROM t WHERE id = 7");
    must(*reader_, "SET LOCAL tandem.as_of = '" + moment.position + "'");
    EXPECT_EQ(ask("FETCH c"), "9");
    must(*reader_, "ROLLBACK");
}

TEST_F(as_of, is_shown_by_explain) {
    if (HasFatalFailure()) return;
    mirror();
    Moment moment = now();
    must(*admin_, "UPDATE t SET n = n + 1");
    must(*reader_, "SET tandem.as_of = '" + moment.position + "'");
    for (const char* options : {"", "ANALYZE "}) {
        auto plan = reader_->query("EXPLAIN " + std::string(options) + kAnswer);
        ASSERT_TRUE(plan.ok()) << plan.error().to_string();
        std::string text;
        for (int i = 0; i < plan->rows(); ++i) text += plan->text(i, 0) + "\n";
        EXPECT_NE(text.find("As Of: " + moment.position), std::string::npos) << text;
        bool shows = text.find("Position: " + moment.position) != std::string::npos;
        EXPECT_EQ(shows, options[0] != '\0') << text;
    }
}

TEST_F(as_of, reads_all_parts_of_a_query_at_the_moment) {
    if (HasFatalFailure()) return;
    mirror();
    must(*admin_, "UPDATE t SET n = n + 1; UPDATE u SET note = 'before'");
    Moment moment = now();
    must(*admin_, "UPDATE t SET n = n + 1; UPDATE u SET note = 'after'");
    must(*reader_, "CREATE TEMP TABLE mine AS SELECT 1 AS one");
    must(*reader_, "SET tandem.as_of = '" + moment.position + "'");
    auto answer = reader_->query(std::string(kAnswer) + " WHERE random() < 2");
    ASSERT_TRUE(answer.ok()) << answer.error().to_string();
    EXPECT_EQ(all(*answer), moment.answer);
    const char* const kBeside =
        "SELECT x.n FROM (SELECT count(*) AS n FROM t) x CROSS JOIN mine WHERE random() < 2";
    EXPECT_NE(refusal(kBeside).find("cannot be answered as of"), std::string::npos);
    must(*reader_, "RESET tandem.as_of");
    must(*reader_, kBeside);
}

TEST_F(as_of, has_the_keys_of_documents_that_were_replaced) {
    if (HasFatalFailure()) return;
    must(*admin_,
         "CREATE TABLE d (id int PRIMARY KEY, doc jsonb NOT NULL); INSERT INTO d SELECT i, "
         "'{\"kind\": \"a\"}' FROM generate_series(1, 500) i; SELECT tandem.create_mirror('of_d', "
         "ARRAY['d'], '{\"json_keys\": {\"d\": {\"doc\": [\"kind\"]}}}')");
    must(*admin_, "SELECT tandem.wait_until_live('of_d', '60s')");
    auto position = admin_->query("SELECT pg_current_wal_insert_lsn()");
    ASSERT_TRUE(position.ok());
    must(*admin_, "UPDATE d SET doc = '{\"kind\": \"b\"}' WHERE id % 2 = 0");
    must(*admin_, "SELECT tandem.wait_for('of_d')");
    wait_until("folds > 0 AND delta_empty FROM tandem.mirror_copy WHERE relid = 'd'::regclass");
    must(*reader_, "SET tandem.as_of = '" + position->text(0, 0) + "'");
    auto old = reader_->query("SELECT count(*) FROM d WHERE doc ->> 'kind' = 'a' AND doc ? 'kind'");
    ASSERT_TRUE(old.ok()) << old.error().to_string();
    EXPECT_EQ(old->text(0, 0), "500");
}

TEST_F(as_of, is_an_error_for_what_has_no_past) {
    if (HasFatalFailure()) return;
    mirror();
    Moment moment = now();
    must(*reader_, "SET tandem.as_of = '" + moment.position + "'");
    for (const char* statement :
         {"INSERT INTO t VALUES (9999, 1)", "UPDATE t SET n = 0", "DELETE FROM t",
          "SELECT * FROM t WHERE id = 1 FOR UPDATE", "INSERT INTO other SELECT id FROM t",
          "SELECT count(*) FROM t JOIN pg_class c ON c.oid = t.id", "COPY t TO '/dev/null'",
          "COPY t FROM '/dev/null'", "WITH w AS (DELETE FROM t RETURNING 1) SELECT count(*) FROM w",
          "CREATE TABLE copied AS SELECT t.id FROM t FOR UPDATE"})
        EXPECT_NE(refusal(statement).find("as_of_statement"), std::string::npos) << statement;
    EXPECT_NE(refusal("SELECT count(*) FROM other").find("unmirrored_relation"), std::string::npos);
    EXPECT_NE(refusal("SELECT t.id FROM t TABLESAMPLE system (10)").find("tablesample"),
              std::string::npos);
    must(*reader_,
         "CREATE FUNCTION present() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS "
         "'BEGIN RETURN (SELECT count(*) FROM t); END'");
    EXPECT_NE(refusal("SELECT present()").find("as_of_statement"), std::string::npos);
    // What reads no table goes on, and a look-up by key is no exception.
    must(*reader_, "SELECT now(), tandem.current_position()");
    must(*admin_, "UPDATE t SET n = -1 WHERE id = 7");
    auto old = reader_->query("SELECT n FROM t WHERE id = 7");
    ASSERT_TRUE(old.ok()) << old.error().to_string();
    EXPECT_EQ(old->text(0, 0), "7");
    must(*reader_, "BEGIN ISOLATION LEVEL SERIALIZABLE");
    EXPECT_NE(refusal(kAnswer).find("isolation"), std::string::npos);
    must(*reader_, "ROLLBACK");
    // In functions and views it is no other.
    must(*admin_,
         "CREATE VIEW v AS SELECT n FROM t WHERE id = 7; CREATE FUNCTION past() RETURNS bigint "
         "LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT n FROM v); END'");
    for (const char* query : {"SELECT n FROM v", "SELECT past()"}) {
        auto answer = reader_->query(query);
        ASSERT_TRUE(answer.ok()) << answer.error().to_string();
        EXPECT_EQ(answer->text(0, 0), "7") << query;
    }
    must(*reader_, "SET tandem.as_of = 'FFFFFF/0'");
    EXPECT_NE(refusal(kAnswer).find("as_of_ahead"), std::string::npos);
    must(*reader_, "SET tandem.route = off");
    EXPECT_NE(refusal(kAnswer).find("(off)"), std::string::npos);
}

TEST_F(as_of, is_refused_where_the_table_was_another_one) {
    if (HasFatalFailure()) return;
    mirror();
    must(*admin_, "UPDATE t SET n = n + 1");
    Moment before = now();
    must(*admin_, "ALTER TABLE t ADD COLUMN more int; INSERT INTO t VALUES (700, 7, 7)");
    Moment after = now();
    must(*admin_, "SELECT tandem.wait_for('of_t')");  // else the query is planned before it follows
    EXPECT_EQ(then(after.position), after.answer);
    must(*reader_, "SET tandem.as_of = '" + before.position + "'");
    std::string why = refusal(kAnswer);
    EXPECT_NE(why.find("as_of_schema"), std::string::npos) << why;
    EXPECT_NE(why.find("\"t\""), std::string::npos) << why;
    must(*admin_, "SELECT tandem.resync_mirror('of_u')");
    must(*admin_, "SELECT tandem.wait_until_live('of_u', '60s')");
    must(*reader_, "SET tandem.as_of = '" + after.position + "'");
    why = refusal(kAnswer);
    EXPECT_NE(why.find("as_of_schema"), std::string::npos) << why;
    EXPECT_NE(why.find("\"u\""), std::string::npos) << why;
}

TEST_F(as_of, is_refused_where_partitions_were_others) {
    if (HasFatalFailure()) return;
    must(*admin_,
         "CREATE TABLE p (id int, part int, n int, PRIMARY KEY (id, part)) PARTITION BY LIST "
         "(part); CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0); CREATE TABLE p1 (LIKE p "
         "INCLUDING ALL); INSERT INTO p SELECT i, 0, i FROM generate_series(1, 100) i; INSERT "
         "INTO p1 SELECT i, 1, i FROM generate_series(1, 100) i; "
         "SELECT tandem.create_mirror('of_p', ARRAY['p'])");
    must(*admin_, "SELECT tandem.wait_until_live('of_p', '60s')");
    must(*admin_, "SET tandem.route = off; UPDATE p SET n = n + 1");
    const std::string sum = "SELECT count(*) + sum(n) FROM p";
    auto before = admin_->query("SELECT pg_current_wal_insert_lsn(), (" + sum + ")");
    must(*admin_, "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1); UPDATE p SET n = n + 1");
    must(*admin_, "SELECT tandem.wait_until_live('of_p', '60s')");
    ASSERT_TRUE(before.ok());
    must(*reader_, "SET tandem.as_of = '" + before->text(0, 0) + "'");
    std::string why = refusal(sum);
    EXPECT_NE(why.find("as_of_schema"), std::string::npos) << why;
    auto old = reader_->query(sum);  // never another answer, however long it takes to follow
    EXPECT_FALSE(old.ok());
    wait_until(
        "(SELECT readable_from < pg_current_wal_insert_lsn() FROM tandem.mirror_tables WHERE "
        "table_name = 'p' AND mirror = 'of_p')");
    for (const char* sql : {"UPDATE p SET n = n + 1 WHERE id < 50", "DELETE FROM p WHERE id > 90",
                            "UPDATE p SET part = 1 - part WHERE id BETWEEN 60 AND 70 AND part = 0 "
                            "AND false",
                            "TRUNCATE p1"}) {
        auto moment = admin_->query("SELECT pg_current_wal_insert_lsn(), (" + sum + ")");
        must(*admin_, sql);
        ASSERT_TRUE(moment.ok());
        must(*reader_, "SET tandem.as_of = '" + moment->text(0, 0) + "'");
        auto answer = reader_->query(sum);
        if (!answer.ok()) continue;  // p1 has gone meanwhile
        EXPECT_EQ(answer->text(0, 0), moment->text(0, 1)) << sql;
    }
}

TEST_F(as_of, reads_tables_without_a_key_back_to_their_last_fold) {
    if (HasFatalFailure()) return;
    must(*admin_,
         "CREATE TABLE k (n int); ALTER TABLE k REPLICA IDENTITY FULL; INSERT INTO k SELECT i % 10 "
         "FROM generate_series(1, 100) i; SELECT tandem.create_mirror('of_k', ARRAY['k'])");
    must(*admin_, "SELECT tandem.wait_until_live('of_k', '60s')");
    const std::string sum = "SELECT count(*) + coalesce(sum(n), 0) FROM k";
    must(*admin_, "SET tandem.route = off");
    std::vector<Moment> moments;
    auto remember = [&] {
        auto moment = admin_->query("SELECT pg_current_wal_insert_lsn(), (" + sum + ")");
        ASSERT_TRUE(moment.ok());
        moments.push_back({moment->text(0, 0), moment->text(0, 1)});
    };
    remember();
    for (int i = 0; i < 5; ++i) {
        must(*admin_, "UPDATE k SET n = n + 1 WHERE n = " + std::to_string(i));
        must(*admin_, "DELETE FROM k WHERE ctid IN (SELECT ctid FROM k LIMIT 3)");
        remember();
    }
    auto check = [&] {
        int gone = 0;
        for (const Moment& moment : moments) {
            must(*reader_, "SET tandem.as_of = '" + moment.position + "'");
            auto answer = reader_->query(sum);
            if (answer.ok()) {
                EXPECT_EQ(answer->text(0, 0), moment.answer);
            } else {
                EXPECT_NE(answer.error().to_string().find("as_of_gone"), std::string::npos)
                    << answer.error().to_string();
                ++gone;
            }
        }
        return gone;
    };
    check();
    wait_until("folds > 0 AND delta_empty FROM tandem.mirror_copy WHERE relid = 'k'::regclass");
    EXPECT_GT(check(), 0);
    remember();
    must(*reader_, "SET tandem.as_of = '" + moments.back().position + "'");
    auto last = reader_->query(sum);
    ASSERT_TRUE(last.ok()) << last.error().to_string();
    EXPECT_EQ(last->text(0, 0), moments.back().answer);
}

TEST_F(as_of, is_refused_when_what_was_there_is_not_kept) {
    if (HasFatalFailure()) return;
    mirror(R"({"history_s": 1})");
    must(*admin_, "UPDATE t SET n = n + 1");
    Moment before = now();
    must(*admin_, "UPDATE t SET n = n + 1");
    wait_until_folded();
    must(*reader_, "SET tandem.as_of = '" + before.position + "'");
    std::string why = refusal(kAnswer);
    EXPECT_NE(why.find("as_of_gone"), std::string::npos) << why;
    EXPECT_NE(why.find("\"t\""), std::string::npos) << why;
    // With two seconds it is kept, and then forgotten.
    must(*admin_, R"(SELECT tandem.alter_mirror('of_t', '{"history_s": 2}'))");
    wait_until("bool_and(active) FROM pg_replication_slots");
    must(*admin_, "UPDATE t SET n = n + 1");
    before = now();
    must(*admin_, "UPDATE t SET n = n + 1");
    wait_until_folded();
    wait_until("readable_from >= '" + before.position +
               "' FROM tandem.mirror_copy WHERE relid = 't'::regclass");
    must(*reader_, "SET tandem.as_of = '" + before.position + "'");
    EXPECT_NE(refusal(kAnswer).find("as_of_gone"), std::string::npos);
}

}  // namespace
}  // namespace tandem::test
