// Kills the daemon, ClickHouse and Postgres at random while writers run; afterwards both sides must
// be equal, row by row and value by value.
//
// TANDEM_FAULT_SEED chooses what is killed (printed, 1 unless given; timing is the machine's own),
// TANDEM_FAULT_KILLS sets how often each process is killed (default 20), TANDEM_BUDGET_SECONDS for
// how long such rounds are repeated (default: one round).
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "base/back_off.h"
#include "base/failpoint.h"
#include "catalog/catalog.h"
#include "fault/daemon_process.h"
#include "mirror/verify/verify.h"
#include "support/with_extension.h"

namespace tandem::test {
namespace {

using std::chrono::milliseconds;

constexpr int kWriters = 4;
constexpr int kAccounts = 4000;
constexpr int kDocuments = 600;

const char* const kSchema = R"(
CREATE TABLE account (id int PRIMARY KEY, owner text NOT NULL, balance numeric(14,2) NOT NULL,
                      note text, at timestamptz DEFAULT now());
CREATE TABLE ledger (account int, seq bigint, amount numeric(14,2), memo varchar(40),
                     PRIMARY KEY (account, seq));
CREATE TABLE document (id bigint PRIMARY KEY, tag text, body text, extra jsonb, version int);
ALTER TABLE document ALTER body SET STORAGE EXTERNAL;
CREATE TABLE side (id int PRIMARY KEY, v text);
CREATE TABLE journal (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, writer int, n int,
                      body text);
CREATE TABLE tally (n int, v text);
ALTER TABLE tally REPLICA IDENTITY FULL;
CREATE SEQUENCE ledger_seq;
CREATE FUNCTION big(n int) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(md5((n * 1000 + i)::text), '') FROM generate_series(1, 120) i $$;
INSERT INTO account SELECT i, 'owner ' || i, i, NULL FROM generate_series(1, 4000) i;
INSERT INTO ledger SELECT i, nextval('ledger_seq'), i, 'opening' FROM generate_series(1, 4000) i;
INSERT INTO document SELECT i, 'tag', big(i), jsonb_build_object('n', i), 0
    FROM generate_series(1, 600) i;
INSERT INTO side SELECT i, 'x' FROM generate_series(1, 200) i;
INSERT INTO tally SELECT i % 40, NULL FROM generate_series(1, 2000) i;
)";

// --- the writers --------------------------------------------------------------------------------

class Writer {
  public:
    Writer(std::string conninfo, uint64_t seed, int number, const std::atomic<bool>* rest)
        : conninfo_(std::move(conninfo)), random_(seed), number_(number), rest_(rest) {}

    void run(std::stop_token stop) {
        while (!stop.stop_requested()) {
            postgres::ConnectOptions options;
            options.conninfo = conninfo_;
            options.pinned_search_path = false;
            options.connect_timeout = milliseconds(2000);
            auto connection = postgres::Connection::open(options);
            if (!connection.ok()) {
                back_off(milliseconds(50), stop);
                continue;
            }
            while (!stop.stop_requested() && connection->usable()) {
                if (*rest_) {
                    resting_ = true;
                    back_off(milliseconds(5), stop);
                    continue;
                }
                resting_ = false;
                if (connection->execute(transaction()).ok()) ++transactions_;
                if (connection->usable() && connection->in_transaction())
                    static_cast<void>(connection->execute("ROLLBACK").ok());
                std::this_thread::sleep_for(milliseconds(pick(0, 4)));
            }
        }
    }
    // Nothing of it is under way, as long as it is asked to rest.
    bool resting() const { return resting_; }
    uint64_t transactions() const { return transactions_; }

  private:
    int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
    std::string number(int from, int to) { return std::to_string(pick(from, to)); }

    std::string transaction() {
        std::string sql = "BEGIN;";
        // Written once and never again: what is lost or doubled stays so.
        sql += "INSERT INTO journal (writer, n, body) SELECT " + std::to_string(number_) +
               ", i, 'entry ' || i FROM generate_series(1, " + number(1, 5) + ") i;";
        for (int i = pick(1, 4); i > 0; --i) sql += statement();
        return sql + (pick(0, 19) == 0 ? "ROLLBACK" : "COMMIT");
    }

    std::string statement() {
        std::string account = number(1, kAccounts);
        std::string document = number(1, kDocuments);
        std::string some =
            "ctid IN (SELECT ctid FROM tally WHERE n = " + number(0, 39) + " LIMIT 3 FOR UPDATE);";
        switch (pick(0, 16)) {
            case 0:
            case 1:
            case 2:
                return "UPDATE account SET balance = balance + " + number(-500, 500) +
                       ", at = clock_timestamp() WHERE id = " + account +
                       "; INSERT INTO ledger VALUES (" + account + ", nextval('ledger_seq'), " +
                       number(-500, 500) + ", 'writer " + std::to_string(number_) + "');";
            case 3:
                return "DELETE FROM ledger WHERE account = " + account + ";";
            case 4:  // the large body is unchanged: the stream does not carry it
            case 5:
            case 6:
                return "UPDATE document SET tag = 'tag " + number(1, 1000) +
                       "', version = version + 1 WHERE id = " + document + ";";
            case 7:
                return "UPDATE document SET body = big(" + number(1, 9999) +
                       "), extra = extra || '{\"k\": " + number(1, 99) +
                       "}' WHERE id = " + document + ";";
            case 8:  // changes the key and carries the large body along
                return "UPDATE document SET id = " + number(1, kDocuments * 2) +
                       " WHERE id = " + document +
                       " AND NOT EXISTS (SELECT FROM document d WHERE d.id BETWEEN 601 AND 1200 "
                       "HAVING count(*) > 500);";
            case 9:
                return "DELETE FROM document WHERE id = " + document +
                       "; INSERT INTO document VALUES (" + document + ", 'again', big(" + document +
                       "), NULL, 0) ON CONFLICT DO NOTHING;";
            case 10:
                return "INSERT INTO side SELECT i, 'w' FROM generate_series(" + account + ", " +
                       account + " + 20) i ON CONFLICT (id) DO UPDATE SET v = side.v || 'u';";
            case 11:
                return pick(0, 29) == 0 ? "TRUNCATE side;" : "DELETE FROM side WHERE id < 50;";
            case 12:
                return "DELETE FROM account WHERE id = " + account +
                       "; INSERT INTO account VALUES (" + account + ", 'new', 0, big(" + account +
                       "));";
            case 13:  // without a key: equal rows come, change and go
                return "INSERT INTO tally SELECT " + number(0, 39) +
                       ", NULL FROM generate_series(1, 2);";
            case 14:
                return "DELETE FROM tally WHERE " + some;
            case 15:
                return "UPDATE tally SET n = (n + 1) % 40, v = " +
                       std::string(pick(0, 1) == 0 ? "NULL" : "'v'") + " WHERE " + some;
            default:
                return "UPDATE account SET note = NULL WHERE id BETWEEN " + account + " AND " +
                       account + " + 30;";
        }
    }

    std::string conninfo_;
    std::mt19937_64 random_;
    int number_;
    const std::atomic<bool>* rest_;
    std::atomic<bool> resting_ = false;
    std::atomic<uint64_t> transactions_ = 0;
};

// --- the test -----------------------------------------------------------------------------------

enum class Victim { daemon, clickhouse, postgres };

class killing : public ::testing::Test {
  protected:
    void SetUp() override {
        auto postgres = test_support::TestPostgres::start();
        ASSERT_TRUE(postgres.ok()) << postgres.error().to_string();
        postgres_ = std::move(postgres).value();
        auto clickhouse = test_support::TestClickHouse::start();
        ASSERT_TRUE(clickhouse.ok()) << clickhouse.error().to_string();
        clickhouse_ = std::move(clickhouse).value();
        daemon_ = std::make_unique<DaemonProcess>(*postgres_, *clickhouse_);
        int seed = environment_number("TANDEM_FAULT_SEED", 1);
        std::printf("TANDEM_FAULT_SEED=%d\n", seed);
        random_.seed(static_cast<unsigned>(seed));
        connect();
    }

    void connect() {
        postgres::ConnectOptions options;
        options.conninfo = postgres_->conninfo();
        options.pinned_search_path = false;
        auto connection = postgres::Connection::open(options);
        ASSERT_TRUE(connection.ok()) << connection.error().to_string();
        connection_ = std::move(connection).value();
    }

    void sql(const std::string& statement) {
        auto done = connection_->execute(statement);
        ASSERT_TRUE(done.ok()) << statement << ": " << done.error().to_string();
    }

    int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

    // Half of the time the daemon will kill itself between two instructions of ours.
    std::string failpoints() {
        if (pick(0, 1) == 0) return "";
        std::string name(kFailpoints[static_cast<size_t>(pick(0, std::size(kFailpoints) - 1))]);
        return name + "=kill@" + std::to_string(pick(1, 6));
    }

    void kill_and_restart(Victim victim) {
        switch (victim) {
            case Victim::daemon:
                daemon_->kill_hard();
                daemon_->start(failpoints());
                return;
            case Victim::clickhouse:
                clickhouse_->kill_hard();
                std::this_thread::sleep_for(milliseconds(pick(0, 300)));
                ASSERT_TRUE(clickhouse_->start_again().ok());
                return;
            case Victim::postgres:
                postgres_->kill_hard();
                std::this_thread::sleep_for(milliseconds(pick(0, 300)));
                ASSERT_TRUE(postgres_->start_again().ok());
                return;
        }
    }

    std::vector<Victim> victims() {
        std::vector<Victim> list;
        for (int i = environment_number("TANDEM_FAULT_KILLS", 20); i > 0; --i)
            list.insert(list.end(), {Victim::daemon, Victim::clickhouse, Victim::postgres});
        std::shuffle(list.begin(), list.end(), random_);
        return list;
    }

    std::string describe() { return test_support::state_of_tandem(*connection_); }

    void expect_equal() {
        connect();
        auto caught_up = connection_->query(
            "SELECT tandem.wait_until_live('m', '150s') AND tandem.wait_for('m', NULL, '150s')",
            {.timeout = std::chrono::minutes(6)});
        ASSERT_TRUE(caught_up.ok()) << caught_up.error().to_string();
        ASSERT_EQ(caught_up->value(0, 0), "t") << "the mirror did not catch up: " << describe();
        clickhouse::Endpoint target;
        target.port = clickhouse_->native_port();
        target.user = clickhouse_->user();
        target.password = clickhouse_->password();
        auto verified = mirror::verify_mirror(postgres_->conninfo(), target, "m", {});
        ASSERT_TRUE(verified.ok()) << verified.error().to_string();
        // Kills are no reason to distrust anybody, and to load everything again.
        auto incident = connection_->query("SELECT FROM tandem.mirrors WHERE incident_code <> ''");
        EXPECT_TRUE(incident.ok() && incident->rows() == 0) << describe();
        EXPECT_EQ(verified->size(), 6U);
        for (const mirror::VerifiedTable& table : *verified) {
            EXPECT_TRUE(table.inexact_columns.empty()) << table.name;
            EXPECT_TRUE(table.comparison.equal())
                << table.name << " " << table.state << ": " << table.comparison.to_string();
            std::printf("%s: %s\n", table.name.c_str(), table.comparison.to_string().c_str());
        }
    }

    // A look at both sides in the midst of it all: what goes wrong is not healed by what follows.
    void compare_in_a_pause(const std::vector<std::unique_ptr<Writer>>& writers) {
        rest_ = true;
        for (const auto& writer : writers)
            while (!writer->resting()) back_off(milliseconds(5));
        daemon_->kill_hard();  // it may have killed itself, too
        daemon_->start("");
        expect_equal();
        connection_.reset();
        rest_ = false;
    }

    std::atomic<bool> rest_ = false;
    std::unique_ptr<test_support::TestPostgres> postgres_;
    std::unique_ptr<test_support::TestClickHouse> clickhouse_;
    std::unique_ptr<DaemonProcess> daemon_;
    std::optional<postgres::Connection> connection_;
    std::mt19937_64 random_;
};

TEST_F(killing, any_process_at_any_time_leaves_both_sides_equal) {
    sql("SET synchronous_commit = on");  // the test itself must not lose its set-up
    sql(kSchema);
    catalog::TargetOptions target;
    target.native_port = clickhouse_->native_port();
    target.http_port = clickhouse_->http_port();
    target.user = clickhouse_->user();
    target.password = clickhouse_->password();
    ASSERT_TRUE(catalog::install(postgres_->conninfo(), target).ok());
    daemon_->start("");
    sql("SELECT tandem.create_mirror('m', ARRAY['public.*'])");
    connection_.reset();

    std::vector<std::unique_ptr<Writer>> writers;
    std::vector<std::jthread> threads;
    for (int i = 0; i < kWriters; ++i) {
        writers.push_back(std::make_unique<Writer>(postgres_->conninfo(), random_(), i, &rest_));
        threads.emplace_back(
            [writer = writers.back().get()](std::stop_token stop) { writer->run(stop); });
    }
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::seconds(environment_number("TANDEM_BUDGET_SECONDS", 0));
    int kills = 0;
    const int pause_after = std::max(3, environment_number("TANDEM_FAULT_KILLS", 20));
    do {
        for (Victim victim : victims()) {
            std::this_thread::sleep_for(milliseconds(pick(50, 1500)));
            kill_and_restart(victim);
            if (HasFatalFailure()) break;
            if (++kills % pause_after == 0) compare_in_a_pause(writers);
            if (HasFailure()) break;
        }
    } while (!HasFailure() && std::chrono::steady_clock::now() < end);
    for (auto& thread : threads) thread.request_stop();
    threads.clear();
    daemon_->kill_hard();
    daemon_->start("");
    expect_equal();
    uint64_t transactions = 0;
    for (const auto& writer : writers) transactions += writer->transactions();
    std::printf("%lu transactions\n", static_cast<unsigned long>(transactions));
    EXPECT_GT(transactions, 100U);
}

}  // namespace
}  // namespace tandem::test

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "--daemon")
        return tandem::test::run_daemon_process();
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
