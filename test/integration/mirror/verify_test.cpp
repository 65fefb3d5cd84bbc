// `tandem verify`: what differs is found, exactly that, while writers go on; and mended.
#include <random>

#include "base/back_off.h"
#include "integration/mirror/mirror_fixture.h"
#include "mirror/verify/verify.h"

namespace tandem::test {
namespace {

class verifying : public MirrorFixture {
  protected:
    std::vector<mirror::VerifiedTable> verify(const mirror::CompareOptions& options = {}) {
        clickhouse::Endpoint target;
        target.host = clickhouse_->host();
        target.port = clickhouse_->native_port();
        target.user = clickhouse_->user();
        target.password = clickhouse_->password();
        auto verified = mirror::verify_mirror(conninfo(), target, "m", {}, options);
        if (verified.ok()) return std::move(verified).value();
        ADD_FAILURE() << verified.error().to_string();
        return {};
    }

    mirror::VerifiedTable verify_one(const mirror::CompareOptions& options = {}) {
        auto all = verify(options);
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? mirror::VerifiedTable() : all[0];
    }

    // Behind the mirror's back: one value, one row gone, one that the source does not have, one
    // twice.
    void tamper(const std::string& table, const std::string& key) {
        ch("ALTER TABLE tandem_rows." + table + " UPDATE v = 'other' WHERE " + key +
           " = 5 SETTINGS mutations_sync = 1");
        ch("DELETE FROM tandem_rows." + table + " WHERE " + key + " = 6");
        ch("INSERT INTO tandem_rows." + table + " SELECT * REPLACE (777777 AS " + key +
           ") FROM (SELECT * FROM tandem_rows." + table + " WHERE " + key + " = 7)");
        ch("INSERT INTO tandem_rows." + table + " SELECT * FROM tandem_rows." + table + " WHERE " +
           key + " = 8");
    }

    std::string differing(const mirror::VerifiedTable& table) {
        std::set<std::string> keys;
        for (const auto& difference : table.comparison.differences) keys.insert(difference.key);
        std::string text;
        for (const std::string& key : keys) text += key;
        return text;
    }
};

TEST_F(verifying, finds_the_rows_that_differ_and_mends_just_those) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
    sql("INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 5000) i");
    mirror("m", "'t'");
    EXPECT_TRUE(verify_one().equal());
    tamper("t", "id");
    mirror::CompareOptions options;
    options.range_rows = 1000;
    mirror::VerifiedTable found = verify_one(options);
    EXPECT_FALSE(found.equal());
    EXPECT_EQ(differing(found), "(5)(6)(777777)(8)") << found.comparison.to_string();
    options.repair = true;
    found = verify_one(options);
    EXPECT_TRUE(found.equal()) << found.comparison.to_string();
    EXPECT_EQ(found.repaired, 4U);
    EXPECT_EQ(ch_value("SELECT count(), min(v), max(id) FROM tandem.t"), "(5000,'v1',5000)");
    // What was mended is a row like any other.
    sql("UPDATE t SET v = 'new' WHERE id IN (5, 6, 8); INSERT INTO t VALUES (777777, 'mine')");
    expect_equal("m");
}

TEST_F(verifying, finds_them_under_keys_that_have_no_common_order) {
    sql("CREATE TABLE t (k text, n int, v text, PRIMARY KEY (k, n))");
    sql("INSERT INTO t SELECT 'key ' || i % 50, i, repeat('x', i % 300) FROM generate_series(1, "
        "3000) i");
    mirror("m", "'t'");
    EXPECT_TRUE(verify_one().equal());
    tamper("t", "n");
    mirror::VerifiedTable found = verify_one();
    EXPECT_EQ(differing(found), "(key 5, 5)(key 6, 6)(key 7, 777777)(key 8, 8)");
    EXPECT_TRUE(verify_one({.repair = true}).equal());
}

TEST_F(verifying, says_equal_while_writers_go_on_and_different_when_it_is) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v text, n bigint)");
    sql("INSERT INTO t SELECT i, 'v' || i, 0 FROM generate_series(1, 20000) i");
    mirror("m", "'t'");
    std::vector<std::jthread> writers;
    std::atomic<int> written = 0;
    for (int i = 0; i < 3; ++i)
        writers.emplace_back([&, i](const std::stop_token& stop) {
            postgres::ConnectOptions connect;
            connect.conninfo = conninfo();
            connect.pinned_search_path = false;
            auto connection = postgres::Connection::open(connect);
            std::mt19937 random(static_cast<unsigned>(i));
            while (!stop.stop_requested() && connection.ok()) {
                std::string id = std::to_string(random() % 21000 + 10);
                std::string statement =
                    random() % 4 == 0 ? "DELETE FROM t WHERE id = " + id
                                      : "INSERT INTO t VALUES (" + id +
                                            ", 'w', 1) ON CONFLICT (id) DO UPDATE SET n = t.n + 1";
                if (connection->execute(statement).ok()) ++written;
            }
        });
    mirror::CompareOptions options;
    options.range_rows = 3000;
    for (int i = 0; i < 3; ++i) {
        mirror::VerifiedTable found = verify_one(options);
        EXPECT_TRUE(found.equal()) << found.comparison.to_string();
        EXPECT_GT(found.comparison.source_rows, 10000U);
    }
    tamper("t", "id");
    EXPECT_EQ(differing(verify_one(options)), "(5)(6)(777777)(8)");
    EXPECT_GT(written, 100);
    writers.clear();
    options.repair = true;
    EXPECT_TRUE(verify_one(options).equal());
}

TEST_F(verifying, compares_inexact_columns_with_what_the_mirror_makes_of_them) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v text, n numeric(10,2), d date)");
    sql("INSERT INTO t SELECT i, 'v', i, '2020-01-01' FROM generate_series(1, 100) i");
    sql("INSERT INTO t VALUES (200, 'v', 'NaN', 'infinity')");
    mirror("m", "'t'");
    mirror::VerifiedTable found = verify_one();
    EXPECT_EQ(found.inexact_columns.size(), 2U);
    EXPECT_TRUE(found.equal()) << found.comparison.to_string();
    ch("ALTER TABLE tandem_rows.t UPDATE n = 3.5 WHERE id = 5 SETTINGS mutations_sync = 1");
    found = verify_one();
    EXPECT_EQ(differing(found), "(5)") << found.comparison.to_string();
}

TEST_F(verifying, calls_nothing_equal_that_is_not_live_or_lacks_a_column) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
    mirror("m", "'t'");
    stop_daemon();
    sql("DELETE FROM tandem.mirror_column WHERE column_name = 'v'");
    sql("UPDATE tandem.mirror_table SET state = 'failed'");
    EXPECT_FALSE(verify_one().equal());
    start_daemon();
    sql("UPDATE tandem.mirror_table SET state = 'live'");
    mirror::VerifiedTable found = verify_one();
    EXPECT_EQ(found.missing_columns, std::vector<std::string>{"v"});
    EXPECT_FALSE(found.equal());
}

}  // namespace
}  // namespace tandem::test
