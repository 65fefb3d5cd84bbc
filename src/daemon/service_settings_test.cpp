#include "daemon/service_settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace tandem::daemon {
namespace {

class ServiceSettings : public testing::Test {
  protected:
    void SetUp() override {
        char path[] = "/tmp/tandem-settings-XXXXXX";
        ASSERT_NE(mkdtemp(path), nullptr);
        directory_ = path;
        for (const char* name : {"TANDEM_POSTGRES", "TANDEM_CLICKHOUSE", "PGPASSWORD",
                                 "TANDEM_CLICKHOUSE_PASSWORD", "CREDENTIALS_DIRECTORY"})
            unsetenv(name);
        setenv("PGPASSFILE", (directory_ + "/none").c_str(), 1);
    }
    void TearDown() override {
        std::filesystem::remove_all(directory_);
        unsetenv("CREDENTIALS_DIRECTORY");
        unsetenv("TANDEM_CLICKHOUSE");
        unsetenv("PGPASSFILE");
    }
    void write(const std::string& name, const std::string& text) {
        std::ofstream(directory_ + "/" + name) << text;
    }
    Result<stack::DaemonSettings> read() {
        return read_service_settings(directory_ + "/tandem.toml");
    }

    std::string directory_;
    const std::string both_ =
        "[postgres]\nurl = \"postgres://app@db.example/shop\"\n"
        "[clickhouse]\nurl = \"clickhouse://default@ch.example:9440\"\n";
};

TEST_F(ServiceSettings, name_what_is_missing) {
    EXPECT_FALSE(read().ok()) << "there is no file";
    write("tandem.toml", "");
    auto neither = read();
    ASSERT_FALSE(neither.ok());
    EXPECT_EQ(neither.error().code(), ErrorCode::kInvalidConfig);
    EXPECT_NE(neither.error().to_string().find("TANDEM_POSTGRES"), std::string::npos);
    write("tandem.toml", "[postgres]\nurl = \"postgres://app@db.example/shop\"\n");
    auto one = read();
    ASSERT_FALSE(one.ok());
    EXPECT_NE(one.error().to_string().find("TANDEM_CLICKHOUSE"), std::string::npos);
}

TEST_F(ServiceSettings, take_passwords_from_the_credentials_of_the_service) {
    write("tandem.toml", both_);
    write("tandem_postgres_password", "it's one\n");
    write("tandem_clickhouse_password", "two\n");
    setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
    auto settings = read();
    ASSERT_TRUE(settings.ok()) << settings.error().to_string();
    EXPECT_NE(settings->source.find("it\\'s one"), std::string::npos) << settings->source;
    EXPECT_EQ(settings->target.password, "two");
    EXPECT_EQ(settings->target.host, "ch.example");
}

TEST_F(ServiceSettings, do_without_credentials_where_there_are_none) {
    write("tandem.toml", both_);
    setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
    auto settings = read();
    ASSERT_TRUE(settings.ok()) << settings.error().to_string();
    EXPECT_EQ(settings->target.password, "");
}

TEST_F(ServiceSettings, let_the_environment_win_over_the_file) {
    write("tandem.toml", both_);
    setenv("TANDEM_CLICKHOUSE", "clickhouse://default:three@other.example:9000", 1);
    auto settings = read();
    ASSERT_TRUE(settings.ok()) << settings.error().to_string();
    EXPECT_EQ(settings->target.host, "other.example");
    EXPECT_EQ(settings->target.password, "three");
}

TEST_F(ServiceSettings, refuse_a_key_that_nobody_knows) {
    write("tandem.toml", both_ + "[mirror]\nspeed = 11\n");
    auto settings = read();
    ASSERT_FALSE(settings.ok());
    EXPECT_NE(settings.error().to_string().find("speed"), std::string::npos);
}

}  // namespace
}  // namespace tandem::daemon
