// Writing to foreign tables.
#pragma once

extern "C" {
#include "foreign/fdwapi.h"
}

namespace tandem::shell {

void set_modification(FdwRoutine* routine);

}  // namespace tandem::shell
