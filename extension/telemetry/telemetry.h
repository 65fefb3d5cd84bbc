// Telemetry as the module sees it: settings always, everything else only when preloaded.
#pragma once

#include "extension/telemetry/settings.h"

namespace tandem::shell {

void install_telemetry();

}  // namespace tandem::shell
