#include "postgres/decoder/replication_message.h"

#include <gtest/gtest.h>

#include "postgres/decoder/test_encoder.h"

namespace tandem::postgres {
namespace {

using testing::Wire;

TEST(replication_message, reads_data_and_keepalive) {
    std::string data = Wire::message('w').u64(1).u64(2).i64(3).raw("payload").str();
    auto message = decode_replication_message(data);
    ASSERT_TRUE(message.ok());
    const XLogData& xlog = std::get<XLogData>(*message);
    EXPECT_EQ(xlog.start, Lsn{1});
    EXPECT_EQ(xlog.server_end, Lsn{2});
    EXPECT_EQ(xlog.payload, "payload");

    message = decode_replication_message(Wire::message('k').u64(5).i64(6).u8(1).str());
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(std::get<Keepalive>(*message).server_end, Lsn{5});
    EXPECT_TRUE(std::get<Keepalive>(*message).reply_requested);
}

TEST(replication_message, refuses_what_is_neither) {
    for (const std::string& bytes :
         {std::string(), std::string("w12"), std::string("k"), std::string("z"),
          Wire::message('k').u64(5).i64(6).u8(1).u8(1).str()}) {
        auto message = decode_replication_message(bytes);
        ASSERT_FALSE(message.ok());
        EXPECT_EQ(message.error().code(), ErrorCode::kMalformedData);
    }
}

TEST(replication_message, writes_feedback_in_network_order) {
    auto bytes = encode_feedback(
        {.write = {3}, .flush = {2}, .apply = {1}, .reply_requested = true}, PgTime{-2});
    std::string wanted = Wire::message('r').u64(3).u64(2).u64(1).i64(-2).u8(1).str();
    EXPECT_EQ(std::string(bytes.data(), bytes.size()), wanted);
}

}  // namespace
}  // namespace tandem::postgres
