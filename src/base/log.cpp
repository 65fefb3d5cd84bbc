#include "base/log.h"

#include <cstdio>
#include <mutex>

namespace tandem {
namespace {

std::mutex& mutex() {
    static std::mutex instance;
    return instance;
}

LogSink& sink() {
    static LogSink instance = [](LogLevel level, std::string_view module,
                                 std::string_view message) {
        if (level < LogLevel::warning) return;
        std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(module.size()), module.data(),
                     static_cast<int>(message.size()), message.data());
    };
    return instance;
}

}  // namespace

void set_log_sink(LogSink replacement) {
    std::lock_guard lock(mutex());
    sink() = std::move(replacement);
}

void log(LogLevel level, std::string_view module, std::string_view message) {
    std::lock_guard lock(mutex());
    sink()(level, module, message);
}

}  // namespace tandem
