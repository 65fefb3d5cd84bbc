#include "cli/commands/verify.h"

#include <nlohmann/json.hpp>

#include "cli/commands/stack.h"
#include "cli/terminal.h"
#include "mirror/verify/verify.h"
#include "stack/supervisor/settings.h"

namespace tandem::cli {
namespace {

using nlohmann::ordered_json;

Result<std::vector<std::string>> mirror_names(postgres::Connection& connection,
                                              const std::string& wanted) {
    if (!wanted.empty()) return std::vector<std::string>{wanted};
    postgres::QueryResult rows = TRY(connection.query(
        "SELECT name FROM tandem.mirrors WHERE wanted <> 'dropped' ORDER BY name"));
    std::vector<std::string> names;
    names.reserve(static_cast<size_t>(rows.rows()));
    for (int row = 0; row < rows.rows(); ++row) names.push_back(rows.text(row, 0));
    return names;
}

clickhouse::Endpoint endpoint_of(const config::ClickHouseUrl& target) {
    clickhouse::Endpoint endpoint;
    endpoint.host = target.host;
    endpoint.port = target.native_port;
    endpoint.user = target.user;
    endpoint.password = target.password;
    endpoint.secure = target.secure;
    return endpoint;
}

ordered_json value_or_null(const std::optional<std::string>& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json to_json(const std::string& mirror, const mirror::VerifiedTable& table) {
    ordered_json differences = ordered_json::array();
    for (const mirror::Difference& difference : table.comparison.differences)
        differences.push_back({{"key", difference.key},
                               {"column", difference.column},
                               {"source", value_or_null(difference.source)},
                               {"target", value_or_null(difference.target)}});
    return {{"mirror", mirror},
            {"table", table.schema + "." + table.name},
            {"state", table.state},
            {"equal", table.equal()},
            {"source_rows", table.comparison.source_rows},
            {"target_rows", table.comparison.target_rows},
            {"differing_rows", table.comparison.differing},
            {"repaired_rows", table.repaired},
            {"columns_inexact", table.inexact_columns},
            {"columns_missing", table.missing_columns},
            {"differences", differences}};
}

void show(const mirror::VerifiedTable& table) {
    std::string name = table.schema + "." + table.name;
    if (table.state != "live") {
        print_line(name + ": not compared, its state is " + table.state);
        return;
    }
    if (table.repaired > 0)
        print_line(name + ": " + with_thousands(table.repaired) + " rows were written again");
    print_line(name + ": " + (table.equal() ? "equal, " : "DIFFERENT, ") +
               with_thousands(table.comparison.source_rows) + " rows");
    if (!table.comparison.equal()) print_line(table.comparison.to_string());
    for (const std::string& column : table.inexact_columns)
        print_line("  inexact: " + column + ", which held a value ClickHouse cannot hold");
    for (const std::string& column : table.missing_columns)
        print_line("  missing: column " + column + " is not mirrored");
}

}  // namespace

Status verify(Options options, const VerifyRequest& request) {
    postgres::Connection connection = TRY(connect_source(options));
    stack::Settings settings = TRY(known_settings(options));
    config::ClickHouseUrl target = TRY(stack::clickhouse_target(settings));
    ordered_json list = ordered_json::array();
    bool equal = true;
    for (const std::string& name : TRY(mirror_names(connection, request.mirror))) {
        mirror::CompareOptions compare;
        compare.rounds = request.rounds;
        compare.repair = request.repair;
        Step step("comparing mirror " + name);
        std::vector<mirror::VerifiedTable> tables = TRY(mirror::verify_mirror(
            stack::source_conninfo(settings), endpoint_of(target), name, request.tables, compare));
        step.finish("done");
        for (const mirror::VerifiedTable& table : tables) {
            equal = equal && table.equal();
            list.push_back(to_json(name, table));
            if (!options.json) show(table);
        }
    }
    if (options.json) print_line(list.dump(2, ' ', false, ordered_json::error_handler_t::replace));
    if (equal) return {};
    return Error(ErrorCode::kVerificationFailed, "not everything is live and equal");
}

}  // namespace tandem::cli
