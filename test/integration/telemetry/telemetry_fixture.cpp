#include "integration/telemetry/telemetry_fixture.h"

#include "base/back_off.h"

namespace tandem::telemetry_test {

namespace {

constexpr std::chrono::seconds kPatience{60};

}  // namespace

test_support::BothServers TelemetryTest::servers;
std::unique_ptr<postgres::Connection> TelemetryTest::connection;
std::unique_ptr<postgres::Connection> TelemetryTest::observer;
std::unique_ptr<clickhouse::Client> TelemetryTest::client;

void TelemetryTest::SetUpTestSuite() {
    auto both = test_support::start_both(TANDEM_MODULE,
                                         {.settings = {{"tandem.telemetry", "on"},
                                                       {"tandem.telemetry_flush_interval", "100ms"},
                                                       {"tandem.telemetry_cpu_cost", "0"},
                                                       {"track_io_timing", "on"}}});
    ASSERT_TRUE(both.ok()) << both.error().to_string();
    servers = *std::move(both);
    auto made = clickhouse::connect_http({.host = servers.clickhouse->host(),
                                          .port = servers.clickhouse->http_port(),
                                          .user = servers.clickhouse->user(),
                                          .password = servers.clickhouse->password()});
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    client = *std::move(made);
    auto watching = connect("postgres", "observer");
    ASSERT_NE(watching, nullptr);
    const std::string url = "clickhouse://" + servers.clickhouse->user() + ":" +
                            servers.clickhouse->password() + "@" + servers.clickhouse->host() +
                            ":" + std::to_string(servers.clickhouse->native_port());
    for (const std::string& sql :
         {std::string("SET tandem.telemetry = off"), std::string("CREATE SCHEMA tandem"),
          test_support::extension_script(servers.module),
          "ALTER SYSTEM SET tandem.telemetry_clickhouse = '" + url + "'",
          std::string("SELECT pg_reload_conf()")}) {
        auto status = watching->execute(sql);
        ASSERT_TRUE(status.ok()) << sql << "\n" << status.error().to_string();
    }
    connection = connect();
    ASSERT_NE(connection, nullptr);
    observer = std::move(watching);
}

void TelemetryTest::TearDownTestSuite() {
    observer.reset();
    connection.reset();
    client.reset();
    servers = {};
}

std::unique_ptr<postgres::Connection> TelemetryTest::connect(const std::string& database,
                                                             const std::string& application) {
    auto opened = postgres::Connection::open({.conninfo = servers.postgres->conninfo(database),
                                              .application_name = application,
                                              .pinned_search_path = false});
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().to_string());
    if (!opened.ok()) return nullptr;
    return std::make_unique<postgres::Connection>(*std::move(opened));
}

void TelemetryTest::run(const std::string& sql) {
    auto result = connection->query(sql);
    ASSERT_TRUE(result.ok()) << sql << "\n" << result.error().to_string();
}

std::string TelemetryTest::failure_of(const std::string& sql) {
    auto result = connection->query(sql);
    EXPECT_FALSE(result.ok()) << sql;
    return result.ok() ? "" : std::string(result.error().sqlstate());
}

std::string TelemetryTest::ask(const std::string& sql) {
    auto result = observer->query(sql);
    EXPECT_TRUE(result.ok()) << sql << "\n" << result.error().to_string();
    return result.ok() && result->rows() > 0 ? result->text(0, 0) : "";
}

std::string TelemetryTest::stored(const std::string& sql) {
    std::string text;
    auto status =
        client->select({.sql = "SELECT toString((" + sql + "))"}, [&](types::Block&& block) {
            if (block.rows() > 0) text = block.columns[0].column.string(0);
            return Status();
        });
    EXPECT_TRUE(status.ok()) << sql << "\n" << status.error().to_string();
    return text;
}

bool TelemetryTest::comes_true(const std::function<bool()>& condition) {
    auto until = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        back_off(std::chrono::milliseconds(20));
    }
    return true;
}

void TelemetryTest::wait_for(const std::string& sql, const std::string& expected) {
    std::string last;
    EXPECT_TRUE(comes_true([&] { return (last = ask(sql)) == expected; }))
        << sql << " stays " << last << "\n"
        << ask("SELECT s::text FROM tandem.telemetry_stats s");
}

void TelemetryTest::wait_for_stored(const std::string& sql, const std::string& expected) {
    std::string last;
    EXPECT_TRUE(comes_true([&] { return (last = stored(sql)) == expected; }))
        << sql << " stays " << last;
}

void TelemetryTest::wait_until_stored() {
    wait_for("SELECT queued FROM tandem.telemetry_stats", "0");
}

std::string TelemetryTest::events(const std::string& sql) {
    wait_until_stored();
    return stored(sql);
}

std::string TelemetryTest::imbalance() {
    return ask(
        "SELECT CASE WHEN captured = exported + queued + dropped THEN '' ELSE s::text END "
        "FROM tandem.telemetry_stats s");
}

}  // namespace tandem::telemetry_test
