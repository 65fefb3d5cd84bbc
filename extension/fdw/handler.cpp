// What Postgres asks tandem_fdw for.
#include "extension/shell/pg.h"

extern "C" {
#include "foreign/fdwapi.h"
}

#include "extension/fdw/import.h"
#include "extension/fdw/modify.h"
#include "extension/fdw/scan.h"
#include "extension/fdw/statistics.h"

extern "C" {
PG_FUNCTION_INFO_V1(tandem_fdw_handler);
PGDLLEXPORT Datum tandem_fdw_handler(PG_FUNCTION_ARGS);
}

Datum tandem_fdw_handler(PG_FUNCTION_ARGS) {
    using namespace tandem::shell;
    (void)fcinfo;
    FdwRoutine* routine = makeNode(FdwRoutine);
    set_scan_planning(routine);
    set_scan_execution(routine);
    set_import(routine);
    set_statistics(routine);
    set_modification(routine);
    set_mutation(routine);
    PG_RETURN_POINTER(routine);
}
