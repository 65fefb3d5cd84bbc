// Every routed answer is one committed state of the source.
//
// Writers move money between rows of four tables, one of them partitioned, one without a key and
// with every row twice, in transactions small and large, delete rows and give them life again; what
// all rows hold together never changes. Readers ask through the router, under each freshness, and
// must never see another sum, also when the tables are in two mirrors; under `strong` a session
// must also see what another session had committed before it asked. What Postgres answered in
// between is asked for again later, with tandem.as_of. Deltas are folded all the while, and the
// daemon is restarted in between. TANDEM_BUDGET_SECONDS sets how long (default 8).
#include <atomic>
#include <random>
#include <thread>

#include "base/back_off.h"
#include "linear/whole_fixture.h"

namespace tandem::test {
namespace {

using std::chrono::milliseconds;

constexpr int kRows = 2000;
constexpr int kRoutedMin = 20;
constexpr int kPartlyMin = 10;

const char* const kSchema = R"(
CREATE TABLE a (id int PRIMARY KEY, money bigint NOT NULL, note text);
CREATE TABLE b (id int PRIMARY KEY, money bigint NOT NULL);
CREATE TABLE c (id int, part int, money bigint NOT NULL, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE c0 PARTITION OF c FOR VALUES IN (0);
CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1);
CREATE TABLE d (id int, money bigint NOT NULL);
ALTER TABLE d REPLICA IDENTITY FULL;
CREATE TABLE ticket (n bigint PRIMARY KEY, at timestamptz NOT NULL);
ALTER TABLE a ALTER note SET STORAGE EXTERNAL;
INSERT INTO a SELECT i, 1000, repeat('x', 4000) FROM generate_series(1, 2000) i;
INSERT INTO b SELECT i, 1000 FROM generate_series(1, 2000) i;
INSERT INTO c SELECT i, i % 2, 1000 FROM generate_series(1, 2000) i;
INSERT INTO d SELECT i / 2 + 1, 500 FROM generate_series(0, 3999) i;
)";

// All money there is: one answer that speaks of all tables.
const char* const kSums =
    "SELECT x.m + y.n + z.o + w.p FROM (SELECT sum(money) AS m FROM a) x CROSS JOIN (SELECT "
    "sum(money) AS n FROM b) y CROSS JOIN (SELECT sum(money) AS o FROM c) z CROSS JOIN (SELECT "
    "sum(money) AS p FROM d) w";

// The same, for each table a query of its own that Postgres puts together.
const std::string kPartly = std::string(kSums) + " WHERE random() < 2";

class linear : public WholeFixture {
  protected:
    void SetUp() override {
        WholeFixture::SetUp();
        if (HasFatalFailure()) return;
        options_.limits.folding.grace = milliseconds(700);
        options_.limits.folding.generation_age = milliseconds(200);
        options_.limits.batch_rows = 300;  // large transactions fall into several batches
        must(*admin_, kSchema);
        start_daemon();
    }

    void mirror(const std::string& name, const std::string& tables) {
        must(*admin_, "SELECT tandem.create_mirror('" + name + "', ARRAY[" + tables + "])");
        must(*admin_, "SELECT tandem.wait_until_live('" + name + "', '60s')");
    }
    void run();

    int folds() {
        auto folds = admin_->query("SELECT coalesce(sum(folds), 0) FROM tandem.mirror_copy");
        EXPECT_TRUE(folds.ok());
        return folds.ok() ? std::stoi(folds->text(0, 0)) : 0;
    }
    // The budget is spent, and something was seen; a slow machine gets longer for that.
    bool enough(std::chrono::steady_clock::duration spent) {
        if (spent < std::chrono::seconds(budget_seconds(8))) return false;
        return spent > std::chrono::seconds(90) ||
               (folds() > 0 && routed_ >= kRoutedMin && partly_ >= kPartlyMin && written_ > 50 &&
                remembered_ > 20);
    }

    void write(uint64_t seed, const std::stop_token& stop);
    void read(const std::string& freshness, const std::stop_token& stop);
    void read_strong_across_sessions(const std::stop_token& stop);
    void read_history(uint64_t seed, const std::stop_token& stop);

    std::atomic<int> reads_ = 0;
    std::atomic<int> routed_ = 0;
    std::atomic<int> partly_ = 0;  // of them
    std::atomic<int> written_ = 0;
    std::atomic<int> remembered_ = 0;
    std::atomic<int> refused_ = 0;
};

// One transaction: some transfers between any two tables, now and then hundreds; rows that are
// deleted give all they have to another, and may be born again with nothing.
void linear::write(uint64_t seed, const std::stop_token& stop) {
    auto connection = connect();
    std::mt19937_64 random(seed);
    auto pick = [&](int from, int to) { return std::uniform_int_distribution(from, to)(random); };
    const char* const tables[] = {"a", "b", "c", "d"};
    while (!stop.stop_requested()) {
        std::string from = tables[pick(0, 3)];
        std::string to = tables[pick(0, 3)];
        std::string one = to == "d" ? "ctid" : "id";
        int count = pick(0, 19) == 0 ? pick(400, 900) : pick(1, 8);
        int first = pick(1, kRows - count);
        int second = pick(1, kRows - count);
        std::string sql = "BEGIN; LOCK TABLE a, b, c, d IN SHARE ROW EXCLUSIVE MODE; ";
        if (pick(0, 4) == 0 && count < 10) {
            sql += "WITH gone AS (DELETE FROM " + from + " WHERE id = " + std::to_string(first) +
                   " RETURNING money) UPDATE " + to +
                   " SET money = money + coalesce((SELECT "
                   "sum(money) FROM gone), 0) WHERE " +
                   one + " = (SELECT min(" + one + ") FROM " + to + " WHERE id <> " +
                   std::to_string(first) + "); ";
            sql += from == "c" ? "INSERT INTO c VALUES (" + std::to_string(first) + ", " +
                                     std::to_string(first % 2) + ", 0) ON CONFLICT DO NOTHING; "
                               : "INSERT INTO " + from + " (id, money) VALUES (" +
                                     std::to_string(first) + ", 0) ON CONFLICT DO NOTHING; ";
        } else {
            sql += "WITH taken AS (UPDATE " + from + " SET money = money - 3 WHERE id BETWEEN " +
                   std::to_string(first) + " AND " + std::to_string(first + count - 1) +
                   " RETURNING 3 AS money) SELECT set_config('linear.sum', coalesce((SELECT "
                   "sum(money) FROM taken), 0)::text, true); UPDATE " +
                   to + " SET money = money + current_setting('linear.sum')::bigint WHERE " + one +
                   " = (SELECT min(" + one + ") FROM " + to +
                   " WHERE id >= " + std::to_string(second) + "); ";
        }
        sql += pick(0, 9) == 0 ? "ROLLBACK" : "COMMIT";
        Status done = connection->execute(sql);
        if (!done.ok()) {
            ADD_FAILURE() << done.error().to_string() << "\n" << sql;
            return;
        }
        ++written_;
    }
}

void linear::read(const std::string& freshness, const std::stop_token& stop) {
    auto connection = connect();
    must(*connection,
         "SET tandem.route_cost_threshold = 0; SET tandem.wait_budget = 2000; SET "
         "tandem.freshness = " +
             freshness);
    const std::string expected = std::to_string(4 * kRows * 1000);
    for (bool whole = true; !stop.stop_requested(); whole = !whole) {
        const std::string sql = whole ? kSums : kPartly;
        auto plan = connection->query("EXPLAIN (ANALYZE, COSTS OFF) " + sql);
        ASSERT_TRUE(plan.ok()) << plan.error().to_string();
        for (int row = 0; row < plan->rows(); ++row) {
            if (plan->text(row, 0).find("Executed in: ClickHouse") == std::string::npos) continue;
            ++routed_;
            if (!whole) ++partly_;
        }
        auto answer = connection->query(sql);
        ASSERT_TRUE(answer.ok()) << answer.error().to_string();
        ++reads_;
        if (answer->text(0, 0) == expected) continue;
        ADD_FAILURE() << freshness << " saw " << answer->text(0, 0) << ", not " << expected << "\n"
                      << sql;
        return;
    }
}

void linear::read_strong_across_sessions(const std::stop_token& stop) {
    auto writer = connect();
    auto reader = connect();
    must(*reader, "SET tandem.route_cost_threshold = 0; SET tandem.wait_budget = 5000");
    for (int64_t n = 1; !stop.stop_requested(); ++n) {
        must(*writer, "INSERT INTO ticket VALUES (" + std::to_string(n) + ", now())");
        auto answer = reader->query("SELECT max(n), count(*) FROM ticket");
        ASSERT_TRUE(answer.ok()) << answer.error().to_string();
        ++reads_;
        if (answer->text(0, 0) == std::to_string(n) && answer->text(0, 1) == std::to_string(n))
            continue;
        ADD_FAILURE() << "strong saw " << answer->text(0, 0) << " of " << n;
        return;
    }
}

// While nobody writes, what Postgres answers and the position it is at; later, of any of these
// positions, what the router answers. Not of the table without a key, whose past ends at its folds.
void linear::read_history(uint64_t seed, const std::stop_token& stop) {
    const char* const kAnswer =
        "SELECT x.s + y.s + z.s FROM (SELECT sum(money * id % 1000003) AS s FROM a) x CROSS JOIN "
        "(SELECT sum(money * id % 1000003) AS s FROM b) y CROSS JOIN (SELECT sum(money * id % "
        "1000003) AS s FROM c) z";
    auto local = connect();
    auto routed = connect();
    must(*local, "SET tandem.route = off");
    must(*routed, "SET tandem.wait_budget = 2000");  // older moments need no wait
    std::mt19937_64 random(seed);
    std::vector<std::pair<std::string, std::string>> moments;
    for (int i = 0; !stop.stop_requested(); ++i) {
        if (i % 4 == 0) {
            must(*local, "BEGIN; LOCK TABLE a, b, c, d IN SHARE MODE");
            auto answer = local->query("SELECT pg_current_wal_insert_lsn(), q.* FROM (" +
                                       std::string(kAnswer) + ") q");
            must(*local, "COMMIT");
            ASSERT_TRUE(answer.ok()) << answer.error().to_string();
            moments.emplace_back(answer->text(0, 0), answer->text(0, 1));
        }
        const auto& [position, expected] =
            moments[std::uniform_int_distribution<size_t>(0, moments.size() - 1)(random)];
        must(*routed, "SET tandem.as_of = '" + position + "'");
        auto answer = routed->query(kAnswer);
        if (!answer.ok()) {
            ++refused_;
            const std::string why = answer.error().to_string();
            // While the daemon is away; never that it is gone or was something else.
            bool away = why.find("(lag)") != std::string::npos ||
                        why.find("(mirror_not_running)") != std::string::npos ||
                        why.find("(mirror_in_trouble)") != std::string::npos;
            if (away) continue;
            ADD_FAILURE() << "as of " << position << ": " << why;
            return;
        }
        ++remembered_;
        if (answer->text(0, 0) == expected) continue;
        ADD_FAILURE() << "as of " << position << ": " << answer->text(0, 0) << ", not " << expected;
        return;
    }
}

void linear::run() {
    std::stop_source stop;
    {
        std::vector<std::jthread> threads;
        for (uint64_t seed : {1, 2})
            threads.emplace_back([&, seed] { write(seed, stop.get_token()); });
        for (const char* freshness : {"strong", "session", "bounded", "eventual"})
            threads.emplace_back([&, freshness] { read(freshness, stop.get_token()); });
        threads.emplace_back([&] { read_strong_across_sessions(stop.get_token()); });
        threads.emplace_back([&] { read_history(3, stop.get_token()); });
        auto begun = std::chrono::steady_clock::now();
        while (!HasFailure() && !enough(std::chrono::steady_clock::now() - begun)) {
            // Until readers have been served, however long the machine takes to start it.
            int served = routed_ + remembered_ + 8;
            for (int i = 0; i < 100 && (i < 10 || routed_ + remembered_ < served); ++i)
                back_off(milliseconds(300));
            stop_daemon();
            start_daemon();
        }
        stop.request_stop();
    }
    std::printf(
        "%d transactions, %d reads, %d of the explained ones routed, %d of them partly, %d folds; "
        "%d reads of older moments, %d refused\n",
        written_.load(), reads_.load(), routed_.load(), partly_.load(), folds(), remembered_.load(),
        refused_.load());
    EXPECT_GT(remembered_, 5);
    EXPECT_GT(written_, 50);
    EXPECT_GE(routed_, kRoutedMin);
    EXPECT_GE(partly_, kPartlyMin);
    EXPECT_GT(folds(), 0);
    stop_daemon();
}

TEST_F(linear, every_routed_answer_is_one_committed_state) {
    if (HasFatalFailure()) return;
    mirror("m", "'a', 'b', 'c', 'd', 'ticket'");
    if (!HasFatalFailure()) run();
}

TEST_F(linear, so_it_is_when_the_tables_are_in_two_mirrors) {
    if (HasFatalFailure()) return;
    mirror("m", "'a', 'c', 'ticket'");
    mirror("n", "'b', 'd'");
    if (!HasFatalFailure()) run();
}

}  // namespace
}  // namespace tandem::test
