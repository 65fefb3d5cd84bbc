#include "postgres/client/errors.h"

#include <gtest/gtest.h>

namespace tandem::postgres {
namespace {

TEST(postgres_errors, sorts_sqlstates_by_what_to_do) {
    EXPECT_EQ(code_of_sqlstate("40001"), ErrorCode::kPostgresRetry);
    EXPECT_EQ(code_of_sqlstate("40P01"), ErrorCode::kPostgresRetry);
    EXPECT_EQ(code_of_sqlstate("57P01"), ErrorCode::kConnectionLost);
    EXPECT_EQ(code_of_sqlstate("08006"), ErrorCode::kConnectionLost);
    EXPECT_EQ(code_of_sqlstate("53200"), ErrorCode::kPostgresRetry);
    EXPECT_EQ(code_of_sqlstate("53300"), ErrorCode::kConnectionFailed);
    EXPECT_EQ(code_of_sqlstate("28P01"), ErrorCode::kAuthenticationFailed);
    EXPECT_EQ(code_of_sqlstate("42P01"), ErrorCode::kNotFound);
    EXPECT_EQ(code_of_sqlstate("42601"), ErrorCode::kPostgresError);
}

TEST(postgres_errors, keeps_sqlstate_detail_and_hint) {
    Error error = statement_error({.sqlstate = "23505",
                                   .message = "duplicate key",
                                   .detail = "Key exists.",
                                   .hint = "Look."});
    EXPECT_EQ(error.code(), ErrorCode::kPostgresError);
    EXPECT_EQ(error.sqlstate(), "23505");
    EXPECT_EQ(error.message(), "duplicate key; Key exists.; hint: Look.");
}

TEST(postgres_errors, recognises_invalidated_slots_of_every_version) {
    const ServerError wordings[] = {
        {"55000", "cannot read from logical replication slot \"s\"",
         "This slot has been invalidated because it exceeded the maximum reserved size.", ""},
        {"55000", "can no longer get changes from replication slot \"s\"",
         "This slot has been invalidated because it was conflicting with recovery.", ""},
        {"55000", "can no longer access replication slot \"s\"",
         "This replication slot has been invalidated due to \"idle_timeout\".", ""},
        {"58P01", "requested WAL segment 00000001000000000000000A has already been removed", "",
         ""},
    };
    for (const ServerError& wording : wordings)
        EXPECT_EQ(replication_error(wording).code(), ErrorCode::kSlotInvalidated)
            << wording.message;
}

TEST(postgres_errors, tells_the_troubles_of_slots_apart) {
    auto code = [](const char* state, const char* message) {
        return replication_error({state, message, "", ""}).code();
    };
    EXPECT_EQ(code("42704", "replication slot \"s\" does not exist"), ErrorCode::kSlotMissing);
    EXPECT_EQ(code("42704", "publication \"p\" does not exist"), ErrorCode::kNotFound);
    EXPECT_EQ(code("55006", "replication slot \"s\" is active for PID 7"), ErrorCode::kSlotInUse);
    EXPECT_EQ(code("53400", "all replication slots are in use"), ErrorCode::kSourceUnfit);
    EXPECT_EQ(code("55000", "logical decoding requires wal_level >= logical"),
              ErrorCode::kSourceUnfit);
    EXPECT_EQ(code("57P01", "terminating connection"), ErrorCode::kConnectionLost);
}

TEST(postgres_errors, explains_invalidation_by_its_reason) {
    EXPECT_NE(explain_invalidation("s", "").find("max_slot_wal_keep_size"), std::string::npos);
    EXPECT_NE(explain_invalidation("s", "rows_removed").find("hot_standby_feedback"),
              std::string::npos);
    EXPECT_NE(explain_invalidation("s", "idle_timeout").find("idle_replication_slot_timeout"),
              std::string::npos);
}

TEST(postgres_errors, sorts_failed_connections) {
    EXPECT_EQ(connect_error("FATAL:  password authentication failed for user \"x\"\n").code(),
              ErrorCode::kAuthenticationFailed);
    EXPECT_EQ(connect_error("connection refused").code(), ErrorCode::kConnectionFailed);
    EXPECT_EQ(connect_error("FATAL:  database \"x\" does not exist").code(), ErrorCode::kNotFound);
    EXPECT_EQ(connect_error("server does not support SSL, but SSL was required").code(),
              ErrorCode::kTlsFailed);
}

}  // namespace
}  // namespace tandem::postgres
