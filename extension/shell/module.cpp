// Entry point of tandem.so: settings first, then the hooks.
#include "extension/shell/pg.h"

#include "extension/route/breaker.h"
#include "extension/route/explain.h"
#include "extension/route/plan.h"
#include "extension/route/planner.h"
#include "extension/route/stats.h"
#include "extension/shell/settings.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);
}

void _PG_init(void) {
    tandem::shell::define_settings();
    tandem::shell::request_shared_stats();
#ifndef TANDEM_SETTINGS_ONLY
    tandem::shell::request_shared_breaker();
    tandem::shell::register_scan_methods();
    tandem::shell::install_planner_hook();
    tandem::shell::install_explain_hook();
#endif
}
