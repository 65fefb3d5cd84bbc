#include "console/mirror_status.h"

#include <gtest/gtest.h>

namespace tandem::console {
namespace {

TEST(mirror_status, becomes_prometheus_text) {
    auto text = to_prometheus(R"({"mirrors": [{"name": "a\"b", "tables": 2}],
        "lag": [{"mirror": "m", "lag_bytes": 5, "active": true}, {"mirror": "n"}], "tables": []})");
    ASSERT_TRUE(text.ok());
    EXPECT_NE(text->find("tandem_mirror_tables{mirror=\"a\\\"b\"} 2\n"), std::string::npos);
    EXPECT_NE(text->find("tandem_mirror_lag_bytes{mirror=\"m\"} 5\n"), std::string::npos);
    EXPECT_NE(text->find("tandem_mirror_slot_active{mirror=\"m\"} 1\n"), std::string::npos);
    EXPECT_EQ(text->find("mirror=\"n\""), std::string::npos);
    EXPECT_FALSE(to_prometheus("[").ok());
}

}  // namespace
}  // namespace tandem::console
