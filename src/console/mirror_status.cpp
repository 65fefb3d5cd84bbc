#include "console/mirror_status.h"

#include <nlohmann/json.hpp>

namespace tandem::console {
namespace {

using nlohmann::json;

constexpr const char* kEmpty = R"({"mirrors": [], "tables": [], "lag": []})";

constexpr const char* kStatusSql =
    "SELECT json_build_object("
    "'mirrors', (SELECT coalesce(json_agg(m ORDER BY m.name), '[]') FROM tandem.mirrors m), "
    "'tables', (SELECT coalesce(json_agg(t ORDER BY t.mirror, t.schema_name, t.table_name), '[]') "
    "FROM tandem.mirror_tables t), "
    "'lag', (SELECT coalesce(json_agg(l ORDER BY l.mirror), '[]') FROM tandem.mirror_lag l))";

// One metric: how its value is found in the rows of one array.
struct Metric {
    const char* name;
    const char* help;
    const char* rows;    // mirrors, tables or lag
    const char* member;  // number or boolean; a missing or null one is left out
};

constexpr Metric kMetrics[] = {
    {"tandem_mirror_tables", "Tables of the mirror.", "mirrors", "tables"},
    {"tandem_mirror_tables_live", "Tables that are consistent.", "mirrors", "tables_live"},
    {"tandem_mirror_tables_failed", "Tables that stopped with an error.", "mirrors",
     "tables_failed"},
    {"tandem_mirror_rows_loaded", "Rows of the initial load so far.", "mirrors", "rows_loaded"},
    {"tandem_mirror_lag_bytes", "WAL bytes that ClickHouse has not confirmed.", "lag", "lag_bytes"},
    {"tandem_mirror_retained_wal_bytes", "WAL bytes the slot keeps on the source.", "lag",
     "retained_wal_bytes"},
    {"tandem_mirror_slot_active", "1 while the daemon reads the slot.", "lag", "active"},
    {"tandem_table_rows_loaded", "Rows of the table's initial load so far.", "tables",
     "rows_loaded"},
};

std::string label_value(const json& row, const char* member) {
    auto found = row.find(member);
    if (found == row.end() || !found->is_string()) return "";
    std::string escaped;
    for (char c : found->get<std::string>()) {
        if (c == '\\' || c == '"') escaped += '\\';
        if (c == '\n')
            escaped += "\\n";
        else
            escaped += c;
    }
    return escaped;
}

std::string labels(const json& row, std::string_view rows) {
    if (rows == "mirrors") return "mirror=\"" + label_value(row, "name") + "\"";
    std::string text = "mirror=\"" + label_value(row, "mirror") + "\"";
    if (rows == "tables")
        text += ",schema=\"" + label_value(row, "schema_name") + "\",table=\"" +
                label_value(row, "table_name") + "\"";
    return text;
}

void append_metric(const json& status, const Metric& metric, std::string& text) {
    auto rows = status.find(metric.rows);
    if (rows == status.end() || !rows->is_array()) return;
    text += std::string("# HELP ") + metric.name + " " + metric.help + "\n# TYPE " + metric.name +
            " gauge\n";
    for (const json& row : *rows) {
        if (!row.is_object()) continue;
        auto value = row.find(metric.member);
        if (value == row.end() || !(value->is_number() || value->is_boolean())) continue;
        std::string number =
            value->is_boolean() ? std::string(value->get<bool>() ? "1" : "0") : value->dump();
        text += std::string(metric.name) + "{" + labels(row, metric.rows) + "} " + number + "\n";
    }
}

}  // namespace

Result<std::string> read_mirror_status(postgres::Connection& connection) {
    postgres::QueryResult present = TRY(connection.query(
        "SELECT to_regclass('tandem.mirrors') IS NOT NULL AND to_regclass('tandem.mirror_lag') IS "
        "NOT NULL"));
    if (!TRY(present.boolean(0, 0))) return std::string(kEmpty);
    return TRY(connection.query(kStatusSql))
    .text(0, 0);
}

Result<std::string> to_prometheus(const std::string& status_json) {
    json status = json::parse(status_json, nullptr, false);
    if (!status.is_object())
        return Error(ErrorCode::kMalformedData, "the status of the mirrors is not a JSON object");
    std::string text;
    for (const Metric& metric : kMetrics) append_metric(status, metric, text);
    return text;
}

}  // namespace tandem::console
