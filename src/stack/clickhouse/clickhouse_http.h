// Asks ClickHouse over HTTP for a small text: readiness, versions, rights, a marker row. Bulk data
// goes through src/clickhouse. A new connection per question; thread safe.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "config/config.h"

namespace tandem::stack {

// The answer in TabSeparated form without the last newline, at most 1 MiB. kConnectionFailed,
// kAuthenticationFailed or kClickHouseError.
Result<std::string> ask_clickhouse(const config::ClickHouseUrl& target, const std::string& sql,
                                   std::chrono::milliseconds timeout = std::chrono::seconds(30));

}  // namespace tandem::stack
