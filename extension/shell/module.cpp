// Entry point of tandem.so: settings first, then the hooks.
#include "shell/pg.h"

#include "route/planner.h"
#include "shell/settings.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);
}

void _PG_init(void) {
    tandem::shell::define_settings();
    tandem::shell::install_planner_hook();
}
