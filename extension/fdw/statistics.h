// ANALYZE of foreign tables.
#pragma once

extern "C" {
#include "foreign/fdwapi.h"
}

namespace tandem::shell {

void set_statistics(FdwRoutine* routine);

}  // namespace tandem::shell
