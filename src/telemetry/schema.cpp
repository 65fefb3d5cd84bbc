// Everything is created where it is missing and nothing is dropped: what an operator changed (TTLs,
// indexes, columns of their own) stays. A later version adds ALTER statements behind these.
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

std::string create_events() {
    std::string sql = "CREATE TABLE IF NOT EXISTS tandem_telemetry.events_raw (";
    for (const ColumnInfo& column : event_columns()) {
        sql += std::string("`") + column.name + "` " + column.type + " COMMENT " +
               quoted(column.comment) + " CODEC(" + column.codec + "), ";
    }
    sql +=
        "INDEX failed sqlstate TYPE set(64) GRANULARITY 4, "
        "INDEX trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4) "
        "ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (database, query_id, ts) "
        "TTL toDateTime(ts) + INTERVAL 30 DAY DELETE "
        "SETTINGS ttl_only_drop_parts = 1, " +
        kDeduplicate +
        " COMMENT 'every execution of a statement in Postgres, also those that failed'";
    return sql;
}

std::string create_texts() {
    return "CREATE TABLE IF NOT EXISTS tandem_telemetry.query_texts ("
           "database LowCardinality(String) COMMENT 'database of the statement', "
           "query_id Int64 COMMENT 'fingerprint, as in events_raw', "
           "text String COMMENT 'the statement with constants as $n' CODEC(ZSTD(3)), "
           "cut UInt8 COMMENT '1: longer than tandem.telemetry_text_max', "
           "operation LowCardinality(String) COMMENT 'command tag; empty when it was never "
           "analysed', "
           "seen DateTime('UTC') COMMENT 'when the text was last sent') "
           "ENGINE = ReplacingMergeTree(seen) ORDER BY (database, query_id) "
           "TTL seen + INTERVAL 400 DAY DELETE SETTINGS " +
           kDeduplicate + " COMMENT 'text of each query, once per database and fingerprint'";
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
    std::string sql = std::string("CREATE VIEW IF NOT EXISTS tandem_telemetry.") + rollup.name +
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

std::vector<std::string> make_statements() {
    std::vector<std::string> all = {
        "CREATE DATABASE IF NOT EXISTS tandem_telemetry",
        create_events(),
        create_texts(),
    };
    for (const Rollup& rollup : kRollups) {
        all.push_back(create_states(rollup));
        all.push_back(create_feed(rollup));
        all.push_back(create_rollup_view(rollup));
    }
    all.push_back(
        "CREATE VIEW IF NOT EXISTS tandem_telemetry.events_recent_1h AS "
        "SELECT * FROM tandem_telemetry.events_raw WHERE ts > now() - INTERVAL 1 HOUR");
    all.push_back(
        "CREATE VIEW IF NOT EXISTS tandem_telemetry.errors_recent AS "
        "SELECT * FROM tandem_telemetry.events_raw "
        "WHERE sqlstate != '' AND ts > now() - INTERVAL 7 DAY");
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
    std::string page = "| column | type | meaning |\n|---|---|---|\n";
    for (const ColumnInfo& column : event_columns())
        page += std::string("| `") + column.name + "` | `" + column.type + "` | " + column.comment +
                " |\n";
    return page;
}

}  // namespace tandem::telemetry
