// A user of ClickHouse with the grants of docs/howto/rights.md and no others: what they are said to
// suffice for is done.
#include <filesystem>
#include <fstream>
#include <regex>

#include "base/back_off.h"
#include "clickhouse/client/client.h"
#include "linear/whole_fixture.h"
#include "mirror/verify/verify.h"
#include "support/with_extension.h"

namespace tandem::test {
namespace {

constexpr const char* kUser = "limited";
constexpr const char* kReader = "reader";
constexpr const char* kPassword = "limited's password";

class rights : public WholeFixture {
  protected:
    void SetUp() override {
        WholeFixture::SetUp();
        if (HasFatalFailure()) return;
        make_users();
        if (HasFatalFailure()) return;
        options_.target.user = kUser;
        options_.target.password = kPassword;
        ASSERT_TRUE(catalog::install(options_.source, options_.target).ok());
    }

    clickhouse::Endpoint endpoint() const {
        return {.host = clickhouse_->host(),
                .port = clickhouse_->native_port(),
                .user = options_.target.user,
                .password = options_.target.password};
    }

    // The grants that the page gives to a user.
    static std::string grants_to(const std::string& user) {
        std::string page = test_support::source_text("docs/howto/rights.md");
        std::string grants;
        std::regex grant("(GRANT [^;]*) TO " + user + ";");
        for (std::sregex_iterator at(page.begin(), page.end(), grant), end; at != end; ++at)
            grants += "<query>" + (*at)[1].str() + "</query>";
        EXPECT_NE(grants, "") << user;
        return grants;
    }
    static std::string user_xml(const std::string& name, const std::string& grants) {
        return "<" + name + "><password>" + kPassword +
               "</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>"
               "<quota>default</quota><grants>" +
               grants + "</grants></" + name + ">";
    }

    // In files of users grants are written as in SQL; the embedded server has no CREATE USER.
    void make_users() {
        std::filesystem::path folder = clickhouse_->directory() + "/users.d";
        std::filesystem::create_directory(folder);
        std::ofstream(folder / "limited.xml")
            << "<clickhouse><users>" << user_xml(kUser, grants_to("tandem"))
            << user_xml(kReader, grants_to("tandem_reader")) << "</users></clickhouse>";
        std::filesystem::permissions(folder, std::filesystem::perms(0755));
        clickhouse_->stop();
        ASSERT_TRUE(clickhouse_->start_again().ok());
    }

    void expect(const std::string& sql, const std::string& expected) {
        auto rows = admin_->query(sql, {.timeout = std::chrono::minutes(2)});
        ASSERT_TRUE(rows.ok()) << rows.error().to_string();
        ASSERT_EQ(rows->rows() == 0 ? "" : rows->text(0, 0), expected)
            << sql << "\n"
            << test_support::state_of_tandem(*admin_);
    }

    // The same answer from both, and the second one from ClickHouse.
    void expect_routed(const std::string& sql) {
        must(*admin_, "SELECT tandem.wait_for('m', NULL, '60s'); SET tandem.route = off");
        auto local = admin_->query(sql);
        must(*admin_, "SET tandem.route = force");
        auto routed = admin_->query(sql);
        // DDL is followed within moments.
        for (int i = 0; i < 600 && !routed.ok(); ++i) {
            back_off(std::chrono::milliseconds(50));
            routed = admin_->query(sql);
        }
        ASSERT_TRUE(local.ok());
        ASSERT_TRUE(routed.ok()) << routed.error().to_string();
        EXPECT_EQ(routed->text(0, 0), local->text(0, 0));
        must(*admin_, "RESET tandem.route");
    }
};

TEST_F(rights, of_the_page_suffice_to_mirror_route_and_verify) {
    must(*admin_,
         "CREATE TABLE orders (id bigint PRIMARY KEY, note text, total numeric(12, 2)); "
         "CREATE TABLE parts (id int PRIMARY KEY, n int) PARTITION BY RANGE (id); "
         "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000); "
         "INSERT INTO orders SELECT i, repeat('x', 3000), i FROM generate_series(1, 500) i; "
         "INSERT INTO parts SELECT i, i FROM generate_series(1, 500) i");
    start_daemon();
    must(*admin_, "SELECT tandem.create_mirror('m', ARRAY['orders', 'parts'])");
    ASSERT_NO_FATAL_FAILURE(expect("SELECT tandem.wait_until_live('m', '60s')", "t"));
    const char* sums = "SELECT (sum(total) + count(note))::text || ' ' || count(*) FROM orders";
    ASSERT_NO_FATAL_FAILURE(expect_routed(sums));
    must(*admin_,
         "UPDATE orders SET total = total + 1 WHERE id % 3 = 0; DELETE FROM orders WHERE id < 9");
    ASSERT_NO_FATAL_FAILURE(expect_routed(sums));
    must(*admin_,
         "ALTER TABLE orders ADD COLUMN extra int, DROP COLUMN note; "
         "ALTER TABLE orders RENAME COLUMN total TO amount; UPDATE orders SET extra = 1; "
         "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (1000) TO (2000); "
         "INSERT INTO parts VALUES (1500, 1); DROP TABLE parts_1");
    ASSERT_NO_FATAL_FAILURE(expect_routed("SELECT sum(amount) + sum(extra) FROM orders"));
    ASSERT_NO_FATAL_FAILURE(expect_routed("SELECT sum(id) + sum(n) FROM parts"));
    must(*admin_,
         "TRUNCATE orders; INSERT INTO orders VALUES (1, 2, 3); "
         "SELECT tandem.resync_mirror('m', ARRAY['public.orders'])");
    ASSERT_NO_FATAL_FAILURE(expect("SELECT tandem.wait_until_live('m', '60s')", "t"));
    ASSERT_NO_FATAL_FAILURE(expect_routed("SELECT sum(amount) FROM orders"));
    must(*admin_, "SELECT tandem.set_route_user('reader', 'not the password')");
    must(*admin_, "SET tandem.route = force");
    auto refused = admin_->query("SELECT sum(amount) FROM orders");
    EXPECT_FALSE(refused.ok()) << "it was the reader who asked";
    must(*admin_, std::string("SELECT tandem.set_route_user('reader', $$") + kPassword + "$$)");
    ASSERT_NO_FATAL_FAILURE(expect_routed("SELECT sum(amount) FROM orders"));
    must(*admin_, "SELECT tandem.set_route_user(NULL, NULL)");
    ASSERT_NO_FATAL_FAILURE(expect_routed("SELECT sum(amount) FROM orders"));
    ASSERT_NO_FATAL_FAILURE(expect(
        "SELECT count(*) FROM tandem.mirrors WHERE error_code <> '' OR incident_code <> ''", "0"));
    auto verified = mirror::verify_mirror(options_.source, endpoint(), "m", {});
    ASSERT_TRUE(verified.ok()) << verified.error().to_string();
    for (const mirror::VerifiedTable& table : *verified)
        EXPECT_TRUE(table.comparison.equal()) << table.name;
    must(*admin_, "SELECT tandem.drop_mirror('m')");
    for (int i = 0; i < 600; ++i) {
        auto left = admin_->query("SELECT FROM tandem.mirror");
        if (left.ok() && left->rows() == 0) break;
        back_off(std::chrono::milliseconds(50));
    }
    ASSERT_NO_FATAL_FAILURE(expect("SELECT count(*) FROM tandem.mirror", "0"));
    stop_daemon();
}

TEST_F(rights, of_the_page_are_no_more_than_it_says) {
    auto client = clickhouse::connect_native(endpoint());
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    for (const char* sql : {"CREATE TABLE default.t (a Int8) ENGINE = Memory", "CREATE USER x",
                            "SELECT * FROM system.users", "DROP DATABASE default",
                            "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a Int8')"})
        EXPECT_FALSE((*client)->execute({.sql = sql}).ok()) << sql;
    clickhouse::Endpoint reader = endpoint();
    reader.user = kReader;
    client = clickhouse::connect_native(reader);
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    for (const char* sql : {"CREATE TABLE tandem_rows.t (a Int8) ENGINE = Memory",
                            "DROP DATABASE tandem_rows", "INSERT INTO tandem_rows.t VALUES (1)"})
        EXPECT_FALSE((*client)->execute({.sql = sql}).ok()) << sql;
}

}  // namespace
}  // namespace tandem::test
