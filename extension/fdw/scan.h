// Reading one foreign table: what the planner is told of it, and the scan.
#pragma once

extern "C" {
#include "foreign/fdwapi.h"
}

namespace tandem::shell {

// What a ForeignScan carries in fdw_private, so that plans can be copied. Its fdw_exprs are the
// runtime constants.
enum ForeignPrivate {
    kForeignSql,             // String, with a place for the table
    kForeignNames,           // list of String: columns read there
    kForeignColumnTypes,     // list of String: ClickHouse types of the result
    kForeignTypes,           // OidList
    kForeignTypmods,         // IntList
    kForeignAttributes,      // IntList: which column of the table each is
    kForeignParameterNames,  // list of String, parallel to fdw_exprs
    kForeignParameterTypes,  // list of String
    kForeignParameterParts,  // IntList
    kForeignTable,           // OidList: the table, as whom it is read
};

void set_scan_planning(FdwRoutine* routine);
void set_scan_execution(FdwRoutine* routine);

}  // namespace tandem::shell
