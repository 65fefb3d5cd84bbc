// The same query on Postgres and through the router must agree byte for byte, column types
// included.
//
// Hand-picked queries, one per trap, and random ones: the same in every run, others with
// TANDEM_SEED, as many as TANDEM_BUDGET_SECONDS leave time for.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>

#include "integration/route/differential.h"

namespace tandem::route_test {

namespace {

struct Case {
    const char* sql;
    bool ordered = false;
};

// One line per trap; what cannot be proven equal may stay in Postgres, but must not differ.
constexpr Case kCases[] = {
    {"SELECT count(*) FROM items"},
    {"SELECT count(*), count(g), count(DISTINCT g), count(DISTINCT t), count(DISTINCT n) FROM "
     "items"},
    {"SELECT sum(i2), sum(i4), sum(i8), sum(n), sum(big) FROM items"},
    {"SELECT avg(i2), avg(i4), avg(i8), avg(n), avg(big) FROM items"},
    {"SELECT min(i4), max(i8), min(n), max(big), min(d), max(ts), min(tz), max(t), min(t) FROM "
     "items"},
    {"SELECT sum(x), min(x), max(x), avg(x), count(x), count(*), max(t) FROM nothing"},
    {"SELECT sum(i4), avg(n), max(t), min(d) FROM items WHERE id < 0"},
    {"SELECT g, sum(x.i4) FILTER (WHERE x.b), count(*) FILTER (WHERE t LIKE 'z%') FROM items x "
     "GROUP BY g"},
    {"SELECT g, count(*) FROM items GROUP BY g ORDER BY g", true},
    {"SELECT g, count(*) FROM items GROUP BY g ORDER BY g DESC", true},
    {"SELECT g, count(*) FROM items GROUP BY g ORDER BY g NULLS FIRST", true},
    {"SELECT t, count(*) FROM items GROUP BY t ORDER BY t COLLATE \"C\", 2 LIMIT 7", true},
    {"SELECT t, count(*) FROM items GROUP BY t ORDER BY count(*) DESC, t LIMIT 5 OFFSET 2", true},
    {"SELECT id, t FROM items WHERE t LIKE 'x\\%\\_%' OR t ILIKE 'zEbr_'"},
    {"SELECT id FROM items WHERE t NOT LIKE '%a%'"},
    {"SELECT upper(t), lower(t), length(t), count(*) FROM items GROUP BY 1, 2, 3"},
    {"SELECT i4 / 7, i4 % 7, -i4 / 7, -i4 % 7 FROM items WHERE i4 > -2147483648"},
    {"SELECT id, n * 2, n + i4, n - 0.5, -n, abs(n) FROM items"},
    {"SELECT id, n / 3, round(n, 1), round(n), trunc(n, 2), ceil(n), floor(n) FROM items"},
    {"SELECT count(*) FROM items WHERE i4 + 1 > 0"},
    {"SELECT sum(i8 + i8) FROM items"},
    {"SELECT count(*) FROM items WHERE 10 / g > 2"},
    {"SELECT count(*) FROM items WHERE g IN (1, 2, NULL)"},
    {"SELECT count(*) FROM items WHERE g NOT IN (1, 2)"},
    {"SELECT count(*) FROM items WHERE g NOT IN (1, NULL)"},
    {"SELECT count(*) FROM items WHERE (g = 1) IS NOT TRUE"},
    {"SELECT count(*) FROM items WHERE NOT (g = 1 AND b)"},
    {"SELECT count(*) FROM items WHERE g IS DISTINCT FROM 3 AND b IS NOT FALSE"},
    {"SELECT count(*) FROM items WHERE id = ANY (ARRAY[1, 2, 3]::bigint[])"},
    {"SELECT count(*) FROM items WHERE i4 BETWEEN -1000000 AND 1000000"},
    {"SELECT g, b, count(*) FROM items GROUP BY g, b HAVING count(*) > 50"},
    {"SELECT d.name, count(*), sum(i.n) FROM items i JOIN dims d ON i.g = d.k GROUP BY d.name"},
    {"SELECT d.name, count(i.id), sum(i.i4) FROM dims d LEFT JOIN items i ON i.g = d.k GROUP BY "
     "d.name"},
    {"SELECT d.name, i.id FROM dims d LEFT JOIN items i ON i.g = d.k AND i.id < 20"},
    {"SELECT d.name, i.id FROM items i RIGHT JOIN dims d ON i.g = d.k AND i.id < 20"},
    {"SELECT d.name, i.id FROM (SELECT * FROM items WHERE id < 30) i FULL JOIN dims d ON i.g = "
     "d.k"},
    {"SELECT d.name, count(*) FROM dims d LEFT JOIN items i ON i.g = d.k WHERE i.id IS NULL GROUP "
     "BY 1"},
    {"SELECT k, name, count(*) FROM items JOIN dims ON g = k GROUP BY k, name"},
    {"SELECT count(*) FROM items WHERE EXISTS (SELECT 1 FROM dims WHERE k = g)"},
    {"SELECT count(*) FROM items WHERE g NOT IN (SELECT k FROM dims)"},
    {"SELECT count(*) FROM (SELECT id FROM items WHERE b OFFSET 0) s"},
    {"WITH w AS (SELECT g, sum(n) AS s FROM items GROUP BY g) SELECT count(*), max(s) FROM w"},
    {"SELECT DISTINCT g, b FROM items"},
    {"SELECT DISTINCT t FROM items ORDER BY t LIMIT 4", true},
    {"SELECT count(*) FROM items WHERE CASE WHEN abs(i2) > 0 THEN 1 ELSE 0 END IS NOT NULL"},
    {"SELECT count(*) FROM items WHERE (CASE WHEN abs(i2) > 0 THEN true ELSE false END) IS "
     "UNKNOWN"},
    {"SELECT count(CASE WHEN abs(i2) > 0 THEN 1 ELSE 0 END) FROM items"},
    {"SELECT count(CASE WHEN id > 5 THEN 1 ELSE 0 END) FROM items"},
    {"SELECT c, count(*), count(DISTINCT c) FROM items GROUP BY c"},
    {"SELECT DISTINCT c FROM items"},
    {"SELECT count(*) FROM items WHERE c = 'a'"},
    {"SELECT count(*) FROM items WHERE c <> 'a   ' OR c IN ('B1', 'äé')"},
    {"SELECT min(c), max(c) FROM items"},
    {"SELECT a.c, count(*) FROM items a JOIN items b ON a.c = b.c WHERE a.id < 50 GROUP BY a.c"},
    {"SELECT c, id FROM items ORDER BY c DESC, id LIMIT 20", true},
    {"SELECT x.c, count(*) FROM (SELECT c FROM items WHERE id < 900) x GROUP BY x.c"},
    {"SELECT coalesce(c, 'a'), count(*) FROM items GROUP BY 1"},
    {"SELECT length(c), c || '|', count(*) FROM items GROUP BY 1, 2"},
    {"SELECT j->>'tier', count(*) FROM items GROUP BY 1"},
    {"SELECT j->>'n', j->'deep'->>'a', count(*) FROM items GROUP BY 1, 2"},
    {"SELECT count(*) FROM items WHERE j->>'tier' = 'premium'"},
    {"SELECT count(*) FROM items WHERE j->>'tier' IS NULL"},
    {"SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY f) FROM items"},
    {"SELECT g, percentile_cont(0.5) WITHIN GROUP (ORDER BY i4) FROM items GROUP BY g"},
    {"SELECT percentile_disc(0.25) WITHIN GROUP (ORDER BY n) FROM items"},
    {"SELECT sum(f), avg(f), sum(r) FROM items"},
    {"SELECT min(f), max(f), min(r), max(r) FROM items"},
    {"SELECT g, count(*), row_number() OVER (ORDER BY count(*) DESC, g) FROM items GROUP BY g"},
    {"SELECT b, g, rank() OVER (PARTITION BY b ORDER BY count(*) / 100 DESC) FROM items GROUP BY "
     "b, g"},
    {"SELECT id, sum(i4) OVER (PARTITION BY g ORDER BY id) FROM items WHERE id < 200"},
    {"SELECT date_trunc('month', ts), count(*) FROM items GROUP BY 1"},
    {"SELECT date_trunc('day', tz), count(*) FROM items GROUP BY 1"},
    {"SELECT date_trunc('month', d), count(*) FROM items GROUP BY 1"},
    {"SELECT extract(year FROM ts), extract(dow FROM d), extract(week FROM d), count(*) FROM items "
     "GROUP BY 1, 2, 3"},
    {"SELECT count(*) FROM items WHERE tz >= timestamptz '2024-04-01' - interval '1 month'"},
    {"SELECT count(*) FROM items WHERE tz < now() AND d > current_date - 10000"},
    {"SELECT d + 30, d - 1, d - date '2000-01-01' FROM items WHERE id < 100"},
    {"SELECT ts + interval '1 month', ts - interval '1 day' FROM items WHERE id < 300"},
    {"SELECT tz::date, count(*) FROM items GROUP BY 1"},
    {"SELECT CASE WHEN g IS NULL THEN 'none' WHEN g > 3 THEN 'many' ELSE 'few' END, count(*) FROM "
     "items GROUP BY 1"},
    {"SELECT CASE g WHEN 1 THEN 10 WHEN 2 THEN NULL ELSE g END, count(*) FROM items GROUP BY 1"},
    {"SELECT coalesce(g, -1), nullif(g, 2), greatest(g, i2, 3), least(g, NULL), count(*) FROM "
     "items GROUP BY 1, 2, 3, 4"},
    {"SELECT coalesce(t, 'missing') || '!', count(*) FROM items GROUP BY 1"},
    {"SELECT n::int, n::text, i4::text, i4::numeric, i8::float8, g::boolean FROM items WHERE id < "
     "500"},
    {"SELECT u, id FROM items ORDER BY u, id LIMIT 20", true},
    {"SELECT min(v), max(v), count(DISTINCT v) FROM items"},
    {"SELECT loose, sum(loose) FROM items GROUP BY 1"},
    {"SELECT id, g, i2, i4, i8, n, big, t, v, d, ts, tz, b, u, j, f, r FROM items"},
    {"SELECT sum(n) / count(*), sum(i4)::numeric / nullif(count(g), 0), avg(n) * 2 + 1 FROM items "
     "GROUP BY g"},
    {"SELECT count(*) + 1, 'constant', NULL::int, max(i4) - min(i4) FROM items WHERE id > 0 AND i4 "
     "BETWEEN -1000 AND 1000"},
    {"SELECT stddev(n), variance(i4), bool_and(b), bool_or(b) FROM items"},
    {"SELECT string_agg(t, ',' ORDER BY id), array_agg(g ORDER BY id) FROM items WHERE id < 50"},
    {"SELECT g FROM items WHERE id < 20 UNION SELECT k FROM dims"},
    {"SELECT g FROM items WHERE id < 20 EXCEPT ALL SELECT k FROM dims"},
    {"SELECT DISTINCT ON (g) g, id FROM items ORDER BY g, id DESC", true},
    {"SELECT g, b, count(*) FROM items GROUP BY ROLLUP (g, b)"},
    {"SELECT substring(t, 2, 3), position('a' IN t), replace(t, 'a', 'b'), count(*) FROM items "
     "GROUP BY 1, 2, 3"},
    {"SELECT trim(t), left(t, 2), right(t, 2), reverse(t), count(*) FROM items GROUP BY 1, 2, 3, "
     "4"},
    {"SELECT count(*) FROM items WHERE t < 'b' OR t >= 'Ä'"},
};

TEST_F(RouteDifferential, answers_hand_picked_queries_like_postgres) {
    size_t routed = 0;
    for (const Case& item : kCases) {
        bool in_clickhouse = compare(item.sql, item.ordered);
        routed += in_clickhouse ? 1 : 0;
        if (!in_clickhouse) std::cout << "stays (" << reason(item.sql) << "): " << item.sql << "\n";
    }
    std::cout << routed << " of " << std::size(kCases) << " queries ran in ClickHouse\n";
    EXPECT_GE(routed * 2, std::size(kCases));
}

TEST_F(RouteDifferential, answers_alike_in_other_time_zones_and_locales) {
    const char* queries[] = {
        "SELECT date_trunc('day', tz), count(*) FROM items GROUP BY 1",
        "SELECT date_trunc('month', d), count(*) FROM items GROUP BY 1",
        "SELECT tz::date, count(*) FROM items GROUP BY 1",
        "SELECT id, tz, ts FROM items",
        "SELECT count(*) FROM items WHERE tz >= '2024-03-31 02:30' AND ts < now()",
        "SELECT extract(hour FROM tz), count(*) FROM items GROUP BY 1",
    };
    for (const char* zone : {"America/New_York", "Asia/Kolkata", "Europe/Berlin", "<+05>-05"}) {
        run("SET timezone = '" + std::string(zone) + "'");
        for (const char* sql : queries) compare(sql, false, zone);
    }
    run("SET timezone = 'UTC'; SET datestyle = 'German, DMY'; SET extra_float_digits = 0; "
        "SET intervalstyle = 'iso_8601'");
    for (const char* sql : queries) compare(sql, false, "other styles");
}

TEST_F(RouteDifferential, answers_a_dashboard_query_in_one_piece) {
    run(R"sql(
        CREATE TABLE users (user_id int PRIMARY KEY, country text NOT NULL);
        CREATE TABLE events (event_id bigint PRIMARY KEY, user_id int NOT NULL, event_name text NOT NULL,
            ts timestamptz NOT NULL, duration_ms float8 NOT NULL, properties jsonb NOT NULL);
        INSERT INTO users SELECT i, (ARRAY['US', 'UK', 'DE', 'FR', 'JP'])[i % 5 + 1] FROM generate_series(1, 500) i;
        INSERT INTO events SELECT i, abs(h) % 500 + 1, 'event ' || abs(h) / 7 % 11,
            now() - abs(h) % 1200000 * interval '1 second', abs(h) % 100000 / 7.0,
            jsonb_build_object('platform', (ARRAY['web', 'ios'])[abs(h) % 2 + 1],
                               'tier', (ARRAY['premium', 'free', NULL])[abs(h) % 3 + 1])
            FROM (SELECT i, hashint4(i) AS h FROM generate_series(1, 40000) i) x;)sql");
    hold_in_both("users");
    hold_in_both("events");
    const std::string sql =
        "SELECT u.country, e.event_name, count(*) AS n, count(DISTINCT e.user_id) AS unique_users, "
        "count(*) FILTER (WHERE e.properties->>'tier' = 'premium') AS premium_count, "
        "percentile_cont(0.95) WITHIN GROUP (ORDER BY e.duration_ms) AS p95_ms, "
        "ROW_NUMBER() OVER (PARTITION BY u.country ORDER BY count(*) DESC, e.event_name) AS rank "
        "FROM events e JOIN users u USING (user_id) "
        "WHERE e.ts >= now() - interval '7 days' AND u.country IN ('US','UK','DE') "
        "AND e.properties->>'platform' = 'web' "
        "GROUP BY u.country, e.event_name ORDER BY n DESC, country, event_name LIMIT 100";
    EXPECT_TRUE(compare(sql, true)) << reason(sql);
    run("SET timezone = 'America/New_York'");
    EXPECT_TRUE(compare(sql, true)) << reason(sql);
    // Sorted and limited there: nothing but the result crosses the wire.
    std::string plan = explain(sql);
    EXPECT_EQ(plan.find("->  Sort"), std::string::npos) << plan;
}

// A grammar of queries whose parts are all typed, so that most of them are valid.
class QueryMaker {
  public:
    explicit QueryMaker(uint64_t seed) : random_(seed) {}

    std::string next() {
        join_ = chance(30);
        std::string from = join_ ? "items i " + pick({"JOIN", "LEFT JOIN"}) + " dims d ON i.g = d.k"
                                 : std::string("items i");
        std::string where = chance(70) ? " WHERE " + condition(2) : "";
        if (chance(25)) return "SELECT i.id, " + scalar() + " AS x FROM " + from + where;
        std::string key = group_key();
        std::string select = chance(70) ? key + ", " + aggregate() : aggregate();
        if (chance(50)) select += ", " + aggregate();
        std::string sql = "SELECT " + select + " FROM " + from + where;
        if (select.compare(0, key.size(), key) == 0) sql += " GROUP BY " + key;
        if (chance(20)) sql += " HAVING count(*) > " + std::to_string(number(0, 40));
        return sql;
    }

  private:
    bool chance(int percent) { return number(1, 100) <= percent; }
    int number(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
    std::string pick(std::vector<std::string> items) {
        return items[static_cast<size_t>(number(0, static_cast<int>(items.size()) - 1))];
    }

    std::string integer() {
        return pick({"i.g", "i.i2", "i.i4", "i.i8", "i.id", "length(i.t)", "i.i2 * 2", "i.i4 % 10",
                     "coalesce(i.g, 0)", "i.i2 - i.g", "i.i4 / 1000", "abs(i.i2)",
                     "i.i2 % " + literal(), literal() + " / i.g", "i.g - " + literal(),
                     "i.i4 / " + literal() + " + 1", literal() + " % nullif(i.i2, 0)"});
    }
    // The smallest numbers of each width.
    std::string literal() {
        std::string text = pick({"127", "128", "255", "256", "32767", "32768", "65535", "65536",
                                 "2147483647", "2147483648", "3", "200", "1000"});
        return chance(30) ? "(-" + text + ")" : text;
    }
    std::string decimal() {
        return pick({"i.n", "i.big", "i.n * 2", "i.n + i.g", "-i.n", "round(i.n, 1)", "abs(i.n)",
                     "i.n - 0.25", join_ ? "d.w" : "i.n", "i.n * i.n"});
    }
    std::string words() {
        return pick({"i.t", "i.v", "i.c", "lower(i.t)", "upper(i.v)", "coalesce(i.t, '-')",
                     "i.j->>'tier'", "i.j->>'n'", "i.t || i.v", join_ ? "d.name" : "i.v"});
    }
    std::string time() {
        return pick({"i.d", "i.ts", "i.tz", "date_trunc('year', i.ts)", "i.d + 7",
                     "date_trunc('hour', i.tz)", join_ ? "d.since" : "i.d"});
    }
    std::string scalar() {
        switch (number(0, 4)) {
            case 0:
                return integer();
            case 1:
                return decimal();
            case 2:
                return words();
            case 3:
                return time();
            default:
                return "CASE WHEN " + condition(1) + " THEN " + integer() + "::bigint ELSE 0 END";
        }
    }
    std::string group_key() { return chance(60) ? pick({"i.g", "i.b", "i.v", "i.t"}) : scalar(); }
    std::string aggregate() {
        std::string call;
        switch (number(0, 5)) {
            case 0:
                call = "count(" + scalar() + ")";
                break;
            case 1:
                call = "count(DISTINCT " + scalar() + ")";
                break;
            case 2:
                call = pick({"sum", "avg"}) + "(" + (chance(50) ? integer() : decimal()) + ")";
                break;
            case 3:
                call = pick({"min", "max"}) + "(" + scalar() + ")";
                break;
            case 4:
                call = "count(*)";
                break;
            default:
                call = "sum(i.i2)";
                break;
        }
        if (chance(20)) call += " FILTER (WHERE " + condition(1) + ")";
        return call;
    }
    std::string comparison() {
        std::string op = pick({" = ", " <> ", " < ", " >= "});
        switch (number(0, 6)) {
            case 0:
                return integer() + op + std::to_string(number(-50000, 50000));
            case 1:
                return decimal() + op + std::to_string(number(-5000, 5000)) + ".5";
            case 2:
                return words() + op + pick({"'zebra'", "''", "'Äpfel 1'", "'premium'"});
            case 3:
                return time() + op + pick({"'2024-03-31'", "'1999-12-31 23:59:59'"});
            case 4:
                return scalar() + pick({" IS NULL", " IS NOT NULL"});
            case 5:
                return "i.g " + pick({"IN (1, 2, 3)", "NOT IN (2, 4)", "IN (1, NULL)"});
            default:
                return "i.t " + pick({"LIKE 'z%'", "NOT LIKE '%a%'", "ILIKE '%E%'"});
        }
    }
    std::string condition(int depth) {
        if (depth == 0 || chance(40)) return comparison();
        std::string left = condition(depth - 1);
        switch (number(0, 2)) {
            case 0:
                return "(" + left + " AND " + condition(depth - 1) + ")";
            case 1:
                return "(" + left + " OR " + condition(depth - 1) + ")";
            default:
                return "NOT (" + left + ")";
        }
    }

    std::mt19937_64 random_;
    bool join_ = false;
};

// How many are asked unless TANDEM_BUDGET_SECONDS says for how long.
constexpr int kQueries = 300;

TEST_F(RouteDifferential, answers_random_queries_like_postgres) {
    const char* given = std::getenv("TANDEM_SEED");
    uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
    std::cout << "seed " << seed << "\n";
    const char* budget = std::getenv("TANDEM_BUDGET_SECONDS");
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::seconds(budget != nullptr ? std::atoi(budget) : 0);
    QueryMaker maker(seed);
    int asked = 0;
    int routed = 0;
    auto more = [&] {
        return budget != nullptr ? std::chrono::steady_clock::now() < end : asked < kQueries;
    };
    while (more() && !HasFailure()) {
        std::string sql = maker.next();
        routed += compare(sql, false, "seed " + std::to_string(seed)) ? 1 : 0;
        ++asked;
    }
    std::cout << routed << " of " << asked << " queries ran in ClickHouse\n";
    EXPECT_GT(routed, 0);
}

}  // namespace

}  // namespace tandem::route_test
