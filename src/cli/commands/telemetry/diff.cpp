#include "cli/commands/telemetry/diff.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "cli/commands/telemetry/grid.h"
#include "cli/commands/telemetry/queries.h"
#include "cli/commands/telemetry/source.h"
#include "cli/terminal.h"

namespace tandem::cli {
namespace {

using nlohmann::ordered_json;

// Of all executions, that may fail more often without being called failing.
constexpr double kErrorShare = 0.01;
// Faster than that is the noise of any machine.
constexpr double kNoiseMs = 1;

const std::vector<GridColumn> kColumns = {
    {"what", "what", Look::kText},         {"calls/min", "calls", Look::kText},
    {"p50 ms", "p50", Look::kText},        {"p99 ms", "p99", Look::kText},
    {"errors", "errors", Look::kText},     {"ms/s", "load", Look::kText},
    {"database", "database", Look::kText}, {"query id", "query_id", Look::kText},
    {"query", "query", Look::kText},
};

double number(const ordered_json& row, const std::string& name) {
    auto found = row.find(name);
    return found != row.end() && found->is_number() ? found->get<double>() : 0;
}

std::string from_to(const std::string& from, const std::string& to) {
    return from == to ? to : from + " > " + to;
}

// Milliseconds of execution in a second: what the query costs the server.
double load(const ordered_json& row, const std::string& side, const Window& window) {
    return number(row, side + "total_ms") / static_cast<double>(window.seconds());
}

double per_minute(const ordered_json& row, const std::string& side, const Window& window) {
    return number(row, side + "calls") * 60 / static_cast<double>(window.seconds());
}

bool is_failing(const ordered_json& row) {
    double calls = number(row, "to_calls");
    if (calls == 0 || number(row, "to_errors") == 0) return false;
    double before = number(row, "from_errors") / std::max(number(row, "from_calls"), 1.0);
    return number(row, "to_errors") / calls - before >= kErrorShare;
}

bool is_slower(const ordered_json& row, const DiffRequest& request) {
    double least = static_cast<double>(request.calls);
    if (number(row, "from_calls") < least || number(row, "to_calls") < least) return false;
    auto grew = [&](const std::string& name) {
        double before = number(row, "from_" + name);
        double after = number(row, "to_" + name);
        return after >= before * request.factor && after - before >= kNoiseMs;
    };
    return grew("p50_ms") || grew("p99_ms");
}

// Beside the numbers, as people read them.
ordered_json line_of(const ordered_json& row, const Window& from, const Window& to) {
    ordered_json line = {{"database", row["database"]}, {"query_id", row["query_id"]}};
    std::string what;
    for (const auto& change : row["changes"])
        what += (what.empty() ? "" : ", ") + change.get<std::string>();
    std::replace(what.begin(), what.end(), '_', ' ');
    line["what"] = what;
    auto pair = [&](auto text, double before, double after) {
        return from_to(number(row, "from_calls") == 0 ? "-" : text(before),
                       number(row, "to_calls") == 0 ? "-" : text(after));
    };
    line["calls"] = pair(short_count, std::round(per_minute(row, "from_", from) * 10) / 10,
                         std::round(per_minute(row, "to_", to) * 10) / 10);
    line["p50"] = pair(short_ms, number(row, "from_p50_ms"), number(row, "to_p50_ms"));
    line["p99"] = pair(short_ms, number(row, "from_p99_ms"), number(row, "to_p99_ms"));
    line["errors"] = pair(short_count, number(row, "from_errors"), number(row, "to_errors"));
    line["load"] = pair(short_ms, load(row, "from_", from), load(row, "to_", to));
    line["query"] = row["query"];
    return line;
}

ordered_json window_json(const Window& window) {
    return {{"begin", moment_text(window.begin)}, {"end", moment_text(window.end)}};
}

std::string words(const Window& window) {
    return moment_text(window.begin) + " to " + moment_text(window.end) + " UTC";
}

// What changed most, in what it costs, first.
ordered_json changed(ordered_json rows, const Window& from, const Window& to,
                     const DiffRequest& request) {
    std::vector<ordered_json> kept;
    for (auto& row : rows) {
        std::vector<std::string> changes = changes_of(row, from, to, request);
        if (changes.empty()) continue;
        row["changes"] = changes;
        kept.push_back(std::move(row));
    }
    auto weight = [&](const ordered_json& row) {
        return std::fabs(load(row, "to_", to) - load(row, "from_", from));
    };
    std::stable_sort(kept.begin(), kept.end(),
                     [&](const auto& a, const auto& b) { return weight(a) > weight(b); });
    return kept;
}

}  // namespace

std::vector<std::string> changes_of(const ordered_json& row, const Window& from, const Window& to,
                                    const DiffRequest& request) {
    double before = number(row, "from_calls");
    double after = number(row, "to_calls");
    if (after == 0) return {"gone"};
    std::vector<std::string> changes;
    if (before == 0) changes.emplace_back("new");
    if (is_failing(row)) changes.emplace_back("failing");
    if (is_slower(row, request)) changes.emplace_back("slower");
    bool enough = after >= static_cast<double>(request.calls);
    if (before > 0 && enough &&
        per_minute(row, "to_", to) >= per_minute(row, "from_", from) * request.factor)
        changes.emplace_back("more_frequent");
    return changes;
}

Status diff(Options options, const DiffRequest& request) {
    int64_t now = std::time(nullptr);
    int64_t length = TRY(parse_span(request.length));
    Window from = TRY(parse_window(request.from, length, now));
    Window to = TRY(parse_window(request.to, length, now));
    TelemetrySource source = TRY(open_telemetry(options));
    Scope before = {from, request.database, request.nested};
    Scope after = {to, request.database, request.nested};
    ordered_json rows = TRY(ask_telemetry(source, diff_sql(before, after), parameters_of(before)));
    if (rows.empty()) TRY(check_any_event(source));
    bool any = !rows.empty();
    rows = changed(std::move(rows), from, to, request);
    if (options.json) {
        ordered_json value = {
            {"from", window_json(from)}, {"to", window_json(to)}, {"queries", rows}};
        print_line(value.dump(2, ' ', false, ordered_json::error_handler_t::replace));
        return {};
    }
    print_line("from " + words(from));
    print_line("to   " + words(to));
    if (!any) print_line("no statement in either");
    if (any && rows.empty()) print_line("nothing changed");
    if (rows.empty()) return {};
    ordered_json lines = ordered_json::array();
    for (const auto& row : rows) lines.push_back(line_of(row, from, to));
    print_line("");
    for (const std::string& line : grid_lines(kColumns, lines, terminal_width())) print_line(line);
    return {};
}

}  // namespace tandem::cli
