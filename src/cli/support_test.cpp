#include <gtest/gtest.h>

#include "cli/commands/support.h"

namespace tandem::cli {
namespace {

TEST(support, blanks_secrets_wherever_they_stand) {
    EXPECT_EQ(redacted("a s3cret b s3cret", {"s3cret", ""}), "a *** b ***");
    EXPECT_EQ(redacted("postgresql://me:hunter2@db/shop", {}), "postgresql://me:***@db/shop");
    EXPECT_EQ(redacted("host=x password='a b' port=1", {}), "host=x password=*** port=1");
    EXPECT_EQ(redacted(R"({"clickhouse_password": "x\u0020y", "port": 1})", {}),
              R"({"clickhouse_password": ***, "port": 1})");
    EXPECT_EQ(redacted("http://h:8123/ and 10:20:30", {}), "http://h:8123/ and 10:20:30");
}

}  // namespace
}  // namespace tandem::cli
