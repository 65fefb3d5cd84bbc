// IMPORT FOREIGN SCHEMA: the tables of a ClickHouse database as foreign tables.
#pragma once

extern "C" {
#include "foreign/fdwapi.h"
}

namespace tandem::shell {

void set_import(FdwRoutine* routine);

}  // namespace tandem::shell
