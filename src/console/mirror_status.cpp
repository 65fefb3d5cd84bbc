#include "console/mirror_status.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "metrics/metrics.h"

namespace tandem::console {
namespace {

using nlohmann::json;

constexpr const char* kEmpty = R"({"mirrors": [], "tables": [], "lag": [], "routes": []})";

constexpr const char* kStatusSql =
    "SELECT json_build_object("
    "'mirrors', (SELECT coalesce(json_agg(m ORDER BY m.name), '[]') FROM tandem.mirrors m), "
    "'tables', (SELECT coalesce(json_agg(t ORDER BY t.mirror, t.schema_name, t.table_name), '[]') "
    "FROM tandem.mirror_tables t), "
    "'lag', (SELECT coalesce(json_agg(l ORDER BY l.mirror), '[]') FROM tandem.mirror_lag l), "
    "'routes', ";

// The router's counters belong to the extension, which a source need not have; the function is
// there in each of its versions.
constexpr const char* kRoutesSql =
    "(SELECT coalesce(json_agg(r ORDER BY r.reason_code), '[]') FROM tandem.route_counters() r))";
constexpr const char* kNoRoutesSql = "'[]'::json)";

std::string text_member(const json& row, const char* member) {
    auto found = row.find(member);
    return found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<std::pair<std::string, std::string>> labels(const json& row, std::string_view rows) {
    if (rows == "routes") return {{"reason", text_member(row, "reason_code")}};
    if (rows == "mirrors") return {{"mirror", text_member(row, "name")}};
    if (rows == "lag") return {{"mirror", text_member(row, "mirror")}};
    return {{"mirror", text_member(row, "mirror")},
            {"schema", text_member(row, "schema_name")},
            {"table", text_member(row, "table_name")}};
}

std::optional<double> value_of(const json& row, std::string_view member) {
    if (member == "live") return text_member(row, "state") == "live" ? 1 : 0;
    auto value = row.find(std::string(member));
    if (value == row.end()) return std::nullopt;
    if (value->is_boolean()) return value->get<bool>() ? 1 : 0;
    if (value->is_number()) return value->get<double>();
    return std::nullopt;
}

void add_samples(const json& status, const metrics::StatusMetric& metric,
                 std::vector<metrics::Sample>& samples) {
    auto rows = status.find(metric.rows);
    if (rows == status.end() || !rows->is_array()) return;
    for (const json& row : *rows) {
        if (!row.is_object()) continue;
        std::optional<double> value = value_of(row, metric.member);
        if (value) samples.push_back({&metric, labels(row, metric.rows), *value});
    }
}

}  // namespace

Result<std::string> read_mirror_status(postgres::Connection& connection) {
    postgres::QueryResult present = TRY(connection.query(
        "SELECT to_regclass('tandem.mirrors') IS NOT NULL AND to_regclass('tandem.mirror_lag') IS "
        "NOT NULL, to_regprocedure('tandem.route_counters()') IS NOT NULL"));
    if (!TRY(present.boolean(0, 0))) return std::string(kEmpty);
    bool routes = TRY(present.boolean(0, 1));
    std::string sql = std::string(kStatusSql) + (routes ? kRoutesSql : kNoRoutesSql);
    postgres::QueryResult status = TRY(connection.query(sql));
    return status.text(0, 0);
}

Result<std::string> to_prometheus(const std::string& status_json) {
    json status = json::parse(status_json, nullptr, false);
    if (!status.is_object())
        return Error(ErrorCode::kMalformedData, "the status of the mirrors is not a JSON object");
    std::vector<metrics::Sample> samples;
    for (const metrics::StatusMetric& metric : metrics::status_metrics())
        add_samples(status, metric, samples);
    return metrics::to_text(samples);
}

}  // namespace tandem::console
