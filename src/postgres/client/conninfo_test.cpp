#include "postgres/client/conninfo.h"

#include <gtest/gtest.h>

#include "postgres/client/connection.h"

namespace tandem::postgres {
namespace {

TEST(conninfo, reads_urls_and_keywords) {
    for (const char* text : {"postgresql://ada:s%40crown@db:5433/shop?sslmode=require",
                             "host=db port=5433 user=ada password='s@crown' dbname=shop"}) {
        auto keywords = parse_conninfo(text);
        ASSERT_TRUE(keywords.ok());
        EXPECT_EQ(keyword(*keywords, "host"), "db");
        EXPECT_EQ(keyword(*keywords, "password"), "s@crown");
        EXPECT_EQ(keyword(*keywords, "dbname"), "shop");
        EXPECT_EQ(keyword(*keywords, "service"), "");
    }
}

TEST(conninfo, never_shows_the_password) {
    EXPECT_EQ(describe_conninfo("postgresql://ada:secret@db:5433/shop"),
              "postgresql://ada@db:5433/shop");
    EXPECT_EQ(describe_conninfo("secret secret"), "(connection string)");
    auto broken = parse_conninfo("password=secret dbname");
    ASSERT_FALSE(broken.ok());
    EXPECT_EQ(broken.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(broken.error().message().find("secret"), std::string::npos);
}

TEST(conninfo, sets_keywords_and_defaults) {
    Keywords keywords = {{"user", "ada"}};
    set_default_keyword(keywords, "user", "bob");
    EXPECT_EQ(keyword(keywords, "user"), "ada");
    set_keyword(keywords, "user", "bob");
    set_default_keyword(keywords, "dbname", "shop");
    EXPECT_EQ(keyword(keywords, "user"), "bob");
    EXPECT_EQ(keyword(keywords, "dbname"), "shop");
}

TEST(conninfo, takes_the_password_along_that_libpq_would_look_up) {
    ASSERT_EQ(setenv("PGPASSWORD", "it's \\ secret", 1), 0);
    auto text = with_looked_up_password("postgresql://me@127.0.0.1:1/db");
    unsetenv("PGPASSWORD");
    ASSERT_TRUE(text.ok()) << text.error().to_string();
    auto keywords = parse_conninfo(*text);
    ASSERT_TRUE(keywords.ok());
    EXPECT_EQ(keyword(*keywords, "password"), "it's \\ secret");
    EXPECT_EQ(keyword(*keywords, "user"), "me");
    EXPECT_EQ(keyword(*keywords, "dbname"), "db");
}

TEST(conninfo, keeps_a_password_that_is_named) {
    auto text = with_looked_up_password("host=127.0.0.1 port=1 user=me password=x");
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(*text, "host=127.0.0.1 port=1 user=me password=x");
}

}  // namespace
}  // namespace tandem::postgres
