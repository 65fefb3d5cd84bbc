// Every type of ClickHouse: its values arrive exactly, or are refused by name.
#include "integration/fdw/fdw_fixture.h"
#include "sqltext/quote.h"

namespace tandem::fdw_test {

namespace {

class FdwTypes : public FdwTest {
  protected:
    // One column of the type, with the value, read as the type of Postgres; its text.
    std::string read(const std::string& remote, const std::string& value, const std::string& type,
                     bool named = true) {
        run_clickhouse("CREATE OR REPLACE TABLE shop.one (c " + remote +
                       ") ENGINE = Memory SETTINGS allow_suspicious_low_cardinality_types = 1");
        run_clickhouse("INSERT INTO shop.one SELECT CAST(" + value + ", " +
                       sqltext::ch_string(remote) + ")");
        run("DROP FOREIGN TABLE IF EXISTS far.one");
        run("CREATE FOREIGN TABLE far.one (c " + type +
            (named ? " OPTIONS (type '" + doubled(remote) + "')" : "") + ") SERVER far_away");
        std::string whole = ask("SELECT c::text FROM far.one");
        // The same through the scan of the table alone.
        std::string alone = ask("SELECT c::text FROM far.one, pg_namespace LIMIT 1");
        if (!whole.starts_with("ERROR")) {
            EXPECT_EQ(whole, alone) << remote;
        }
        return whole;
    }

    static std::string doubled(std::string text) {
        for (size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2)
            text.insert(at, "'");
        return text;
    }
};

TEST_F(FdwTypes, holds_every_value_exactly) {
    EXPECT_EQ(read("UInt64", "18446744073709551615", "numeric"), "18446744073709551615");
    EXPECT_EQ(read("UInt64", "9223372036854775807", "bigint"), "9223372036854775807");
    EXPECT_EQ(read("UInt8", "255", "smallint"), "255");
    EXPECT_EQ(read("Int128", "'-170141183460469231731687303715884105728'", "numeric"),
              "-170141183460469231731687303715884105728");
    EXPECT_EQ(
        read("UInt256",
             "'115792089237316195423570985008687907853269984665640564039457584007913129639935'",
             "numeric"),
        "115792089237316195423570985008687907853269984665640564039457584007913129639935");
    EXPECT_EQ(read("Decimal(76, 10)", "'-123456789012345678901234567890.0123456789'", "numeric"),
              "-123456789012345678901234567890.0123456789");
    EXPECT_EQ(read("Decimal(9, 2)", "1.5", "numeric(12, 4)"), "1.5000");
    EXPECT_EQ(read("Date", "'2149-06-06'", "date"), "2149-06-06");
    EXPECT_EQ(read("Date32", "'1900-01-01'", "date"), "1900-01-01");
    EXPECT_EQ(read("DateTime", "toDateTime('2106-02-07 06:28:15', 'UTC')", "timestamptz"),
              "2106-02-07 06:28:15+00");
    EXPECT_EQ(read("DateTime(\'America/New_York\')", "toDateTime('2024-07-01 12:00:00', 'UTC')",
                   "timestamptz"),
              "2024-07-01 12:00:00+00");
    EXPECT_EQ(read("DateTime64(3, \'Asia/Tokyo\')",
                   "toDateTime64('1969-12-31 23:59:59.999', 3, 'UTC')", "timestamptz"),
              "1969-12-31 23:59:59.999+00");
    EXPECT_EQ(read("DateTime64(9, \'UTC\')", "toDateTime64('2024-01-01 00:00:00.123456', 9, 'UTC')",
                   "timestamptz"),
              "2024-01-01 00:00:00.123456+00");
    EXPECT_EQ(read("Enum8(\'a b\' = 1, \'it\\\'s\' = 2)", "'a b'", "text"), "a b");
    EXPECT_EQ(read("LowCardinality(String)", "'low'", "text"), "low");
    EXPECT_EQ(read("LowCardinality(Nullable(String))", "NULL", "text"), "");
    EXPECT_EQ(read("FixedString(5)", "'abc'", "bytea"), "\\x6162630000");
    EXPECT_EQ(read("UUID", "'00112233-4455-6677-8899-aabbccddeeff'", "uuid"),
              "00112233-4455-6677-8899-aabbccddeeff");
    EXPECT_EQ(read("IPv4", "'10.0.0.255'", "inet"), "10.0.0.255/32");
    EXPECT_EQ(read("IPv6", "'2001:db8::1'", "inet"), "2001:db8::1/128");
    EXPECT_EQ(read("Bool", "true", "boolean"), "true");
    EXPECT_EQ(read("Float32", "0.1", "real"), "0.1");
    EXPECT_EQ(read("Array(Nullable(Int32))", "[1, NULL, -3]", "int[]"), "{1,NULL,-3}");
    EXPECT_EQ(read("Array(Array(String))", "[['a', 'b,\"c'], ['NULL', '\\\\']]", "text[]"),
              "{{a,\"b,\\\"c\"},{\"NULL\",\"\\\\\"}}");
    EXPECT_EQ(read("Array(Int8)", "[]", "smallint[]"), "{}");
    EXPECT_EQ(read("Array(DateTime(\'Asia/Tokyo\'))", "[toDateTime('2024-01-01 00:00:00', 'UTC')]",
                   "timestamptz[]"),
              "{\"2024-01-01 00:00:00+00\"}");
    EXPECT_EQ(read("Map(String, Int64)", "map('a', 1)", "text"), "{'a':1}");
    EXPECT_EQ(read("Tuple(Int8, String)", "(1, 'x')", "text"), "(1,'x')");
}

TEST_F(FdwTypes, refuses_what_does_not_fit) {
    EXPECT_TRUE(read("UInt64", "9223372036854775808", "bigint").starts_with("ERROR"));
    EXPECT_TRUE(read("Int64", "2147483648", "integer").starts_with("ERROR"));
    EXPECT_TRUE(read("UInt64", "9223372036854775808", "bigint", false).starts_with("ERROR"));
    EXPECT_TRUE(read("DateTime64(9, \'UTC\')",
                     "toDateTime64('2024-01-01 00:00:00.123456789', 9, "
                     "'UTC')",
                     "timestamptz")
                    .starts_with("ERROR"));
    for (auto [remote, value, type] : {std::tuple{"Decimal(9, 4)", "1.5", "numeric(9, 2)"},
                                       {"Float64", "0.1", "numeric"},
                                       {"String", "'1'", "int"},
                                       {"DateTime", "0", "date"},
                                       {"Int64", "1", "float8"},
                                       {"Array(Array(Int8))", "[[1], [1, 2]]", "int[]"}})
        EXPECT_TRUE(read(remote, value, type).starts_with("ERROR")) << remote << " " << type;
    EXPECT_NE(read("Float64", "0.1", "numeric").find("column \"c\" of foreign table \"one\""),
              std::string::npos);
    EXPECT_TRUE(read("String", "unhex('ff')", "text").starts_with("ERROR 22021"));
}

TEST_F(FdwTypes, imports_every_kind_of_column) {
    run_clickhouse(
        "CREATE TABLE shop.odd (id UInt64, state AggregateFunction(sum, Int64), `Mixed Case` "
        "LowCardinality(String), n Nested(a Int32, b String), m Int64 MATERIALIZED id + 1, al "
        "String ALIAS toString(id), eph Int8 EPHEMERAL, j JSON, p Point, d Decimal(20, 3), nn "
        "Nullable(DateTime64(3)), simple SimpleAggregateFunction(max, Int32), `" +
        std::string(70, 'x') + "` Int8) ENGINE = MergeTree ORDER BY id");
    run_clickhouse(
        "INSERT INTO shop.odd (id, `Mixed Case`, n.a, n.b, j, p, d, simple) VALUES (7, "
        "'x', [1, 2], ['a', 'b'], '{\"k\": 1}', (1, 2), 1.5, 3)");
    run("CREATE SCHEMA imported");
    run("IMPORT FOREIGN SCHEMA shop LIMIT TO (odd, dims) FROM SERVER far_away INTO imported");
    EXPECT_EQ(ask("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE "
                  "relnamespace = 'imported'::regnamespace"),
              "dims,odd");
    EXPECT_EQ(
        ask("SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER "
            "BY attnum) FROM pg_attribute WHERE attrelid = 'imported.odd'::regclass AND "
            "attnum > 0"),
        "id numeric(20,0), Mixed Case text, n.a integer[], n.b text[], m bigint, al text, j "
        "jsonb, p text, d numeric(20,3), nn timestamp with time zone, simple integer");
    EXPECT_EQ(ask("SELECT row(id, \"Mixed Case\", \"n.a\", \"n.b\", m, al, j, p, d, nn, "
                  "simple)::text FROM imported.odd"),
              "(7,x,\"{1,2}\",\"{a,b}\",8,7,\"{\"\"k\"\": 1}\",\"(1,2)\",1.500,,3)");
    run("CREATE SCHEMA rest");
    run("IMPORT FOREIGN SCHEMA shop EXCEPT (odd) FROM SERVER far_away INTO rest");
    EXPECT_EQ(ask("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE "
                  "relnamespace = 'rest'::regnamespace"),
              "dims,items,nothing");
    EXPECT_EQ(ask("SELECT count(*) FROM rest.items"), ask("SELECT count(*) FROM public.items"));
}

}  // namespace

}  // namespace tandem::fdw_test
