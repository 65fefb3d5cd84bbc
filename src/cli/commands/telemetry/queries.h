// The SQL of `tandem top` and `tandem diff`: what each column means is in the tables of telemetry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/telemetry/window.h"
#include "clickhouse/client/client.h"

namespace tandem::cli {

struct Scope {
    Window window = {};
    std::string database = {};  // empty: all
    bool nested = false;        // also what runs inside of functions
};

// From here on the roll-up of five minutes is read instead of the events.
inline constexpr int64_t kRolledUpFrom = 6 * 3600;
bool is_rolled_up(const Window& window);

// A sort order by its name: "total", "p99", ...
const std::vector<std::string>& sort_names();
bool is_sort(const std::string& name);

// Parameters of all of these but {system_id:String}, which ask_telemetry adds.
std::vector<clickhouse::Parameter> parameters_of(const Scope& scope);

std::string top_sql(const Scope& scope, const std::string& sort, uint64_t limit);

// Of one query, {query_id:Int64}.
std::string summary_sql(const Scope& scope);
std::string latency_sql(const Scope& scope, int64_t step_seconds);
std::string errors_sql(const Scope& scope);
std::string applications_sql(const Scope& scope);
std::string plans_sql(const Scope& scope);
std::string waits_sql(const Scope& scope);
std::string blockers_sql(const Scope& scope);

// Every query of two windows, side by side.
std::string diff_sql(const Scope& from, const Scope& to);

}  // namespace tandem::cli
