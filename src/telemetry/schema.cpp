// Everything is created where it is missing and nothing is dropped: what an operator changed (TTLs,
// indexes, columns of their own) stays. Columns that a table of an earlier version lacks are added.
// The statements run when the version there is another than ours.
#include "telemetry/schema.h"

#include "telemetry/batch.h"

namespace tandem::telemetry {

namespace {

std::string quoted(const std::string& text) {
    std::string out = "'";
    for (char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

// Enough for one retry of each of the last batches.
const std::string kDeduplicate = "non_replicated_deduplication_window = 1000";

std::string described(const ColumnInfo& column) {
    return std::string("`") + column.name + "` " + column.type + " COMMENT " +
           quoted(column.comment) + " CODEC(" + column.codec + ")";
}

// What is special about the table of a part of a batch.
struct Table {
    uint32_t part;
    const char* indexes;
    const char* engine;  // and all behind it
    const char* comment;
};

constexpr Table kTables[] = {
    {kPartEvents,
     ", INDEX failed sqlstate TYPE set(64) GRANULARITY 4, "
     "INDEX trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4",
     "MergeTree PARTITION BY toDate(ts) ORDER BY (database, query_id, ts) "
     "TTL toDateTime(ts) + INTERVAL 30 DAY DELETE SETTINGS ttl_only_drop_parts = 1, ",
     "every execution of a statement in Postgres, also those that failed"},
    {kPartTexts, "",
     "ReplacingMergeTree(seen) ORDER BY (database, query_id) "
     "TTL seen + INTERVAL 400 DAY DELETE SETTINGS ",
     "text of each query, once per database and fingerprint"},
    {kPartPlans, "",
     "ReplacingMergeTree(seen) ORDER BY (database, query_id, plan_id) "
     "TTL seen + INTERVAL 400 DAY DELETE SETTINGS ",
     "plans of the queries, once per database, query and fingerprint of the plan"},
    {kPartActivity, "",
     "MergeTree PARTITION BY toDate(ts) ORDER BY (database, query_id, ts) "
     "TTL toDateTime(ts) + INTERVAL 30 DAY DELETE SETTINGS ttl_only_drop_parts = 1, ",
     "what every session that was not idle did, looked at in intervals"},
};

std::string create_table(const Table& table) {
    std::string sql =
        std::string("CREATE TABLE IF NOT EXISTS tandem_telemetry.") + part_table(table.part) + " (";
    for (const ColumnInfo& column : part_columns(table.part))
        sql += (sql.back() == '(' ? "" : ", ") + described(column);
    return sql + table.indexes + ") ENGINE = " + table.engine + kDeduplicate + " COMMENT " +
           quoted(table.comment);
}

// What a table of an earlier version lacks.
std::string add_columns(const Table& table) {
    std::string sql;
    for (const ColumnInfo& column : part_columns(table.part))
        sql += (sql.empty() ? "" : ", ") + ("ADD COLUMN IF NOT EXISTS " + described(column));
    return std::string("ALTER TABLE tandem_telemetry.") + part_table(table.part) + " " + sql;
}

// Weighted, because a sampled event stands for several executions.
constexpr const char* kQuantiles = "quantilesTDigestWeighted";
constexpr const char* kLevels = "(0.5, 0.9, 0.95, 0.99, 0.999)";

struct Sum {
    const char* name;
    const char* of;  // an expression over events_raw
    const char* comment;
};

constexpr Sum kQuerySums[] = {
    {"calls", "weight", "executions"},
    {"errors", "if(sqlstate != '', weight, 0)", "those that failed"},
    {"duration_us_sum", "weight * duration_us", "execution, microseconds"},
    {"planning_us_sum", "weight * planning_us", "planning, microseconds"},
    {"commit_us_sum", "weight * commit_us", "commit, microseconds"},
    {"rows_sum", "weight * rows", "rows returned or changed"},
    {"shared_hit_sum", "weight * shared_blks_hit", "blocks found in shared buffers"},
    {"shared_read_sum", "weight * shared_blks_read", "blocks read into shared buffers"},
    {"temp_sum", "weight * (temp_blks_read + temp_blks_written)", "blocks of temporary files"},
    {"io_us_sum",
     "weight * (shared_blk_read_time_us + shared_blk_write_time_us + local_blk_read_time_us + "
     "local_blk_write_time_us + temp_blk_read_time_us + temp_blk_write_time_us)",
     "reading and writing blocks, microseconds"},
    {"wal_bytes_sum", "weight * wal_bytes", "bytes of WAL"},
    {"routed_sum", "if(routed = 'clickhouse', weight, 0)", "executions in ClickHouse"},
};

struct Rollup {
    const char* name;
    const char* bucket;  // an expression over ts
    const char* keys;    // columns of events_raw
    const char* key_types;
    const char* only;  // condition on events_raw
    const char* ttl;
    const char* comment;
};

constexpr Rollup kRollups[] = {
    {"query_stats_5m", "toStartOfFiveMinutes(toDateTime(ts, 'UTC'))",
     "system_id, database, query_id, operation, level",
     "system_id UInt64, database LowCardinality(String), query_id Int64, "
     "operation LowCardinality(String), level UInt8",
     "1", "400 DAY", "each query in five minutes"},
    {"db_app_user_1m", "toStartOfMinute(toDateTime(ts, 'UTC'))",
     "system_id, database, application, user, operation",
     "system_id UInt64, database LowCardinality(String), application LowCardinality(String), "
     "user LowCardinality(String), operation LowCardinality(String)",
     "level = 0", "90 DAY", "the statements of clients by application and user in a minute"},
};

std::string create_states(const Rollup& rollup) {
    std::string sql = std::string("CREATE TABLE IF NOT EXISTS tandem_telemetry.") + rollup.name +
                      "_states (bucket DateTime('UTC') COMMENT 'start of the interval', " +
                      rollup.key_types + ", ";
    for (const Sum& sum : kQuerySums)
        sql += std::string(sum.name) + " SimpleAggregateFunction(sum, Float64) COMMENT " +
               quoted(sum.comment) + ", ";
    sql +=
        "duration_us_max SimpleAggregateFunction(max, UInt64) "
        "COMMENT 'longest execution, microseconds', duration_us_quantiles "
        "AggregateFunction(" +
        std::string(kQuantiles) + kLevels +
        ", UInt64, UInt64) COMMENT 't-digest of the executions that succeeded, microseconds') "
        "ENGINE = AggregatingMergeTree ORDER BY (" +
        rollup.keys + ", bucket) TTL bucket + INTERVAL " + rollup.ttl + " DELETE COMMENT " +
        quoted(std::string("states of ") + rollup.name);
    return sql;
}

std::string create_feed(const Rollup& rollup) {
    std::string sql = std::string("CREATE MATERIALIZED VIEW IF NOT EXISTS tandem_telemetry.") +
                      rollup.name + "_feed TO tandem_telemetry." + rollup.name +
                      "_states AS SELECT " + rollup.bucket + " AS bucket, " + rollup.keys + ", ";
    for (const Sum& sum : kQuerySums)
        sql += std::string("sum(toFloat64(") + sum.of + ")) AS " + sum.name + ", ";
    sql += "max(duration_us) AS duration_us_max, " + std::string(kQuantiles) + "StateIf" + kLevels +
           "(duration_us, toUInt64(round(weight)), sqlstate = '') AS duration_us_quantiles "
           "FROM tandem_telemetry.events_raw WHERE " +
           rollup.only + " GROUP BY bucket, " + rollup.keys;
    return sql;
}

std::string create_rollup_view(const Rollup& rollup) {
    std::string sql = std::string("CREATE OR REPLACE VIEW tandem_telemetry.") + rollup.name +
                      " AS SELECT bucket, " + rollup.keys + ", ";
    for (const Sum& sum : kQuerySums)
        sql += std::string("sum(s.") + sum.name + ") AS " + sum.name + ", ";
    sql += "max(s.duration_us_max) AS duration_us_max, " + std::string(kQuantiles) + "Merge" +
           kLevels +
           "(s.duration_us_quantiles) AS q, q[1] AS p50_us, q[2] AS p90_us, q[3] AS p95_us, "
           "q[4] AS p99_us, q[5] AS p999_us FROM tandem_telemetry." +
           rollup.name + "_states AS s GROUP BY bucket, " + rollup.keys;
    return sql;
}

// Views of the tables; made again, because `*` is what a table had when its view was made.
struct View {
    const char* name;
    const char* select;
};

constexpr View kViews[] = {
    {"events_recent_1h",
     "SELECT * FROM tandem_telemetry.events_raw WHERE ts > now() - INTERVAL 1 HOUR"},
    {"errors_recent",
     "SELECT * FROM tandem_telemetry.events_raw "
     "WHERE sqlstate != '' AND ts > now() - INTERVAL 7 DAY"},
    {"query_waits",
     "SELECT toStartOfFiveMinutes(toDateTime(ts, 'UTC')) AS bucket, system_id, database, query_id, "
     "wait_event_type, wait_event, sum(stands_for_ms) AS ms FROM tandem_telemetry.activity "
     "WHERE state IN ('active', 'fastpath function call') "
     "GROUP BY bucket, system_id, database, query_id, wait_event_type, wait_event"},
    {"statement_waits",
     "SELECT e.ts AS ts, e.system_id AS system_id, e.database AS database, e.query_id AS query_id, "
     "e.session_id AS session_id, e.statement AS statement, e.duration_us AS duration_us, "
     "a.wait_event_type AS wait_event_type, a.wait_event AS wait_event, "
     "sum(a.stands_for_ms) AS ms, groupUniqArrayArray(a.blocked_by) AS blocked_by "
     "FROM tandem_telemetry.events_raw AS e INNER JOIN tandem_telemetry.activity AS a "
     "ON a.system_id = e.system_id AND a.session_id = e.session_id "
     "WHERE e.level = 0 AND a.ts >= e.ts AND "
     "a.ts <= e.ts + toIntervalMicrosecond(e.duration_us + e.commit_us) "
     "GROUP BY ALL"},
    {"blocking",
     "SELECT w.ts AS ts, w.system_id AS system_id, w.database AS database, w.pid AS pid, "
     "w.application AS application, w.user AS user, w.query_id AS query_id, "
     "w.wait_event AS lock, w.stands_for_ms AS ms, w.blocker AS blocker_pid, "
     "b.application AS blocker_application, b.user AS blocker_user, b.state AS blocker_state, "
     "b.query_id AS blocker_query_id, b.transaction_start AS blocker_transaction_start, "
     "b.blocked_by AS blocker_blocked_by "
     "FROM (SELECT *, arrayJoin(blocked_by) AS blocker FROM tandem_telemetry.activity "
     "WHERE notEmpty(blocked_by)) AS w LEFT JOIN tandem_telemetry.activity AS b "
     "ON b.system_id = w.system_id AND b.ts = w.ts AND b.pid = w.blocker"},
};

std::vector<std::string> make_statements() {
    std::vector<std::string> all = {"CREATE DATABASE IF NOT EXISTS tandem_telemetry"};
    for (const Table& table : kTables) {
        all.push_back(create_table(table));
        all.push_back(add_columns(table));
    }
    for (const Rollup& rollup : kRollups) {
        all.push_back(create_states(rollup));
        all.push_back(create_feed(rollup));
        all.push_back(create_rollup_view(rollup));
    }
    for (const View& view : kViews)
        all.push_back(std::string("CREATE OR REPLACE VIEW tandem_telemetry.") + view.name + " AS " +
                      view.select);
    all.push_back(
        "CREATE TABLE IF NOT EXISTS tandem_telemetry.schema_version ("
        "version UInt32, made DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY version "
        "COMMENT 'which version of the tables is here'");
    all.push_back("INSERT INTO tandem_telemetry.schema_version (version) SELECT " +
                  std::to_string(kSchemaVersion));
    return all;
}

}  // namespace

const std::vector<std::string>& schema_statements() {
    static const std::vector<std::string> kStatements = make_statements();
    return kStatements;
}

std::string column_reference() {
    std::string page;
    for (uint32_t part : {kPartEvents, kPartTexts, kPartPlans, kPartActivity}) {
        page += std::string(page.empty() ? "" : "\n") + "## Columns of " + part_table(part) +
                "\n\n| column | type | meaning |\n|---|---|---|\n";
        for (const ColumnInfo& column : part_columns(part))
            page += std::string("| `") + column.name + "` | `" + column.type + "` | " +
                    column.comment + " |\n";
    }
    return page;
}

}  // namespace tandem::telemetry
