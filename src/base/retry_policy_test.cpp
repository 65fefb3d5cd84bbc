#include "base/retry_policy.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

Action decide(ErrorCode code, Place place) {
    return action_for(Error(code, "x"), place);
}

struct Case {
    ErrorCode code;
    Place place;
    Action action;
};

TEST(retry_policy, weighs_the_error_and_the_place) {
    const Case cases[] = {
        {ErrorCode::kConnectionLost, Place::daemon, Action::again},
        {ErrorCode::kAuthenticationFailed, Place::daemon, Action::stop},
        {ErrorCode::kCancelled, Place::session, Action::again},
        {ErrorCode::kSlotInvalidated, Place::session, Action::stop},
        {ErrorCode::kUnsupportedType, Place::prepare_table, Action::fail_table},
        {ErrorCode::kConnectionLost, Place::prepare_table, Action::end_session},
        {ErrorCode::kNoReplicaIdentity, Place::relation, Action::fail_table},
        {ErrorCode::kProtocolViolation, Place::relation, Action::end_session},
        {ErrorCode::kClickHouseError, Place::apply_step, Action::fail_table},
        {ErrorCode::kPostgresError, Place::apply_step, Action::end_session},
        {ErrorCode::kClickHouseRetry, Place::apply_batch, Action::again},
        {ErrorCode::kConnectionLost, Place::apply_batch, Action::end_session},
        {ErrorCode::kValueOutOfRange, Place::load_chunk, Action::fail_table},
        {ErrorCode::kAuthenticationFailed, Place::load_chunk, Action::again},
    };
    for (const Case& one : cases)
        EXPECT_EQ(decide(one.code, one.place), one.action)
            << error_info(one.code).code << " at " << static_cast<int>(one.place);
}

TEST(retry_policy, loads_again_when_the_schema_changed_under_the_load) {
    EXPECT_EQ(
        action_for(Error(ErrorCode::kPostgresError, "x").with_sqlstate("42703"), Place::load_chunk),
        Action::restart_load);
    EXPECT_EQ(action_for(Error(ErrorCode::kClickHouseError, "x").with_foreign_code(16),
                         Place::load_chunk),
              Action::restart_load);
}

// What takes one table down must never be what a pause would have mended.
TEST(retry_policy, fails_no_table_for_what_passes_by_itself) {
    for (int code = 0; code <= static_cast<int>(ErrorCode::kNotRoutable); ++code) {
        Error error(static_cast<ErrorCode>(code), "x");
        if (!error.retryable()) continue;
        for (Place place : {Place::prepare_table, Place::relation, Place::apply_step,
                            Place::apply_batch, Place::load_chunk})
            EXPECT_NE(action_for(error, place), Action::fail_table) << error.info().code;
    }
}

}  // namespace
}  // namespace tandem
