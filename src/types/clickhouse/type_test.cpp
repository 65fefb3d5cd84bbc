#include "types/clickhouse/type.h"

#include <gtest/gtest.h>

namespace tandem::types {
namespace {

ChTypePtr parsed(std::string_view text) {
    Result<ChTypePtr> type = parse_clickhouse_type(text);
    EXPECT_TRUE(type.ok()) << text << ": " << (type.ok() ? "" : type.error().to_string());
    return type.ok() ? *type : nullptr;
}

ErrorCode refusal(std::string_view text) {
    Result<ChTypePtr> type = parse_clickhouse_type(text);
    EXPECT_FALSE(type.ok()) << text;
    return type.ok() ? ErrorCode::kInternal : type.error().code();
}

TEST(clickhouse_type, keeps_the_server_spelling_of_every_kind) {
    for (std::string_view name : {"Nothing",
                                  "Bool",
                                  "Int256",
                                  "UInt128",
                                  "BFloat16",
                                  "Decimal(38, 2)",
                                  "FixedString(16)",
                                  "Date32",
                                  "DateTime",
                                  "DateTime('Europe/Berlin')",
                                  "DateTime64(6)",
                                  "DateTime64(6, 'UTC')",
                                  "Time",
                                  "Time64(3)",
                                  "IntervalMicrosecond",
                                  "UUID",
                                  "IPv6",
                                  "Enum8('a' = 1, 'it\\'s' = -2)",
                                  "Enum16('x' = 1000)",
                                  "LowCardinality(Nullable(String))",
                                  "Array(Array(Nullable(Int8)))",
                                  "Tuple(a Int8, `b c` String)",
                                  "Tuple(Int8, String)",
                                  "Tuple()",
                                  "Map(String, Array(UInt8))",
                                  "Nested(a Int8, b String)",
                                  "Variant(Array(UInt8), String)",
                                  "Dynamic",
                                  "Dynamic(max_types=4)",
                                  "JSON",
                                  "JSON(max_dynamic_paths=3, a.b UInt32, SKIP c)",
                                  "JSON(SKIP REGEXP 'a\\\\d(', `x y`.z String)",
                                  "Point",
                                  "MultiPolygon",
                                  "Geometry",
                                  "AggregateFunction(quantiles(0.5, 0.9), UInt64)",
                                  "SimpleAggregateFunction(sum, Nullable(UInt64))"}) {
        ChTypePtr type = parsed(name);
        ASSERT_NE(type, nullptr);
        EXPECT_EQ(type->name, name);
    }
}

TEST(clickhouse_type, resolves_aliases_to_the_canonical_name) {
    EXPECT_EQ(parsed("Decimal64(4)")->name, "Decimal(18, 4)");
    EXPECT_EQ(parsed("Decimal(5)")->name, "Decimal(5, 0)");
    EXPECT_EQ(parsed(" Map( String ,UInt8 ) ")->name, "Map(String, UInt8)");
    EXPECT_EQ(parsed("Enum('a', 'b')")->name, "Enum8('a' = 1, 'b' = 2)");
    EXPECT_EQ(parsed("Enum('a' = 300)")->kind, ChKind::kEnum16);
    EXPECT_EQ(parsed("DateTime64")->name, "DateTime64(3)");
    EXPECT_EQ(parsed("Variant(UInt8, String)")->name, "Variant(String, UInt8)");
}

TEST(clickhouse_type, reads_parameters) {
    EXPECT_EQ(parsed("Decimal(40, 7)")->kind, ChKind::kDecimal256);
    EXPECT_EQ(parsed("Decimal(40, 7)")->scale, 7);
    EXPECT_EQ(parsed("DateTime64(9, 'Asia/Tokyo')")->timezone, "Asia/Tokyo");
    EXPECT_EQ(parsed("FixedString(20)")->width(), 20U);
    EXPECT_EQ(parsed("Enum8('a''b' = 1, '\\x41\\n' = 2)")->enum_values,
              (std::vector<std::pair<std::string, int>>{{"a'b", 1}, {"A\n", 2}}));
    EXPECT_EQ(parsed("Tuple(a Int8, `b``c` String)")->child_names,
              (std::vector<std::string>{"a", "b`c"}));
    ChTypePtr json = parsed("JSON(max_dynamic_types=2, a.`b c` UInt32)");
    EXPECT_EQ(json->child_names, std::vector<std::string>{"a.b c"});
    EXPECT_EQ(json->children[0]->kind, ChKind::kUInt32);
}

TEST(clickhouse_type, nested_and_geo_are_what_they_stand_for) {
    ChTypePtr nested = parsed("Nested(a Int8, b String)");
    EXPECT_EQ(nested->kind, ChKind::kArray);
    EXPECT_EQ(nested->children[0]->name, "Tuple(a Int8, b String)");
    ChTypePtr polygon = parsed("Polygon");
    EXPECT_EQ(polygon->children[0]->children[0]->children[1]->kind, ChKind::kFloat64);
    EXPECT_EQ(parsed("Geometry")->children.size(), 6U);
}

TEST(clickhouse_type, says_what_lies_below_wrappers) {
    ChTypePtr type = parsed("SimpleAggregateFunction(any, LowCardinality(Nullable(Int32)))");
    EXPECT_EQ(type->value_type().kind, ChKind::kInt32);
    EXPECT_EQ(type->width(), 4U);
    EXPECT_TRUE(type->nullable());
    EXPECT_FALSE(parsed("Array(Nullable(Int8))")->nullable());
    EXPECT_TRUE(parsed("Dynamic")->nullable());
}

TEST(clickhouse_type, refuses_what_is_no_type) {
    for (std::string_view text : {"",
                                  "Int",
                                  "Int8(",
                                  "Int8)",
                                  "Nullable()",
                                  "Nullable(Nullable(Int8))",
                                  "Array",
                                  "Decimal(77, 1)",
                                  "Decimal(5, 6)",
                                  "FixedString(0)",
                                  "FixedString(99999999)",
                                  "Map(Int8)",
                                  "Enum8('a' = 200)",
                                  "Enum8('a",
                                  "Enum8()",
                                  "DateTime64(10)",
                                  "DateTime(UTC)",
                                  "Tuple(a Int8, String)",
                                  "Tuple(Int8, a String)",
                                  "Tuple(Int8",
                                  "Variant(Int8",
                                  "LowCardinality(Array(Int8))",
                                  "LowCardinality(LowCardinality(String))",
                                  "IntervalEon",
                                  "AggregateFunction(sum(",
                                  "SimpleAggregateFunction(sum)",
                                  "Int8 Int8",
                                  "`Int8`"}) {
        EXPECT_EQ(refusal(text), ErrorCode::kMalformedData) << text;
    }
    EXPECT_EQ(refusal("QBit(Float32, 3)"), ErrorCode::kUnsupportedType);
}

TEST(clickhouse_type, limits_nesting_and_length) {
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "Array(";
    EXPECT_EQ(refusal(deep), ErrorCode::kLimitExceeded);
    EXPECT_EQ(refusal(std::string(kTypeNameMax + 1, 'a')), ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace tandem::types
