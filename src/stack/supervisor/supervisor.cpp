// One thread and one loop: watch() waits for a signal or for the time at which a service is due,
// reap() takes note of those that have ended, start_due() starts them again. All signals are
// blocked and waited for, so nothing runs in a handler. What an earlier supervisor left behind is
// ended first, found by pid and start time, never by pid alone.
#include "stack/supervisor/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/back_off.h"
#include "base/log.h"
#include "stack/machine/files.h"
#include "stack/machine/process.h"
#include "stack/supervisor/daemon_settings.h"

namespace tandem::stack {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStartPatience(120);
constexpr std::chrono::milliseconds kPauseMax(30000);
constexpr std::chrono::seconds kStableAfter(60);
constexpr uintmax_t kLogBytesMax = uintmax_t{64} << 20;

// Waits until `gone` holds; false at the deadline.
bool wait_until(const std::function<bool()>& gone, std::chrono::milliseconds patience) {
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (!gone()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        back_off(std::chrono::milliseconds(20));
    }
    return true;
}

// Backends of a killed postmaster need a moment to notice; they work in its data directory.
std::vector<pid_t> processes_working_in(const std::string& directory) {
    std::vector<pid_t> found;
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator("/proc", failure)) {
        int pid = std::atoi(entry.path().filename().c_str());
        if (pid <= 0) continue;
        std::error_code unreadable;
        fs::path cwd = fs::read_symlink(entry.path() / "cwd", unreadable);
        if (!unreadable && cwd == directory) found.push_back(pid);
    }
    return found;
}

void end_process(const ProcessId& process, int signal, std::chrono::milliseconds patience) {
    if (!is_running(process)) return;
    log(LogLevel::info, "stack", "ending left-over process " + std::to_string(process.pid));
    kill(process.pid, signal);
    if (wait_until([&] { return !is_running(process); }, patience)) return;
    kill(process.pid, SIGKILL);
    wait_until([&] { return !is_running(process); }, std::chrono::seconds(10));
}

// A log is bounded at every start of its process: the one before is kept once.
void rotate(const std::string& path) {
    std::error_code failure;
    uintmax_t size = fs::file_size(path, failure);
    if (!failure && size > kLogBytesMax) fs::rename(path, path + ".1", failure);
}

int open_lock(const Layout& layout) {
    return open(layout.run("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

}  // namespace

bool is_supervised(const Layout& layout) {
    int fd = open_lock(layout);
    if (fd < 0) return false;
    bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return held;
}

Status stop_leftovers(const Layout& layout) {
    using std::chrono::seconds;
    Result<State> state = load_state(layout);
    if (state.ok())
        for (const ProcessState& process : state->processes)
            if (process.name == "daemon" || process.name == "writer")
                end_process(process.id, SIGTERM, seconds(15));
    if (std::optional<pid_t> postmaster = running_postmaster(layout.postgres()))
        if (std::optional<ProcessId> id = identify(*postmaster))
            end_process(*id, SIGINT, seconds(60));
    if (std::optional<pid_t> server = running_clickhouse(layout.clickhouse()))
        if (std::optional<ProcessId> id = identify(*server)) end_process(*id, SIGTERM, seconds(60));
    auto no_backend = [&] { return processes_working_in(layout.postgres()).empty(); };
    if (wait_until(no_backend, seconds(20))) return {};
    for (pid_t pid : processes_working_in(layout.postgres())) kill(pid, SIGKILL);
    if (wait_until(no_backend, seconds(10))) return {};
    return Error(ErrorCode::kServerStartFailed,
                 "processes of an earlier start still work in " + layout.postgres());
}

Supervisor::Service* Supervisor::find(const std::string& name) {
    auto found = std::find_if(services_.begin(), services_.end(),
                              [&](const Service& service) { return service.name == name; });
    return found == services_.end() ? nullptr : &*found;
}

void Supervisor::save(const std::string& phase, const std::string& step) {
    State state{.phase = phase, .step = step};
    if (std::optional<ProcessId> self = identify(getpid())) state.supervisor = *self;
    for (const Service& service : services_)
        state.processes.push_back({service.name, service.id, service.restarts, service.last_end});
    Status saved = save_state(layout_, state);
    if (!saved.ok()) log(LogLevel::error, "stack", saved.error().to_string());
    if (!step.empty()) log(LogLevel::info, "stack", step);
}

Status Supervisor::launch(Service& service) {
    rotate(layout_.log(service.name));
    service.started_at = Clock::now();
    Result<pid_t> pid = service.start();
    if (!pid.ok()) {
        service.last_end = pid.error().message();
        return std::move(pid).error();
    }
    service.pid = *pid;
    service.id = identify(*pid).value_or(ProcessId{*pid, 0});
    return {};
}

void Supervisor::add_postgres() {
    postgres_.data_directory = layout_.postgres();
    postgres_.socket_directory = layout_.socket();
    postgres_.log_path = layout_.log("postgres");
    postgres_.port = static_cast<uint16_t>(settings_.postgres_port);
    postgres_.account = account_;
    postgres_.death_signal = SIGINT;
    postgres_.settings = {{"shared_buffers", "256MB"}, {"max_wal_size", "4GB"}};
    if (has_tandem_library(postgres_.installation))
        postgres_.settings.emplace_back("shared_preload_libraries", "tandem");
    services_.push_back({.name = "postgres",
                         .start = [this] { return start_postgres(postgres_); },
                         .stop_signal = SIGINT,
                         .patience = std::chrono::seconds(60)});
}

void Supervisor::add_clickhouse() {
    clickhouse_.launcher = programs_.launcher();
    clickhouse_.directory = layout_.clickhouse();
    clickhouse_.ports = {static_cast<uint16_t>(settings_.native_port),
                         static_cast<uint16_t>(settings_.http_port)};
    clickhouse_.password = settings_.clickhouse_password;
    clickhouse_.memory_bytes_max = settings_.clickhouse_memory;
    clickhouse_.account = account_;
    clickhouse_.output_path = layout_.log("clickhouse");
    clickhouse_.death_signal = SIGTERM;
    services_.push_back({.name = "clickhouse",
                         .start = [this] { return start_clickhouse(clickhouse_); },
                         .stop_signal = SIGTERM,
                         .patience = std::chrono::seconds(60)});
}

void Supervisor::add_daemon() {
    services_.push_back(
        {.name = "daemon",
         .start = [this]() -> Result<pid_t> {
             unlink((layout_.daemon() + "/ready").c_str());
             std::vector<std::pair<std::string, std::string>> environment;
             if (!programs_.failpoints.empty())
                 environment.emplace_back("TANDEM_FAILPOINTS", programs_.failpoints);
             return spawn(
                 {.arguments = {programs_.daemon(), "--settings", layout_.run("daemon.json")},
                  .environment = environment,
                  .death_signal = SIGTERM,
                  .output_path = layout_.log("daemon")});
         },
         .stop_signal = SIGTERM,
         .patience = std::chrono::seconds(30)});
}

void Supervisor::add_writer() {
    services_.push_back(
        {.name = "writer",
         .start = [this]() -> Result<pid_t> {
             return spawn({.arguments = {programs_.tandem(), "_writer", "--data", layout_.home},
                           .death_signal = SIGTERM,
                           .output_path = layout_.log("writer")});
         },
         .stop_signal = SIGTERM,
         .patience = std::chrono::seconds(10)});
}

Status Supervisor::start_servers() {
    auto deadline = Clock::now() + kStartPatience;
    if (settings_.embedded_postgres()) {
        postgres_.installation = TRY(find_postgres(settings_.postgres_bin));
        add_postgres();
        if (!fs::exists(layout_.postgres() + "/PG_VERSION")) {
            save("starting", "creating the Postgres cluster");
            TRY(initialise_postgres(postgres_, settings_.postgres_password));
        }
    }
    if (settings_.embedded_clickhouse()) {
        clickhouse_.engine = TRY(find_engine(settings_.engine, programs_.directory));
        add_clickhouse();
    }
    // Both start at once and are waited for one after the other.
    for (Service& service : services_) {
        save("starting", "starting " + service.name);
        TRY(launch(service));
    }
    if (Service* service = find("postgres")) {
        save("starting", "waiting for Postgres");
        TRY(wait_for_postgres(postgres_, service->pid, deadline));
    }
    if (Service* service = find("clickhouse")) {
        save("starting", "waiting for ClickHouse");
        TRY(wait_for_clickhouse(clickhouse_, service->pid, deadline));
    }
    return {};
}

Status Supervisor::start_daemon() {
    auto target = TRY(clickhouse_target(settings_));
    DaemonSettings daemon{.source = source_conninfo(settings_),
                          .target = std::move(target),
                          .ready_path = layout_.daemon() + "/ready",
                          .account = account_ ? account_->name : ""};
    // Servers it has in source and target, and in no other form.
    config::overlay(settings_, config::Group::tuning, daemon.options);
    config::overlay(settings_, config::Group::mirror, daemon.options);
    daemon.options.console_port = settings_.console_port;
    TRY(write_private_file(layout_.run("daemon.json"), to_json_text(daemon)));
    add_daemon();
    save("starting", "starting the daemon");
    Service* service = find("daemon");
    TRY(launch(*service));
    auto deadline = Clock::now() + kStartPatience;
    while (!fs::exists(daemon.ready_path)) {
        std::optional<int> status = try_reap(service->pid);
        if (!status && Clock::now() < deadline) {
            back_off(std::chrono::milliseconds(20));
            continue;
        }
        if (status) service->pid = -1;
        return Error(ErrorCode::kServerStartFailed,
                     "the daemon " + (status ? describe_exit(*status) : "did not become ready") +
                         "; log " + layout_.log("daemon") + " ends with:\n" +
                         log_tail(layout_.log("daemon")));
    }
    return {};
}

Status Supervisor::start_all() {
    settings_ = TRY(load_settings(layout_));
    account_ = TRY(service_account());
    save("starting", "ending what an earlier start left behind");
    TRY(stop_leftovers(layout_));
    TRY(start_servers());
    TRY(start_daemon());
    if (settings_.demo_writer) {
        add_writer();
        TRY(launch(services_.back()));
    }
    return {};
}

void Supervisor::reap() {
    for (Service& service : services_) {
        if (service.pid < 0) continue;
        std::optional<int> status = try_reap(service.pid);
        if (!status) continue;
        if (Clock::now() - service.started_at > kStableAfter)
            service.pause = std::chrono::milliseconds(200);
        service.pid = -1;
        service.id = {};
        service.last_end = describe_exit(*status);
        service.start_again_at = Clock::now() + service.pause;
        save("ready", service.name + " " + service.last_end + "; starting it again");
        service.pause = std::min(service.pause * 2, kPauseMax);
    }
}

void Supervisor::start_due() {
    for (Service& service : services_) {
        if (service.pid >= 0 || Clock::now() < service.start_again_at) continue;
        ++service.restarts;
        Status started = launch(service);
        if (!started.ok()) {
            log(LogLevel::error, "stack", started.error().to_string());
            service.start_again_at = Clock::now() + service.pause;
            service.pause = std::min(service.pause * 2, kPauseMax);
        }
        save("ready", "started " + service.name + " again");
    }
}

void Supervisor::stop_writer() {
    if (Service* writer = find("writer")) {
        stop_service(*writer);
        services_.erase(services_.begin() + (writer - services_.data()));
    }
}

void Supervisor::reload() {
    Result<Settings> wanted = load_settings(layout_);
    if (!wanted.ok()) return;
    bool runs = find("writer") != nullptr;
    if (wanted->demo_writer && !runs) {
        add_writer();
        Status started = launch(services_.back());
        if (!started.ok()) log(LogLevel::error, "stack", started.error().to_string());
    } else if (!wanted->demo_writer && runs) {
        stop_writer();
    }
    save("ready", "");
}

// False when the stack has to stop.
bool Supervisor::watch() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals, number);
    bool waits = std::any_of(services_.begin(), services_.end(),
                             [](const Service& service) { return service.pid < 0; });
    timespec timeout = {waits ? 0 : 3600, waits ? 50'000'000 : 0};
    int received = sigtimedwait(&signals, nullptr, &timeout);
    if (received == SIGTERM || received == SIGINT) return false;
    if (received == SIGHUP) reload();
    reap();
    start_due();
    return true;
}

void Supervisor::stop_service(Service& service) {
    if (service.pid < 0) return;
    // One that failed to start is reaped already, and its pid may be somebody else's.
    if (is_running(service.id)) {
        int status = stop_child(service.pid, service.stop_signal, service.patience);
        log(LogLevel::info, "stack", service.name + " " + describe_exit(status));
    } else {
        try_reap(service.pid);
    }
    service.pid = -1;
    service.id = {};
}

void Supervisor::stop_all() {
    // Writers first, then the daemon, which confirms what ClickHouse has; the servers last.
    for (const char* name : {"writer", "daemon", "postgres", "clickhouse"})
        if (Service* service = find(name)) {
            save("stopping", std::string("stopping ") + name);
            stop_service(*service);
        }
}

Status Supervisor::run() {
    int lock = open_lock(layout_);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0)
        return Error(ErrorCode::kAlreadyExists, "the stack in " + layout_.home + " runs already");
    Status started = start_all();
    if (started.ok()) {
        save("ready", "ready");
        while (watch()) {
        }
    }
    stop_all();
    State last{.phase = started.ok() ? "stopped" : "failed"};
    if (!started.ok()) {
        last.error_code = started.error().info().code;
        last.error = started.error().message();
    }
    TRY(save_state(layout_, last));
    close(lock);
    return started;
}

}  // namespace tandem::stack
