// What the translator writes without rows of the rule table, over operands one of which is NULL:
// ClickHouse passes over a condition that is NULL, and what it makes then is a value.
#include "route/translate/calls.h"
#include "integration/route/differential.h"

namespace tandem::route_test {

namespace {

struct Operand {
    const char* name;
    const char* type;
    std::vector<std::string> values;  // nothing of what is made of them raises an error
};

const std::vector<Operand>& operands() {
    static const std::vector<Operand> kOperands = {
        {"f", "double precision", {"1", "4", "9"}},
        {"n", "numeric(12,3)", {"1.5", "-7.25", "100"}},
        {"m", "numeric(8,2)", {"2", "-3.5", "0.25"}},
        {"i", "int", {"3", "1", "7"}},
        {"k", "bigint", {"2", "5", "11"}},
        {"t", "text", {"abc def", "x12", "Hello"}},
        {"s", "text", {"b", "x", "lo"}},
        {"day", "text", {"2024-02-29", "2001-12-31", "1999-01-01"}},
        {"d", "date", {"2024-02-29", "2001-12-31", "1999-01-01"}},
        {"ts",
         "timestamp",
         {"2024-02-29 11:59:59.5", "2001-12-31 00:00:00", "1969-07-20 20:17:40"}},
        {"tz",
         "timestamptz",
         {"2024-03-31 01:30:00Z", "2001-12-31 00:00:00Z", "1999-01-01 12:00Z"}},
        {"tm", "time", {"00:00:00", "08:15:30.25", "23:59:59"}},
        {"iv", "interval", {"1 mon 2 days 03:00:00", "-1 days", "90 minutes"}},
        {"j",
         "jsonb",
         {R"({"a": 1, "s": "x", "r": [1, 2], "o": {"k": true}})", R"({"a": null, "r": ["q"]})",
          "{}"}},
        {"ip", "inet", {"10.0.0.1", "10.1.0.255", "192.168.0.7"}},
        {"y", "bytea", {"\\x00ff", "\\x", "abc"}},
        {"b", "boolean", {"true", "false", "true"}},
        {"c", "char(4)", {"a", "b b", "abcd"}},
        {"r", "int4range", {"[1,4]", "empty", "(,7)"}},
        {"e", "daterange", {"[2024-02-01,2024-03-01)", "(,2000-01-01)", "empty"}},
        {"rr", "real", {"0.1", "-2.5", "1234.56"}},
    };
    return kOperands;
}

// Each is grouped by, so that it cannot be left to Postgres.
constexpr const char* kCalls[] = {
    "width_bucket(f, 0, 10, i)",
    "width_bucket(f, 2, f + 5, 4)",
    "width_bucket(n, m - 10, 50, i)",
    "width_bucket(n, 90, -10, 4)",
    "width_bucket(i, ARRAY[1, 3, 5])",
    "power(f, 2)",
    "pow(f, 3)",
    "make_date(2000 + i, i, 1)",
    "make_time(i, i, f)",
    "make_timestamp(2000 + i, i, 1, i, i, f)",
    "make_timestamptz(2000 + i, i, 1, i, i, f)",
    "to_date(day, 'YYYY-MM-DD')",
    "to_timestamp(day, 'YYYY-MM-DD')",
    "overlay(t placing s from i)",
    "overlay(t placing s from i for i)",
    "encode(y, 'hex')",
    "encode(y, 'base64')",
    "regexp_substr(t, '[a-z]')",
    "jsonb_path_exists(j, '$.o.k')",
    "jsonb_path_match(j, '$.a == 1')",
    "to_char(ts, 'AM')",
    "to_char(ts, '-')",
    "to_char(tz, '\"x\"')",
    "to_char(ts, 'YYYY pm')",
    "to_char(tm, 'HH24:MI')",
    "to_char(tm, ':')",
    "date_trunc('month', ts)",
    "date_trunc('hour', tz)",
    "date_trunc('day', tz, 'Europe/Berlin')",
    "date_bin('15 minutes', ts, '1960-01-01')",
    "extract(second FROM ts)",
    "extract(epoch FROM d)",
    "extract(dow FROM tz)",
    "extract(hour FROM tm)",
    "date_part('second', tm)",
    "extract(day FROM iv)",
    "extract(epoch FROM iv)",
    "extract(hour FROM tz - ts::timestamptz)",
    "ts + iv",
    "d + iv",
    "tz - iv",
    "tm + iv",
    "tm - interval '1 hour'",
    "iv::time",
    "ts::time",
    "tz::time",
    "d + tm",
    "iv > interval '1 day'",
    "tm - '01:00' > interval '1 hour'",
    "ts - d",
    "ts AT TIME ZONE 'Asia/Kolkata'",
    "tz AT TIME ZONE 'America/New_York'",
    "split_part(t, ' ', 1)",
    "split_part(t, 'l', -1)",
    "lpad(t, 6, 'xy')",
    "rpad(t, 2)",
    "translate(t, 'ab', 'x')",
    "btrim(t, 'a')",
    "ltrim(t, 'x')",
    "concat(t, s)",
    "concat_ws('-', t, i)",
    "format('%s/%s', t, i)",
    "substring(t FROM '([a-z]+)')",
    "substring(t FROM '^([a-z]+)? ?([0-9]*)$')",
    "substring(t FROM i)",
    "substring(t, i, 2)",
    "(regexp_match(t, '([a-z])([0-9])'))[2]",
    "regexp_replace(t, '[0-9]+', '')",
    "overlaps(ts, tz::timestamp, d::timestamp, ts)",
    "lower(r)",
    "upper(r)",
    "isempty(r)",
    "r @> i",
    "r && int4range(2, 5)",
    "e @> d",
    "regexp_replace(t, '[a-c]', '<\\&>', 'g')",
    "regexp_count(t, '[a-z]')",
    "regexp_like(t, '^[a-z]')",
    "t LIKE 'a%'",
    "t NOT LIKE s",
    "t ILIKE '%H%'",
    "t ~ '^x'",
    "t !~* 'H'",
    "lower(t)",
    "upper(t)",
    "round(n)",
    "round(n, 1)",
    "trunc(n, -1)",
    "ceil(n)",
    "floor(n)",
    "sign(n)",
    "abs(n)",
    "n / m",
    "n % m",
    "div(n, m)",
    "mod(k, i)",
    "sqrt(abs(n))",
    "scale(n / m)",
    "min_scale(n)",
    "trim_scale(n)",
    "n::int",
    "n::float8",
    "n::text",
    "f::numeric",
    "n::numeric(6,1)",
    "t::varchar",
    "day::date",
    "day::timestamp",
    "ts::text",
    "tm::text",
    "d::text",
    "greatest(i, k)",
    "least(n, m, 0)",
    "greatest(tm, '08:00')",
    "coalesce(i, k)",
    "nullif(i, 3)",
    "i IS DISTINCT FROM k",
    "CASE WHEN i > 2 THEN n ELSE m END",
    "CASE WHEN f < 4 THEN 'low' WHEN f < 9 THEN 'mid' ELSE 'high' END",
    "b IS NOT TRUE",
    "NOT b",
    "i > 2 OR b",
    "i IN (1, 3, NULL)",
    "i NOT IN (1, 3)",
    "i BETWEEN 2 AND k",
    "(i, k) < (3, 4)",
    "num_nulls(i, k, t)",
    "j ->> 'a'",
    "j -> 'a'",
    "j ->> 's'",
    "j -> 'o' ->> 'k'",
    "j ? 'a'",
    "j ?| '{a,s}'",
    "j ?& '{a,s}'",
    "j @> '{\"a\": 1}'",
    "j -> 'a' IS NULL",
    "(j ->> 'a')::int",
    "(j -> 'a') = '1'",
    "jsonb_typeof(j)",
    "jsonb_typeof(j -> 'a')",
    "jsonb_array_length(j -> 'r')",
    "jsonb_array_length(coalesce(j -> 'r', '[]'))",
    "ip << '10.0.0.0/8'",
    "ip <<= '10.0.0.1'",
    "inet '10.0.0.0/8' >> ip",
    "ip && '192.168.0.0/24'",
    "ip > '10.0.0.9'",
    "c || 'x'",
    "c LIKE 'a%'",
    "int4range(1, 5) @> i",
    "daterange(d, '2030-01-01') @> date '2002-01-01'",
    "d < 'infinity'",
    "coalesce(ts, 'infinity') > '2001-01-01'",
    "cardinality(string_to_array(t, ' '))",
    "rr::numeric",
    "coalesce(c, 'zzzz')",
    "i = ANY (ARRAY[1, 2, 3])",
    "tm IN ('08:15:30.25', '10:00')",
};

class RouteCalls : public RouteDifferential {
  protected:
    // Values of all operands, and rows in which one of them, or all, are NULL.
    void SetUp() override {
        quick_ = true;
        RouteDifferential::SetUp();
        if (HasFatalFailure()) return;
        std::string columns = "id int PRIMARY KEY";
        for (const Operand& one : operands())
            columns += ", " + std::string(one.name) + " " + one.type;
        run("CREATE TABLE operands (" + columns + ")");
        size_t all = operands().size();
        for (size_t row = 0; row < 3 + 3 * all + 1; ++row)
            run("INSERT INTO operands VALUES (" + row_of(row, all) + ")");
        hold_in_both("operands");
    }

    static std::string row_of(size_t row, size_t all) {
        std::string values = std::to_string(row);
        for (size_t i = 0; i < all; ++i) {
            const Operand& one = operands()[i];
            bool null = row >= 3 && ((row - 3) / 3 == i || (row - 3) / 3 == all);
            values += null ? ", NULL" : ", '" + one.values[row % 3] + "'::" + one.type;
        }
        return values;
    }
};

TEST_F(RouteCalls, are_null_where_they_are_in_postgres) {
    for (const char* call : kCalls) {
        std::string sql = "SELECT " + std::string(call) + ", count(*) FROM operands GROUP BY 1";
        if (!connection_->execute(sql).ok()) {
            EXPECT_EQ(answer(sql).substr(0, 11), "ERROR 42883") << answer(sql) << "\n" << sql;
            continue;  // a function of later releases
        }
        EXPECT_TRUE(compare(sql, false)) << sql << "\n" << reason(sql);
    }
}

TEST_F(RouteCalls, are_all_asked) {
    for (std::string_view name : route::calls_by_name())
        EXPECT_TRUE(std::any_of(std::begin(kCalls), std::end(kCalls), [&](std::string_view call) {
            return call.starts_with(std::string(name) + "(");
        })) << name;
}

}  // namespace

}  // namespace tandem::route_test
