// back_off: lets time pass before something is tried or asked again that gives no sign of its own,
// such as another process or a server's catalog. Nothing else in the house sleeps.
#pragma once

#include <chrono>
#include <stop_token>

namespace tandem {

// Ends early when stop is requested.
void back_off(std::chrono::milliseconds time, const std::stop_token& stop = {});

}  // namespace tandem
