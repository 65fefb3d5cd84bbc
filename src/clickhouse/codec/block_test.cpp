#include "clickhouse/codec/block.h"

#include <gtest/gtest.h>

namespace tandem::clickhouse {
namespace {

types::Column column_of(const char* type) {
    return types::Column(MUST(types::parse_clickhouse_type(type)));
}

types::Block sample() {
    types::Column number = column_of("Nullable(Int32)");
    types::Column text = column_of("LowCardinality(Nullable(String))");
    types::Column list = column_of("Array(String)");
    for (int i = 0; i < 5; ++i) {
        if (i == 2) {
            number.append_null();
            text.append_null();
        } else {
            number.append_fixed<int32_t>(i * 1000);
            text.append_string(i % 2 == 0 ? "even" : "odd");
        }
        for (int k = 0; k < i; ++k) list.children[0].append_string(std::to_string(k));
        list.finish_array();
    }
    types::Block block;
    block.columns.push_back({"n", std::move(number)});
    block.columns.push_back({"t", std::move(text)});
    block.columns.push_back({"l", std::move(list)});
    return block;
}

}  // namespace

TEST(native_block, comes_back_as_it_was_sent) {
    types::Block block = sample();
    for (uint64_t revision : {uint64_t{0}, uint64_t{54400}, kRevisionNewest}) {
        types::Bytes bytes;
        ASSERT_TRUE(encode_block(block, revision, bytes).ok());
        ByteCursor cursor(bytes.view());
        types::Block back = MUST(decode_block(cursor, revision));
        EXPECT_TRUE(cursor.empty());
        types::Bytes again;
        ASSERT_TRUE(encode_block(back, revision, again).ok());
        EXPECT_EQ(bytes.view(), again.view());
        EXPECT_TRUE(back.columns[1].column.is_null(2));
        EXPECT_EQ(back.columns[1].column.string(3), "odd");
    }
}

TEST(native_block, waits_for_more_at_every_cut) {
    types::Bytes bytes;
    ASSERT_TRUE(encode_block(sample(), kRevisionNewest, bytes).ok());
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
        ByteCursor cursor(bytes.view().substr(0, cut));
        auto block = decode_block(cursor, kRevisionNewest);
        ASSERT_FALSE(block.ok());
        EXPECT_EQ(block.error().code(), ErrorCode::kWouldBlock) << cut;
    }
}

TEST(native_block, does_not_believe_a_count_without_bytes) {
    std::string bytes("\x01\xff\xff\xff\xff\x0f\x01x\x06String", 15);
    ByteCursor cursor(bytes);
    auto block = decode_block(cursor, 0);
    ASSERT_FALSE(block.ok());
}

}  // namespace tandem::clickhouse
