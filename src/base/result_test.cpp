#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace tandem {
namespace {

Result<std::unique_ptr<int>> make(bool fail) {
    if (fail) return Error(ErrorCode::kIo, "disk on fire");
    return std::make_unique<int>(7);
}

Status forwards(bool fail) {
    auto value = TRY(make(fail).context("making seven"));
    EXPECT_EQ(*value, 7);
    return {};
}

void expect_complete(const ErrorInfo& info, std::set<std::string_view>& codes) {
    EXPECT_TRUE(codes.insert(info.code).second) << info.code;
    EXPECT_EQ(info.sqlstate.size(), 5u) << info.code;
    EXPECT_TRUE(info.advice.ends_with('.')) << info.code;
}

}  // namespace

TEST(result, try_moves_the_value_out) {
    EXPECT_TRUE(forwards(false).ok());
}

TEST(result, try_returns_the_error_with_its_context) {
    Status status = forwards(true);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message(), "making seven: disk on fire");
    EXPECT_EQ(status.error().info().code, "io");
    EXPECT_TRUE(status.error().retryable());
}

TEST(result, every_error_has_a_unique_code_a_sqlstate_and_advice) {
    std::set<std::string_view> codes;
#define TANDEM_ERROR(name, code_, retry_, exit_, sqlstate_, advice_) \
    expect_complete(error_info(ErrorCode::k##name), codes);
#include "base/errors.def"
#undef TANDEM_ERROR
}

TEST(result_death, reading_the_value_of_a_failure_traps) {
    EXPECT_DEATH((void)make(true).value(), "value of a failed Result");
}

}  // namespace tandem
