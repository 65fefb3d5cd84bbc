// What the service manager is told: the protocol of sd_notify(3), without the library. Nothing
// happens when nobody listens (NOTIFY_SOCKET is not set).
#pragma once

#include <string_view>

namespace tandem::daemon {

// "READY=1", "STATUS=...", "STOPPING=1"; several are separated by line feeds.
void notify(std::string_view state);

}  // namespace tandem::daemon
