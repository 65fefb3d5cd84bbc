// Times in the session's time zone: PostgreSQL and the router answer alike around every change of
// the clock, before 1970 too, and what the two sides do not agree on runs in Postgres.
#include <chrono>

#include "integration/route/differential.h"

namespace tandem::route_test {

namespace {

constexpr const char* kZones[] = {"Europe/Berlin",       "America/New_York",  "Asia/Kolkata",
                                  "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca",
                                  "Europe/London"};

// Around each hour at which some clock is put forward or back, and at odd fractions.
constexpr const char* kMoments = R"sql(
CREATE TABLE moments (id int PRIMARY KEY, z timestamptz NOT NULL, n timestamptz, w timestamp NOT NULL, d date NOT NULL);
INSERT INTO moments SELECT row_number() OVER (), x, CASE WHEN x::text NOT LIKE '%7' THEN x END, x AT TIME ZONE 'UTC', (x AT TIME ZONE 'UTC')::date FROM (
    SELECT at + step * interval '15 minutes 0.25 seconds' AS x FROM unnest(ARRAY['%FIRST%2024-03-31 00:00Z', '2024-10-27 00:00Z',
        '2024-03-10 06:00Z', '2024-11-03 05:00Z', '2024-04-06 14:00Z', '2024-10-05 14:30Z', '2018-11-04 02:00Z', '2018-02-18 01:00Z',
        '2023-03-19 02:00Z', '2023-04-23 01:00Z', '1980-04-06 00:00Z', '2000-12-31 22:00Z', '2099-03-29 00:00Z', '2038-01-19 03:14:07Z']::timestamptz[]) at,
    generate_series(-16, 16) step) s;
)sql";

constexpr const char* kExpressions[] = {
    "date_trunc('minute', z)",
    "date_trunc('hour', z)",
    "date_trunc('day', z)",
    "date_trunc('week', z)",
    "date_trunc('month', z)",
    "date_trunc('quarter', n)",
    "date_trunc('year', n)",
    "date_trunc('day', z, 'America/New_York')",
    "date_trunc('hour', z, 'UTC')",
    "z::date",
    "n::timestamp",
    "w::timestamptz",
    "d::timestamptz",
    "extract(hour FROM z)",
    "extract(minute FROM z)",
    "extract(dow FROM n)",
    "extract(week FROM z)",
    "extract(isoyear FROM z)",
    "to_char(z, 'YYYY-MM-DD HH24:MI:SS')",
    "z AT TIME ZONE 'Asia/Singapore'",
    "w AT TIME ZONE 'Asia/Tokyo'",
    "z + interval '1 day'",
    "z - interval '1 day'",
    "z + interval '1 month'",
    "n - interval '1 month 1 day 3 hours'",
    "z + interval '26 hours'",
    "z + interval '-1 month 1 day'",
    "date_bin('7 minutes', z, '1901-01-01')",
    "z > w",
    "z >= d",
    "w = z",
    "z BETWEEN d AND d + 1",
};

class RouteZones : public RouteDifferential {
  protected:
    void hold_moments(const std::string& first) {
        std::string sql = kMoments;
        sql.replace(sql.find("%FIRST%"), 7, first);
        run(sql);
        hold_in_both("moments");
    }

    void ask(const std::string& zone, const std::string& sql, bool same_rules) {
        bool routed = compare(sql, true, zone);
        EXPECT_TRUE(routed || !same_rules) << zone << ": " << sql << "\n" << reason(sql);
    }

    // All of them run in ClickHouse, where the two sides have the same rules.
    void compare_all(const std::string& zone, bool same_rules) {
        run("SET timezone = '" + zone + "'");
        std::string columns;
        size_t number = 0;
        for (const char* expression : kExpressions) {
            columns += ", " + std::string(expression);
            if (++number % 5 != 0 && number != std::size(kExpressions)) continue;
            ask(zone, "SELECT id" + columns + " FROM moments ORDER BY id", same_rules);
            columns.clear();
        }
    }

    void group_by_all(const std::string& zone) {
        run("SET timezone = '" + zone + "'");
        for (const char* expression : kExpressions)
            ask(zone,
                "SELECT " + std::string(expression) +
                    " AS x, count(*), max(id) FROM moments GROUP BY 1 ORDER BY 1",
                true);
    }
};

TEST_F(RouteZones, answer_like_postgres_around_changes_of_the_clock) {
    hold_moments("");
    for (const char* zone : kZones) compare_all(zone, true);
    group_by_all("Europe/Berlin");
}

TEST_F(RouteZones, answer_like_postgres_before_1970_where_both_agree) {
    hold_moments("1952-04-10 00:00Z', '1955-05-01 00:00Z', '1969-12-31 23:00Z', '");
    compare_all("Europe/Berlin", true);
    compare_all("America/New_York", true);
    // ClickHouse has another offset for parts of these years.
    for (const char* zone : {"Europe/London", "Europe/Amsterdam", "Asia/Kathmandu"})
        compare_all(zone, false);
}

// A few zones of the list, always the same; with a budget of time all, in an order that differs
// from run to run.
TEST_F(RouteZones, answer_like_postgres_in_random_zones) {
    const char* budget = std::getenv("TANDEM_BUDGET_SECONDS");
    auto until = std::chrono::steady_clock::now() +
                 std::chrono::seconds(budget == nullptr ? 3600 : std::atoi(budget));
    hold_moments("1972-12-31 23:00Z', '1995-04-02 00:00Z', '2016-10-30 00:00Z', '");
    auto zones = connection_->query(
        "SELECT name FROM pg_timezone_names WHERE name LIKE '%/%' AND name !~ '^(posix|right)' "
        "ORDER BY md5(name" +
        std::string(budget == nullptr ? ") LIMIT 12" : " || pg_backend_pid())"));
    ASSERT_TRUE(zones.ok()) << zones.error().to_string();
    int row = 0;
    for (; row < zones->rows() && std::chrono::steady_clock::now() < until; ++row)
        compare_all(zones->text(row, 0), false);
    EXPECT_GT(row, 0);
    std::cout << row << " zones compared\n";
}

TEST_F(RouteZones, stay_in_postgres_where_the_sides_do_not_agree) {
    hold_moments("");
    const std::string sql = "SELECT date_trunc('day', z), count(*) FROM moments GROUP BY 1";
    for (const char* zone : {"+03", "<+05>-05", "EST5EDT"}) {
        run("SET timezone = '" + std::string(zone) + "'");
        EXPECT_FALSE(compare(sql, false)) << zone;
        EXPECT_EQ(reason_for(sql), "time_zone") << zone;
    }
    // Its clock skipped a whole day in 2011, of which ClickHouse makes offsets of another day.
    run("SET timezone = 'Pacific/Apia'");
    EXPECT_FALSE(compare(sql, false));
    EXPECT_EQ(reason_for(sql), "time_zone");
}

TEST_F(RouteZones, a_prepared_query_follows_the_session) {
    hold_moments("");
    run("SET plan_cache_mode = force_generic_plan; SET timezone = 'Europe/Berlin'");
    run("PREPARE one AS SELECT date_trunc('day', z), count(*) FROM moments GROUP BY 1");
    run("SET tandem.route = on; EXECUTE one");  // plans
    EXPECT_TRUE(compare("EXECUTE one", false));
    for (const char* zone : {"America/New_York", "UTC", "Europe/Berlin"}) {
        run("SET timezone = '" + std::string(zone) + "'");
        compare("EXECUTE one", false, zone);
    }
}

}  // namespace

}  // namespace tandem::route_test
