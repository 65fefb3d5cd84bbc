// The forms of columns that only some servers or settings produce, from bytes made by hand, and
// what hostile ones get.
#include <gtest/gtest.h>

#include "clickhouse/codec/block.h"
#include "clickhouse/codec/value_text.h"
#include "clickhouse/codec/wire.h"

namespace tandem::clickhouse {
namespace {

using types::Bytes;

// Head of a block with one column; its layout, state and data follow.
Bytes one_column(uint64_t rows, std::string_view type) {
    Bytes bytes;
    put_varint(bytes, 0);  // no fields of BlockInfo
    put_varint(bytes, 1);
    put_varint(bytes, rows);
    put_string(bytes, "c");
    put_string(bytes, type);
    return bytes;
}

void put_bytes(Bytes& bytes, std::initializer_list<int> values) {
    for (int value : values) bytes.push_back(static_cast<char>(value));
}

Result<types::Block> decode(const Bytes& bytes, size_t bytes_max = 1 << 20) {
    ByteCursor cursor(bytes.view());
    auto block = decode_block(cursor, kRevisionNewest, {.bytes_max = bytes_max});
    EXPECT_TRUE(!block.ok() || (cursor.empty() && block->columns[0].column.consistent()));
    return block;
}

std::string text(const Result<types::Block>& block) {
    if (!block.ok()) return block.error().to_string();
    Bytes all;
    for (size_t row = 0; row < block->rows(); ++row) {
        if (row != 0) all.push_back(' ');
        append_value_text(block->columns[0].column, row, TextForm::kQuoted, all);
    }
    return std::string(all.view());
}

ErrorCode refusal(const Result<types::Block>& block) {
    EXPECT_FALSE(block.ok());
    return block.ok() ? ErrorCode::kInternal : block.error().code();
}

void put_replicated(Bytes& bytes) {
    put_varint(bytes, 4);
    put_bytes(bytes, {1, 1, 0, 1, 1});  // width of an index, indexes
    put_varint(bytes, 2);
    put_string(bytes, "a");
    put_string(bytes, "b");
}

}  // namespace

TEST(column_layout, replicated_values_are_repeated) {
    Bytes bytes = one_column(4, "String");
    put_bytes(bytes, {1, 4});
    put_replicated(bytes);
    EXPECT_EQ(text(decode(bytes)), "'b' 'a' 'b' 'b'");
}

TEST(column_layout, replicated_values_may_be_sparse_below) {
    Bytes bytes = one_column(4, "String");
    put_bytes(bytes, {1, 5, 3, 0, 1, 3});  // combination of three: plain, sparse, replicated
    put_varint(bytes, 4);
    put_bytes(bytes, {1, 1, 0, 1, 1});
    put_varint(bytes, 2);
    put_varint(bytes, 1);  // one default before the value
    put_varint(bytes, uint64_t{1} << 62);
    put_string(bytes, "b");
    EXPECT_EQ(text(decode(bytes)), "'b' '' 'b' 'b'");
}

TEST(column_layout, elements_of_a_tuple_have_their_own) {
    Bytes bytes = one_column(4, "Tuple(UInt8, String)");
    put_bytes(bytes, {1, 0, 0, 4, 1, 2, 3, 4});
    put_replicated(bytes);
    EXPECT_EQ(text(decode(bytes)), "(1,'b') (2,'a') (3,'b') (4,'b')");
}

TEST(column_layout, is_refused_when_only_servers_use_it) {
    for (int kind : {2, 3, 6, 255}) {
        Bytes bytes = one_column(4, "String");
        put_bytes(bytes, {1, kind});
        EXPECT_EQ(refusal(decode(bytes)), ErrorCode::kUnsupportedType);
    }
}

TEST(column_layout, cannot_make_much_out_of_little) {
    constexpr uint64_t kMany = uint64_t{1} << 31;
    Bytes sparse = one_column(kMany, "UInt64");
    put_bytes(sparse, {1, 1});
    put_varint(sparse, kMany | uint64_t{1} << 62);
    EXPECT_EQ(refusal(decode(sparse)), ErrorCode::kLimitExceeded);

    // A thousand rows, each of them the same thousand bytes.
    Bytes replicated = one_column(1000, "String");
    put_bytes(replicated, {1, 4});
    put_varint(replicated, 1000);
    put_bytes(replicated, {1});
    replicated.resize(replicated.size() + 1000);
    put_varint(replicated, 1);
    put_string(replicated, std::string(1000, 'x'));
    EXPECT_EQ(refusal(decode(replicated, 100'000)), ErrorCode::kLimitExceeded);
    EXPECT_TRUE(decode(replicated, 2'000'000).ok());

    Bytes dictionary = one_column(1000, "LowCardinality(String)");
    put_bytes(dictionary, {0});
    put_fixed(dictionary, kLowCardinalityVersion);
    put_fixed(dictionary, kHasAdditionalKeys);
    put_fixed(dictionary, uint64_t{1});
    put_string(dictionary, std::string(1000, 'x'));
    put_fixed(dictionary, uint64_t{1000});
    dictionary.resize(dictionary.size() + 1000);
    EXPECT_EQ(refusal(decode(dictionary, 100'000)), ErrorCode::kLimitExceeded);
    EXPECT_TRUE(decode(dictionary, 2'000'000).ok());
}

TEST(column_layout, indexes_stay_within_their_dictionary) {
    Bytes bytes = one_column(1, "LowCardinality(String)");
    put_bytes(bytes, {0});
    put_fixed(bytes, kLowCardinalityVersion);
    put_fixed(bytes, kHasAdditionalKeys);
    put_fixed(bytes, uint64_t{1});
    put_string(bytes, "x");
    put_fixed(bytes, uint64_t{1});
    put_bytes(bytes, {1});
    EXPECT_EQ(refusal(decode(bytes)), ErrorCode::kMalformedData);
}

TEST(variant, is_read_in_compact_mode) {
    Bytes bytes = one_column(3, "Variant(String, UInt8)");
    put_bytes(bytes, {0});
    put_fixed(bytes, kVariantCompact);
    put_varint(bytes, 3);
    put_bytes(bytes, {kGranuleCompact, 1, 7, 8, 9});
    EXPECT_EQ(text(decode(bytes)), "7 8 9");

    Bytes plain = one_column(3, "Variant(String, UInt8)");
    put_bytes(plain, {0});
    put_fixed(plain, kVariantCompact);
    put_varint(plain, 3);
    put_bytes(plain, {kGranulePlain, 1, 255, 0});
    put_string(plain, "x");
    put_bytes(plain, {7});
    EXPECT_EQ(text(decode(plain)), "7 NULL 'x'");
}

TEST(dynamic, says_what_to_set_when_values_lie_in_the_shared_store) {
    Bytes bytes = one_column(1, "Dynamic");
    put_bytes(bytes, {0});
    put_fixed(bytes, kDynamicV2);
    put_varint(bytes, 0);
    put_fixed(bytes, kVariantBasic);
    put_bytes(bytes, {0});
    put_string(bytes, "\x0a\x07");
    auto block = decode(bytes);
    EXPECT_EQ(refusal(block), ErrorCode::kUnsupportedType);
    EXPECT_NE(block.error().message().find("use_flattened"), std::string::npos);
}

TEST(dynamic, cannot_be_nested_without_end) {
    Bytes bytes = one_column(1, "Dynamic");
    put_bytes(bytes, {0});
    for (int depth = 0; depth < 100'000; ++depth) {
        put_fixed(bytes, kDynamicFlattened);
        put_varint(bytes, 1);
        put_string(bytes, "Dynamic");
    }
    EXPECT_EQ(refusal(decode(bytes, 1 << 30)), ErrorCode::kLimitExceeded);
}

TEST(native_block, of_more_than_the_limits_is_refused) {
    Bytes columns;
    put_varint(columns, 0);
    put_varint(columns, uint64_t{1} << 40);
    put_varint(columns, 1);
    EXPECT_EQ(refusal(decode(columns)), ErrorCode::kLimitExceeded);
    Bytes rows = one_column(UINT64_MAX, "Tuple()");
    EXPECT_EQ(refusal(decode(rows)), ErrorCode::kLimitExceeded);
    Bytes content = one_column(1'000'000, "UInt64");
    put_bytes(content, {0});
    content.resize(content.size() + 8'000'000);
    EXPECT_EQ(refusal(decode(content)), ErrorCode::kLimitExceeded);
}

}  // namespace tandem::clickhouse
