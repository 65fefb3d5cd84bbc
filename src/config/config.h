// Config: what tandem.toml says. Plain values; pure functions; no environment, no defaults that
// need a look at the machine. Command line options override what is read here.
//
//     data = ".tandem"
//     [postgres]    url, port, bin_directory
//     [clickhouse]  url, engine, native_port, http_port, memory_bytes_max
//     [console]     port
//     [mirror]      batch_bytes, batch_rows, flush_age_ms, batch_age_ms, snapshot_workers
//     [log]         level
//
// docs/reference/config.md describes every key. The file may hold passwords (in URLs): keep it
// 0600.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::config {

struct PostgresConfig {
    std::string url = {};  // set: attach to this server; empty: start one
    std::string bin_directory = {};
    uint16_t port = 0;  // 0: a free one
};

struct ClickHouseConfig {
    std::string url = {};  // clickhouse://user:password@host:9000/?http_port=8123
    std::string engine = {};
    uint16_t native_port = 0;
    uint16_t http_port = 0;
    uint64_t memory_bytes_max = 0;  // 0: half of the machine's
};

struct MirrorConfig {
    std::optional<uint64_t> batch_bytes = {};
    std::optional<uint64_t> batch_rows = {};
    std::optional<uint64_t> flush_age_ms = {};
    std::optional<uint64_t> batch_age_ms = {};
    std::optional<uint64_t> snapshot_workers = {};
};

struct Config {
    std::string data = ".tandem";
    PostgresConfig postgres = {};
    ClickHouseConfig clickhouse = {};
    uint16_t console_port = 0;
    MirrorConfig mirror = {};
    std::string log_level = "info";  // debug, info, warning, error
};

// kInvalidConfig with "file:line:column: what is wrong"; unknown keys are refused.
Result<Config> parse_config(std::string_view text, const std::string& file_name);

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
