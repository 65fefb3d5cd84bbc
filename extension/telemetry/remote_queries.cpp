// tandem.telemetry_queries(), telemetry_errors() and telemetry_blocking(): what ClickHouse knows of
// this server's statements, as rows of Postgres. The queries are fixed; their arguments are
// numbers.
#include "extension/shell/pg.h"

extern "C" {
#include "access/xlog.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
}

#include "extension/remote/remote.h"
#include "extension/shell/memory.h"
#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"
#include "telemetry/facade.h"

namespace tandem::shell {

namespace {

constexpr uint64 kResultBytesMax = 64 << 20;
constexpr int kColumnsMax = 20;

[[noreturn]] void raise(const Failure& failure) {
    ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
                    errmsg("telemetry cannot be read from ClickHouse: %s", failure.message),
                    failure.advice[0] == '\0' ? 0 : errhint("%s", failure.advice)));
    pg_unreachable();
}

CatalogTarget* telemetry_target() {
    if (telemetry_url == nullptr || *telemetry_url == '\0')
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("tandem.telemetry_clickhouse is not set")));
    Failure failure = {};
    size_t size = strlen(telemetry_url) + 64;
    telemetry::ServerUrl url = {};
    if (!telemetry::parse_server_url(telemetry_url, static_cast<char*>(palloc(size)), size, &url,
                                     &failure))
        raise(failure);
    CatalogTarget* target = make<CatalogTarget>();
    target->host = c_string_of(url.host);
    target->port = url.port;
    target->user = c_string_of(url.user);
    target->password = c_string_of(url.password);
    target->secure = url.secure;
    target->ca_file = telemetry_tls_ca;
    target->certificate = telemetry_tls_certificate;
    target->private_key = telemetry_tls_key;
    return target;
}

// Types as the queries below give them.
Datum value_of(const clickhouse::ColumnView& column, uint64 row, Oid type) {
    if (type == TEXTOID) {
        uint64 begin = row == 0 ? 0 : column.offsets[row - 1];
        uint64 size = column.offsets[row] - begin;
        return PointerGetDatum(
            cstring_to_text_with_len(column.data + begin, static_cast<int>(size)));
    }
    int64 number;
    memcpy(&number, column.data + row * sizeof number, sizeof number);
    if (type == TIMESTAMPTZOID) return TimestampTzGetDatum(number - kUnixEpochUs);
    if (type == FLOAT8OID) return Float8GetDatum(std::bit_cast<double>(number));
    return Int64GetDatum(number);
}

Text clickhouse_type(Oid type) {
    if (type == TEXTOID) return "String";
    return type == FLOAT8OID ? "Float64" : "Int64";
}

void put_rows(ReturnSetInfo* result, const char* sql) {
    TupleDesc shape = result->setDesc;
    Text expected[kColumnsMax];
    for (int i = 0; i < shape->natts; ++i)
        expected[i] = clickhouse_type(TupleDescAttr(shape, i)->atttypid);
    clickhouse::RunOptions options = {};
    options.sql = sql;
    options.expected = {expected, static_cast<uint32_t>(shape->natts)};
    options.memory_max = kResultBytesMax;
    Failure failure = {};
    RemoteRun* run =
        remote_start(*telemetry_target(), "default", options, CurrentMemoryContext, &failure);
    if (run == nullptr) raise(failure);
    while (remote_next_block(run, &failure)) {
        for (uint64 row = 0; row < run->block.rows; ++row) {
            Datum values[kColumnsMax];
            bool nulls[kColumnsMax] = {};
            for (int i = 0; i < shape->natts; ++i)
                values[i] = value_of(run->block.columns[static_cast<uint32_t>(i)], row,
                                     TupleDescAttr(shape, i)->atttypid);
            tuplestore_putvalues(result->setResult, shape, values, nulls);
        }
    }
    if (!run->done) raise(failure);
    remote_stop(run);
}

int64 seconds_of(const Interval* interval) {
    return static_cast<int64>(interval->month) * 30 * 86400 +
           static_cast<int64>(interval->day) * 86400 + interval->time / USECS_PER_SEC;
}

// What started in the last seconds, of this cluster.
char* condition(FunctionCallInfo fcinfo, const char* time) {
    int64 seconds = seconds_of(PG_GETARG_INTERVAL_P(0));
    return psprintf("system_id = %llu AND %s >= now() - %lld",
                    static_cast<unsigned long long>(GetSystemIdentifier()), time,
                    static_cast<long long>(Max(seconds, 0)));
}

constexpr const char* kQueriesSql =
    "SELECT CAST(q.database AS String), q.query_id, CAST(q.operation AS String), "
    "toInt64(round(q.calls)), "
    "toInt64(round(q.errors)), q.total / 1000, q.total / greatest(q.calls, 1) / 1000, "
    "toFloat64(q.p[1]) / 1000, toFloat64(q.p[2]) / 1000, toFloat64(q.longest) / 1000, "
    "q.planning / 1000, toInt64(round(q.rows)), toInt64(round(q.blocks)), q.io / 1000, "
    "toInt64(round(q.wal)), toInt64(round(q.remote)), t.text FROM (SELECT database, query_id, "
    "any(operation) AS operation, sum(weight) AS calls, sumIf(weight, sqlstate != '') AS errors, "
    "sum(toFloat64(weight) * duration_us) AS total, "
    "sum(toFloat64(weight) * planning_us) AS planning, "
    "quantilesTDigestWeightedIf(0.5, 0.99)(duration_us, toUInt64(round(weight)), sqlstate = '') AS "
    "p, "
    "max(duration_us) AS longest, sum(toFloat64(weight) * rows) AS rows, "
    "sum(toFloat64(weight) * shared_blks_read) AS blocks, "
    "sum(toFloat64(weight) * (shared_blk_read_time_us + shared_blk_write_time_us + "
    "temp_blk_read_time_us + temp_blk_write_time_us)) AS io, "
    "sum(toFloat64(weight) * wal_bytes) AS wal, sumIf(weight, routed = 'clickhouse') AS remote "
    "FROM tandem_telemetry.events_raw WHERE %s GROUP BY database, query_id) AS q "
    "LEFT JOIN (SELECT database, query_id, argMax(text, seen) AS text "
    "FROM tandem_telemetry.query_texts GROUP BY database, query_id) AS t "
    "ON t.database = q.database AND t.query_id = q.query_id ORDER BY q.total DESC LIMIT 1000";

constexpr const char* kErrorsSql =
    "SELECT toUnixTimestamp64Micro(e.ts), CAST(e.database AS String), CAST(e.user AS String), "
    "CAST(e.application AS String), toInt64(e.pid), CAST(e.sqlstate AS String), e.error_message, "
    "e.error_detail, e.error_context, toFloat64(e.duration_us) / 1000, e.query_id, t.text "
    "FROM (SELECT * FROM tandem_telemetry.events_raw WHERE sqlstate != '' AND parent = 0 AND %s "
    "ORDER BY ts DESC LIMIT 1000) AS e "
    "LEFT JOIN (SELECT database, query_id, argMax(text, seen) AS text "
    "FROM tandem_telemetry.query_texts GROUP BY database, query_id) AS t "
    "ON t.database = e.database AND t.query_id = e.query_id ORDER BY e.ts DESC";

constexpr const char* kBlockingSql =
    "SELECT toUnixTimestamp64Micro(b.ts), CAST(b.database AS String), toInt64(b.pid), "
    "CAST(b.user AS String), CAST(b.application AS String), CAST(b.lock AS String), "
    "toInt64(b.ms), b.query_id, t.text, toInt64(b.blocker_pid), CAST(b.blocker_user AS String), "
    "CAST(b.blocker_application AS String), CAST(b.blocker_state AS String), b.blocker_query_id, "
    "r.text FROM (SELECT * FROM tandem_telemetry.blocking WHERE %s ORDER BY ts DESC LIMIT 1000) "
    "AS b LEFT JOIN (SELECT query_id, any(text) AS text FROM tandem_telemetry.query_texts "
    "GROUP BY query_id) AS t ON t.query_id = b.query_id "
    "LEFT JOIN (SELECT query_id, any(text) AS text FROM tandem_telemetry.query_texts "
    "GROUP BY query_id) AS r ON r.query_id = b.blocker_query_id ORDER BY b.ts DESC, b.pid";

}  // namespace

}  // namespace tandem::shell

extern "C" {
PG_FUNCTION_INFO_V1(tandem_telemetry_queries);
PGDLLEXPORT Datum tandem_telemetry_queries(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(tandem_telemetry_errors);
PGDLLEXPORT Datum tandem_telemetry_errors(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(tandem_telemetry_blocking);
PGDLLEXPORT Datum tandem_telemetry_blocking(PG_FUNCTION_ARGS);
}

Datum tandem_telemetry_queries(PG_FUNCTION_ARGS) {
    using namespace tandem::shell;
    InitMaterializedSRF(fcinfo, 0);
    put_rows(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo),
             psprintf(kQueriesSql, condition(fcinfo, "ts")));
    return Datum(0);
}

Datum tandem_telemetry_errors(PG_FUNCTION_ARGS) {
    using namespace tandem::shell;
    InitMaterializedSRF(fcinfo, 0);
    put_rows(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo),
             psprintf(kErrorsSql, condition(fcinfo, "ts")));
    return Datum(0);
}

Datum tandem_telemetry_blocking(PG_FUNCTION_ARGS) {
    using namespace tandem::shell;
    InitMaterializedSRF(fcinfo, 0);
    put_rows(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo),
             psprintf(kBlockingSql, condition(fcinfo, "ts")));
    return Datum(0);
}
