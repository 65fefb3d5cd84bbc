// tandem diff: what changed between two windows of time.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands/telemetry/window.h"
#include "cli/options.h"

namespace tandem::cli {

struct DiffRequest {
    std::string from = {};
    std::string to = {};
    std::string length = "1h";  // of a window that has a beginning only
    std::string database = {};
    double factor = 1.5;  // from which on more is more
    uint64_t calls = 20;  // in a window, below which percentiles say nothing
    bool nested = false;
};

Status diff(Options options, const DiffRequest& request);

// Whether a query changed: new, gone, slower, more_frequent, failing; several may hold.
// `row` as diff_sql gives it.
std::vector<std::string> changes_of(const nlohmann::ordered_json& row, const Window& from,
                                    const Window& to, const DiffRequest& request);

}  // namespace tandem::cli
