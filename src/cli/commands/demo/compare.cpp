#include "cli/commands/demo/compare.h"

#include <algorithm>
#include <chrono>

#include "cli/commands/demo/data.h"
#include "cli/terminal.h"

namespace tandem::cli {
namespace {

using postgres::Parameter;
using postgres::QueryResult;

constexpr postgres::QueryOptions kLong{.timeout = std::chrono::minutes(30)};

struct Timed {
    QueryResult rows;
    double milliseconds = 0;
};

Result<Timed> run_timed(postgres::Connection& connection, const char* sql) {
    auto start = std::chrono::steady_clock::now();
    QueryResult rows = TRY(connection.query(sql, kLong));
    auto taken = std::chrono::steady_clock::now() - start;
    return Timed{std::move(rows), std::chrono::duration<double, std::milli>(taken).count()};
}

// The faster of two runs, so that neither side pays for cold caches.
Result<Timed> run_best(postgres::Connection& connection, const char* sql, const std::string& mode) {
    TRY(connection.execute("SET LOCAL tandem.route = '" + mode + "'"));
    Timed first = TRY(run_timed(connection, sql));
    Timed second = TRY(run_timed(connection, sql));
    second.milliseconds = std::min(first.milliseconds, second.milliseconds);
    return second;
}

// Setting tandem.route on a server without the router would pass unnoticed; the function that the
// extension brings would not.
Status check_router(postgres::Connection& connection) {
    QueryResult rows =
        TRY(connection.query("SELECT to_regprocedure('tandem.explain_route(text)') IS NOT NULL"));
    if (TRY(rows.boolean(0, 0))) return {};
    return Error(ErrorCode::kNotRoutable,
                 "the router is not there: extension tandem is not installed in this database "
                 "(`make install`, then `tandem down` and `tandem up`)");
}

Result<std::string> remote_sql(postgres::Connection& connection, const DemoQuery& query) {
    const Parameter parameters[] = {{.value = query.sql}};
    QueryResult rows = TRY(connection.query(
        "SELECT routed, reason_code, reason, remote_sql FROM tandem.explain_route($1)",
        parameters));
    if (rows.rows() == 1 && TRY(rows.boolean(0, 0))) return rows.text(0, 3);
    return Error(ErrorCode::kNotRoutable,
                 "the router keeps the query \"" + std::string(query.name) + "\" in Postgres: " +
                     (rows.rows() == 1 ? rows.text(0, 2) + " (" + rows.text(0, 1) + ")" : ""));
}

Status wait_for_mirror(postgres::Connection& connection) {
    QueryResult rows = TRY(connection.query(
        std::string("SELECT tandem.wait_for('") + kDemoMirror + "', NULL, interval '120 seconds')",
        kLong));
    if (TRY(rows.boolean(0, 0))) return {};
    return Error(ErrorCode::kTimeout, "the mirror did not catch up within two minutes");
}

Result<Comparison> compare_one(postgres::Connection& connection, const DemoQuery& query) {
    Comparison comparison;
    comparison.name = query.name;
    comparison.remote_sql = TRY(remote_sql(connection, query));
    TRY(connection.execute("BEGIN READ ONLY"));
    // What is committed has arrived, nobody writes: waiting for the WAL of a vacuum, say, which the
    // default (strong) would do, proves nothing more.
    TRY(connection.execute("SET LOCAL tandem.freshness = 'session'"));
    TRY(connection.execute("SET LOCAL tandem.wait_budget = '60s'"));
    Step step("asking both ways: " + comparison.name);
    Timed local = TRY(run_best(connection, query.sql, "off"));
    Timed routed = TRY(run_best(connection, query.sql, "force"));
    TRY(connection.execute("COMMIT"));
    step.finish(duration_text(local.milliseconds) + " in Postgres, " +
                duration_text(routed.milliseconds) + " routed");
    comparison.postgres_ms = local.milliseconds;
    comparison.routed_ms = routed.milliseconds;
    comparison.rows = local.rows.rows();
    comparison.difference = first_difference(local.rows, routed.rows);
    comparison.identical = comparison.difference.empty() && comparison.rows > 0;
    return comparison;
}

Result<std::vector<Comparison>> compare_paused(postgres::Connection& connection) {
    TRY(wait_for_mirror(connection));
    std::vector<Comparison> comparisons;
    for (size_t i = 0; i < kDemoQueryCount; ++i)
        comparisons.push_back(TRY(compare_one(connection, kDemoQueries[i])));
    return comparisons;
}

std::string shown(const QueryResult& rows, int row, int column) {
    return rows.is_null(row, column) ? "NULL" : rows.text(row, column);
}

}  // namespace

std::string first_difference(const QueryResult& left, const QueryResult& right) {
    if (left.columns() != right.columns() || left.rows() != right.rows())
        return std::to_string(left.rows()) + " rows of " + std::to_string(left.columns()) +
               " columns against " + std::to_string(right.rows()) + " rows of " +
               std::to_string(right.columns()) + " columns";
    for (int column = 0; column < left.columns(); ++column)
        if (left.column_name(column) != right.column_name(column) ||
            left.column_type(column) != right.column_type(column))
            return "column " + std::to_string(column + 1) + " differs in name or type";
    for (int row = 0; row < left.rows(); ++row)
        for (int column = 0; column < left.columns(); ++column)
            if (left.is_null(row, column) != right.is_null(row, column) ||
                left.value(row, column) != right.value(row, column))
                return "row " + std::to_string(row + 1) + ", column " +
                       std::string(left.column_name(column)) + ": " + shown(left, row, column) +
                       " against " + shown(right, row, column);
    return "";
}

Result<std::vector<Comparison>> compare_answers(postgres::Connection& connection) {
    TRY(check_router(connection));
    // Both sides must see the same data, so the writers pause.
    std::string lock = "(" + std::to_string(kDemoLock) + ")";
    TRY(connection.execute("SELECT pg_advisory_lock" + lock));
    Result<std::vector<Comparison>> comparison = compare_paused(connection);
    if (connection.in_transaction()) TRY(connection.execute("ROLLBACK"));
    if (connection.usable()) TRY(connection.execute("SELECT pg_advisory_unlock" + lock));
    return comparison;
}

}  // namespace tandem::cli
