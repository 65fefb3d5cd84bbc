#include "extension/shell/pg.h"

extern "C" {
#include "miscadmin.h"
#include "postmaster/bgworker.h"
}

#include <dlfcn.h>

#include "extension/telemetry/hooks.h"
#include "extension/telemetry/shared.h"
#include "extension/telemetry/telemetry.h"

namespace tandem::shell {

namespace {

// From where this library was loaded, which need not be where libraries are installed.
void own_path(char* path, size_t size) {
    Dl_info info;
    bool known = dladdr(reinterpret_cast<void*>(&own_path), &info) != 0;
    snprintf(path, size, "%s", known && strlen(info.dli_fname) < size ? info.dli_fname : "tandem");
}

// It is connected to no database, so that none is kept from being dropped by it.
void register_worker() {
    BackgroundWorker worker = {};
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
    worker.bgw_start_time = BgWorkerStart_PostmasterStart;
    worker.bgw_restart_time = 1;
    snprintf(worker.bgw_name, sizeof worker.bgw_name, "tandem telemetry");
    snprintf(worker.bgw_type, sizeof worker.bgw_type, "tandem telemetry");
    snprintf(worker.bgw_function_name, sizeof worker.bgw_function_name, "tandem_telemetry_worker");
    own_path(worker.bgw_library_name, sizeof worker.bgw_library_name);
    RegisterBackgroundWorker(&worker);
}

}  // namespace

void install_telemetry() {
    if (!process_shared_preload_libraries_in_progress) return;
    request_telemetry_memory();
    install_telemetry_hooks();
    register_worker();
}

}  // namespace tandem::shell
