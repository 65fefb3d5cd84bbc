// What routing costs: the demo query through Postgres against the same SQL sent to the same
// ClickHouse by the project's own client, in alternating pairs. Prints the medians and the ratio.
//
//     route_bench CONNINFO CLICKHOUSE_HOST PORT USER    (password in TANDEM_CLICKHOUSE_PASSWORD)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/commands/demo/data.h"
#include "clickhouse/client/client.h"
#include "postgres/client/connection.h"

namespace tandem {
namespace {

constexpr int kPairs = 11;

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// The values of the query's parameters, by their type: the moment a week ago, the countries.
Result<std::vector<clickhouse::Parameter>> parameters(const std::string& sql,
                                                      const std::string& week_ago) {
    std::vector<clickhouse::Parameter> found;
    for (size_t at = sql.find("{p"); at != std::string::npos; at = sql.find("{p", at + 1)) {
        size_t colon = sql.find(':', at);
        size_t end = sql.find('}', at);
        std::string name = sql.substr(at + 1, colon - at - 1);
        std::string type = sql.substr(colon + 1, end - colon - 1);
        if (type.find("DateTime64") != std::string::npos)
            found.push_back({.name = name, .value = week_ago});
        else if (type == "Array(String)")
            found.push_back({.name = name,
                             .value = "['US', 'UK', 'DE']",
                             .form = clickhouse::ParameterForm::kLiteral});
        else
            return Error(ErrorCode::kInternal, "unexpected parameter of type " + type);
    }
    return found;
}

Status run(const char* const* arguments) {
    auto postgres =
        TRY(postgres::Connection::open({.conninfo = arguments[1], .pinned_search_path = false}));
    clickhouse::Endpoint endpoint;
    endpoint.host = arguments[2];
    endpoint.port = static_cast<uint16_t>(std::atoi(arguments[3]));
    endpoint.user = arguments[4];
    if (const char* password = std::getenv("TANDEM_CLICKHOUSE_PASSWORD"))
        endpoint.password = password;
    auto client = TRY(clickhouse::connect_native(endpoint));
    TRY(postgres.execute("SET tandem.route = force"));
    TRY(postgres.execute("SET tandem.freshness = eventual"));
    auto explained =
        TRY(postgres.query("SELECT remote_sql, to_char((now() - interval '7 days') AT "
                           "TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') FROM "
                           "tandem.explain_route($q$" +
                           std::string(cli::kDemoQueries[0].sql) + "$q$)"));
    clickhouse::Query query{.sql = explained.text(0, 0)};
    query.parameters = TRY(parameters(query.sql, explained.text(0, 1)));
    std::vector<double> routed;
    std::vector<double> direct;
    for (int pair = -1; pair < kPairs; ++pair) {  // the first one warms up
        auto start = Clock::now();
        auto rows = TRY(postgres.query(cli::kDemoQueries[0].sql));
        double routed_ms = milliseconds_since(start);
        start = Clock::now();
        auto block = TRY(clickhouse::select_all(*client, query));
        double direct_ms = milliseconds_since(start);
        if (static_cast<size_t>(rows.rows()) != block.rows())
            return Error(ErrorCode::kInternal, "the two answers differ in rows");
        if (pair < 0) continue;
        routed.push_back(routed_ms);
        direct.push_back(direct_ms);
    }
    double limit = median(direct) * 1.3 + 3;
    std::printf(
        "demo query routed: %.1f ms, the same SQL by our client: %.1f ms (target at most "
        "1.3 x + 3 ms = %.1f ms)\n",
        median(routed), median(direct), limit);
    return {};
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: route_bench CONNINFO CLICKHOUSE_HOST PORT USER\n");
        return 64;
    }
    tandem::Status status = tandem::run(argv);
    if (status.ok()) return 0;
    std::fprintf(stderr, "%s\n", status.error().to_string().c_str());
    return status.error().info().exit_code;
}
