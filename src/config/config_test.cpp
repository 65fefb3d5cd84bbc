#include "config/config.h"

#include <gtest/gtest.h>

namespace tandem::config {
namespace {

TEST(config, reads_every_section) {
    auto config = parse_config(R"(
data = "/srv/tandem"
[postgres]
port = 5433
[clickhouse]
url = "clickhouse://u@h:9001/"
[mirror]
batch_rows = 1000
[log]
level = "debug"
)",
                               "tandem.toml");
    ASSERT_TRUE(config.ok()) << config.error().to_string();
    EXPECT_EQ(config->data, "/srv/tandem");
    EXPECT_EQ(config->postgres.port, 5433);
    EXPECT_EQ(config->clickhouse.url, "clickhouse://u@h:9001/");
    EXPECT_EQ(config->mirror.batch_rows, 1000u);
    EXPECT_FALSE(config->mirror.batch_bytes);
    EXPECT_EQ(config->log_level, "debug");
}

struct Fault {
    const char* text;
    const char* message;
};

TEST(config, says_file_line_and_column_of_what_is_wrong) {
    const Fault faults[] = {
        {"[postgres]\nprot = 1\n", "t.toml:2:1: there is no setting postgres.prot"},
        {"[postgres]\nport = 70000\n", "t.toml:2:8: postgres.port must be a whole number"},
        {"[mirror]\nbatch_rows = 0\n", "t.toml:2:14: mirror.batch_rows must not be 0"},
        {"data = 1\n", "t.toml:1:8: data must be a string"},
        {"[nonsense]\n", "t.toml:1:1: there is no section [nonsense]"},
        {"[log]\nlevel = \"loud\"\n", "t.toml:2:9: log.level is debug"},
        {"a = = 2\n", "t.toml:1:5: "},
    };
    for (const Fault& fault : faults) {
        auto config = parse_config(fault.text, "t.toml");
        ASSERT_FALSE(config.ok()) << fault.text;
        EXPECT_EQ(config.error().code(), ErrorCode::kInvalidConfig);
        EXPECT_NE(config.error().message().find(fault.message), std::string::npos)
            << config.error().message();
    }
}

TEST(clickhouse_url, takes_every_part) {
    auto url = parse_clickhouse_url("clickhouse://me:p%40ss@db.example:9100/shop?http_port=8200");
    ASSERT_TRUE(url.ok()) << url.error().to_string();
    EXPECT_EQ(url->host, "db.example");
    EXPECT_EQ(url->native_port, 9100);
    EXPECT_EQ(url->http_port, 8200);
    EXPECT_EQ(url->user, "me");
    EXPECT_EQ(url->password, "p@ss");
    EXPECT_EQ(url->database, "shop");
    EXPECT_FALSE(url->secure);
}

TEST(clickhouse_url, knows_the_ports_of_tls_and_bracketed_hosts) {
    auto url = parse_clickhouse_url("clickhouse://[::1]/?secure=1");
    ASSERT_TRUE(url.ok()) << url.error().to_string();
    EXPECT_EQ(url->host, "::1");
    EXPECT_EQ(url->native_port, 9440);
    EXPECT_EQ(url->http_port, 8443);
    EXPECT_TRUE(url->secure);
}

TEST(clickhouse_url, never_repeats_the_password) {
    for (const char* text : {"clickhouse://u:secret@h:99999", "http://u:secret@h",
                             "clickhouse://u:secret%4@h", "clickhouse://u:secret@h?x=1"}) {
        auto url = parse_clickhouse_url(text);
        ASSERT_FALSE(url.ok()) << text;
        EXPECT_EQ(url.error().to_string().find("secret"), std::string::npos);
    }
}

}  // namespace
}  // namespace tandem::config
