#include "stack/machine/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace tandem::stack {
namespace {

class FilesTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string path = "/tmp/tandem-files-XXXXXX";
        ASSERT_NE(mkdtemp(path.data()), nullptr);
        directory_ = path;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    std::string directory_;
};

TEST_F(FilesTest, writes_files_that_only_the_owner_can_read) {
    std::string path = directory_ + "/secret";
    ASSERT_TRUE(write_private_file(path, "one").ok());
    ASSERT_TRUE(write_private_file(path, "two").ok());
    struct stat info = {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    auto content = read_file(path);
    ASSERT_TRUE(content.ok());
    EXPECT_EQ(*content, "two");
}

TEST_F(FilesTest, refuses_a_file_larger_than_the_limit) {
    std::string path = directory_ + "/large";
    ASSERT_TRUE(write_private_file(path, std::string(100, 'x')).ok());
    auto content = read_file(path, 99);
    ASSERT_FALSE(content.ok());
    EXPECT_EQ(content.error().code(), ErrorCode::kLimitExceeded);
}

TEST_F(FilesTest, names_the_directory_an_account_may_not_enter) {
    Account nobody{"nobody", 65534, 65534, {}};
    ASSERT_EQ(chmod(directory_.c_str(), 0700), 0);
    auto closed = first_closed_directory(nobody, directory_ + "/a/b");
    ASSERT_TRUE(closed);
    EXPECT_EQ(*closed, directory_);
    ASSERT_EQ(chmod(directory_.c_str(), 0711), 0);
    EXPECT_FALSE(first_closed_directory(nobody, directory_ + "/a/b"));
}

TEST(files, makes_passwords_that_differ) {
    auto one = random_password();
    auto two = random_password();
    ASSERT_TRUE(one.ok() && two.ok());
    EXPECT_EQ(one->size(), 32u);
    EXPECT_NE(*one, *two);
}

TEST(files, hashes_as_users_xml_wants_it) {
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(files, finds_a_port_nothing_listens_on) {
    auto port = free_port();
    ASSERT_TRUE(port.ok());
    EXPECT_TRUE(port_is_free(*port));
    EXPECT_FALSE(port_answers(*port));
}

}  // namespace
}  // namespace tandem::stack
