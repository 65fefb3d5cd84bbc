// What a command was asked for: options over TANDEM_* variables over tandem.toml over defaults.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"

namespace tandem::cli {

struct Options {
    bool json = false;
    std::string config_path = {};  // --config; empty: tandem.toml in the working directory, if any
    std::string data = {};
    std::string postgres_url = {};
    std::string postgres_bin = {};
    std::string clickhouse_url = {};
    std::string engine = {};
    uint16_t postgres_port = 0;
    uint16_t native_port = 0;
    uint16_t http_port = 0;
    uint16_t console_port = 0;
    std::string clickhouse_password = {};  // TANDEM_CLICKHOUSE_PASSWORD, for a URL without one
    std::string failpoints = {};           // TANDEM_FAILPOINTS, for the daemon of the stack
};

// Fills what the command line left empty from the environment and the configuration file.
Result<config::Config> complete(Options& options);

}  // namespace tandem::cli
