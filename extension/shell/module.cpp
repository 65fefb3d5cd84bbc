// Entry point of tandem.so: settings first, then the hooks.
#include "shell/pg.h"

#include "route/explain.h"
#include "route/plan.h"
#include "route/planner.h"
#include "route/stats.h"
#include "shell/settings.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);
}

void _PG_init(void) {
    tandem::shell::define_settings();
    tandem::shell::request_shared_stats();
#ifndef TANDEM_SETTINGS_ONLY
    tandem::shell::register_scan_methods();
    tandem::shell::install_planner_hook();
    tandem::shell::install_explain_hook();
#endif
}
