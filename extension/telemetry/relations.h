// Names of relations, for the tables of telemetry.
#pragma once

extern "C" {
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
}

namespace tandem::shell {

// Appends schema.name of each, once, without views, and a terminator each. May raise.
void append_relations(const PgList* oids, StringInfo names);

}  // namespace tandem::shell
