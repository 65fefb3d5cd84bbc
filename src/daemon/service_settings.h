// The settings of a daemon that is a service of its own, attached to two servers, without a stack:
// tandem.toml, TANDEM_* variables over it, and credentials from files that systemd hands over.
#pragma once

#include <string>

#include "base/result.h"
#include "stack/supervisor/daemon_settings.h"

namespace tandem::daemon {

// kInvalidConfig names what is missing. Passwords that the URLs lack come from the files
// tandem_postgres_password and tandem_clickhouse_password in $CREDENTIALS_DIRECTORY, or as libpq
// looks them up, and from TANDEM_CLICKHOUSE_PASSWORD.
Result<stack::DaemonSettings> read_service_settings(const std::string& config_path);

}  // namespace tandem::daemon
