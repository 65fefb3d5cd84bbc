#include "daemon/daemon.h"

#include <memory>

#include "base/back_off.h"
#include "base/log.h"
#include "base/retry_policy.h"
#include "catalog/catalog.h"
#include "console/console.h"
#include "control/reconciler.h"
#include "postgres/client/connection.h"
#include "stack/machine/files.h"

namespace tandem::daemon {
namespace {

constexpr std::chrono::milliseconds kRetryPause(500);

control::ReconcilerOptions reconciler_options(const stack::DaemonSettings& settings) {
    control::ReconcilerOptions options;
    options.source = settings.source;
    options.target.host = settings.target.host;
    options.target.native_port = settings.target.native_port;
    options.target.http_port = settings.target.http_port;
    options.target.user = settings.target.user;
    options.target.password = settings.target.password;
    options.target.secure = settings.target.secure;
    options.limits.take(settings.options);
    return options;
}

// False when stop was requested meanwhile.
bool pause(std::stop_token stop) {
    back_off(kRetryPause, stop);
    return !stop.stop_requested();
}

// The router. A server without it still mirrors, so a refusal is only told.
Status install_extension(const std::string& source) {
    postgres::ConnectOptions options;
    options.conninfo = source;
    postgres::Connection connection = TRY(postgres::Connection::open(options));
    postgres::QueryResult available = TRY(connection.query(
        "SELECT default_version, installed_version FROM pg_available_extensions WHERE name = "
        "'tandem'"));
    if (available.rows() == 0) {
        log(LogLevel::warning, "daemon", "extension tandem is not installed: nothing is routed");
        return {};
    }
    if (!available.is_null(0, 1) && available.value(0, 0) == available.value(0, 1)) return {};
    bool created = available.is_null(0, 1);
    std::string statement =
        created ? "CREATE EXTENSION IF NOT EXISTS tandem" : "ALTER EXTENSION tandem UPDATE";
    Status done = connection.execute(statement);
    if (!done.ok())
        log(LogLevel::warning, "daemon",
            done.error().message() + "; run as a superuser: " + statement + ";" +
                (created ? " until then nothing is routed" : ""));
    return {};
}

Status prepare(const control::ReconcilerOptions& options) {
    TRY(catalog::install(options.source, options.target));
    return install_extension(options.source);
}

}  // namespace

Status run(const stack::DaemonSettings& settings, std::stop_token stop,
           const std::function<void()>& on_ready) {
    control::ReconcilerOptions options = reconciler_options(settings);
    std::unique_ptr<console::Console> console;
    if (settings.options.console_port != 0)
        console = TRY(console::Console::start(static_cast<uint16_t>(settings.options.console_port),
                                              settings.source));
    for (;;) {
        Status prepared = prepare(options);
        if (prepared.ok()) break;
        if (action_for(prepared.error(), Place::daemon) == Action::stop) return prepared;
        log(LogLevel::warning, "daemon", prepared.error().to_string());
        if (!pause(stop)) return {};
    }
    if (!settings.ready_path.empty())
        TRY(stack::write_private_file(settings.ready_path, "ready\n"));
    log(LogLevel::info, "daemon", "ready");
    on_ready();
    return control::Reconciler(std::move(options)).run(stop);
}

}  // namespace tandem::daemon
