// The daemon's and the CLI's log: one line per event on standard error, levels, no secrets.
//
// Applications route it into spdlog; the libraries only call log(). Inside a Postgres backend
// nothing logs through here: the shell uses ereport. Thread safe.
#pragma once

#include <functional>
#include <string_view>

namespace tandem {

enum class LogLevel { debug, info, warning, error };

using LogSink = std::function<void(LogLevel, std::string_view module, std::string_view message)>;

// Replaces the sink; the default drops everything below warning and prints the rest to stderr.
void set_log_sink(LogSink sink);

// Says of which mirror and table the lines of this thread are, until the end of its scope:
// "[mirror=shop table=public.orders] message". Scopes nest; an inner one of the same name wins.
class LogScope {
  public:
    LogScope(std::string_view name, std::string_view value);
    ~LogScope();
    LogScope(const LogScope&) = delete;
    LogScope& operator=(const LogScope&) = delete;
};

void log(LogLevel level, std::string_view module, std::string_view message);

}  // namespace tandem
