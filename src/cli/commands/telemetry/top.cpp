#include "cli/commands/telemetry/top.h"

#include <charconv>
#include <ctime>

#include "cli/commands/telemetry/drill_down.h"
#include "cli/commands/telemetry/grid.h"
#include "cli/commands/telemetry/queries.h"
#include "cli/commands/telemetry/screen.h"
#include "cli/commands/telemetry/source.h"
#include "cli/terminal.h"

namespace tandem::cli {
namespace {

using nlohmann::ordered_json;

constexpr uint64_t kRows = 20;
constexpr uint64_t kRowsMax = 1000;
constexpr size_t kLinesAround = 3;  // above the rows

const std::vector<GridColumn> kColumns = {
    {"time", "share", Look::kPercent},     {"total ms", "total_ms", Look::kMs},
    {"calls", "calls", Look::kCount},      {"mean ms", "mean_ms", Look::kMs},
    {"p99 ms", "p99_ms", Look::kMs},       {"errors", "errors", Look::kCount},
    {"rows", "rows", Look::kCount},        {"read", "blocks_read", Look::kCount},
    {"io ms", "io_ms", Look::kMs},         {"waits ms", "wait_ms", Look::kMs},
    {"database", "database", Look::kText}, {"query id", "query_id", Look::kText},
    {"query", "query", Look::kText},
};

struct Key {
    char key;
    const char* sort;
};
constexpr Key kKeys[] = {{'t', "total"}, {'p', "p99"}, {'c', "calls"}, {'e', "errors"},
                         {'r', "rows"},  {'i', "io"},  {'w', "waits"}};

struct View {
    const TelemetrySource& source;
    TopRequest request;
    int64_t span;
};

Scope scope_of(const View& view) {
    int64_t now = std::time(nullptr);
    return {{now - view.span, now + 1}, view.request.database, view.request.nested};
}

std::string title(const View& view) {
    std::string text = "the last " + view.request.since + ", by " + view.request.sort;
    if (!view.request.database.empty()) text += ", database " + view.request.database;
    if (view.request.nested) text += ", what runs inside of functions too";
    if (is_rolled_up(scope_of(view).window)) text += "; in steps of five minutes";
    return text;
}

Result<ordered_json> read_rows(const View& view, uint64_t limit) {
    Scope scope = scope_of(view);
    return ask_telemetry(view.source, top_sql(scope, view.request.sort, limit),
                         parameters_of(scope));
}

Result<std::vector<std::string>> overview(const View& view, uint64_t limit, size_t width) {
    ordered_json rows = TRY(read_rows(view, limit));
    std::vector<std::string> lines = {title(view), ""};
    if (rows.empty()) {
        TRY(check_any_event(view.source));
        lines.emplace_back("no statement in that time");
        return lines;
    }
    for (std::string& line : grid_lines(kColumns, rows, width)) lines.push_back(std::move(line));
    return lines;
}

Result<std::vector<std::string>> lines_of(const View& view, uint64_t limit, size_t width) {
    if (view.request.query.empty()) return overview(view, limit, width);
    ordered_json seen = TRY(drill_down(view.source, scope_of(view), view.request.query));
    return drill_down_lines(seen, width);
}

// What a key changes.
void press(char key, View& view) {
    for (const Key& known : kKeys)
        if (known.key == key) view.request.sort = known.sort;
    if (key == 'n') view.request.nested = !view.request.nested;
}

std::string legend(const View& view) {
    std::string keys;
    if (view.request.query.empty())
        for (const Key& known : kKeys) keys += std::string(1, known.key) + " " + known.sort + "  ";
    return "tandem top   " + keys + "n nested  q quit";
}

Status live(View view) {
    auto fitting = [&] {
        return view.request.limit > 0
                   ? view.request.limit
                   : uint64_t{std::max<size_t>(terminal_height(), kLinesAround + 3)} -
                         kLinesAround - 1;
    };
    // What is wrong from the start is said as by any other command.
    Result<std::vector<std::string>> lines = lines_of(view, fitting(), terminal_width());
    if (!lines.ok()) return std::move(lines).error();
    Screen screen;
    for (;;) {
        std::vector<std::string> shown = {legend(view)};
        if (lines.ok())
            shown.insert(shown.end(), lines->begin(), lines->end());
        else
            shown.push_back(lines.error().message());
        screen.draw(shown);
        char key = screen.wait_for_key(std::chrono::milliseconds(view.request.interval_ms));
        if (key == Screen::kEnd) return {};
        press(key, view);
        lines = lines_of(view, fitting(), terminal_width());
    }
}

Status print_json(const View& view) {
    ordered_json value;
    if (view.request.query.empty()) {
        value = TRY(read_rows(view, view.request.limit));
        if (value.empty()) TRY(check_any_event(view.source));
    } else {
        value = TRY(drill_down(view.source, scope_of(view), view.request.query));
    }
    print_line(value.dump(2, ' ', false, ordered_json::error_handler_t::replace));
    return {};
}

Status check(const TopRequest& request) {
    if (!request.query.empty()) {
        int64_t id = 0;
        const char* end = request.query.data() + request.query.size();
        auto [at, error] = std::from_chars(request.query.data(), end, id);
        if (error != std::errc() || at != end)
            return Error(ErrorCode::kInvalidArgument,
                         "--query takes a query id, as `tandem top` shows it");
    }
    if (request.limit > kRowsMax)
        return Error(ErrorCode::kInvalidArgument, "--limit is 1000 at most");
    return {};
}

}  // namespace

Status top(Options options, const TopRequest& request) {
    TRY(check(request));
    int64_t span = TRY(parse_span(request.since));
    TelemetrySource source = TRY(open_telemetry(options));
    View view{source, request, span};
    if (!options.json && !request.once && is_interactive()) return live(view);
    if (view.request.limit == 0) view.request.limit = kRows;
    if (options.json) return print_json(view);
    for (const std::string& line : TRY(lines_of(view, view.request.limit, terminal_width())))
        print_line(line);
    return {};
}

}  // namespace tandem::cli
