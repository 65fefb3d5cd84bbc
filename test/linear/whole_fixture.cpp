#include "linear/whole_fixture.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catalog/catalog.h"

namespace tandem::test {
namespace {

std::string read_file(const std::string& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace

int WholeFixture::budget_seconds(int otherwise) {
    const char* text = std::getenv("TANDEM_BUDGET_SECONDS");
    return text == nullptr ? otherwise : std::atoi(text);
}

void WholeFixture::SetUp() {
    directory_ = *test_support::TestDirectory::create();
    chmod(directory_->path().c_str(), 0755);
    module_ = directory_->path() + "/tandem.so";
    std::filesystem::copy_file(TANDEM_MODULE, module_);
    chmod(module_.c_str(), 0755);
    auto postgres =
        test_support::TestPostgres::start({.settings = {{"shared_preload_libraries", module_}}});
    ASSERT_TRUE(postgres.ok()) << postgres.error().to_string();
    postgres_ = *std::move(postgres);
    auto clickhouse = test_support::TestClickHouse::start();
    ASSERT_TRUE(clickhouse.ok()) << clickhouse.error().to_string();
    clickhouse_ = *std::move(clickhouse);
    options_.source = postgres_->conninfo();
    options_.target.host = clickhouse_->host();
    options_.target.native_port = clickhouse_->native_port();
    options_.target.http_port = clickhouse_->http_port();
    options_.target.user = clickhouse_->user();
    options_.target.password = clickhouse_->password();
    ASSERT_TRUE(catalog::install(options_.source, options_.target).ok());
    admin_ = connect();
    install_extension();
}

void WholeFixture::install_extension() {
    std::string script = read_file(TANDEM_SOURCE_DIRECTORY "/extension/sql/tandem--0.1.sql");
    script.erase(script.find("\\echo"), script.find("\\quit") + 5 - script.find("\\echo"));
    const std::string name = "MODULE_PATHNAME";
    for (size_t at = 0; (at = script.find(name, at)) != std::string::npos; at += module_.size())
        script.replace(at, name.size(), module_);
    must(*admin_, script);
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
