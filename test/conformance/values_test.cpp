// The real server is the oracle: it makes values of each type, sends them, gets our bytes back and
// compares both in SQL. What it sends differently from what we understand shows here first.
#include <gtest/gtest.h>

#include "clickhouse/client/client.h"
#include "clickhouse/codec/value_text.h"
#include "support/servers.h"

namespace tandem::clickhouse {
namespace {

struct Sample {
    const char* type;
    const char* expression;  // over `number` of system.numbers
};

constexpr Sample kSamples[] = {
    {"Int8", "toInt8(number - 100)"},
    {"Int16", "toInt16(number * 655 - 32768)"},
    {"Int32", "toInt32(number * 1000003 - 50000000)"},
    {"Int64", "toInt64(number) * -92233720368547758"},
    {"Int128", "toInt128(number) * -170141183460469231"},
    {"Int256", "toInt256(number) * -57896044618658097"},
    {"UInt8", "number"},
    {"UInt16", "toUInt16(number * 655)"},
    {"UInt32", "toUInt32(4294967295 - number)"},
    {"UInt64", "18446744073709551615 - number"},
    {"UInt128", "bitShiftLeft(toUInt128(number), 119)"},
    {"UInt256", "toUInt256(number)"},
    {"Float32", "toFloat32(number / 7)"},
    {"Float64", "multiIf(number = 3, nan, number = 4, -inf, number * pow(10, number - 50))"},
    {"BFloat16", "toBFloat16(number)"},
    {"Bool", "number % 2 = 0"},
    {"String", "repeat(char(65 + number % 26), number * 3)"},
    {"FixedString(5)", "toFixedString(leftPad(toString(number), 5, '0'), 5)"},
    {"Date", "toDate('2020-01-01') + number"},
    {"Date32", "toDate32('1900-01-01') + number * 500"},
    {"DateTime('UTC')", "toDateTime('2020-01-01 00:00:00', 'UTC') + number * 77777"},
    {"DateTime64(0, 'UTC')", "toDateTime64('1950-01-01 00:00:00', 0, 'UTC') + number"},
    {"DateTime64(6, 'UTC')", "toDateTime64('1950-01-01 00:00:00.123456', 6, 'UTC') + number"},
    {"DateTime64(9, 'UTC')", "toDateTime64('2200-01-01 00:00:00.123456789', 9, 'UTC')"},
    {"Time", "toTime(number * 36000 - 1800000)"},
    {"Time64(3)", "toTime64(number * 3600.125, 3)"},
    {"Decimal(9, 2)", "toDecimal32(number, 2) / 4"},
    {"Decimal(18, 0)", "toDecimal64(number, 0) * -7"},
    {"Decimal(38, 10)", "toDecimal128(number, 10) / -3"},
    {"Decimal(76, 20)", "toDecimal256(number, 20) / -7"},
    {"UUID", "generateUUIDv4(number)"},
    {"IPv4", "toIPv4(toUInt32(number * 16777))"},
    {"IPv6", "toIPv6(concat('2001:db8::', hex(number)))"},
    {"Enum8('a' = -1, 'b\\'' = 2)", "if(number % 2 = 0, 'a', 'b\\'')"},
    {"Enum16('a' = -1000, 'b' = 2)", "if(number % 2 = 0, 'a', 'b')"},
    {"IntervalDay", "toIntervalDay(number - 50)"},
    {"IntervalNanosecond", "toIntervalNanosecond(number)"},
    {"Nullable(Int32)", "if(number % 3 = 0, NULL, toInt32(number))"},
    {"Nullable(String)", "if(number % 3 = 0, NULL, toString(number))"},
    {"Nullable(Decimal(9, 3))", "if(number % 3 = 0, NULL, number / 8)"},
    {"LowCardinality(String)", "toString(number % 10)"},
    {"LowCardinality(Nullable(String))", "if(number % 3 = 0, NULL, toString(number % 10))"},
    {"LowCardinality(FixedString(2))", "toString(number % 10 + 10)"},
    {"LowCardinality(Int64)", "number % 10"},
    {"LowCardinality(Nullable(DateTime('UTC')))", "if(number % 3 = 0, NULL, number % 5)"},
    {"Array(Int32)", "arrayMap(x -> toInt32(x), range(number % 5))"},
    {"Array(Nullable(String))", "arrayMap(x -> if(x = 1, NULL, toString(x)), range(number % 5))"},
    {"Array(Array(String))",
     "arrayMap(x -> arrayMap(y -> concat('\\'', toString(y), '\\n'), range(x)), range(number % "
     "5))"},
    {"Array(LowCardinality(String))", "arrayMap(x -> toString(x), range(number % 5))"},
    {"Array(LowCardinality(Nullable(String)))", "[]"},
    {"Tuple(Int32, String)", "(toInt32(number), toString(number))"},
    {"Tuple(a Nullable(Int32), b Array(String))",
     "(if(number = 1, NULL, toInt32(number)), [toString(number)])"},
    {"Tuple(a LowCardinality(String), b Tuple(c LowCardinality(Nullable(String)), d Int8))",
     "(toString(number % 3), (if(number % 2 = 0, NULL, 'x'), number))"},
    {"Map(String, Int64)", "map('a', toInt64(number), toString(number), 1)"},
    {"Map(LowCardinality(String), Array(Nullable(Int8)))", "map('a', [number, NULL], 'b', [])"},
    {"Nested(a Int8, b String)", "arrayMap(x -> (x, toString(x)), range(number % 5))"},
    {"Variant(Array(Int32), String)",
     "if(number % 2 = 0, [toInt32(number)]::Variant(Array(Int32), String), "
     "toString(number)::Variant(Array(Int32), String))"},
    {"Variant(LowCardinality(String), Tuple(a Int8, b LowCardinality(Nullable(String))), UInt64)",
     "multiIf(number % 3 = 0, NULL, number % 3 = 1, number::Variant(UInt64), "
     "(1, 'x')::Variant(Tuple(a Int8, b LowCardinality(Nullable(String)))))"},
    {"SimpleAggregateFunction(sum, UInt64)", "number"},
    {"SimpleAggregateFunction(anyLast, Nullable(String))", "if(number = 3, NULL, 'x')"},
    {"Point", "(number / 2, number / 3)"},
    {"Ring", "[(number / 2, number / 3), (0, 1)]"},
    {"Polygon", "[[(number / 2, number / 3), (0, 1)], []]"},
    {"MultiPolygon", "[[[(number / 2, number / 3), (0, 1)]], []]"},
    {"LineString", "[(number / 2, number / 3), (0, 1)]"},
    {"MultiLineString", "[[(number / 2, number / 3), (0, 1)]]"},
    {"JSON", "concat('{\"a\":{\"b\":', toString(number), '},\"c\":[1,\"x\\\\n\"]}')"},
    {"JSON(a.b UInt32, max_dynamic_paths=1)",
     "concat('{\"a\":{\"b\":', toString(number), '},\"c\":\"x\",\"d\":{\"e\":1}}')"},
    {"Array(JSON)", "[concat('{\"k', toString(number % 3), '\":1}')]"},
    {"Dynamic",
     "multiIf(number % 4 = 0, NULL, number % 4 = 1, toString(number)::Dynamic, number % 4 = 2, "
     "number::Dynamic, [number, 2]::Dynamic)"},
    {"Dynamic(max_types=1)",
     "multiIf(number % 3 = 1, toString(number)::Dynamic, number % 3 = 2, number::Dynamic, "
     "toDate('2020-01-01')::Dynamic)"},
};

// How the values travel; all must give the same.
struct Way {
    const char* name;
    bool http;
    ClientOptions options;
};

const Way kWays[] = {
    {"native, newest revision, LZ4", false, {}},
    {"native, newest revision, not compressed", false, {.compression = Compression::kNone}},
    {"native, revision 54453, ZSTD",
     false,
     {.compression = Compression::kZstd, .revision_max = 54453}},
    {"HTTP, LZ4", true, {}},
};

class values_on_the_real_server : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        auto server = test_support::TestClickHouse::start();
        ASSERT_TRUE(server.ok()) << server.error().to_string();
        server_ = std::move(server).value();
    }
    static void TearDownTestSuite() { server_.reset(); }

    static std::unique_ptr<Client> connect(const Way& way) {
        Endpoint endpoint{.host = server_->host(),
                          .port = way.http ? server_->http_port() : server_->native_port(),
                          .user = server_->user(),
                          .password = server_->password()};
        auto client =
            way.http ? connect_http(endpoint, way.options) : connect_native(endpoint, way.options);
        EXPECT_TRUE(client.ok()) << client.error().to_string();
        return client.ok() ? std::move(client).value() : nullptr;
    }

    static void execute(Client& client, const std::string& sql) {
        Query query{.sql = sql};
        query.settings = {{"allow_suspicious_low_cardinality_types", "1"},
                          {"enable_time_time64_type", "1"},
                          {"flatten_nested", "0"}};
        Status status = client.execute(query);
        ASSERT_TRUE(status.ok()) << sql << ": " << status.error().to_string();
    }

    static void round_trip(Client& client, const Sample& sample);

    static std::unique_ptr<test_support::TestClickHouse> server_;
};

std::unique_ptr<test_support::TestClickHouse> values_on_the_real_server::server_;

std::string text_of(const types::Column& column, size_t row) {
    types::Bytes text;
    append_value_text(column, row, TextForm::kPlain, text);
    return std::string(text.view());
}

// Both directions at once: what the server made is read, written as text by us and compared with
// the server's text; then our bytes go back, and the server compares.
void values_on_the_real_server::round_trip(Client& client, const Sample& sample) {
    std::string type = sample.type;
    std::string engine = type.starts_with("SimpleAgg") ? "AggregatingMergeTree" : "MergeTree";
    for (const char* table : {"made", "back"}) {
        execute(client, std::string("CREATE OR REPLACE TABLE ") + table + " (n UInt64, v " + type +
                            ") ENGINE = " + engine + " ORDER BY n");
    }
    execute(client, "INSERT INTO made SELECT number, " + std::string(sample.expression) +
                        " FROM numbers(100)");
    auto block = select_all(
        client,
        {.sql = "SELECT n, v, if(isNull(v), 'NULL', toString(v)) AS t FROM made ORDER BY n"});
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    ASSERT_EQ(block->rows(), 100u);
    for (size_t row = 0; row < 100; ++row)
        ASSERT_EQ(text_of(block->columns[1].column, row), block->columns[2].column.string(row));
    block->columns.pop_back();
    Status sent = client.insert({.sql = "INSERT INTO back (n, v)"}, *block);
    ASSERT_TRUE(sent.ok()) << sent.error().to_string();
    auto equal =
        select_all(client, {.sql = "SELECT count() AS c FROM made JOIN back USING n WHERE "
                                   "isNull(made.v) = isNull(back.v) AND "
                                   "ifNull(toString(made.v), '') = ifNull(toString(back.v), '')"});
    ASSERT_TRUE(equal.ok()) << equal.error().to_string();
    EXPECT_EQ(equal->columns[0].column.fixed<uint64_t>(0), 100u);
}

}  // namespace

TEST_F(values_on_the_real_server, come_back_as_the_server_made_them) {
    for (const Way& way : kWays) {
        SCOPED_TRACE(way.name);
        std::unique_ptr<Client> client = connect(way);
        ASSERT_NE(client, nullptr);
        for (const Sample& sample : kSamples) {
            SCOPED_TRACE(sample.type);
            round_trip(*client, sample);
        }
    }
}

TEST_F(values_on_the_real_server, are_refused_when_they_are_states_of_aggregates) {
    std::unique_ptr<Client> client = connect(kWays[0]);
    ASSERT_NE(client, nullptr);
    auto block = select_all(*client, {.sql = "SELECT sumState(number) AS s FROM numbers(3)"});
    ASSERT_FALSE(block.ok());
    EXPECT_EQ(block.error().code(), ErrorCode::kUnsupportedType);
    auto after = select_all(*client, {.sql = "SELECT 1 AS one"});
    EXPECT_TRUE(after.ok());
}

// Columns of mostly defaults are stored, and sent, as sparse ones.
TEST_F(values_on_the_real_server, are_read_from_sparse_columns) {
    std::unique_ptr<Client> client = connect(kWays[0]);
    ASSERT_NE(client, nullptr);
    execute(*client,
            "CREATE TABLE sparse (n UInt64, a UInt8, b String, t Tuple(x UInt8, y String), "
            "c Nullable(Int32)) ENGINE = MergeTree ORDER BY n SETTINGS "
            "ratio_of_defaults_for_sparse_serialization = 0.5, "
            "nullable_serialization_version = 'allow_sparse'");
    execute(*client,
            "INSERT INTO sparse SELECT number, if(number % 100 = 7, number % 256, 0), "
            "if(number % 50 = 3, toString(number), ''), (number % 30 = 1, ''), "
            "if(number % 40 = 5, number, NULL) FROM numbers(1000)");
    auto block = select_all(*client, {.sql = "SELECT n, a, b, t, c FROM sparse ORDER BY n"});
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    ASSERT_EQ(block->rows(), 1000u);
    for (size_t row = 0; row < 1000; ++row) {
        EXPECT_EQ(block->columns[1].column.fixed<uint8_t>(row), row % 100 == 7 ? row % 256 : 0);
        EXPECT_EQ(block->columns[2].column.string(row), row % 50 == 3 ? std::to_string(row) : "");
        EXPECT_EQ(block->columns[3].column.children[0].fixed<uint8_t>(row), row % 30 == 1 ? 1 : 0);
        EXPECT_EQ(text_of(block->columns[4].column, row),
                  row % 40 == 5 ? std::to_string(row) : "NULL");
    }
}

}  // namespace tandem::clickhouse
