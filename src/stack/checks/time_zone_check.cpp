// Both sides bring their own time zone data. Where they disagree, a date of ClickHouse is not that
// of Postgres; the router asks for a zone by name and trusts it.
#include "postgres/client/connection.h"
#include "stack/checks/checks.h"
#include "stack/clickhouse/clickhouse_http.h"

namespace tandem::stack {
namespace {

using Outcome = Check::Outcome;

// Zones whose rules changed within the last years, and moments around the changes.
constexpr const char* kZones[] = {"Europe/Berlin",        "America/New_York", "America/Mexico_City",
                                  "America/Chihuahua",    "Africa/Cairo",     "Africa/Casablanca",
                                  "Asia/Amman",           "Asia/Almaty",      "Asia/Tehran",
                                  "America/Godthab",      "Pacific/Fiji",     "Europe/Kiev",
                                  "America/Ciudad_Juarez"};
constexpr const char* kMoments[] = {"1600000000", "1672531200", "1688169600",
                                    "1711929600", "1736942400", "1751328000"};

// "3600,7200,..." in the order of zones and moments.
Result<std::string> offsets_in_postgres(const std::string& conninfo) {
    postgres::ConnectOptions options;
    options.conninfo = conninfo;
    options.application_name = "tandem doctor";
    postgres::Connection connection = TRY(postgres::Connection::open(options));
    std::string list;
    for (const char* zone : kZones)
        for (const char* moment : kMoments)
            list += std::string(list.empty() ? "" : " || ',' || ") + "extract(epoch FROM " +
                    "(to_timestamp(" + moment + ") AT TIME ZONE '" + zone + "') - (to_timestamp(" +
                    moment + ") AT TIME ZONE 'UTC'))::int";
    postgres::QueryResult rows = TRY(connection.query("SELECT " + list));
    return rows.text(0, 0);
}

Result<std::string> offsets_in_clickhouse(const config::ClickHouseUrl& target) {
    std::string list;
    for (const char* zone : kZones)
        for (const char* moment : kMoments)
            list += std::string(list.empty() ? "" : ", ',', ") +
                    "toString(timezoneOffset(toDateTime(" + moment + ", '" + zone + "')))";
    return ask_clickhouse(target, "SELECT concat(" + list + ")");
}

std::string first_difference(std::string_view left, std::string_view right) {
    for (const char* zone : kZones)
        for (const char* moment : kMoments) {
            size_t left_end = std::min(left.find(','), left.size());
            size_t right_end = std::min(right.find(','), right.size());
            if (left.substr(0, left_end) != right.substr(0, right_end))
                return std::string(zone) + " at " + moment;
            left.remove_prefix(std::min(left_end + 1, left.size()));
            right.remove_prefix(std::min(right_end + 1, right.size()));
        }
    return "";
}

}  // namespace

Check check_time_zones(const std::string& conninfo, const config::ClickHouseUrl& target) {
    Check check{"time_zones", Outcome::ok, "both sides have the same rules"};
    Result<std::string> left = offsets_in_postgres(conninfo);
    Result<std::string> right = offsets_in_clickhouse(target);
    if (!left.ok() || !right.ok()) {
        check.outcome = Outcome::unknown;
        check.found = (left.ok() ? right : left).error().message();
        check.fix =
            "A zone that one side does not know makes queries that name it stay in Postgres.";
        return check;
    }
    std::string difference = first_difference(*left, *right);
    if (difference.empty()) return check;
    check.outcome = Outcome::warning;
    check.found = "the rules differ, first for " + difference;
    check.fix = "Upgrade the older one: the package tzdata of the Postgres server, or ClickHouse.";
    return check;
}

}  // namespace tandem::stack
