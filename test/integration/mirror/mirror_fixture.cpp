#include "integration/mirror/mirror_fixture.h"

#include <atomic>

#include "base/back_off.h"
#include "mirror/verify/verify.h"
#include "sqltext/quote.h"

namespace tandem::test {

std::unique_ptr<test_support::TestPostgres> MirrorFixture::postgres_;
std::unique_ptr<test_support::TestClickHouse> MirrorFixture::clickhouse_;

void MirrorFixture::SetUpTestSuite() {
    auto postgres = test_support::TestPostgres::start();
    ASSERT_TRUE(postgres.ok()) << postgres.error().to_string();
    postgres_ = std::move(postgres).value();
    auto clickhouse = test_support::TestClickHouse::start();
    ASSERT_TRUE(clickhouse.ok()) << clickhouse.error().to_string();
    clickhouse_ = std::move(clickhouse).value();
}

void MirrorFixture::TearDownTestSuite() {
    clickhouse_.reset();
    postgres_.reset();
}

std::string MirrorFixture::conninfo() const {
    return postgres_->conninfo(database_);
}

control::ReconcilerOptions MirrorFixture::options() const {
    control::ReconcilerOptions options;
    options.source = conninfo();
    options.target.host = clickhouse_->host();
    options.target.native_port = clickhouse_->native_port();
    options.target.http_port = clickhouse_->http_port();
    options.target.user = clickhouse_->user();
    options.target.password = clickhouse_->password();
    options.limits = limits_;
    return options;
}

void MirrorFixture::SetUp() {
    static std::atomic<int> counter{0};
    ASSERT_TRUE(postgres_ != nullptr && clickhouse_ != nullptr) << "servers did not start";
    database_ = "test_" + std::to_string(++counter);
    postgres::ConnectOptions connect;
    connect.conninfo = postgres_->conninfo();
    connect.pinned_search_path = false;
    auto admin = postgres::Connection::open(connect);
    ASSERT_TRUE(admin.ok()) << admin.error().to_string();
    auto created = admin->execute("CREATE DATABASE " + database_);
    ASSERT_TRUE(created.ok()) << created.error().to_string();
    connect.conninfo = conninfo();
    auto source = postgres::Connection::open(connect);
    ASSERT_TRUE(source.ok()) << source.error().to_string();
    source_ = std::move(source).value();

    clickhouse::Endpoint endpoint;
    endpoint.host = clickhouse_->host();
    endpoint.port = clickhouse_->native_port();
    endpoint.user = clickhouse_->user();
    endpoint.password = clickhouse_->password();
    auto target = clickhouse::connect_native(endpoint);
    ASSERT_TRUE(target.ok()) << target.error().to_string();
    target_ = std::move(target).value();
    start_daemon();
}

void MirrorFixture::TearDown() {
    stop_daemon();
    if (!source_) return;
    // Slots would keep WAL, and the next test from having one.
    auto slots = source_->query(
        "SELECT pg_drop_replication_slot(slot_name) FROM "
        "pg_replication_slots WHERE database = current_database()");
    EXPECT_TRUE(slots.ok()) << slots.error().to_string();
    ch("DROP DATABASE IF EXISTS tandem SYNC");
    ch("DROP DATABASE IF EXISTS tandem_rows SYNC");
    source_.reset();
}

void MirrorFixture::start_daemon() {
    auto installed = catalog::install(conninfo(), options().target);
    ASSERT_TRUE(installed.ok()) << installed.error().to_string();
    daemon_ = std::jthread([options = options()](std::stop_token stop) {
        auto ended = control::Reconciler(options).run(stop);
        EXPECT_TRUE(ended.ok()) << ended.error().to_string();
    });
}

void MirrorFixture::stop_daemon() {
    daemon_.request_stop();
    if (daemon_.joinable()) daemon_.join();
}

void MirrorFixture::restart_daemon() {
    stop_daemon();
    start_daemon();
}

void MirrorFixture::expect_equal(const std::string& name) {
    wait(name);
    clickhouse::Endpoint target;
    target.host = clickhouse_->host();
    target.port = clickhouse_->native_port();
    target.user = clickhouse_->user();
    target.password = clickhouse_->password();
    auto verified = mirror::verify_mirror(conninfo(), target, name, {});
    ASSERT_TRUE(verified.ok()) << verified.error().to_string();
    EXPECT_FALSE(verified->empty());
    for (const mirror::VerifiedTable& table : *verified) {
        EXPECT_EQ(table.state, "live") << table.name;
        EXPECT_TRUE(table.comparison.equal()) << table.name << ": " << table.comparison.to_string();
    }
}

bool MirrorFixture::eventually(const std::string& query, const std::string& expected) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string last;
    while (std::chrono::steady_clock::now() < deadline) {
        last = value(query);
        if (last == expected) return true;
        back_off(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << query << " gives " << last << ", not " << expected;
    return false;
}

void MirrorFixture::sql(const std::string& statement) {
    auto done = source_->execute(statement);
    ASSERT_TRUE(done.ok()) << statement << ": " << done.error().to_string();
}

std::string MirrorFixture::value(const std::string& query) {
    auto rows = source_->query(query);
    if (!rows.ok()) {
        ADD_FAILURE() << query << ": " << rows.error().to_string();
        return {};
    }
    return rows->rows() == 0 ? "" : rows->text(0, 0);
}

void MirrorFixture::ch(const std::string& statement) {
    auto done = target_->execute({.sql = statement});
    ASSERT_TRUE(done.ok()) << statement << ": " << done.error().to_string();
}

std::string MirrorFixture::ch_value(const std::string& query) {
    auto block = clickhouse::select_all(
        *target_,
        {.sql = "SELECT toString(tuple(*)) FROM (" + query + ")", .settings = {{"final", "1"}}});
    if (!block.ok()) {
        ADD_FAILURE() << query << ": " << block.error().to_string();
        return {};
    }
    std::string text;
    for (size_t row = 0; row < block->rows(); ++row) {
        if (row > 0) text += ' ';
        text += block->columns[0].column.string(row);
    }
    return text;
}

void MirrorFixture::mirror(const std::string& name, const std::string& tables) {
    sql("SELECT tandem.create_mirror(" + sqltext::pg_literal(name) + ", ARRAY[" + tables + "])");
    ASSERT_EQ(value("SELECT tandem.wait_until_live(" + sqltext::pg_literal(name) + ", '40s')"), "t")
        << value("SELECT string_agg(t::text, ' ') FROM tandem.mirror_tables t")
        << value("SELECT string_agg(t::text, ' ') FROM tandem.mirrors t");
}

void MirrorFixture::wait(const std::string& name) {
    ASSERT_EQ(value("SELECT tandem.wait_for(" + sqltext::pg_literal(name) + ")"), "t");
}

}  // namespace tandem::test
