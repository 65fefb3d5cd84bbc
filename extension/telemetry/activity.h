// What the sessions of the server do at this moment. Called by the worker; backends notice nothing
// but, where somebody waits for a lock, a look at the lock table.
#pragma once

#include "telemetry/facade.h"

namespace tandem::shell {

// Adds a row for each process that is not idle. `stands_for_ms`: since the look before.
void look_at_activity(telemetry::Collector* collector, uint32 stands_for_ms);

}  // namespace tandem::shell
