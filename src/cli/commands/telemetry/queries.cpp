// Two places hold the same sums: the events, to the microsecond, and the roll-up of five minutes,
// which a day costs little to read. A Place says how a sum is written over either.
#include "cli/commands/telemetry/queries.h"

#include <algorithm>

namespace tandem::cli {
namespace {

struct Place {
    const char* table;
    const char* time;
    bool exact;  // it is a DateTime64
    const char* calls;
    const char* errors;
    const char* total_us;
    const char* quantiles;  // the first is of 0.5
    int p99;                // which is of 0.99, from 1
    const char* max_us;
    const char* planning_us;
    const char* commit_us;
    const char* rows;
    const char* blocks_read;
    const char* temp_blocks;
    const char* io_us;
    const char* wal_bytes;
    const char* routed;
};

constexpr Place kEvents = {
    "tandem_telemetry.events_raw",
    "ts",
    true,
    "sum(toFloat64(weight))",
    "sumIf(toFloat64(weight), sqlstate != '')",
    "sum(toFloat64(weight) * duration_us)",
    "quantilesTDigestWeightedIf(0.5, 0.99)(duration_us, toUInt64(round(weight)), sqlstate = '')",
    2,
    "max(duration_us)",
    "sum(toFloat64(weight) * planning_us)",
    "sum(toFloat64(weight) * commit_us)",
    "sum(toFloat64(weight) * rows)",
    "sum(toFloat64(weight) * (shared_blks_read + local_blks_read))",
    "sum(toFloat64(weight) * (temp_blks_read + temp_blks_written))",
    "sum(toFloat64(weight) * (shared_blk_read_time_us + shared_blk_write_time_us + "
    "local_blk_read_time_us + local_blk_write_time_us + temp_blk_read_time_us + "
    "temp_blk_write_time_us))",
    "sum(toFloat64(weight) * wal_bytes)",
    "sumIf(toFloat64(weight), routed = 'clickhouse')",
};

constexpr Place kRollUp = {
    "tandem_telemetry.query_stats_5m_states",
    "bucket",
    false,
    "sum(calls)",
    "sum(errors)",
    "sum(duration_us_sum)",
    "quantilesTDigestWeightedMerge(0.5, 0.9, 0.95, 0.99, 0.999)(duration_us_quantiles)",
    4,
    "max(duration_us_max)",
    "sum(planning_us_sum)",
    "sum(commit_us_sum)",
    "sum(rows_sum)",
    "sum(shared_read_sum)",
    "sum(temp_sum)",
    "sum(io_us_sum)",
    "sum(wal_bytes_sum)",
    "sum(routed_sum)",
};

const Place& place_of(const Window& window) {
    return is_rolled_up(window) ? kRollUp : kEvents;
}

std::string number(int64_t value) {
    return std::to_string(value);
}

// Compared with a DateTime, a DateTime64 within the second before it may be passed over by the
// index of the parts.
std::string exact_moment(int64_t seconds) {
    return "toDateTime64(" + number(seconds) + ", 6)";
}

constexpr const char* kWhose =
    "({system_id:String} = '' OR system_id = toUInt64OrZero({system_id:String})) "
    "AND ({database:String} = '' OR database = {database:String})";

std::string condition(const Scope& scope, const Place& place) {
    auto moment = [&](int64_t seconds) {
        return place.exact ? exact_moment(seconds) : "toDateTime(" + number(seconds) + ")";
    };
    std::string time = place.time;
    return time + " >= " + moment(scope.window.begin) + " AND " + time + " < " +
           moment(scope.window.end) + " AND " + kWhose + (scope.nested ? "" : " AND level = 0");
}

// Looks at sessions that were at work, each standing for some milliseconds.
std::string looks(const Scope& scope, const char* time = "ts") {
    return std::string(time) + " >= " + exact_moment(scope.window.begin) + " AND " + time + " < " +
           exact_moment(scope.window.end) + " AND " + kWhose;
}
constexpr const char* kWorking = " AND state IN ('active', 'fastpath function call')";

// The sums of whatever is grouped, named as they are shown.
std::string sums(const Place& place) {
    auto ms = [](const char* us, const char* name) {
        return std::string("(") + us + ") / 1000 AS " + name + ", ";
    };
    std::string sql = std::string(place.calls) + " AS calls, " + place.errors + " AS errors, ";
    sql += ms(place.total_us, "total_ms");
    sql += std::string(place.quantiles) + " AS q, toFloat64(q[1]) / 1000 AS p50_ms, ";
    sql += "toFloat64(q[" + std::to_string(place.p99) + "]) / 1000 AS p99_ms, ";
    sql += ms(place.max_us, "max_ms") + ms(place.planning_us, "planning_ms");
    sql += ms(place.commit_us, "commit_ms") + ms(place.io_us, "io_ms");
    sql += std::string(place.rows) + " AS row_count, " + place.blocks_read + " AS blocks_read, ";
    sql += std::string(place.temp_blocks) + " AS temp_blocks, ";
    sql += std::string(place.wal_bytes) + " AS wal_bytes, " + place.routed + " AS routed_calls";
    return sql;
}

std::string by_query(const Scope& scope) {
    const Place& place = place_of(scope.window);
    return std::string("SELECT database, query_id, any(operation) AS operation, ") + sums(place) +
           " FROM " + place.table + " WHERE " + condition(scope, place) +
           " GROUP BY database, query_id";
}

constexpr const char* kTexts =
    "(SELECT database, query_id, argMax(text, seen) AS text FROM tandem_telemetry.query_texts "
    "GROUP BY database, query_id)";

std::string of_one_query(const Scope& scope, const Place& place) {
    return std::string(" FROM ") + place.table + " WHERE " + condition(scope, place) +
           " AND query_id = {query_id:Int64}";
}

// How the sums are shown, prefixed by the table they are of.
constexpr const char* kShown =
    "round(calls) AS calls, round(errors) AS errors, total_ms, total_ms / greatest(calls, 1) AS "
    "mean_ms, p50_ms, p99_ms, max_ms, planning_ms, commit_ms, io_ms, round(row_count) AS rows, "
    "round(blocks_read) AS blocks_read, round(temp_blocks) AS temp_blocks, round(wal_bytes) AS "
    "wal_bytes, round(routed_calls) AS routed";

struct Sort {
    const char* name;
    const char* by;
};
constexpr Sort kSorts[] = {
    {"total", "total_ms"}, {"p99", "p99_ms"}, {"calls", "calls"},
    {"errors", "errors"},  {"rows", "rows"},  {"io", "(io_ms, blocks_read + temp_blocks)"},
    {"waits", "wait_ms"},
};

}  // namespace

bool is_rolled_up(const Window& window) {
    return window.seconds() >= kRolledUpFrom;
}

const std::vector<std::string>& sort_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const Sort& sort : kSorts) all.emplace_back(sort.name);
        return all;
    }();
    return names;
}

std::vector<clickhouse::Parameter> parameters_of(const Scope& scope) {
    return {{.name = "database", .value = scope.database}};
}

std::string top_sql(const Scope& scope, const std::string& sort, uint64_t limit) {
    const Sort* by = std::find_if(std::begin(kSorts), std::end(kSorts),
                                  [&](const Sort& known) { return sort == known.name; });
    if (by == std::end(kSorts)) by = kSorts;
    return std::string("SELECT toString(q.query_id) AS query_id, CAST(q.database AS String) AS ") +
           "database, CAST(q.operation AS String) AS operation, 100 * total_ms / greatest(1e-9, " +
           "sum(total_ms) OVER ()) AS share, " + kShown +
           ", toFloat64(w.ms) AS wait_ms, t.text AS query FROM (" + by_query(scope) +
           ") AS q LEFT JOIN " + kTexts +
           " AS t ON t.database = q.database AND t.query_id = q.query_id LEFT JOIN (SELECT "
           "database, query_id, sum(stands_for_ms) AS ms FROM tandem_telemetry.activity WHERE " +
           looks(scope) + kWorking +
           " AND wait_event_type != '' GROUP BY database, query_id) AS w ON w.database = "
           "q.database AND w.query_id = q.query_id ORDER BY " +
           by->by + " DESC NULLS LAST, total_ms DESC, query_id LIMIT " + std::to_string(limit);
}

std::string summary_sql(const Scope& scope) {
    const Place& place = place_of(scope.window);
    return std::string("SELECT CAST(q.database AS String) AS database, CAST(q.operation AS ") +
           "String) AS operation, " + kShown + ", t.text AS query FROM (SELECT database, " +
           "query_id, any(operation) AS operation, " + sums(place) + of_one_query(scope, place) +
           " GROUP BY database, query_id) AS q LEFT JOIN " + kTexts +
           " AS t ON t.database = q.database AND t.query_id = q.query_id ORDER BY total_ms DESC";
}

std::string latency_sql(const Scope& scope, int64_t step_seconds) {
    const Place& place = place_of(scope.window);
    std::string bucket = std::string("toStartOfInterval(toDateTime(") + place.time +
                         ", 'UTC'), INTERVAL " + number(step_seconds) + " SECOND)";
    return "SELECT toString(slot) AS time, " + std::string(kShown) + " FROM (SELECT " + bucket +
           " AS slot, " + sums(place) + of_one_query(scope, place) +
           " GROUP BY slot) ORDER BY slot";
}

std::string errors_sql(const Scope& scope) {
    return "SELECT CAST(sqlstate AS String) AS sqlstate, sum(toFloat64(weight)) AS times, "
           "toString(toDateTime(max(ts), 'UTC')) AS last, argMax(error_message, ts) AS message" +
           of_one_query(scope, kEvents) +
           " AND sqlstate != '' GROUP BY sqlstate ORDER BY times DESC LIMIT 20";
}

std::string applications_sql(const Scope& scope) {
    return "SELECT CAST(application AS String) AS application, CAST(user AS String) AS user, " +
           std::string(kShown) + " FROM (SELECT application, user, " + sums(kEvents) +
           of_one_query(scope, kEvents) +
           " GROUP BY application, user) ORDER BY total_ms DESC LIMIT 20";
}

std::string plans_sql(const Scope& scope) {
    return "SELECT toString(p.plan_id) AS plan_id, toString(toDateTime(first, 'UTC')) AS first, "
           "toString(toDateTime(last, 'UTC')) AS last, " +
           std::string(kShown) +
           ", t.text AS plan FROM (SELECT database, query_id, plan_id, min(ts) AS first, "
           "max(ts) AS last, " +
           sums(kEvents) + of_one_query(scope, kEvents) +
           " AND plan_id != 0 GROUP BY database, query_id, plan_id) AS p LEFT JOIN "
           "(SELECT database, query_id, plan_id, argMax(text, seen) AS text FROM "
           "tandem_telemetry.plans WHERE query_id = {query_id:Int64} GROUP BY database, query_id, "
           "plan_id) AS t ON t.database = p.database AND t.query_id = p.query_id AND "
           "t.plan_id = p.plan_id ORDER BY calls DESC LIMIT 20";
}

std::string waits_sql(const Scope& scope) {
    return "SELECT if(wait_event_type = '', 'running', CAST(wait_event_type AS String)) AS kind, "
           "CAST(wait_event AS String) AS event, toFloat64(sum(stands_for_ms)) AS ms, "
           "100 * ms / sum(ms) OVER () AS share FROM tandem_telemetry.activity WHERE " +
           looks(scope) + kWorking +
           " AND query_id = {query_id:Int64} GROUP BY wait_event_type, wait_event "
           "ORDER BY ms DESC LIMIT 20";
}

std::string blockers_sql(const Scope& scope) {
    return "SELECT toString(b.blocker_query_id) AS query_id, CAST(b.blocker_application AS "
           "String) AS application, CAST(b.blocker_state AS String) AS state, CAST(b.lock AS "
           "String) AS lock, toFloat64(sum(b.ms)) AS ms, any(t.text) AS query FROM "
           "tandem_telemetry.blocking AS b LEFT JOIN (SELECT query_id, any(text) AS text FROM "
           "tandem_telemetry.query_texts GROUP BY query_id) AS t ON t.query_id = "
           "b.blocker_query_id WHERE b.query_id = {query_id:Int64} AND " +
           looks(scope) + " GROUP BY ALL ORDER BY ms DESC LIMIT 20";
}

std::string diff_sql(const Scope& from, const Scope& to) {
    constexpr const char* kNames[] = {"calls", "errors", "total_ms", "p50_ms", "p99_ms"};
    auto side = [&](const Scope& scope, const std::string& prefix) {
        std::string sql = "SELECT database, query_id, operation";
        for (const char* name : kNames) sql += std::string(", ") + name + " AS " + prefix + name;
        return "(" + sql + " FROM (" + by_query(scope) + "))";
    };
    std::string both;
    for (const char* prefix : {"from_", "to_"})
        for (const char* name : kNames) both += std::string(", ") + prefix + name;
    std::string keys;
    for (const char* key : {"database", "query_id", "operation"})
        keys += std::string(keys.empty() ? "" : ", ") + "if(from_calls > 0, f." + key + ", s." +
                key + ") AS " + key;
    return "SELECT toString(q.query_id) AS query_id, CAST(q.database AS String) AS database, "
           "CAST(q.operation AS String) AS operation" +
           both + ", t.text AS query FROM (SELECT " + keys + both + " FROM " + side(from, "from_") +
           " AS f FULL JOIN " + side(to, "to_") +
           " AS s ON f.database = s.database AND f.query_id = s.query_id) AS q LEFT JOIN " +
           kTexts + " AS t ON t.database = q.database AND t.query_id = q.query_id";
}

}  // namespace tandem::cli
