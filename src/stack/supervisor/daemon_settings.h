// What the daemon is told by the stack, through a private file: it holds passwords. Read before the
// daemon drops its privileges.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"

namespace tandem::stack {

struct DaemonSettings {
    std::string source = {};  // libpq connection string
    config::ClickHouseUrl target = {};
    config::Values options = {};  // groups tuning, mirror; console_port 0: no console
    std::string ready_path = {};  // written once the catalog stands and the console answers
    std::string account = {};     // the user to become; empty: none
};

std::string to_json_text(const DaemonSettings& settings);
Result<DaemonSettings> parse_daemon_settings(const std::string& text);

}  // namespace tandem::stack
