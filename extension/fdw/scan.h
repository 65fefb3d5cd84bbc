// Reading one foreign table: what the planner is told of it, and the scan.
#pragma once

extern "C" {
#include "foreign/fdwapi.h"
}

namespace tandem::shell {

// Columns of one table whose keys a join brings.
constexpr int kKeysMax = 4;

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
    kForeignKeys,            // IntList: 0, or that the parameter is keys of a join, from 1
    kForeignTable,           // OidList: the table, as whom it is read
    kForeignConditions,      // list of Expr: those that ship, where the scan is of a table to be
                             // written
    kForeignMutation,        // of UPDATE and DELETE: MutationPrivate, mutate.cpp
};

// The keys that the scan waits for, as an array; it lives until the next ones come. The scan has to
// be started anew.
void set_scan_keys(ForeignScanState* node, int number, Datum keys);

void set_scan_planning(FdwRoutine* routine);
void set_scan_execution(FdwRoutine* routine);

}  // namespace tandem::shell
