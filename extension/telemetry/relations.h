// Names of relations, for the tables of telemetry.
#pragma once

extern "C" {
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
}

namespace tandem::shell {

// Appends schema.name of each, once, without views unless asked for, and a terminator each. May
// raise.
void append_relations(const PgList* oids, bool views, StringInfo names);

// Those that a query names, views among them, its subqueries' too. May raise.
void append_relations_of(const Query* query, StringInfo names);

}  // namespace tandem::shell
