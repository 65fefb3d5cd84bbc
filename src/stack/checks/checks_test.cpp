#include "stack/checks/checks.h"

#include <gtest/gtest.h>

namespace tandem::stack {
namespace {

TEST(checks, a_clickhouse_that_can_mirror_may_be_too_old_to_route) {
    using Outcome = Check::Outcome;
    for (auto [version, outcome] : {std::pair("23.12.1.1", Outcome::failed),
                                    {"24.3.2.1", Outcome::warning},
                                    {"25.7.9.9", Outcome::warning},
                                    {"25.8.1.1", Outcome::ok},
                                    {"25.12.1.1", Outcome::ok},
                                    {"26.1", Outcome::ok},
                                    {"", Outcome::failed}}) {
        Check check = check_clickhouse_version(version);
        EXPECT_EQ(check.outcome, outcome) << version;
        EXPECT_EQ(check.fix.empty(), outcome == Outcome::ok) << version;
    }
}

}  // namespace
}  // namespace tandem::stack
