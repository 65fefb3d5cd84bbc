// tandem top: the queries that cost most, from telemetry; live on a terminal.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "cli/options.h"

namespace tandem::cli {

struct TopRequest {
    std::string sort = "total";
    std::string since = "5m";
    std::string database = {};  // empty: all
    std::string query = {};     // a query id: look at this one
    uint64_t limit = 0;         // 0: what fits the terminal, else 20
    uint64_t interval_ms = 2000;
    bool nested = false;
    bool once = false;
};

// kTelemetryMissing when there is nothing to show because nothing was ever sent.
Status top(Options options, const TopRequest& request);

}  // namespace tandem::cli
