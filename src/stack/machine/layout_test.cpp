#include "stack/machine/layout.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "stack/machine/files.h"

namespace tandem::stack {
namespace {

namespace fs = std::filesystem;

class LayoutTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string path = "/tmp/tandem-layout-XXXXXX";
        ASSERT_NE(mkdtemp(path.data()), nullptr);
        ASSERT_EQ(chmod(path.c_str(), 0711), 0);
        directory_ = path;
    }
    void TearDown() override { fs::remove_all(directory_); }
    std::string directory_;
};

TEST_F(LayoutTest, keeps_what_only_we_may_read_to_ourselves) {
    auto layout = create_layout(directory_ + "/a/b/", std::nullopt);
    ASSERT_TRUE(layout.ok()) << layout.error().to_string();
    EXPECT_EQ(layout->home, directory_ + "/a/b");
    for (const char* part : {"/run", "/log"}) {
        struct stat info = {};
        ASSERT_EQ(stat((layout->home + part).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0700u);
    }
}

TEST_F(LayoutTest, has_no_socket_where_its_path_would_be_too_long) {
    Layout layout{"/short"};
    EXPECT_EQ(layout.socket(), "/short/socket");
    layout.home = "/" + std::string(100, 'x');
    EXPECT_EQ(layout.socket(), "");
}

TEST_F(LayoutTest, is_not_found_where_there_is_no_stack) {
    auto layout = find_layout(directory_);
    ASSERT_FALSE(layout.ok());
    EXPECT_EQ(layout.error().code(), ErrorCode::kNotFound);
}

TEST_F(LayoutTest, moves_the_data_out_of_a_directory_servers_may_not_enter) {
    auto account = service_account();
    ASSERT_TRUE(account.ok());
    if (!*account) return;  // Not root: servers run as the owner of the directory.
    ASSERT_EQ(chmod(directory_.c_str(), 0700), 0);
    auto layout = create_layout(directory_ + "/data", *account);
    ASSERT_TRUE(layout.ok()) << layout.error().to_string();
    EXPECT_TRUE(fs::is_symlink(directory_ + "/data"));
    EXPECT_FALSE(first_closed_directory(**account, layout->home));
    auto again = create_layout(directory_ + "/data", *account);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->home, layout->home);
    fs::remove_all(layout->home);
}

}  // namespace
}  // namespace tandem::stack
