#include "stack/clickhouse/clickhouse_config.h"

#include <gtest/gtest.h>

namespace tandem::stack {
namespace {

TEST(clickhouse_config, holds_the_hash_and_never_the_password) {
    ClickHouseOptions options;
    options.password = "top-secret";
    std::string users = clickhouse_users_xml(options);
    EXPECT_EQ(users.find("top-secret"), std::string::npos);
    EXPECT_NE(users.find("<password_sha256_hex>"), std::string::npos);
    EXPECT_NE(users.find("<ip>127.0.0.1</ip>"), std::string::npos);
}

TEST(clickhouse_config, escapes_paths) {
    ClickHouseOptions options;
    options.directory = "/a<b>&c";
    options.ports = {9000, 8123};
    std::string config = clickhouse_config_xml(options);
    EXPECT_NE(config.find("<path>/a&lt;b&gt;&amp;c/data/</path>"), std::string::npos);
    EXPECT_NE(config.find("<tcp_port>9000</tcp_port>"), std::string::npos);
    EXPECT_NE(config.find("<listen_host>127.0.0.1</listen_host>"), std::string::npos);
}

TEST(clickhouse_config, parks_the_overlay_database_only_for_the_library) {
    ClickHouseOptions options;
    options.engine.kind = Engine::Kind::binary;
    EXPECT_EQ(clickhouse_config_xml(options).find("_local"), std::string::npos);
    options.engine.kind = Engine::Kind::library;
    EXPECT_NE(clickhouse_config_xml(options).find("_local"), std::string::npos);
}

}  // namespace
}  // namespace tandem::stack
