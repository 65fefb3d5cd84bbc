#include "base/log.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

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

// One thread's scopes, outermost first.
std::vector<std::pair<std::string, std::string>>& scopes() {
    thread_local std::vector<std::pair<std::string, std::string>> of_this_thread;
    return of_this_thread;
}

std::string with_scopes(std::string_view message) {
    std::string text;
    const auto& all = scopes();
    for (size_t i = 0; i < all.size(); ++i) {
        bool hidden = false;
        for (size_t inner = i + 1; inner < all.size(); ++inner)
            hidden |= all[inner].first == all[i].first;
        if (!hidden) text += (text.empty() ? "[" : " ") + all[i].first + "=" + all[i].second;
    }
    if (!text.empty()) text += "] ";
    return text + std::string(message);
}

}  // namespace

LogScope::LogScope(std::string_view name, std::string_view value) {
    scopes().emplace_back(name, value);
}

LogScope::~LogScope() {
    scopes().pop_back();
}

void set_log_sink(LogSink replacement) {
    Shared& all = shared();
    MutexLock lock(all.mutex);
    all.sink = std::move(replacement);
}

void log(LogLevel level, std::string_view module, std::string_view message) {
    std::string line = with_scopes(message);
    Shared& all = shared();
    MutexLock lock(all.mutex);
    all.sink(level, module, line);
}

}  // namespace tandem
