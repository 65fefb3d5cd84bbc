// Asks Postgres and the router the same and compares the answers byte for byte.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "integration/route/route_fixture.h"

namespace tandem::route_test {

inline constexpr const char* kTables = R"sql(
CREATE TABLE items (
    id bigint PRIMARY KEY, g int, i2 smallint, i4 int, i8 bigint, n numeric(12,3), big numeric(30,5),
    t text, v varchar(12), d date, ts timestamp, tz timestamptz, b boolean, u uuid, j jsonb,
    f float8, r real, loose numeric, c char(4));
CREATE TABLE dims (k int PRIMARY KEY, name text NOT NULL, w numeric(8,2), since date);
CREATE TABLE nothing (id int PRIMARY KEY, x int, t text);
INSERT INTO items SELECT i, nullif(abs(h) % 7, 6), h % 32768, h,
    h::bigint * 2000000011 + i, (h % 900000000)::numeric / 1000, (h::numeric * h * 12345) / 100000,
    CASE abs(h) % 9 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'Äpfel ' || i % 5 WHEN 3 THEN 'a''b\c'
        WHEN 4 THEN '日本' || i % 4 WHEN 5 THEN E'tab\there' WHEN 6 THEN 'ZEBRA' WHEN 7 THEN 'zebra'
        ELSE 'x%_' || i % 13 END,
    CASE WHEN h % 4 <> 0 THEN 'v' || i % 10 END,
    CASE WHEN h % 11 <> 0 THEN date '1990-01-31' + abs(h) % 20000 END,
    CASE WHEN h % 12 <> 0 THEN timestamp '1960-02-29 23:59:59.999999' + abs(h) % 3000000 * interval '1217 seconds' END,
    CASE WHEN h % 13 <> 0 THEN timestamptz '2024-03-31 00:30:00Z' + (h % 100000) * interval '61.000001 seconds' END,
    nullif(abs(h) % 3, 2)::boolean, CASE WHEN h % 5 <> 0 THEN md5(i::text)::uuid END,
    CASE abs(h) % 11 WHEN 0 THEN NULL WHEN 1 THEN '{}' WHEN 2 THEN '{"tier": "premium", "n": 1.50}'
        WHEN 3 THEN '{"tier": null, "n": 12, "deep": {"a": [1, "zwei", null]}}'
        WHEN 4 THEN '{"tier": "frei \"x\" \u00e4", "n": true}'
        WHEN 5 THEN '{"deep": {"tier": "premium"}}' WHEN 6 THEN '{"a\"tier": "premium"}'
        WHEN 7 THEN '{"note": "{\"tier\": \"premium\"}", "tier": "premium"}'
        WHEN 8 THEN '{"x": 1, "tier": "premium"}' WHEN 9 THEN '{"deep": {"b": 1}, "tier": "premium"}'
        ELSE '["tier"]' END::jsonb,
    (h % 1000) / 8.0, (h % 1000) / 4.0, CASE WHEN h % 3 = 0 THEN NULL ELSE h / 7.0 END,
    CASE abs(h) % 6 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'a' WHEN 3 THEN ' a b' WHEN 4 THEN 'äé'
        ELSE 'B' || i % 3 END
    FROM (SELECT i, hashint4(i) AS h FROM generate_series(1, 3000) i) x;
INSERT INTO items (id, i2, i4, i8, n, big, d, ts, tz, f) VALUES
    (100001, 32767, 2147483647, 9223372036854775807, 999999999.999, 9999999999999999999999999.99999,
     '2299-12-31', '2299-12-31 23:59:59.999999', '2299-12-31 23:59:59Z', 1.7976931348623157e308),
    (100002, -32768, -2147483648, -9223372036854775808, -999999999.999, -9999999999999999999999999.99999,
     '1900-01-01', '1900-01-01 00:00:00', '1900-01-01 00:00:00Z', -0.0);
INSERT INTO dims SELECT i, 'dim ' || chr(65 + i), i * 1.25, date '2020-02-29' + i FROM generate_series(0, 9) i;
)sql";

inline std::string sorted_rows(const std::string& answer) {
    std::istringstream in(answer);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    if (lines.size() > 1) std::sort(lines.begin() + 1, lines.end());
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

class RouteDifferential : public RouteTest {
  protected:
    void SetUp() override {
        RouteTest::SetUp();
        if (HasFatalFailure()) return;
        run(kTables);
        for (const char* table : {"items", "dims", "nothing"}) hold_in_both(table);
        run("SET tandem.route_cost_threshold = 0");
    }

    int64_t routed_so_far() {
        std::string count =
            ask("SELECT coalesce(max(queries), 0) FROM tandem.route_reasons WHERE reason_code = "
                "'routed'");
        return std::atoll(count.c_str());
    }

    // Why a query stayed: decided when it was planned, or when it ran.
    std::string reason(const std::string& sql) {
        std::string planned = reason_for(sql);
        if (planned != "routed") return planned;
        std::string plan = explain(sql, "ANALYZE, COSTS OFF, TIMING OFF");
        size_t at = plan.find("Reason: ");
        return at == std::string::npos ? plan.substr(0, 160)
                                       : plan.substr(at, plan.find('\n', at) - at);
    }

    // True when the query ran in ClickHouse.
    bool compare(const std::string& sql, bool ordered, const std::string& note = "") {
        run("SET tandem.route = off");
        std::string postgres = answer(sql);
        int64_t before = routed_so_far();
        run("SET tandem.route = on");
        std::string routed = answer(sql);
        if (!ordered) {
            postgres = sorted_rows(postgres);
            routed = sorted_rows(routed);
        }
        bool in_clickhouse = routed_so_far() > before;
        if (postgres == routed) return in_clickhouse;
        // The order in which the sides of AND and OR are evaluated is not defined: in a random
        // condition Postgres may meet an overflow that ClickHouse had no need to compute.
        // Everywhere else an error of Postgres has to be an error of the routed query.
        bool undefined_order =
            sql.find(" AND ") != std::string::npos || sql.find(" OR ") != std::string::npos;
        if (!note.empty() && undefined_order && postgres.starts_with("ERROR 22"))
            return in_clickhouse;
        size_t at = 0;
        while (at < std::min(postgres.size(), routed.size()) && postgres[at] == routed[at]) ++at;
        at = at > 200 ? at - 200 : 0;
        ADD_FAILURE() << note << "\n"
                      << sql << "\n--- Postgres (from " << at << ")\n"
                      << postgres.substr(at, 600) << "\n--- routed\n"
                      << routed.substr(at, 600) << "\n--- remote\n"
                      << ask("SELECT remote_sql FROM tandem.explain_route($q$" + sql + "$q$)");
        return in_clickhouse;
    }
};

}  // namespace tandem::route_test
