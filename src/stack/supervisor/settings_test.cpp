#include "stack/supervisor/settings.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "stack/machine/files.h"
#include "stack/supervisor/daemon_settings.h"

namespace tandem::stack {
namespace {

class SettingsTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string path = "/tmp/tandem-settings-XXXXXX";
        ASSERT_NE(mkdtemp(path.data()), nullptr);
        layout_.home = path;
        ASSERT_TRUE(make_directory(path + "/run", 0700).ok());
    }
    void TearDown() override { std::filesystem::remove_all(layout_.home); }
    Layout layout_;
};

TEST_F(SettingsTest, come_back_as_they_were_written) {
    Settings settings;
    settings.postgres_port = 5433;
    settings.clickhouse_password = "\"quoted\"\n";
    settings.demo_writer = true;
    settings.batch_rows = 7;
    ASSERT_TRUE(save_settings(layout_, settings).ok());
    auto loaded = load_settings(layout_);
    ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
    EXPECT_EQ(loaded->postgres_port, 5433u);
    EXPECT_EQ(loaded->clickhouse_password, settings.clickhouse_password);
    EXPECT_TRUE(loaded->demo_writer);
    EXPECT_EQ(loaded->batch_rows, 7u);
    EXPECT_EQ(loaded->batch_bytes, 0u);
    struct stat info = {};
    ASSERT_EQ(stat(layout_.run("settings.json").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(SettingsTest, that_are_no_json_are_an_error) {
    ASSERT_TRUE(write_private_file(layout_.run("settings.json"), "{\"postgres_port\": ").ok());
    auto loaded = load_settings(layout_);
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code(), ErrorCode::kMalformedData);
}

TEST_F(SettingsTest, keep_their_default_where_a_member_has_the_wrong_type) {
    ASSERT_TRUE(write_private_file(layout_.run("settings.json"),
                                   R"({"postgres_port": "x", "log_level": 3})")
                    .ok());
    auto loaded = load_settings(layout_);
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ(loaded->postgres_port, 0u);
    EXPECT_EQ(loaded->log_level, "");
}

TEST_F(SettingsTest, give_endpoints_without_passwords) {
    Settings settings;
    settings.postgres_port = 1;
    settings.postgres_password = "secret";
    settings.clickhouse_url = "clickhouse://u:secret@h:9/?http_port=8";
    Endpoints endpoints = endpoints_of(layout_, settings);
    EXPECT_EQ(endpoints.postgres,
              "postgresql://postgres@127.0.0.1:1/postgres?passfile=" + layout_.run("pgpass"));
    EXPECT_EQ(endpoints.clickhouse_http, "http://h:8");
    EXPECT_EQ(endpoints.clickhouse_native, "tcp://h:9");
    settings.postgres_url = "postgresql://me:secret@db/shop";
    EXPECT_EQ(endpoints_of(layout_, settings).postgres.find("secret"), std::string::npos);
}

TEST_F(SettingsTest, keep_the_state_of_the_processes) {
    State state{.phase = "ready", .step = "\xff not UTF-8", .supervisor = {7, 8}};
    state.processes.push_back({"postgres", {9, 10}, 2, "killed"});
    ASSERT_TRUE(save_state(layout_, state).ok());
    auto loaded = load_state(layout_);
    ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
    EXPECT_EQ(loaded->supervisor, state.supervisor);
    ASSERT_EQ(loaded->processes.size(), 1u);
    EXPECT_EQ(loaded->processes[0].id, state.processes[0].id);
    EXPECT_EQ(loaded->processes[0].restarts, 2);
}

TEST(daemon_settings, come_back_as_they_were_written) {
    DaemonSettings settings{.source = "host=x password='a b'"};
    settings.options.console_port = 8080;
    settings.target.password = "p\\q";
    settings.options.flush_age_ms = 5;
    auto parsed = parse_daemon_settings(to_json_text(settings));
    ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
    EXPECT_EQ(parsed->source, settings.source);
    EXPECT_EQ(parsed->target.password, settings.target.password);
    EXPECT_EQ(parsed->options.console_port, 8080u);
    EXPECT_EQ(parsed->options.flush_age_ms, 5u);
}

TEST(daemon_settings, that_lack_a_part_are_refused) {
    EXPECT_FALSE(parse_daemon_settings("").ok());
    EXPECT_FALSE(parse_daemon_settings("[]").ok());
    EXPECT_FALSE(parse_daemon_settings(R"({"source": "x"})").ok());
}

}  // namespace
}  // namespace tandem::stack
