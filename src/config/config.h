// Config: tandem.toml and ClickHouse URLs, as plain values. Pure functions; no environment, no look
// at the machine. The options themselves are rows of options.def; docs/reference/config.md
// describes them. The file may hold passwords (in URLs): keep it 0600.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/options.h"

namespace tandem::config {

// What the file gives, and nothing else. kInvalidConfig with "file:line:column: what is wrong";
// unknown keys are refused.
Result<Values> parse_config(std::string_view text, const std::string& file_name);

// Parts of clickhouse://user:password@host:port/database?http_port=8123&secure=1.
struct ClickHouseUrl {
    std::string host = "127.0.0.1";
    uint16_t native_port = 9000;
    uint16_t http_port = 8123;
    std::string user = "default";
    std::string password = {};
    std::string database = {};
    bool secure = false;
};

// The error names the part that is wrong and never repeats the password.
Result<ClickHouseUrl> parse_clickhouse_url(std::string_view url);

}  // namespace tandem::config
