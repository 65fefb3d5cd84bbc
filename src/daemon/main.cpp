// tandem-daemon --settings FILE: the process `tandem up` starts and supervises.
// tandem-daemon --config FILE: a service of its own, attached to two servers (tandem.toml).
//
// Reads its settings (they hold passwords, so they never are arguments), drops to the account named
// there, and runs until SIGTERM or SIGINT. SIGHUP reads the settings again: what is wrong in them
// is logged and changes nothing, otherwise the mirrors end orderly and go on with the new ones.
// Exit codes are those of errors.def; 0 after a stop.
#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mutex.h"
#include "daemon/daemon.h"
#include "daemon/notify.h"
#include "daemon/service_settings.h"
#include "stack/machine/account.h"
#include "stack/machine/files.h"

namespace {

using tandem::Error;
using tandem::ErrorCode;
using tandem::LogLevel;
using tandem::Result;
using tandem::Status;
using tandem::stack::DaemonSettings;

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

// journald has its own clock, and reads the priority from the begin of the line.
int journal_priority(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return 7;
        case LogLevel::info:
            return 6;
        case LogLevel::warning:
            return 4;
        case LogLevel::error:
            return 3;
    }
    return 3;
}

void set_level(const std::string& level) {
    spdlog::get("tandem")->set_level(spdlog::level::from_str(level));
}

void start_log(const std::string& level) {
    auto logger = spdlog::stderr_logger_mt("tandem");
    bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    logger->set_pattern(journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e %l %v");
    logger->flush_on(spdlog::level::debug);
    set_level(level);
    tandem::set_log_sink(
        [logger, journal](LogLevel severity, std::string_view module, std::string_view message) {
            if (journal)
                logger->log(to_spdlog(severity), "<{}>{}: {}", journal_priority(severity), module,
                            message);
            else
                logger->log(to_spdlog(severity), "{}: {}", module, message);
        });
}

// Who waits for signals, and who runs until one comes.
class Signals {
  public:
    using Load = std::function<Result<DaemonSettings>()>;
    Signals(const sigset_t& signals, Load load) : signals_(signals), load_(std::move(load)) {}

    // In a thread of its own, for the rest of the process.
    void wait() {
        for (;;) {
            int received = 0;
            sigwait(&signals_, &received);
            if (received == SIGHUP) {
                reload();
                continue;
            }
            tandem::log(LogLevel::info, "daemon", "stopping on a signal");
            tandem::daemon::notify("STOPPING=1");
            tandem::MutexLock lock(mutex_);
            ended_ = true;
            life_.request_stop();
        }
    }

    // Until the next SIGHUP or the end.
    std::stop_token begin_life() {
        tandem::MutexLock lock(mutex_);
        if (!ended_) life_ = std::stop_source();
        return life_.get_token();
    }
    // The settings of the next life; nothing: there is none.
    std::optional<DaemonSettings> next_life() {
        tandem::MutexLock lock(mutex_);
        if (ended_) return std::nullopt;
        return std::exchange(next_, std::nullopt);
    }

  private:
    void reload() {
        Result<DaemonSettings> settings = load_();
        if (!settings.ok()) {
            tandem::log(LogLevel::error, "daemon",
                        "the settings stay as they are: " + settings.error().to_string());
            return;
        }
        tandem::log(LogLevel::info, "daemon", "going on with new settings");
        tandem::daemon::notify("RELOADING=1");
        tandem::MutexLock lock(mutex_);
        next_ = std::move(*settings);
        life_.request_stop();
    }

    const sigset_t signals_;
    const Load load_;
    tandem::Mutex mutex_;
    std::stop_source life_ TANDEM_GUARDED_BY(mutex_);
    std::optional<DaemonSettings> next_ TANDEM_GUARDED_BY(mutex_);
    bool ended_ TANDEM_GUARDED_BY(mutex_) = false;
};

Result<DaemonSettings> read_stack_settings(const std::string& path) {
    std::string text = TRY(tandem::stack::read_file(path));
    return tandem::stack::parse_daemon_settings(text);
}

Status run(const Signals::Load& load, const sigset_t& numbers) {
    DaemonSettings settings = TRY(load());
    start_log(settings.options.log_level);
    if (!settings.account.empty()) {
        tandem::stack::Account account = TRY(tandem::stack::find_account(settings.account));
        TRY(tandem::stack::become(account));
    }
    if (const char* failpoints = std::getenv("TANDEM_FAILPOINTS"))
        TRY(tandem::set_failpoints(failpoints));
    // Lives as long as the thread that waits, which is as long as the process.
    auto* signals = new Signals(numbers, load);
    std::thread([signals] { signals->wait(); }).detach();
    for (;;) {
        TRY(tandem::daemon::run(settings, signals->begin_life(),
                                [] { tandem::daemon::notify("READY=1"); }));
        std::optional<DaemonSettings> next = signals->next_life();
        if (!next) return {};
        settings = std::move(*next);
        set_level(settings.options.log_level);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string mode = argc == 3 ? argv[1] : "";
    if (mode != "--settings" && mode != "--config") {
        std::fprintf(stderr,
                     "usage: tandem-daemon --config tandem.toml     a service of its own\n"
                     "       tandem-daemon --settings FILE          as `tandem up` runs it\n");
        return tandem::error_info(ErrorCode::kInvalidArgument).exit_code;
    }
    // Before any thread exists, so that all of them inherit the mask.
    sigset_t signals;
    sigemptyset(&signals);
    for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);
    std::string path = argv[2];
    Status ended = run(
        [mode, path] {
            return mode == "--config" ? tandem::daemon::read_service_settings(path)
                                      : read_stack_settings(path);
        },
        signals);
    if (ended.ok()) return 0;
    tandem::log(LogLevel::error, "daemon", ended.error().to_string());
    return ended.error().info().exit_code;
}
