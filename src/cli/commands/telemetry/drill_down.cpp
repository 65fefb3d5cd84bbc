#include "cli/commands/telemetry/drill_down.h"

#include <algorithm>
#include <sstream>

#include "cli/commands/telemetry/grid.h"

namespace tandem::cli {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kSteps = 20;  // of time in which the window is shown

const std::vector<GridColumn> kSummary = {
    {"database", "database", Look::kText}, {"operation", "operation", Look::kText},
    {"calls", "calls", Look::kCount},      {"errors", "errors", Look::kCount},
    {"total ms", "total_ms", Look::kMs},   {"mean ms", "mean_ms", Look::kMs},
    {"p50 ms", "p50_ms", Look::kMs},       {"p99 ms", "p99_ms", Look::kMs},
    {"max ms", "max_ms", Look::kMs},       {"planning ms", "planning_ms", Look::kMs},
    {"commit ms", "commit_ms", Look::kMs}, {"rows", "rows", Look::kCount},
    {"read", "blocks_read", Look::kCount}, {"temp", "temp_blocks", Look::kCount},
    {"io ms", "io_ms", Look::kMs},
};
const std::vector<GridColumn> kLatency = {
    {"time (UTC)", "time", Look::kText}, {"calls", "calls", Look::kCount},
    {"errors", "errors", Look::kCount},  {"mean ms", "mean_ms", Look::kMs},
    {"p50 ms", "p50_ms", Look::kMs},     {"p99 ms", "p99_ms", Look::kMs},
    {"max ms", "max_ms", Look::kMs},     {"", "bar", Look::kText},
};
const std::vector<GridColumn> kErrors = {
    {"sqlstate", "sqlstate", Look::kText},
    {"times", "times", Look::kCount},
    {"last (UTC)", "last", Look::kText},
    {"message", "message", Look::kText},
};
const std::vector<GridColumn> kApplications = {
    {"application", "application", Look::kText},
    {"user", "user", Look::kText},
    {"calls", "calls", Look::kCount},
    {"errors", "errors", Look::kCount},
    {"total ms", "total_ms", Look::kMs},
    {"mean ms", "mean_ms", Look::kMs},
    {"p99 ms", "p99_ms", Look::kMs},
};

const std::vector<GridColumn> kWaits = {
    {"kind", "kind", Look::kText},
    {"event", "event", Look::kText},
    {"ms", "ms", Look::kMs},
    {"share", "share", Look::kPercent},
};
const std::vector<GridColumn> kBlockers = {
    {"query id", "query_id", Look::kText},
    {"application", "application", Look::kText},
    {"state", "state", Look::kText},
    {"lock", "lock", Look::kText},
    {"ms", "ms", Look::kMs},
    {"query", "query", Look::kText},
};
const std::vector<GridColumn> kPlans = {
    {"plan id", "plan_id", Look::kText}, {"first (UTC)", "first", Look::kText},
    {"last (UTC)", "last", Look::kText}, {"calls", "calls", Look::kCount},
    {"mean ms", "mean_ms", Look::kMs},   {"p50 ms", "p50_ms", Look::kMs},
    {"p99 ms", "p99_ms", Look::kMs},
};

// A step that people count in, about a twentieth of the window.
int64_t step_of(const Window& window) {
    constexpr int64_t kRound[] = {1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600};
    int64_t wanted = window.seconds() / kSteps;
    int64_t least = is_rolled_up(window) ? 300 : 1;
    for (int64_t step : kRound)
        if (step >= wanted && step >= least) return step;
    return 7 * 24 * int64_t{3600};
}

void section(std::vector<std::string>& lines, const char* title,
             const std::vector<GridColumn>& columns, const ordered_json& rows, size_t width) {
    if (rows.empty()) return;
    lines.emplace_back("");
    lines.emplace_back(title);
    for (std::string& line : grid_lines(columns, rows, width)) lines.push_back(std::move(line));
}

void plan_texts(std::vector<std::string>& lines, const ordered_json& plans) {
    for (const auto& plan : plans) {
        std::string text = plan["plan"].get<std::string>();
        if (text.empty()) continue;
        lines.emplace_back("");
        lines.emplace_back("plan " + plan["plan_id"].get<std::string>());
        std::istringstream all(text);
        for (std::string line; std::getline(all, line);) lines.push_back("  " + line);
    }
}

// p99 as a bar beside it.
ordered_json with_bars(ordered_json rows) {
    constexpr double kBar = 30;
    double most = 0;
    for (const auto& row : rows)
        if (row["p99_ms"].is_number()) most = std::max(most, row["p99_ms"].get<double>());
    for (auto& row : rows) {
        double share =
            row["p99_ms"].is_number() && most > 0 ? row["p99_ms"].get<double>() / most : 0;
        row["bar"] = std::string(static_cast<size_t>(share * kBar), '#');
    }
    return rows;
}

}  // namespace

Result<ordered_json> drill_down(const TelemetrySource& source, const Scope& scope,
                                const std::string& query_id) {
    auto ask = [&](const std::string& sql) {
        std::vector<clickhouse::Parameter> parameters = parameters_of(scope);
        parameters.push_back({.name = "query_id", .value = query_id});
        return ask_telemetry(source, sql, std::move(parameters));
    };
    // Whoever asks for one query wants it wherever it ran.
    Scope wide = scope;
    wide.nested = true;
    ordered_json summary = TRY(ask(summary_sql(wide)));
    if (summary.empty()) {
        TRY(check_any_event(source));
        return Error(ErrorCode::kNotFound,
                     "query " + query_id + " did not run in that time; --since looks further back");
    }
    ordered_json seen = {{"query_id", query_id}, {"query", summary[0]["query"]}};
    for (auto& row : summary) row.erase("query");
    seen["databases"] = std::move(summary);
    seen["latency"] = TRY(ask(latency_sql(wide, step_of(wide.window))));
    seen["errors"] = TRY(ask(errors_sql(wide)));
    seen["applications"] = TRY(ask(applications_sql(wide)));
    seen["waits"] = TRY(ask(waits_sql(wide)));
    seen["blocked_by"] = TRY(ask(blockers_sql(wide)));
    seen["plans"] = TRY(ask(plans_sql(wide)));
    return seen;
}

std::vector<std::string> drill_down_lines(const ordered_json& seen, size_t width) {
    std::vector<std::string> lines = {"query " + seen["query_id"].get<std::string>(),
                                      on_one_line(seen["query"].get<std::string>())};
    section(lines, "in all", kSummary, seen["databases"], width);
    section(lines, "latency over time", kLatency, with_bars(seen["latency"]), width);
    section(lines, "errors", kErrors, seen["errors"], width);
    section(lines, "by application", kApplications, seen["applications"], width);
    section(lines, "what it did, by looking at it", kWaits, seen["waits"], width);
    section(lines, "whom it waited for", kBlockers, seen["blocked_by"], width);
    section(lines, "plans that were taken", kPlans, seen["plans"], width);
    plan_texts(lines, seen["plans"]);
    return lines;
}

}  // namespace tandem::cli
