// The real server is the oracle: it makes values of each type, sends them, gets our bytes back and
// compares both in SQL. What it sends differently from what we understand shows here first.
#include <gtest/gtest.h>

#include "clickhouse/client/client.h"
#include "support/servers.h"

namespace tandem::clickhouse {
namespace {

struct Sample {
    const char* type;
    const char* expression;  // over `number` of system.numbers
};

constexpr Sample kSamples[] = {
    {"Int8", "toInt8(number - 100)"},
    {"UInt16", "toUInt16(number * 655)"},
    {"Int32", "toInt32(number * 1000003 - 50000000)"},
    {"UInt64", "18446744073709551615 - number"},
    {"Int128", "toInt128(number) * -170141183460469231"},
    {"Int256", "toInt256(number) * -57896044618658097"},
    {"UInt256", "toUInt256(number)"},
    {"Float32", "toFloat32(number / 7)"},
    {"Float64", "if(number = 3, nan, number / -7)"},
    {"BFloat16", "toBFloat16(number)"},
    {"Bool", "number % 2 = 0"},
    {"String", "repeat(char(65 + number % 26), number)"},
    {"FixedString(5)", "toFixedString(toString(number), 5)"},
    {"Date", "toDate('2020-01-01') + number"},
    {"Date32", "toDate32('1900-01-01') + number"},
    {"DateTime('UTC')", "toDateTime('2020-01-01 00:00:00', 'UTC') + number"},
    {"DateTime64(6, 'UTC')", "toDateTime64('1950-01-01 00:00:00.123456', 6, 'UTC') + number"},
    {"Decimal(9, 2)", "toDecimal32(number, 2) / 4"},
    {"Decimal(38, 10)", "toDecimal128(number, 10) * -1"},
    {"Decimal(76, 20)", "toDecimal256(number, 20) * -1"},
    {"UUID", "generateUUIDv4(number)"},
    {"IPv4", "toIPv4(toUInt32(number * 16777))"},
    {"IPv6", "toIPv6(concat('::', hex(number)))"},
    {"Enum8('a' = -1, 'b' = 2)", "CAST(if(number % 2 = 0, 'a', 'b') AS Enum8('a' = -1, 'b' = 2))"},
    {"Enum16('a' = -1000, 'b' = 2)",
     "CAST(if(number % 2 = 0, 'a', 'b') AS Enum16('a' = -1000, 'b' = 2))"},
    {"Nullable(Int32)", "if(number % 3 = 0, NULL, toInt32(number))"},
    {"Nullable(String)", "if(number % 3 = 0, NULL, toString(number))"},
    {"LowCardinality(String)", "toString(number % 10)"},
    {"LowCardinality(Nullable(String))", "if(number % 3 = 0, NULL, toString(number % 10))"},
    {"Array(Int32)", "arrayMap(x -> toInt32(x), range(number % 5))"},
    {"Array(Nullable(String))", "arrayMap(x -> if(x = 1, NULL, toString(x)), range(number % 5))"},
    {"Array(Array(String))",
     "arrayMap(x -> arrayMap(y -> toString(y), range(x)), range(number % 5))"},
    {"Array(LowCardinality(String))", "arrayMap(x -> toString(x), range(number % 5))"},
    {"Tuple(Int32, String)", "(toInt32(number), toString(number))"},
    {"Tuple(a Nullable(Int32), b Array(String))",
     "(if(number = 1, NULL, toInt32(number)), [toString(number)])"},
    {"Map(String, Int64)", "map('a', toInt64(number), toString(number), 1)"},
    {"Variant(Array(Int32), String)",
     "if(number % 2 = 0, [toInt32(number)]::Variant(Array(Int32), String), "
     "toString(number)::Variant(Array(Int32), String))"},
    {"Point", "(number / 2, number / 3)::Point"},
};

}  // namespace

TEST(values_on_the_real_server, come_back_as_the_server_made_them) {
    auto server = test_support::TestClickHouse::start();
    ASSERT_TRUE(server.ok()) << server.error().to_string();
    Endpoint endpoint{.host = (*server)->host(),
                      .port = (*server)->native_port(),
                      .user = (*server)->user(),
                      .password = (*server)->password()};
    auto client = connect_native(endpoint);
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    for (const Sample& sample : kSamples) {
        SCOPED_TRACE(sample.type);
        std::string cast = std::string("CAST(") + sample.expression + " AS " + sample.type + ")";
        auto made = [&](const std::string& table) {
            return (*client)->execute({.sql = "CREATE OR REPLACE TABLE " + table +
                                              " (n UInt64, v " + sample.type +
                                              ") ENGINE = MergeTree ORDER BY n"});
        };
        for (const char* table : {"made", "back"}) {
            Status status = made(table);
            ASSERT_TRUE(status.ok()) << status.error().to_string();
        }
        Status filled = (*client)->execute(
            {.sql = "INSERT INTO made SELECT number, " + cast + " FROM numbers(100)"});
        ASSERT_TRUE(filled.ok()) << filled.error().to_string();
        auto block = select_all(**client, {.sql = "SELECT n, v FROM made ORDER BY n"});
        ASSERT_TRUE(block.ok()) << block.error().to_string();
        ASSERT_EQ(block->rows(), 100u);
        Status sent = (*client)->insert({.sql = "INSERT INTO back (n, v)"}, *block);
        ASSERT_TRUE(sent.ok()) << sent.error().to_string();
        auto equal = select_all(
            **client,
            {.sql = "SELECT count() AS c FROM made JOIN back USING n WHERE "
                    "ifNull(toString(made.v), 'NULL') = ifNull(toString(back.v), 'NULL')"});
        ASSERT_TRUE(equal.ok()) << equal.error().to_string();
        EXPECT_EQ(equal->columns[0].column.fixed<uint64_t>(0), 100u);
    }
}

// Columns of mostly defaults are stored, and sent, as sparse ones.
TEST(values_on_the_real_server, are_read_from_sparse_columns) {
    auto server = test_support::TestClickHouse::start();
    ASSERT_TRUE(server.ok()) << server.error().to_string();
    Endpoint endpoint{.host = (*server)->host(),
                      .port = (*server)->native_port(),
                      .user = (*server)->user(),
                      .password = (*server)->password()};
    auto client = connect_native(endpoint);
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    for (const char* sql :
         {"CREATE TABLE sparse (n UInt64, a UInt8, b String, t Tuple(x UInt8, y String)) "
          "ENGINE = MergeTree ORDER BY n SETTINGS ratio_of_defaults_for_sparse_serialization = 0.5",
          "INSERT INTO sparse SELECT number, if(number % 100 = 7, number % 256, 0), "
          "if(number % 50 = 3, toString(number), ''), (number % 30 = 1, '') FROM numbers(1000)"}) {
        Status status = (*client)->execute({.sql = sql});
        ASSERT_TRUE(status.ok()) << status.error().to_string();
    }
    auto block = select_all(**client, {.sql = "SELECT n, a, b, t FROM sparse ORDER BY n"});
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    ASSERT_EQ(block->rows(), 1000u);
    for (size_t row = 0; row < 1000; ++row) {
        EXPECT_EQ(block->columns[1].column.fixed<uint8_t>(row), row % 100 == 7 ? row % 256 : 0);
        EXPECT_EQ(block->columns[2].column.string(row), row % 50 == 3 ? std::to_string(row) : "");
        EXPECT_EQ(block->columns[3].column.children[0].fixed<uint8_t>(row), row % 30 == 1 ? 1 : 0);
    }
}

}  // namespace tandem::clickhouse
