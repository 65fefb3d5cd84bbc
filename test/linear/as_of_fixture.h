// tandem.as_of before real servers: two tables, each in a mirror of its own; one session writes and
// takes down what Postgres answered at which position, another asks for it later.
#pragma once

#include "base/back_off.h"
#include "linear/whole_fixture.h"

namespace tandem::test {

// Of both mirrors, with every value in it.
inline constexpr const char* kAnswer =
    "SELECT x.n, x.s, y.n, y.s FROM (SELECT count(*) AS n, coalesce(sum(id * 7 + n), 0) AS s FROM "
    "t) x CROSS JOIN (SELECT count(*) AS n, coalesce(sum(length(note) + id), 0) AS s FROM u) y";

class AsOfFixture : public WholeFixture {
  protected:
    struct Moment {
        std::string position;
        std::string answer;
    };

    void SetUp() override {
        WholeFixture::SetUp();
        if (HasFatalFailure()) return;
        options_.limits.folding.grace = std::chrono::milliseconds(300);
        options_.limits.folding.generation_age = std::chrono::milliseconds(100);
        must(*admin_,
             "CREATE TABLE t (id int PRIMARY KEY, n bigint NOT NULL); CREATE TABLE u (id int "
             "PRIMARY "
             "KEY, note text NOT NULL); CREATE TABLE other (id int PRIMARY KEY); INSERT INTO t "
             "SELECT i, i FROM generate_series(1, 500) i; INSERT INTO u SELECT i, 'note' FROM "
             "generate_series(1, 500) i");
        start_daemon();
        reader_ = connect();
        must(*reader_, "SET tandem.wait_budget = 20000");
    }
    void TearDown() override {
        if (daemon_.joinable()) stop_daemon();
    }

    void mirror(const std::string& options = "{}") {
        for (const char* table : {"t", "u"}) {
            std::string name = std::string("of_") + table;
            must(*admin_, "SELECT tandem.create_mirror('" + name + "', ARRAY['" + table + "'], '" +
                              options + "')");
            must(*admin_, "SELECT tandem.wait_until_live('" + name + "', '60s')");
        }
    }
    static std::string all(const postgres::QueryResult& rows) {
        std::string text;
        for (int i = 0; i < 4; ++i) text += rows.text(0, i) + " ";
        return text;
    }
    // The admin's session writes alone: nothing happens in between.
    Moment now() {
        must(*admin_, "SET tandem.route = off");
        auto position = admin_->query("SELECT pg_current_wal_insert_lsn()");
        auto answer = admin_->query(kAnswer);
        EXPECT_TRUE(position.ok() && answer.ok());
        return {position->text(0, 0), all(*answer)};
    }
    std::string then(const std::string& when) {
        must(*reader_, "SET tandem.as_of = '" + when + "'");
        auto answer = reader_->query(kAnswer);
        EXPECT_TRUE(answer.ok()) << when << ": " << answer.error().to_string();
        return answer.ok() ? all(*answer) : "";
    }
    std::string refusal(const std::string& statement) { return refusal(*reader_, statement); }
    static std::string refusal(postgres::Connection& reader, const std::string& statement) {
        auto answer = reader.query(statement);
        EXPECT_FALSE(answer.ok()) << statement;
        return answer.ok() ? "" : answer.error().to_string();
    }
    // One value, of a session that has to get one.
    static std::string ask(postgres::Connection& connection, const std::string& query) {
        auto answer = connection.query(query);
        EXPECT_TRUE(answer.ok()) << query << ": " << answer.error().to_string();
        return answer.ok() ? answer->text(0, 0) : "";
    }
    void wait_until(const std::string& condition) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        for (;;) {
            auto answer = admin_->query("SELECT " + condition);
            ASSERT_TRUE(answer.ok()) << answer.error().to_string();
            if (answer->text(0, 0) == "t") return;
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << condition;
            back_off(std::chrono::milliseconds(50));
        }
    }
    void wait_until_folded() {
        must(*admin_, "SELECT tandem.wait_for('of_t'), tandem.wait_for('of_u')");
        wait_until(
            "bool_and(k.delta_empty) AND bool_and(k.visible_from IS NOT NULL) FROM (SELECT "
            "DISTINCT "
            "ON (relid) * FROM tandem.mirror_copy ORDER BY relid, copy DESC) k");
    }

    std::unique_ptr<postgres::Connection> reader_;
};

}  // namespace tandem::test
