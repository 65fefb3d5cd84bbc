// Blocks recorded from a ClickHouse 26.7.2 server by record.py, read without a server: column v
// holds values of one type, column t the text the server gave for each.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "clickhouse/codec/block.h"
#include "clickhouse/codec/value_text.h"

namespace tandem::clickhouse {
namespace {

struct Vector {
    std::string name;
    uint64_t revision;
    std::string bytes;
};

// "name.native", or "name.54472.native" for a block of an old revision.
std::vector<Vector> vectors() {
    std::vector<Vector> all;
    for (const auto& entry : std::filesystem::directory_iterator(TANDEM_VECTORS)) {
        std::ifstream file(entry.path(), std::ios::binary);
        std::string stem = entry.path().stem().string();
        size_t dot = stem.find('.');
        all.push_back({.name = stem,
                       .revision = dot == std::string::npos ? kRevisionNewest
                                                            : std::stoull(stem.substr(dot + 1)),
                       .bytes = {std::istreambuf_iterator<char>(file), {}}});
    }
    return all;
}

std::string text_of(const types::Column& column, size_t row) {
    types::Bytes text;
    append_value_text(column, row, TextForm::kPlain, text);
    return std::string(text.view());
}

}  // namespace

TEST(recorded_block, holds_the_values_the_server_says_it_holds) {
    size_t count = 0;
    for (const Vector& vector : vectors()) {
        SCOPED_TRACE(vector.name);
        ++count;
        ByteCursor cursor(vector.bytes);
        auto block = decode_block(cursor, vector.revision);
        if (vector.name == "aggregate_state") {
            ASSERT_FALSE(block.ok());
            EXPECT_EQ(block.error().code(), ErrorCode::kUnsupportedType);
            continue;
        }
        ASSERT_TRUE(block.ok()) << block.error().to_string();
        EXPECT_TRUE(cursor.empty());
        ASSERT_EQ(block->columns.size(), 2u);
        const types::Column& values = block->columns[0].column;
        EXPECT_TRUE(values.consistent());
        for (size_t row = 0; row < block->rows(); ++row)
            EXPECT_EQ(text_of(values, row), block->columns[1].column.string(row)) << row;
    }
    EXPECT_GT(count, 50u);
}

TEST(recorded_block, is_the_same_when_it_arrives_in_pieces) {
    for (const Vector& vector : vectors()) {
        if (vector.name == "aggregate_state") continue;
        SCOPED_TRACE(vector.name);
        BlockDecoder decoder(vector.revision);
        size_t done = 0;
        size_t shown = 0;
        for (;;) {
            ByteCursor cursor(std::string_view(vector.bytes).substr(done, shown - done));
            auto block = decoder.decode(cursor);
            done += cursor.offset();
            if (block.ok()) break;
            ASSERT_EQ(block.error().code(), ErrorCode::kWouldBlock) << block.error().to_string();
            ASSERT_GE(decoder.wanted(), 1u);
            shown += decoder.wanted();
            ASSERT_LE(shown, vector.bytes.size()) << "more was asked for than there is";
        }
        EXPECT_EQ(done, vector.bytes.size());
    }
}

}  // namespace tandem::clickhouse
