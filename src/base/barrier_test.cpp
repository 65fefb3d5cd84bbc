#include "base/barrier.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "base/assert.h"

namespace tandem {
namespace {

TEST(barrier, returns_what_the_body_returns) {
    Failure failure = {};
    EXPECT_EQ(barrier(&failure, -1, [] { return 7; }), 7);
    EXPECT_STREQ(failure.code, "");
}

TEST(barrier, turns_a_failed_assertion_into_an_internal_error) {
    Failure failure = {};
    int result = barrier(&failure, -1, [] {
        TANDEM_ASSERT(1 + 1 == 3, "arithmetic");
        return 7;
    });
    EXPECT_EQ(result, -1);
    EXPECT_STREQ(failure.code, "internal");
    EXPECT_NE(std::string(failure.message).find("arithmetic"), std::string::npos);
}

TEST(barrier, says_whether_the_server_could_not_be_reached) {
    Failure failure = {};
    fill_failure(&failure, Error(ErrorCode::kConnectionLost, "gone"));
    EXPECT_EQ(failure.kind, FailureKind::kConnectionLost);
    fill_failure(&failure, Error(ErrorCode::kTimeout, "late"));
    EXPECT_EQ(failure.kind, FailureKind::kUnreachable);
    fill_failure(&failure, Error(ErrorCode::kClickHouseError, "no such table"));
    EXPECT_EQ(failure.kind, FailureKind::kOther);
}

TEST(barrier, lets_no_exception_of_the_library_out) {
    Failure failure = {};
    EXPECT_EQ(barrier(&failure, -1, [] { return std::vector<int>().at(3); }), -1);
    EXPECT_STREQ(failure.code, "internal");
}

TEST(barrier, nests_and_still_catches_assertions_of_the_outer_body) {
    Failure outer = {};
    Failure inner = {};
    int result = barrier(&outer, -1, [&] {
        barrier(&inner, -1, [] { return 1; });
        TANDEM_ASSERT(inner.code[0] != '\0', "after the inner barrier");
        return 7;
    });
    EXPECT_EQ(result, -1);
    EXPECT_STREQ(outer.code, "internal");
}

TEST(barrier, cuts_long_texts_at_a_character_border) {
    char small[6];
    copy_text(small, sizeof small, "abcdä!");
    EXPECT_STREQ(small, "abcd");
    copy_text(small, sizeof small, "");
    EXPECT_STREQ(small, "");
}

}  // namespace
}  // namespace tandem
