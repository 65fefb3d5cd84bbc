#include "base/log.h"

#include <cstdio>

#include "base/mutex.h"

namespace tandem {
namespace {

void write_to_stderr(LogLevel level, std::string_view module, std::string_view message) {
    if (level < LogLevel::warning) return;
    std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(module.size()), module.data(),
                 static_cast<int>(message.size()), message.data());
}

struct Shared {
    Mutex mutex;
    LogSink sink TANDEM_GUARDED_BY(mutex) = write_to_stderr;
};

Shared& shared() {
    static Shared instance;
    return instance;
}

}  // namespace

void set_log_sink(LogSink replacement) {
    Shared& all = shared();
    MutexLock lock(all.mutex);
    all.sink = std::move(replacement);
}

void log(LogLevel level, std::string_view module, std::string_view message) {
    Shared& all = shared();
    MutexLock lock(all.mutex);
    all.sink(level, module, message);
}

}  // namespace tandem
