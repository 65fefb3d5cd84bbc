// The daemon: catalog, extension, console, and the reconciler until it is told to stop.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "stack/supervisor/daemon_settings.h"

namespace tandem::daemon {

// Returns ok when `stop` was requested and everything acknowledged was confirmed; an error when a
// person has to act. Waits for a Postgres that is not there yet.
Status run(const stack::DaemonSettings& settings, std::stop_token stop);

}  // namespace tandem::daemon
