// The hooks through which telemetry sees every statement and every error of a backend.
#pragma once

namespace tandem::shell {

// Only while shared_preload_libraries are loaded, behind the router's hooks.
void install_telemetry_hooks();

}  // namespace tandem::shell
