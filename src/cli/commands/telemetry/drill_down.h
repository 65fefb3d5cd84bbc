// tandem top --query: one query in every respect.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands/telemetry/queries.h"
#include "cli/commands/telemetry/source.h"

namespace tandem::cli {

// kNotFound when it did not run in that time.
Result<nlohmann::ordered_json> drill_down(const TelemetrySource& source, const Scope& scope,
                                          const std::string& query_id);
std::vector<std::string> drill_down_lines(const nlohmann::ordered_json& seen, size_t width);

}  // namespace tandem::cli
