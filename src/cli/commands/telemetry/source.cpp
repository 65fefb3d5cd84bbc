#include "cli/commands/telemetry/source.h"

#include <cmath>

#include "cli/commands/stack.h"
#include "postgres/client/connection.h"
#include "stack/supervisor/settings.h"

namespace tandem::cli {
namespace {

using nlohmann::ordered_json;

constexpr int kUnknownTable = 60;
constexpr int kUnknownDatabase = 81;

// What Postgres knows of its telemetry; each part only where there is one and the role may see it.
struct Known {
    std::string system_id;
    std::string url;
    std::string state;
    std::string advice;
};

std::string first_value(postgres::Connection& connection, const std::string& sql) {
    Result<postgres::QueryResult> rows = connection.query(sql);
    return rows.ok() && rows->rows() > 0 && !rows->is_null(0, 0) ? rows->text(0, 0) : "";
}

Result<Known> ask_postgres(const Options& options) {
    postgres::ConnectOptions connect;
    connect.application_name = "tandem cli";
    connect.conninfo = stack::source_conninfo(TRY(known_settings(options)));
    postgres::Connection connection = TRY(postgres::Connection::open(connect));
    Known known;
    known.system_id =
        first_value(connection, "SELECT system_identifier::text FROM pg_control_system()");
    known.url = first_value(
        connection, "SELECT setting FROM pg_settings WHERE name = 'tandem.telemetry_clickhouse'");
    known.state = first_value(connection, "SELECT state FROM tandem.telemetry_stats");
    known.advice = first_value(connection, "SELECT advice FROM tandem.telemetry_stats");
    if (known.state.empty()) known.state = "not installed in this database";
    return known;
}

Result<std::unique_ptr<clickhouse::Client>> connect(const config::ClickHouseUrl& url) {
    clickhouse::Endpoint endpoint;
    endpoint.host = url.host;
    endpoint.port = url.native_port;
    endpoint.user = url.user;
    endpoint.password = url.password;
    endpoint.secure = url.secure;
    return clickhouse::connect_native(endpoint);
}

Result<config::ClickHouseUrl> url_of(const Options& options, const std::string& flag,
                                     const std::string& setting) {
    if (flag.empty() && !setting.empty()) return config::parse_clickhouse_url(setting);
    return stack::clickhouse_target(TRY(known_settings(options)));
}

ordered_json value_of(const types::Column& column, size_t row) {
    if (column.is_null(row)) return nullptr;
    switch (column.value_kind()) {
        case types::ChKind::kFloat64:
            return std::isfinite(column.fixed<double>(row))
                       ? ordered_json(column.fixed<double>(row))
                       : ordered_json(nullptr);
        case types::ChKind::kInt64:
            return column.fixed<int64_t>(row);
        case types::ChKind::kUInt64:
            return column.fixed<uint64_t>(row);
        default:
            return std::string(column.string(row));
    }
}

std::string reason(const TelemetrySource& source) {
    if (source.state.empty() || source.state == "on") return "";
    return "; in Postgres telemetry is " + source.state +
           (source.advice.empty() ? "" : ": " + source.advice);
}

}  // namespace

Result<TelemetrySource> open_telemetry(Options options) {
    const std::string flag = options.clickhouse_url;
    TRY(complete(options));
    if (!flag.empty() && options.postgres_url.empty() && !stack::find_layout(options.data).ok()) {
        TelemetrySource alone;
        config::ClickHouseUrl url = TRY(config::parse_clickhouse_url(flag));
        if (url.password.empty()) url.password = options.clickhouse_password;
        alone.client = TRY(connect(url));
        return alone;
    }
    Known known;
    Result<Known> asked = ask_postgres(options);
    if (asked.ok())
        known = *std::move(asked);
    else if (flag.empty())
        return std::move(asked).error();
    TelemetrySource source;
    config::ClickHouseUrl url = TRY(url_of(options, flag, known.url));
    source.client = TRY(connect(url));
    source.system_id = known.system_id;
    source.state = known.state;
    source.advice = known.advice;
    return source;
}

Result<ordered_json> ask_telemetry(const TelemetrySource& source, const std::string& sql,
                                   std::vector<clickhouse::Parameter> parameters) {
    clickhouse::Query query;
    query.sql = sql;
    query.parameters = std::move(parameters);
    query.parameters.push_back({.name = "system_id", .value = source.system_id});
    query.settings = {{.name = "join_use_nulls", .value = "0"}};
    Result<types::Block> block = clickhouse::select_all(*source.client, query);
    if (!block.ok()) {
        int code = block.error().foreign_code();
        if (code != kUnknownTable && code != kUnknownDatabase) return std::move(block).error();
        return Error(ErrorCode::kTelemetryMissing,
                     "ClickHouse has no telemetry, or that of an older version" + reason(source));
    }
    ordered_json rows = ordered_json::array();
    for (size_t row = 0; row < block->rows(); ++row) {
        ordered_json object = ordered_json::object();
        for (const types::NamedColumn& named : block->columns)
            object[named.name] = value_of(named.column, row);
        rows.push_back(std::move(object));
    }
    return rows;
}

Status check_any_event(const TelemetrySource& source) {
    ordered_json rows = TRY(ask_telemetry(
        source,
        "SELECT toUInt64(count()) AS events FROM (SELECT 1 FROM tandem_telemetry.events_raw "
        "WHERE {system_id:String} = '' OR system_id = toUInt64OrZero({system_id:String}) LIMIT "
        "1)"));
    if (!rows.empty() && rows[0]["events"] != 0) return {};
    return Error(ErrorCode::kTelemetryMissing,
                 "no event of this Postgres has arrived in ClickHouse yet" + reason(source));
}

}  // namespace tandem::cli
