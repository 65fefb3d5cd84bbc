// tandem up and down: settings, ports, checks, and the supervisor that does the rest.
#include <signal.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <set>

#include "base/back_off.h"
#include "base/log.h"
#include "cli/commands/stack.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "postgres/client/conninfo.h"
#include "stack/checks/checks.h"
#include "stack/machine/files.h"
#include "stack/supervisor/supervisor.h"

namespace tandem::cli {
namespace {

constexpr std::chrono::minutes kUpPatience(6);
constexpr std::chrono::minutes kDownPatience(4);
constexpr std::chrono::seconds kPortPatience(2);
constexpr std::chrono::milliseconds kPoll(40);
constexpr int kPortAttempts = 3;

using Clock = std::chrono::steady_clock;

struct Port {
    const char* name;
    uint64_t given;    // by the user: taken is an error
    uint64_t& chosen;  // that of the last start, replaced when it is taken
};

// The stack's own ports settled so far: none of them is bound before the servers start, so the
// kernel cannot tell that two of them are the same.
using Settled = std::set<uint64_t>;

Status take_given(const Port& port, const Settled& settled) {
    port.chosen = port.given;
    std::string who = settled.contains(port.given)                             ? "the stack itself"
                      : stack::port_is_free(static_cast<uint16_t>(port.given)) ? ""
                                                                               : "another process";
    if (who.empty()) return {};
    return Error(ErrorCode::kPortTaken, std::string("the port for ") + port.name + ", " +
                                            std::to_string(port.given) + ", is used by " + who);
}

// Threads of a killed server may hold its port for a moment after the server is gone.
bool comes_free(uint64_t port) {
    auto deadline = Clock::now() + kPortPatience;
    while (!stack::port_is_free(static_cast<uint16_t>(port))) {
        if (Clock::now() > deadline) return false;
        back_off(kPoll);
    }
    return true;
}

Status take_own(const Port& port, const Settled& settled) {
    uint64_t before = port.chosen;
    if (before != 0 && !settled.contains(before) && comes_free(before)) return {};
    do port.chosen = TRY(stack::free_port());
    while (settled.contains(port.chosen));
    if (before != 0)
        log(LogLevel::warning, "up",
            std::string(port.name) + " moves to port " + std::to_string(port.chosen) +
                ", because port " + std::to_string(before) + " is used already");
    return {};
}

// An embedded server keeps being embedded and an attached one attached until told otherwise.
Result<stack::Settings> settle(const stack::Layout& layout, const Options& options) {
    Result<stack::Settings> known = stack::load_settings(layout);
    stack::Settings settings;
    if (known.ok())
        settings = *known;
    else if (known.error().code() != ErrorCode::kNotFound)
        return known;
    std::string own_password = settings.clickhouse_password;
    config::overlay(options, config::Group::servers, settings);
    // That of an embedded server is ours to choose, and one of another server would only mislead.
    if (settings.embedded_clickhouse())
        settings.clickhouse_password = own_password;
    else if (!options.clickhouse_url.empty())
        settings.clickhouse_password = options.clickhouse_password;
    for (const config::Option& option : config::options())
        if (option.group == config::Group::tuning || option.group == config::Group::mirror)
            config::take(option, options, settings);
    // The daemon runs as another user, who has no ~/.pgpass of ours.
    if (!options.postgres_url.empty())
        settings.postgres_url = TRY(postgres::with_looked_up_password(options.postgres_url));
    if (!settings.clickhouse_url.empty()) TRY(stack::clickhouse_target(settings));
    if (settings.postgres_password.empty())
        settings.postgres_password = TRY(stack::random_password());
    if (settings.clickhouse_password.empty() && settings.embedded_clickhouse())
        settings.clickhouse_password = TRY(stack::random_password());
    return settings;
}

Status choose_ports(const Options& options, stack::Settings& settings) {
    std::vector<Port> ports;
    if (settings.embedded_postgres())
        ports.push_back({"Postgres", options.postgres_port, settings.postgres_port});
    if (settings.embedded_clickhouse()) {
        ports.push_back({"ClickHouse (native)", options.native_port, settings.native_port});
        ports.push_back({"ClickHouse (HTTP)", options.http_port, settings.http_port});
    }
    ports.push_back({"the console", options.console_port, settings.console_port});
    Settled settled;
    for (bool given : {true, false})
        for (const Port& port : ports) {
            if ((port.given != 0) != given) continue;
            TRY(given ? take_given(port, settled) : take_own(port, settled));
            settled.insert(port.chosen);
        }
    return {};
}

std::array<uint64_t, 4> ports_of(const stack::Settings& settings) {
    return {settings.postgres_port, settings.native_port, settings.http_port,
            settings.console_port};
}

Status check_first(const Options& options, const stack::Settings& settings) {
    std::vector<stack::Check> checks =
        stack::check_machine(options.data, settings.embedded_clickhouse());
    auto add = [&](std::vector<stack::Check> more) {
        checks.insert(checks.end(), more.begin(), more.end());
    };
    add(stack::check_installation(settings, stack::own_directory()));
    if (!settings.embedded_postgres()) add(stack::check_postgres(settings.postgres_url));
    if (!settings.embedded_clickhouse())
        add(stack::check_clickhouse(TRY(stack::clickhouse_target(settings))));
    for (const stack::Check& check : checks)
        if (check.outcome == stack::Check::Outcome::warning)
            log(LogLevel::warning, "up", check.name + ": " + check.found + ". " + check.fix);
    return stack::all_passed(checks);
}

// Shows the supervisor's steps until the stack is ready or has failed.
Status follow_start(const stack::Layout& layout, pid_t supervisor) {
    auto deadline = Clock::now() + kUpPatience;
    std::unique_ptr<Step> step;
    std::string shown;
    while (Clock::now() < deadline) {
        Result<stack::State> state = stack::load_state(layout);
        bool ours = state.ok() && (state->supervisor.pid == supervisor || state->phase == "failed");
        if (ours && state->phase == "ready") return {};
        if (ours && state->phase == "failed") {
            if (step) step->finish("failed");
            return Error(ErrorCode::kServerStartFailed, state->error);
        }
        if (ours && state->step != shown) {
            step.reset();
            shown = state->step;
            step = std::make_unique<Step>(shown);
        }
        if (step) step->update();
        if (stack::try_reap(supervisor)) {
            // It may have failed between the two looks.
            state = stack::load_state(layout);
            return Error(ErrorCode::kServerStartFailed,
                         state.ok() && state->phase == "failed"
                             ? state->error
                             : "the supervisor ended; see " + layout.log("supervisor"));
        }
        back_off(kPoll);
    }
    return Error(ErrorCode::kTimeout,
                 "the stack did not become ready; see " + layout.log("supervisor"));
}

Status start_supervisor(const stack::Layout& layout, const Options& options) {
    // What an earlier stack said must not be taken for what this one says.
    TRY(stack::save_state(layout, stack::State{.phase = "starting"}));
    stack::SpawnOptions command{
        .arguments = {stack::own_executable(), "_supervise", "--data", layout.home},
        .output_path = layout.log("supervisor"),
        .new_session = true};
    if (!options.failpoints.empty())
        command.environment.emplace_back("TANDEM_FAILPOINTS", options.failpoints);
    pid_t supervisor = TRY(stack::spawn(command));
    return follow_start(layout, supervisor);
}

// A supervisor that is on its way up or down is waited for.
Result<bool> runs_already(const stack::Layout& layout) {
    auto deadline = Clock::now() + kUpPatience;
    while (stack::is_supervised(layout)) {
        Result<stack::State> state = stack::load_state(layout);
        if (state.ok() && state->phase == "ready") return true;
        if (Clock::now() > deadline)
            return Error(ErrorCode::kTimeout, "another `tandem up` or `down` does not end; see " +
                                                  layout.log("supervisor"));
        back_off(kPoll);
    }
    return false;
}

// An option that a running stack does not follow must not be ignored in silence.
Status same_as_running(const stack::Layout& layout, const Options& options) {
    stack::Settings settings = TRY(stack::load_settings(layout));
    auto differs = [](const auto& wanted, const auto& runs) {
        return wanted != std::decay_t<decltype(wanted)>() && wanted != runs;
    };
    std::string wanted_url;
    if (!options.postgres_url.empty())
        wanted_url = TRY(postgres::with_looked_up_password(options.postgres_url));
    if (differs(wanted_url, settings.postgres_url) ||
        differs(options.clickhouse_url, settings.clickhouse_url) ||
        differs(options.postgres_port, settings.postgres_port) ||
        differs(options.native_port, settings.native_port) ||
        differs(options.http_port, settings.http_port) ||
        differs(options.console_port, settings.console_port))
        return Error(ErrorCode::kAlreadyExists,
                     "the stack in " + layout.home +
                         " runs with other servers or ports; run `tandem down` first");
    return {};
}

}  // namespace

Result<stack::Layout> bring_up(Options& options) {
    TRY(complete(options));
    std::optional<stack::Account> account = TRY(stack::service_account());
    stack::Layout layout = TRY(stack::create_layout(options.data, account));
    if (TRY(runs_already(layout))) {
        TRY(same_as_running(layout, options));
        return layout;
    }
    stack::Settings settings = TRY(settle(layout, options));
    {
        Step step("checking what is needed");
        TRY(check_first(options, settings));
        // Left-overs hold the ports that are to be kept.
        TRY(stack::stop_leftovers(layout));
        TRY(choose_ports(options, settings));
    }
    // Somebody else may take a port between the look and the bind. A start that failed and left
    // every port free failed for another reason.
    for (int attempt = 0;; ++attempt) {
        TRY(stack::save_settings(layout, settings));
        TRY(stack::write_credentials(layout, settings));
        Status started = start_supervisor(layout, options);
        if (started.ok()) return layout;
        std::array<uint64_t, 4> before = ports_of(settings);
        if (attempt == kPortAttempts || !choose_ports(options, settings).ok() ||
            ports_of(settings) == before)
            return std::move(started).error();
    }
}

Status up(Options options) {
    TRY(bring_up(options));
    return status(options);
}

Status down(Options options) {
    TRY(complete(options));
    Result<stack::Layout> found = stack::find_layout(options.data);
    if (!found.ok() && found.error().code() == ErrorCode::kNotFound) {
        show_stopped(options.json, false);
        return {};
    }
    stack::Layout layout = TRY(std::move(found));
    Result<stack::State> state = stack::load_state(layout);
    bool supervised = stack::is_supervised(layout);
    if (supervised && state.ok()) {
        Step step("stopping the stack");
        kill(state->supervisor.pid, SIGTERM);
        auto deadline = Clock::now() + kDownPatience;
        while (stack::is_supervised(layout)) {
            if (Clock::now() > deadline)
                return Error(ErrorCode::kTimeout,
                             "the stack does not stop; see " + layout.log("supervisor"));
            step.update();
            back_off(kPoll);
        }
    }
    TRY(stack::stop_leftovers(layout));
    show_stopped(options.json, supervised);
    return {};
}

Status supervise(Options options) {
    TRY(complete(options));
    sigset_t signals;
    sigemptyset(&signals);
    for (int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);
    set_log_sink([](LogLevel, std::string_view module, std::string_view message) {
        std::time_t now = std::time(nullptr);
        std::tm parts = {};
        gmtime_r(&now, &parts);
        char stamp[32];
        std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &parts);
        std::fprintf(stderr, "%s %s: %s\n", stamp, std::string(module).c_str(),
                     std::string(message).c_str());
    });
    stack::Layout layout = TRY(stack::find_layout(options.data));
    stack::Programs programs{stack::own_directory(), options.failpoints};
    return stack::Supervisor(layout, programs).run();
}

}  // namespace tandem::cli
