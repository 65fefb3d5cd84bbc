#include "config/config.h"

#include <gtest/gtest.h>

#include <set>

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
    EXPECT_EQ(config->postgres_port, 5433);
    EXPECT_EQ(config->clickhouse_url, "clickhouse://u@h:9001/");
    EXPECT_EQ(config->batch_rows, 1000u);
    EXPECT_EQ(config->batch_bytes, 0u);
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
        {"[mirror]\nbatch_rows = 0\n",
         "t.toml:2:14: mirror.batch_rows must be a whole number from 1"},
        {"data = 1\n", "t.toml:1:8: data must be a string"},
        {"[nonsense]\n", "t.toml:1:1: there is no section [nonsense]"},
        {"[log]\nlevel = \"loud\"\n", "t.toml:2:9: log.level must be one of: debug"},
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

TEST(options, have_each_a_place_and_a_meaning_of_their_own) {
    std::set<std::string_view> names;
    for (const Option& option : options()) {
        EXPECT_NE(option.text == nullptr, option.number == nullptr) << option.member;
        EXPECT_FALSE(option.meaning.empty()) << option.member;
        for (std::string_view name : {option.key, option.flag, option.variable})
            EXPECT_TRUE(name.empty() || names.insert(name).second) << name;
        EXPECT_TRUE(option.variable.starts_with("TANDEM_")) << option.member;
        if (option.number != nullptr && option.number_default != 0) {
            EXPECT_TRUE(check_number(option, "x", option.number_default).ok()) << option.member;
        }
    }
}

TEST(options, lie_over_each_other) {
    Values file;
    file.batch_rows = 5;
    file.data = "a";
    Values command_line;
    command_line.data = "b";
    overlay(command_line, file);
    EXPECT_EQ(file.data, "b");
    EXPECT_EQ(file.batch_rows, 5u);
    Values complete = or_default(file);
    EXPECT_EQ(complete.batch_bytes, defaults::batch_bytes);
    EXPECT_EQ(complete.log_level, "info");
    EXPECT_EQ(complete.postgres_port, 0u);
}

TEST(options, are_read_from_text_within_their_bounds) {
    Values values;
    const Option* port = find_by_key("console.port");
    EXPECT_TRUE(set_from_text(*port, "TANDEM_CONSOLE_PORT", "8080", values).ok());
    EXPECT_EQ(values.console_port, 8080u);
    for (const char* text : {"", "x", "-1", "65536", "80 "}) {
        Status set = set_from_text(*port, "TANDEM_CONSOLE_PORT", text, values);
        ASSERT_FALSE(set.ok()) << text;
        EXPECT_TRUE(set.error().message().starts_with("TANDEM_CONSOLE_PORT must be"));
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
