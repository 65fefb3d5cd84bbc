// The daemon: catalog, extension, console, and the reconciler until it is told to stop.
#pragma once

#include <functional>
#include <stop_token>

#include "base/result.h"
#include "stack/supervisor/daemon_settings.h"

namespace tandem::daemon {

// Returns ok when `stop` was requested and everything acknowledged was confirmed; an error when a
// person has to act. Waits for a Postgres that is not there yet.
// `on_ready` is called once, when catalog and console stand.
Status run(const stack::DaemonSettings& settings, std::stop_token stop,
           const std::function<void()>& on_ready);

}  // namespace tandem::daemon
