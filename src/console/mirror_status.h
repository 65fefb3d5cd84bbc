// What the catalog says of the mirrors, as one JSON text: for `tandem status`, the console and its
// metrics. Reads the views of schema tandem only.
#pragma once

#include <string>

#include "base/result.h"
#include "postgres/client/connection.h"

namespace tandem::console {

// {"mirrors": [...], "tables": [...], "lag": [...], "routes": [...]}, the rows of tandem.mirrors,
// mirror_tables, mirror_lag and route_counters; empty arrays where the schema is not there (yet).
Result<std::string> read_mirror_status(postgres::Connection& connection);

// What the process has counted (src/metrics) and the same in Prometheus' text format;
// kMalformedData when `status_json` is none of ours.
Result<std::string> to_prometheus(const std::string& status_json);

}  // namespace tandem::console
