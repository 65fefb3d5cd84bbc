// Time zones as both sides have them: each brings data of its own.
//
// Before a query depends on a zone, all changes of its clock that Postgres knows of from 1900 to
// 2100 are asked of ClickHouse, and days in between. From the last difference on the two agree.
#pragma once

#include "clickhouse/facade.h"
#include "extension/catalog/catalog.h"

namespace tandem::shell {

// The name of the session's time zone, empty when ClickHouse is known to have another idea of it.
const char* usable_session_zone();

// False and a reason when the two do not agree on the zone at least since 2020. Asks ClickHouse the
// first time, and again after an hour.
bool zone_agrees(const char* zone, const CatalogTarget& target, const char* database,
                 Failure* failure);
// Seconds since 1970 of when the agreement begins, for a zone that agrees.
int64 zone_since_known(const char* zone);

}  // namespace tandem::shell
