// Entry point of tandem.so: settings first, then the hooks.
#include "extension/shell/pg.h"

#include "extension/fdw/key_join.h"
#include "extension/route/as_of.h"
#include "extension/route/breaker.h"
#include "extension/route/explain.h"
#include "extension/route/plan.h"
#include "extension/route/planner.h"
#include "extension/route/query_stats.h"
#include "extension/route/stats.h"
#include "extension/shell/settings.h"
#include "extension/telemetry/telemetry.h"

extern "C" {
#include "utils/builtins.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(tandem_version);

PGDLLEXPORT void _PG_init(void);
PGDLLEXPORT Datum tandem_version(PG_FUNCTION_ARGS);
}

// Of the loaded library, which may be older than the SQL objects until Postgres is restarted.
Datum tandem_version(PG_FUNCTION_ARGS) {
    PG_RETURN_TEXT_P(cstring_to_text(TANDEM_VERSION));
}

void _PG_init(void) {
    tandem::shell::define_telemetry_settings();
    tandem::shell::define_settings();
    tandem::shell::request_shared_stats();
    tandem::shell::request_shared_query_stats();
    tandem::shell::request_shared_breaker();
    tandem::shell::register_scan_methods();
    tandem::shell::install_key_joins();
    tandem::shell::install_planner_hook();
    tandem::shell::install_explain_hook();
    tandem::shell::install_as_of_hooks();
    tandem::shell::install_telemetry();
}
