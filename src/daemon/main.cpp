// tandem-daemon --settings FILE: the process `tandem up` starts and supervises.
//
// Reads its settings (they hold passwords, so they never are arguments), drops to the account named
// there, and runs until SIGTERM or SIGINT. Exit codes are those of errors.def; 0 after a stop.
#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/failpoint.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "stack/machine/account.h"
#include "stack/machine/files.h"

namespace {

using tandem::Error;
using tandem::ErrorCode;
using tandem::LogLevel;
using tandem::Status;

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

void start_log(const std::string& level) {
    auto logger = spdlog::stderr_logger_mt("tandem");
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    logger->set_level(spdlog::level::from_str(level));
    logger->flush_on(spdlog::level::debug);
    tandem::set_log_sink(
        [logger](LogLevel severity, std::string_view module, std::string_view message) {
            logger->log(to_spdlog(severity), "{}: {}", module, message);
        });
}

Status run(const std::string& settings_path, const sigset_t& signals) {
    std::string text = TRY(tandem::stack::read_file(settings_path));
    tandem::stack::DaemonSettings settings = TRY(tandem::stack::parse_daemon_settings(text));
    start_log(settings.options.log_level);
    if (!settings.account.empty()) {
        tandem::stack::Account account = TRY(tandem::stack::find_account(settings.account));
        TRY(tandem::stack::become(account));
    }
    if (const char* failpoints = std::getenv("TANDEM_FAILPOINTS"))
        TRY(tandem::set_failpoints(failpoints));
    std::stop_source stop;
    std::thread([stop, signals]() mutable {
        int received = 0;
        sigwait(&signals, &received);
        tandem::log(LogLevel::info, "daemon", "stopping on a signal");
        stop.request_stop();
    }).detach();
    return tandem::daemon::run(settings, stop.get_token());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 || std::string(argv[1]) != "--settings") {
        std::fprintf(stderr, "usage: tandem-daemon --settings FILE (`tandem up` runs it)\n");
        return tandem::error_info(ErrorCode::kInvalidArgument).exit_code;
    }
    // Before any thread exists, so that all of them inherit the mask.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);
    Status ended = run(argv[2], signals);
    if (ended.ok()) return 0;
    tandem::log(LogLevel::error, "daemon", ended.error().to_string());
    return ended.error().info().exit_code;
}
