#include "linear/whole_fixture.h"

#include <cstdlib>

#include "catalog/catalog.h"
#include "support/with_extension.h"

namespace tandem::test {

int WholeFixture::budget_seconds(int otherwise) {
    const char* text = std::getenv("TANDEM_BUDGET_SECONDS");
    return text == nullptr ? otherwise : std::atoi(text);
}

void WholeFixture::SetUp() {
    auto both = test_support::start_both(TANDEM_MODULE);
    ASSERT_TRUE(both.ok()) << both.error().to_string();
    directory_ = std::move(both->directory);
    postgres_ = std::move(both->postgres);
    clickhouse_ = std::move(both->clickhouse);
    options_.source = postgres_->conninfo();
    options_.target.host = clickhouse_->host();
    options_.target.native_port = clickhouse_->native_port();
    options_.target.http_port = clickhouse_->http_port();
    options_.target.user = clickhouse_->user();
    options_.target.password = clickhouse_->password();
    ASSERT_TRUE(catalog::install(options_.source, options_.target).ok());
    admin_ = connect();
    must(*admin_, test_support::extension_script(both->module));
}

void WholeFixture::start_daemon() {
    daemon_ = std::jthread([this](std::stop_token stop) {
        static_cast<void>(control::Reconciler(options_).run(stop).ok());
    });
}

void WholeFixture::stop_daemon() {
    daemon_.request_stop();
    daemon_.join();
}

std::unique_ptr<postgres::Connection> WholeFixture::connect() const {
    auto connection = postgres::Connection::open(
        {.conninfo = postgres_->conninfo(), .pinned_search_path = false});
    EXPECT_TRUE(connection.ok()) << (connection.ok() ? "" : connection.error().to_string());
    if (!connection.ok()) return nullptr;
    return std::make_unique<postgres::Connection>(*std::move(connection));
}

void WholeFixture::must(postgres::Connection& connection, const std::string& sql) {
    Status done = connection.execute(sql);
    ASSERT_TRUE(done.ok()) << done.error().to_string() << "\n" << sql;
}

}  // namespace tandem::test
