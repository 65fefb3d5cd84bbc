// Postgres is the oracle of the value layer: it gives each value in binary and in text; both become
// the same column bytes, survive ClickHouse, and come back as the text that Postgres prints.
#include <gtest/gtest.h>

#include "clickhouse/client/client.h"
#include "mirror/schema/source_types.h"
#include "postgres/client/connection.h"
#include "postgres/introspect/introspect.h"
#include "support/servers.h"
#include "types/postgres/convert.h"

namespace tandem {
namespace {

struct Sample {
    const char* type;                 // as in a column definition
    std::vector<const char*> values;  // literals, without quotes
};

const Sample kSamples[] = {
    {"boolean", {"t", "f"}},
    {"\"char\"", {"a", "", "\\351"}},
    {"smallint", {"-32768", "0", "32767"}},
    {"integer", {"-2147483648", "0", "2147483647"}},
    {"bigint", {"-9223372036854775808", "0", "9223372036854775807"}},
    {"oid", {"0", "4294967295"}},
    {"xid8", {"0", "18446744073709551615"}},
    {"real",
     {"0", "-0", "1.5", "1e-5", "123456.7", "1e6", "1234567", "3.4028235e38", "1e-45", "NaN",
      "Infinity", "-Infinity"}},
    {"double precision",
     {"0", "-0", "0.1", "1e15", "123456789012345", "1e14", "0.0001", "0.00001",
      "1.7976931348623157e308", "5e-324", "NaN", "Infinity", "-Infinity", "1e23",
      "9007199254740993"}},
    {"numeric(9,2)", {"0", "0.01", "-0.01", "9999999.99", "-9999999.99", "12000", "0.1"}},
    {"numeric(18,5)", {"0", "1234567890123.12345", "-0.00001", "10000", "99999999"}},
    {"numeric(38,10)", {"9999999999999999999999999999.9999999999", "-1", "0.0000000001"}},
    {"numeric(76,38)",
     {"12345678901234567890123456789012345678.12345678901234567890123456789012345678", "-0.5",
      "0"}},
    {"numeric(5,-2)", {"1234500", "-100", "0"}},
    {"numeric(2,4)", {"0.0012", "-0.0099"}},
    {"numeric",
     {"0", "1.500", "-123456789012345678901234567890.000000001", "1e100", "1e-50", "NaN",
      "Infinity", "-Infinity", "0.0000", "10000", "10000.0001"}},
    {"text", {"", "plain", "höß 漢字 🙂", "a\tb\nc", "back\\slash 'quote' \"double\""}},
    {"varchar(5)", {"", "abcde"}},
    {"char(5)", {"ab", "abcde"}},
    {"name", {"a_name"}},
    {"bytea", {"\\x", "\\x00ff10", "\\xdeadbeef"}},
    {"uuid",
     {"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
      "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
    {"json", {"{\"b\": 1,  \"a\":[1.0, null]}", "null"}},
    {"jsonb",
     {"{\"b\": 1.500, \"a\": [1, null, true, \"x\\u00e9\"]}", "null", "12345678901234567890.123",
      "\"s\""}},
    {"jsonpath", {"$.a[*] ? (@ > 1)"}},
    {"date", {"1900-01-01", "1969-12-31", "1970-01-01", "2000-02-29", "2299-12-31"}},
    {"time", {"00:00:00", "23:59:59.999999", "24:00:00", "12:30:00.5"}},
    {"timetz", {"00:00:00+00", "12:30:00.5-08:30", "24:00:00+15:59:59"}},
    {"timestamp",
     {"1900-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2024-02-29 12:00:00.1",
      "2299-12-31 23:59:59.999999"}},
    {"timestamptz",
     {"1900-01-01 00:00:00+00", "2024-03-31 02:30:00+01", "2299-12-31 23:59:59.999999+00"}},
    {"interval",
     {"0", "1 year 2 mons 3 days 04:05:06.7", "-1 year -2 mons +3 days -04:05:06.07",
      "1 day -00:00:01", "178000000 years", "-1 mons", "00:00:00.000001", "1 year -1 day",
      "100:00:00"}},
    {"inet",
     {"192.168.0.1", "10.0.0.0/8", "::1", "::", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4",
      "fe80::1/64", "1:0:0:2::3", "::1.2.3.4", "1::"}},
    {"cidr", {"10.0.0.0/8", "192.168.1.1/32", "2001:db8::/32", "::/0"}},
    {"macaddr", {"08:00:2b:01:02:03"}},
    {"macaddr8", {"08:00:2b:01:02:03:04:05"}},
    {"bit(10)", {"0101010101", "1111111111"}},
    {"bit varying", {"", "1", "010"}},
    {"money", {"0", "12.34", "-92233720368547758.08"}},
    {"point", {"(1.5,-2)", "(1e300,0)"}},
    {"line", {"{1,2,3}"}},
    {"lseg", {"[(1,2),(3,4)]"}},
    {"box", {"(3,4),(1,2)"}},
    {"path", {"[(1,2),(3,4)]", "((1,2),(3,4))"}},
    {"polygon", {"((1,2),(3,4),(5,6))"}},
    {"circle", {"<(1,2),3>"}},
    {"tsvector", {"", "'a':1A,2B 'it''s':3C 'w\\\\x':4", "'plain'"}},
    {"tsquery",
     {"", "'a' & ( 'b' | !'c' )", "'a' <-> ( 'b' <2> 'c' )", "!( 'a' & 'b':*AB ) | 'it''''s'",
      "( 'a' | 'b' ) & ( 'c' <-> 'd' ) <3> 'e'", "!!'a'", "'a' & 'b' & 'c' | 'd'"}},
    {"int4range", {"empty", "[1,10)", "(,5)", "(,)", "[3,)"}},
    {"numrange", {"[1.5,2.50]", "(,)"}},
    {"tstzrange", {"[\"2024-01-01 00:00:00+00\",\"2024-02-01 00:00:00+00\")"}},
    {"int4multirange", {"{}", "{[1,3),[5,8)}"}},
    {"pg_lsn", {"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"}},
    {"pg_snapshot", {"10:20:10,14,15", "1:1:"}},
    {"tid", {"(0,1)", "(4294967295,65535)"}},
    {"int2vector", {"", "1 2 3"}},
    {"integer[]", {"{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}"}},
    {"integer[] NOT NULL", {"{}", "{1,NULL,3}"}},
    {"text[] NOT NULL", {"{}", "{\"\",NULL,\"NULL\",\"a b\",\"q\\\"\\\\\",x,\"{}\"}"}},
    {"text[]", {"{\"\",NULL,\"NULL\",\"a,b\",\"{}\"}", "{{a,b},{c,NULL}}"}},
    {"boolean[] NOT NULL", {"{t,f,NULL}"}},
    {"boolean[]", {"{t,f,NULL}"}},
    {"numeric(10,2)[] NOT NULL", {"{1.50,NULL,-2}"}},
    {"numeric[]", {"{1.50,NULL,NaN}"}},
    {"timestamptz[] NOT NULL", {"{\"2024-01-01 00:00:00+00\",NULL}"}},
    {"uuid[] NOT NULL", {"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"}},
    {"bytea[]", {"{\"\\\\x00\",NULL}"}},
    {"box[]", {"{(3,4),(1,2);(5,6),(0,0)}"}},
    {"mood", {"happy", "it''s", "über"}},
    {"mood[] NOT NULL", {"{happy,NULL}"}},
    {"positive", {"1", "7"}},
    {"pair", {"(1,\"a b\",)", "(,,)", "(2,\"\",t)"}},
    {"pair[]", {"{\"(1,x,t)\",NULL}"}},
    {"regclass", {"pg_class"}},
};

// Values without an equal in ClickHouse: NULL there, and a report.
const Sample kUnholdable[] = {
    {"date", {"1899-12-31", "2300-01-01", "infinity", "-infinity", "0044-03-15 BC"}},
    {"timestamp",
     {"1899-12-31 23:59:59", "2300-01-01", "infinity", "294276-12-31", "4713-01-01 BC"}},
    {"timestamptz", {"infinity", "-infinity", "9999-12-31"}},
    {"numeric(10,2)", {"NaN"}},
    {"integer[] NOT NULL", {"{{1,2},{3,4}}", "[0:1]={5,6}"}},
};

class TypeRoundtrip : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        auto postgres = test_support::TestPostgres::start();
        auto clickhouse = test_support::TestClickHouse::start();
        ASSERT_TRUE(postgres.ok()) << postgres.error().to_string();
        ASSERT_TRUE(clickhouse.ok()) << clickhouse.error().to_string();
        postgres_ = std::move(*postgres).release();
        clickhouse_ = std::move(*clickhouse).release();
    }
    static void TearDownTestSuite() {
        delete postgres_;
        delete clickhouse_;
    }
    void SetUp() override {
        auto source = postgres::Connection::open({.conninfo = postgres_->conninfo()});
        ASSERT_TRUE(source.ok()) << source.error().to_string();
        source_.emplace(std::move(*source));
        auto target = clickhouse::connect_native({.host = clickhouse_->host(),
                                                  .port = clickhouse_->native_port(),
                                                  .user = clickhouse_->user(),
                                                  .password = clickhouse_->password()});
        ASSERT_TRUE(target.ok()) << target.error().to_string();
        target_ = std::move(*target);
        sql("DROP SCHEMA IF EXISTS zoo CASCADE; CREATE SCHEMA zoo;"
            "CREATE TYPE zoo.mood AS ENUM ('happy', 'it''s', 'über');"
            "CREATE DOMAIN zoo.positive AS integer CHECK (VALUE > 0);"
            "CREATE TYPE zoo.pair AS (a integer, b text, c boolean)");
    }
    void sql(const std::string& text) {
        Status status = source_->execute(text);
        ASSERT_TRUE(status.ok()) << text << ": " << status.error().to_string();
    }
    // The type of column v of table zoo.t, made for the sample.
    types::Mapping mapping_of(const Sample& sample);
    postgres::QueryResult rows(const std::string& expression, bool binary) {
        auto result = source_->query("SELECT " + expression + " FROM zoo.t ORDER BY n",
                                     {.binary_result = binary});
        EXPECT_TRUE(result.ok()) << result.error().to_string();
        return std::move(*result);
    }

    static test_support::TestPostgres* postgres_;
    static test_support::TestClickHouse* clickhouse_;
    std::optional<postgres::Connection> source_;
    std::unique_ptr<clickhouse::Client> target_;
};

test_support::TestPostgres* TypeRoundtrip::postgres_ = nullptr;
test_support::TestClickHouse* TypeRoundtrip::clickhouse_ = nullptr;

types::Mapping TypeRoundtrip::mapping_of(const Sample& sample) {
    sql("DROP TABLE IF EXISTS zoo.t");
    sql("SET search_path = zoo, pg_catalog");
    sql(std::string("CREATE TABLE zoo.t (n serial PRIMARY KEY, v ") + sample.type + ")");
    for (const char* value : sample.values) {
        std::string literal;
        for (const char* c = value; *c != 0; ++c)
            literal += *c == '\'' && c[1] != '\'' && (c == value || c[-1] != '\'')
                           ? "''"
                           : std::string(1, *c);
        sql("INSERT INTO zoo.t (v) VALUES ('" + literal + "')");
    }
    auto tables = postgres::read_tables(*source_, {.patterns = {"zoo.t"}});
    EXPECT_TRUE(tables.ok()) << tables.error().to_string();
    const postgres::ColumnInfo& column = tables->at(0).columns.at(1);
    const Oid type = column.type;
    auto known = postgres::read_types(*source_, std::span(&type, 1));
    EXPECT_TRUE(known.ok()) << known.error().to_string();
    auto mapped = mirror::map_column(*known, column, 0);
    EXPECT_TRUE(mapped.ok()) << mapped.error().to_string();
    return mapped->mapping;
}

TEST_F(TypeRoundtrip, gives_back_every_value_as_postgres_prints_it) {
    for (const Sample& sample : kSamples) {
        SCOPED_TRACE(sample.type);
        types::Mapping mapping = mapping_of(sample);
        SCOPED_TRACE(mapping.type->name);
        auto binary = rows(types::snapshot_select(mapping, "v"), true);
        auto text = rows("v", false);
        auto expected = rows(types::compare_select(mapping, "v"), false);
        types::Converter converter(mapping, types::Unholdable::kReject);
        types::Column column = converter.make_column();
        types::Column from_text = converter.make_column();
        for (int row = 0; row < binary.rows(); ++row) {
            Status status = mapping.binary ? converter.append_binary(binary.value(row, 0), column)
                                           : converter.append_text(binary.value(row, 0), column);
            ASSERT_TRUE(status.ok()) << status.error().to_string();
            status = converter.append_text(text.value(row, 0), from_text);
            if (status.ok()) {
                std::string a;
                std::string b;
                ASSERT_TRUE(
                    types::append_pg_text(column, static_cast<size_t>(row), mapping, a).ok());
                ASSERT_TRUE(types::append_pg_text(from_text, from_text.rows - 1, mapping, b).ok());
                EXPECT_EQ(a, b) << "binary and text differ";
            } else {
                EXPECT_NE(std::string(sample.type).find("reg"), std::string::npos)
                    << status.error().to_string();
                from_text.append_default();
            }
        }
        ASSERT_TRUE(target_
                        ->execute({.sql = "CREATE OR REPLACE TABLE t (n UInt32, v " +
                                          mapping.type->name + ") ENGINE = MergeTree ORDER BY n"})
                        .ok());
        types::Block block;
        types::Column numbers(*types::parse_clickhouse_type("UInt32"));
        for (size_t i = 0; i < column.rows; ++i) numbers.append_fixed(static_cast<uint32_t>(i));
        block.columns.push_back({"n", std::move(numbers)});
        block.columns.push_back({"v", std::move(column)});
        Status inserted = target_->insert({.sql = "INSERT INTO t (n, v)"}, block);
        ASSERT_TRUE(inserted.ok()) << inserted.error().to_string();
        auto back = clickhouse::select_all(*target_, {.sql = "SELECT v FROM t ORDER BY n"});
        ASSERT_TRUE(back.ok()) << back.error().to_string();
        for (int row = 0; row < expected.rows(); ++row) {
            std::string printed;
            Status status = types::append_pg_text(back->columns[0].column, static_cast<size_t>(row),
                                                  mapping, printed);
            ASSERT_TRUE(status.ok()) << status.error().to_string();
            EXPECT_EQ(printed, expected.value(row, 0));
        }
    }
}

// Powers of two are where the shortest digits differ between algorithms: the neighbours are not
// equally far away.
TEST_F(TypeRoundtrip, prints_floats_with_the_digits_of_postgres) {
    sql("SELECT setseed(0.5)");
    auto check = [&](const std::string& query, const char* column_type) {
        Sample sample{column_type, {}};
        types::Mapping mapping = mapping_of(sample);
        auto binary = source_->query(query, {.binary_result = true});
        ASSERT_TRUE(binary.ok()) << binary.error().to_string();
        for (int row = 0; row < binary->rows(); ++row) {
            std::string printed;
            ASSERT_TRUE(types::binary_to_text(mapping, binary->value(row, 0), printed).ok());
            ASSERT_EQ(printed, binary->value(row, 1));
        }
    };
    // Both columns in one query, so that random values are the same: text is its own binary form.
    check(
        "SELECT x.v, x.v::text FROM (SELECT 2::float8 ^ e AS v FROM generate_series(-1074, 1023) e"
        " UNION ALL SELECT 10::float8 ^ e FROM generate_series(-300, 300) e"
        " UNION ALL SELECT random() * 10 ^ (random() * 600 - 300) FROM generate_series(1, 20000))"
        " AS x",
        "double precision");
    check(
        "SELECT x.v, x.v::text FROM (SELECT (2::float8 ^ e)::float4 AS v"
        " FROM generate_series(-149, 127) e UNION ALL"
        " SELECT (random() * 10 ^ (random() * 60 - 30))::float4 FROM generate_series(1, 20000))"
        " AS x",
        "real");
}

TEST_F(TypeRoundtrip, knows_every_type_a_column_may_have) {
    auto types = source_->query(
        "SELECT oid::text, typname, typarray::text FROM pg_type"
        " WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm')"
        " AND (typcategory <> 'A' OR typname LIKE '%vector') AND typname NOT LIKE 'pg\\_%\\_%'"
        " AND typname NOT IN ('pg_ndistinct', 'pg_dependencies')");
    ASSERT_TRUE(types.ok()) << types.error().to_string();
    ASSERT_GT(types->rows(), 60);
    for (int row = 0; row < types->rows(); ++row) {
        const std::string name(types->value(row, 1));
        for (int column : {0, 2}) {
            const auto oid =
                static_cast<uint32_t>(std::stoul(std::string(types->value(row, column))));
            if (oid == 0) continue;
            auto type = types::builtin_type(Oid{oid});
            ASSERT_TRUE(type.ok()) << name << " " << oid;
            EXPECT_EQ(type->name, (column == 0 ? "" : "_") + name);
        }
    }
}

TEST_F(TypeRoundtrip, reports_what_clickhouse_cannot_hold) {
    for (const Sample& sample : kUnholdable) {
        SCOPED_TRACE(sample.type);
        types::Mapping mapping = mapping_of(sample);
        auto binary = rows("v", true);
        auto text = rows("v", false);
        for (int row = 0; row < binary.rows(); ++row) {
            SCOPED_TRACE(sample.values[static_cast<size_t>(row)]);
            for (bool use_binary : {true, false}) {
                types::Converter converter(mapping);
                types::Column column = converter.make_column();
                Status status = use_binary ? converter.append_binary(binary.value(row, 0), column)
                                           : converter.append_text(text.value(row, 0), column);
                ASSERT_TRUE(status.ok()) << status.error().to_string();
                EXPECT_EQ(converter.report().count, 1u);
                EXPECT_EQ(converter.report().first_value, text.value(row, 0));
                EXPECT_EQ(column.is_null(0), mapping.nullable);
            }
        }
    }
}

}  // namespace
}  // namespace tandem
