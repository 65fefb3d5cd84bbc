// Database tandem_telemetry in ClickHouse: tables, views, what each column means.
#pragma once

#include <string>
#include <vector>

namespace tandem::telemetry {

// In order; each may be run again.
const std::vector<std::string>& schema_statements();

// The columns of all tables, as docs/reference/telemetry.md has them.
std::string column_reference();

}  // namespace tandem::telemetry
