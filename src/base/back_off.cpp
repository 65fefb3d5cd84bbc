#include "base/back_off.h"

#include <condition_variable>
#include <mutex>

namespace tandem {

void back_off(std::chrono::milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace tandem
