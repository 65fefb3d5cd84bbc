#include "postgres/decoder/copy_binary.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <optional>

#include "postgres/decoder/test_encoder.h"

namespace tandem::postgres {
namespace {

using testing::copy_header;
using testing::copy_trailer;
using testing::Wire;
using Step = CopyBinaryReader::Step;
using Row = std::vector<std::optional<std::string>>;

std::string encode(const std::vector<Row>& rows) {
    Wire wire;
    wire.raw(copy_header());
    for (const Row& row : rows) {
        wire.u16(static_cast<unsigned>(row.size()));
        for (const auto& field : row) field ? wire.counted(*field) : wire.u32(0xFFFFFFFF);
    }
    return wire.raw(copy_trailer()).str();
}

Row owned(std::span<const CopyField> fields) {
    Row row;
    for (const CopyField& field : fields)
        row.push_back(field.is_null() ? std::nullopt : std::optional<std::string>(field.bytes()));
    return row;
}

// Feeds bytes in chunks of the sizes that `next_size` gives.
template <typename NextSize>
Result<std::vector<Row>> read_all(CopyBinaryReader& reader, std::string_view bytes,
                                  NextSize next_size) {
    std::vector<Row> rows;
    while (!bytes.empty()) {
        // A copy of its own, so that a view into an older chunk would be caught by the sanitizer.
        std::string chunk(bytes.substr(0, next_size()));
        bytes.remove_prefix(chunk.size());
        TRY(reader.feed(chunk));
        while (TRY(reader.next()) == Step::row) rows.push_back(owned(reader.row()));
    }
    TRY(reader.finish());
    return rows;
}

Error error_of(std::string_view bytes, CopyBinaryReader::Limits limits = {}) {
    CopyBinaryReader reader(limits);
    auto rows = read_all(reader, bytes, [&] { return bytes.size(); });
    EXPECT_FALSE(rows.ok());
    return rows.ok() ? Error(ErrorCode::kInternal, "no error") : rows.error();
}

TEST(copy_binary, reads_rows_fields_and_nulls) {
    std::vector<Row> rows = {{"a", std::nullopt, ""}, {std::nullopt, "bc", std::string(3, '\0')}};
    CopyBinaryReader reader({.columns = 3});
    std::string bytes = encode(rows);
    auto read = read_all(reader, bytes, [&] { return bytes.size(); });
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, rows);
    EXPECT_EQ(reader.rows_read(), 2u);
}

TEST(copy_binary, reads_no_rows_and_rows_without_columns) {
    CopyBinaryReader reader;
    auto read = read_all(reader, encode({}), [] { return 100; });
    ASSERT_TRUE(read.ok());
    EXPECT_TRUE(read->empty());
    CopyBinaryReader empty_rows;
    auto two = read_all(empty_rows, encode({{}, {}}), [] { return 100; });
    ASSERT_TRUE(two.ok());
    EXPECT_EQ(two->size(), 2u);
}

TEST(copy_binary, does_not_copy_rows_that_lie_whole_in_a_chunk) {
    CopyBinaryReader reader;
    std::string bytes = encode({{"abc"}});
    ASSERT_TRUE(reader.feed(bytes).ok());
    ASSERT_EQ(*reader.next(), Step::row);
    const char* field = reader.row()[0].bytes().data();
    EXPECT_GE(field, bytes.data());
    EXPECT_LT(field, bytes.data() + bytes.size());
}

TEST(copy_binary, skips_the_header_extension) {
    CopyBinaryReader reader;
    std::string bytes = copy_header(0, "extension") + copy_trailer();
    EXPECT_TRUE(read_all(reader, bytes, [] { return 1; }).ok());
}

TEST(copy_binary, refuses_what_breaks_the_format) {
    EXPECT_NE(error_of("not a copy stream at all").message().find("signature"), std::string::npos);
    error_of(copy_header(1 << 16) + copy_trailer());  // OIDs
    error_of(copy_header(1 << 20) + copy_trailer());  // unknown critical flag
    error_of(encode({{"a"}, {"a", "b"}}));            // rows of different width
    error_of(encode({{"a"}}), {.columns = 2});
    error_of(encode({{"a"}}) + "x");
    error_of(copy_header() + Wire().u16(1).u32(0xFFFFFFFE).str());  // length -2
    error_of(copy_header() + Wire().u16(0xFFFE).str());             // -2 fields
    std::string whole = encode({{"a"}});
    EXPECT_NE(error_of(whole.substr(0, whole.size() - 2)).message().find("trailer"),
              std::string::npos);
}

TEST(copy_binary, bounds_what_it_keeps_of_a_row) {
    std::string huge = copy_header() + Wire().u16(1).u32(0x7FFFFFFF).raw("abc").str();
    EXPECT_EQ(error_of(huge, {.row_bytes = 1 << 20}).code(), ErrorCode::kLimitExceeded);
    std::string extension = Wire().raw(copy_header().substr(0, 15)).u32(0x7FFFFFFF).str();
    EXPECT_EQ(error_of(extension).code(), ErrorCode::kMalformedData);
}

rc::Gen<std::vector<Row>> tables() {
    return rc::gen::mapcat(rc::gen::inRange<size_t>(0, 6), [](size_t columns) {
        auto field = rc::gen::maybe(rc::gen::string<std::string>());
        auto optional = rc::gen::map(field, [](rc::Maybe<std::string> text) {
            return text ? std::optional<std::string>(*text) : std::nullopt;
        });
        return rc::gen::container<std::vector<Row>>(rc::gen::container<Row>(columns, optional));
    });
}

RC_GTEST_PROP(copy_binary_property, comes_back_from_chunks_cut_anywhere, ()) {
    std::vector<Row> rows = *tables();
    size_t largest = *rc::gen::inRange<size_t>(1, 40);
    CopyBinaryReader reader;
    auto read =
        read_all(reader, encode(rows), [&] { return *rc::gen::inRange<size_t>(1, largest + 1); });
    RC_ASSERT(read.ok());
    RC_ASSERT(*read == rows);
}

}  // namespace
}  // namespace tandem::postgres
