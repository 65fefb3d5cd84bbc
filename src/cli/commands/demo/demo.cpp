#include "cli/commands/demo/demo.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/back_off.h"
#include "cli/commands/demo/compare.h"
#include "cli/commands/demo/data.h"
#include "cli/commands/mirror.h"
#include "cli/commands/stack.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "stack/clickhouse/clickhouse_http.h"
#include "stack/machine/files.h"
#include "stack/supervisor/settings.h"

namespace tandem::cli {
namespace {

using Clock = std::chrono::steady_clock;
using postgres::Parameter;

constexpr int kLagSamples = 5;
constexpr std::chrono::seconds kLagPatience(60);
constexpr std::chrono::milliseconds kWriterPause(100);

struct Report {
    uint64_t rows_mirrored = 0;
    double snapshot_rows_per_second = 0;
    double lag_ms = 0;
    std::vector<Comparison> comparisons = {};  // as kDemoQueries
    stack::Endpoints endpoints;
};

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// The rate of the load is measured once and remembered for later runs.
std::string rate_path(const stack::Layout& layout) {
    return layout.run("demo-rate");
}

Result<double> remembered_rate(const stack::Layout& layout) {
    std::string text = TRY(stack::read_file(rate_path(layout)));
    return std::strtod(text.c_str(), nullptr);
}

Status mirror_demo(postgres::Connection& connection, const stack::Layout& layout, uint64_t rows,
                   Report& report) {
    postgres::QueryResult known = TRY(connection.query(
        "SELECT count(*) FROM tandem.mirrors WHERE name = 'demo' AND wanted <> 'dropped'"));
    bool fresh = TRY(known.integer(0, 0))
    == 0;
    auto start = Clock::now();
    if (fresh)
        TRY(
            connection.execute("SELECT tandem.create_mirror('demo', ARRAY['public.events', "
                               "'public.users'], '{}')"));
    TRY(wait_until_live(connection, kDemoMirror, rows));
    double seconds = ms_since(start) / 1000;
    postgres::QueryResult loaded = TRY(connection.query(
        "SELECT coalesce(sum(rows_loaded), 0)::bigint FROM tandem.mirror_tables WHERE mirror = "
        "'demo'"));
    report.rows_mirrored = static_cast<uint64_t>(TRY(loaded.integer(0, 0)));
    if (fresh) {
        report.snapshot_rows_per_second = static_cast<double>(report.rows_mirrored) / seconds;
        return stack::write_private_file(rate_path(layout),
                                         std::to_string(report.snapshot_rows_per_second));
    }
    Result<double> rate = remembered_rate(layout);
    if (rate.ok()) report.snapshot_rows_per_second = *rate;
    return {};
}

Status start_writers(const stack::Layout& layout, bool wanted) {
    stack::Settings settings = TRY(stack::load_settings(layout));
    if (settings.demo_writer == wanted) return {};
    settings.demo_writer = wanted;
    TRY(stack::save_settings(layout, settings));
    stack::State state = TRY(stack::load_state(layout));
    if (stack::is_running(state.supervisor)) kill(state.supervisor.pid, SIGHUP);
    return {};
}

// Commits a marker and asks ClickHouse until it is there.
Result<double> measure_lag_once(postgres::Connection& connection,
                                const config::ClickHouseUrl& target, int sample) {
    std::string marker = TRY(stack::random_password())
    +std::to_string(sample);
    const Parameter parameters[] = {{.value = marker}};
    TRY(connection.execute("UPDATE public.users SET name = $1 WHERE user_id = 20000", parameters));
    auto committed = Clock::now();
    std::string question =
        "SELECT count() FROM tandem.users WHERE user_id = 20000 AND name = '" + marker + "'";
    while (Clock::now() - committed < kLagPatience) {
        if (TRY(stack::ask_clickhouse(target, question)) == "1") return ms_since(committed);
    }
    return Error(ErrorCode::kTimeout, "a committed row did not reach ClickHouse within a minute");
}

// The median of a few.
Result<double> measure_lag(postgres::Connection& connection, const config::ClickHouseUrl& target) {
    std::vector<double> samples;
    Step step("measuring the lag");
    samples.reserve(kLagSamples);
    for (int sample = 0; sample < kLagSamples; ++sample)
        samples.push_back(TRY(measure_lag_once(connection, target, sample)));
    std::sort(samples.begin(), samples.end());
    step.finish(duration_text(samples[kLagSamples / 2]));
    return samples[kLagSamples / 2];
}

bool all_identical(const Report& report) {
    for (const Comparison& comparison : report.comparisons)
        if (!comparison.identical) return false;
    return true;
}

std::string first_difference(const Report& report) {
    for (const Comparison& comparison : report.comparisons)
        if (!comparison.identical) return comparison.name + ": " + comparison.difference;
    return "";
}

nlohmann::ordered_json to_json(const Comparison& comparison) {
    nlohmann::ordered_json object = {
        {"name", comparison.name},           {"postgres_ms", comparison.postgres_ms},
        {"routed_ms", comparison.routed_ms}, {"rows_compared", comparison.rows},
        {"identical", comparison.identical}, {"remote_sql", comparison.remote_sql}};
    if (!comparison.difference.empty()) object["difference"] = comparison.difference;
    return object;
}

// The members of the first query stand at the top as well.
void show_json(const Report& report) {
    nlohmann::ordered_json object = {{"rows_mirrored", report.rows_mirrored},
                                     {"snapshot_rows_per_second", report.snapshot_rows_per_second},
                                     {"lag_ms", report.lag_ms}};
    object.update(to_json(report.comparisons.front()));
    object["identical"] = all_identical(report);
    object["queries"] = nlohmann::ordered_json::array();
    for (const Comparison& comparison : report.comparisons)
        object["queries"].push_back(to_json(comparison));
    object["endpoints"] = {{"postgres", report.endpoints.postgres},
                           {"clickhouse_http", report.endpoints.clickhouse_http},
                           {"clickhouse_native", report.endpoints.clickhouse_native},
                           {"console", report.endpoints.console}};
    print_line(object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void show_queries(const Report& report) {
    std::vector<std::vector<std::optional<std::string>>> rows;
    for (const Comparison& comparison : report.comparisons) {
        char ratio[32];
        std::snprintf(ratio, sizeof ratio, "%.1f x", comparison.postgres_ms / comparison.routed_ms);
        rows.push_back({comparison.name, duration_text(comparison.postgres_ms),
                        duration_text(comparison.routed_ms), ratio,
                        comparison.identical
                            ? "yes, all " + std::to_string(comparison.rows) + " rows"
                            : "NO: " + comparison.difference});
    }
    std::fputs(table_text({"query", "Postgres", "routed", "faster", "identical"}, rows).c_str(),
               stdout);
}

constexpr std::pair<const char*, const char*> kHints[] = {
    {" sql                  ", "psql; begin a query with EXPLAIN to see where it runs"},
    {" explain 'SELECT ...' ", "where a query may run, and if not in ClickHouse, why not"},
    {" mirror create m -t T ", "mirror a table of your own"},
    {" demo --verbose       ", "what ClickHouse is asked"},
    {" down                 ", "stop; nothing is lost"}};

// `program`: how this one was called, for the commands to be pasted.
void show_text(const Report& report, bool verbose, const std::string& program) {
    print_line("");
    print_line(with_thousands(report.rows_mirrored) + " rows are mirrored; the load ran at " +
               with_thousands(static_cast<uint64_t>(report.snapshot_rows_per_second)) +
               " rows/s. While writers run, a commit is visible in ClickHouse after " +
               duration_text(report.lag_ms) + ".");
    print_line("");
    show_queries(report);
    print_line("");
    if (verbose)
        for (const Comparison& comparison : report.comparisons)
            print_line("-- " + comparison.name + ", as ClickHouse is asked\n" +
                       comparison.remote_sql + "\n");
    print_line("postgres    " + report.endpoints.postgres);
    print_line("clickhouse  " + report.endpoints.clickhouse_http + "  " +
               report.endpoints.clickhouse_native);
    print_line("console     " + report.endpoints.console);
    print_line("");
    print_line("The stack keeps running. What to try next:");
    for (const auto& [command, what] : kHints) print_line("  " + program + command + what);
}

Result<postgres::Connection> connect_for_demo(const stack::Settings& settings) {
    postgres::ConnectOptions connect;
    connect.conninfo = stack::source_conninfo(settings);
    connect.application_name = "tandem demo";
    // The query names its tables as a user would.
    connect.pinned_search_path = false;
    return postgres::Connection::open(connect);
}

}  // namespace

Status demo(Options options, const DemoOptions& wanted) {
    stack::Layout layout = TRY(bring_up(options));
    stack::Settings settings = TRY(stack::load_settings(layout));
    postgres::Connection connection = TRY(connect_for_demo(settings));
    Report report;
    report.endpoints = stack::endpoints_of(layout, settings);
    uint64_t rows = TRY(load_demo_data(connection, wanted.events));
    // From here on, also while the tables are loaded into ClickHouse, rows are written.
    TRY(start_writers(layout, !wanted.no_writers));
    TRY(mirror_demo(connection, layout, rows, report));
    config::ClickHouseUrl target = TRY(stack::clickhouse_target(settings));
    report.lag_ms = TRY(measure_lag(connection, target));
    report.comparisons = TRY(compare_answers(connection));
    if (options.json)
        show_json(report);
    else
        show_text(report, wanted.verbose, wanted.program);
    if (all_identical(report)) return {};
    return Error(ErrorCode::kInternal, "the two answers differ: " + first_difference(report));
}

Status write_for_ever(Options options) {
    TRY(complete(options));
    stack::Layout layout = TRY(stack::find_layout(options.data));
    stack::Settings settings = TRY(stack::load_settings(layout));
    std::optional<stack::Account> account = TRY(stack::service_account());
    if (account) TRY(stack::become(*account));
    postgres::Connection connection = TRY(connect_for_demo(settings));
    for (;;) {
        TRY(write_once(connection));
        back_off(kWriterPause);
    }
}

}  // namespace tandem::cli
