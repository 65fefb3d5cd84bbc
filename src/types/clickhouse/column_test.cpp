#include "types/clickhouse/column.h"

#include <gtest/gtest.h>

namespace tandem::types {
namespace {

Column column_of(std::string_view type) {
    return Column(MUST(parse_clickhouse_type(type)));
}

TEST(column, appends_and_reads_fixed_values) {
    Column column = column_of("Nullable(Int32)");
    column.append_fixed<int32_t>(7);
    column.append_null();
    EXPECT_EQ(column.rows, 2U);
    EXPECT_FALSE(column.is_null(0));
    EXPECT_TRUE(column.is_null(1));
    EXPECT_EQ(column.fixed<int32_t>(0), 7);
    EXPECT_EQ(column.fixed<int32_t>(1), 0);
    EXPECT_TRUE(column.consistent());
}

TEST(column, reads_strings_of_both_kinds) {
    Column column = column_of("String");
    column.append_string("ab");
    column.append_string("");
    column.append_string("c");
    EXPECT_EQ(column.string(0), "ab");
    EXPECT_EQ(column.string(1), "");
    EXPECT_EQ(column.string(2), "c");
    Column fixed = column_of("FixedString(3)");
    fixed.append_default();
    EXPECT_EQ(fixed.string(0), std::string_view("\0\0\0", 3));
}

TEST(column, nests_arrays_maps_and_tuples) {
    Column map = column_of("Map(String, Tuple(Int8, Array(UInt16)))");
    map.children[0].append_string("key");
    map.children[1].children[0].append_fixed<int8_t>(1);
    map.children[1].children[1].children[0].append_fixed<uint16_t>(9);
    map.children[1].children[1].finish_array();
    map.children[1].finish_tuple();
    map.finish_array();
    map.append_default();
    EXPECT_EQ(map.elements(0), (std::pair<size_t, size_t>{0, 1}));
    EXPECT_EQ(map.elements(1), (std::pair<size_t, size_t>{1, 1}));
    EXPECT_TRUE(map.consistent());
    map.children[0].append_string("stray");
    EXPECT_FALSE(map.consistent());
}

TEST(column, tells_which_alternative_of_a_variant_a_row_holds) {
    Column column = column_of("Variant(String, UInt8)");
    column.children[1].append_fixed<uint8_t>(3);
    column.finish_variant(1);
    column.append_null();
    column.children[0].append_string("x");
    column.finish_variant(0);
    column.children[1].append_fixed<uint8_t>(4);
    column.finish_variant(1);
    EXPECT_TRUE(column.is_null(1));
    EXPECT_EQ(column.offsets[3], 1U);
    EXPECT_TRUE(column.consistent());
    column.pop_back();
    EXPECT_EQ(column.children[1].rows, 1U);
    EXPECT_TRUE(column.consistent());
}

TEST(column, copies_rows_of_every_shape) {
    for (std::string_view type :
         {"Int8", "Nullable(String)", "LowCardinality(Nullable(String))", "Array(Nullable(Int8))",
          "Map(String, Int8)", "Tuple(String, Variant(Int8, String))", "JSON", "Dynamic",
          "Nullable(Tuple(Int8, String))", "Point", "Geometry"}) {
        Column from = column_of(type);
        from.append_default();
        from.append_null();
        Column to = column_of(type);
        to.append_from(from, 1);
        to.append_from(from, 0);
        EXPECT_EQ(to.rows, 2U) << type;
        EXPECT_TRUE(to.consistent()) << type;
        EXPECT_EQ(to.is_null(0), from.is_null(1)) << type;
        to.pop_back();
        EXPECT_TRUE(to.consistent()) << type;
        to.clear();
        EXPECT_EQ(to.byte_size(), 0U) << type;
        EXPECT_TRUE(to.consistent()) << type;
    }
}

TEST(bytes, keeps_its_content_while_growing) {
    Bytes bytes;
    std::string expected;
    for (int i = 0; i < 5000; ++i) {
        bytes.push_back(static_cast<char>(i));
        expected += static_cast<char>(i);
    }
    EXPECT_EQ(bytes.view(), expected);
    Bytes copy = bytes;
    bytes.clear();
    EXPECT_EQ(copy.view(), expected);
}

TEST(bytes, are_zero_where_resize_added_them) {
    Bytes bytes;
    bytes.append("\xff\xff\xff\xff", 4);
    bytes.truncate(1);
    bytes.resize(4);
    EXPECT_EQ(bytes.view(), std::string_view("\xff\0\0\0", 4));
}

}  // namespace
}  // namespace tandem::types
