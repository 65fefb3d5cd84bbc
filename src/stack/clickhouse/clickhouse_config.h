// The configuration files of a private ClickHouse, as text. Pure; thread safe.
#pragma once

#include <string>

#include "stack/clickhouse/clickhouse_server.h"

namespace tandem::stack {

std::string clickhouse_config_xml(const ClickHouseOptions& options);
// Holds the SHA-256 of the password, not the password.
std::string clickhouse_users_xml(const ClickHouseOptions& options);

}  // namespace tandem::stack
