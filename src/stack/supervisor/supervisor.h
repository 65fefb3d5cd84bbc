// Supervisor: the process that starts the parts of a stack, starts them again when they die, and
// stops them in order. One per data directory (a lock file says so), one thread, all signals
// blocked and waited for.
//
// Children carry a death signal, so they end orderly when the supervisor is killed; the next
// `tandem up` waits for them and starts afresh. A part that dies is started again after a pause
// that doubles up to 30 s and falls back after a minute of life.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "stack/clickhouse/clickhouse_server.h"
#include "stack/postgres/postgres_server.h"
#include "stack/supervisor/settings.h"

namespace tandem::stack {

// The programs of ours that a stack consists of.
struct Programs {
    std::string directory;        // where tandem, tandem-daemon and tandem-clickhouse lie
    std::string failpoints = {};  // TANDEM_FAILPOINTS for the daemon
    std::string tandem() const { return directory + "/tandem"; }
    std::string daemon() const { return directory + "/tandem-daemon"; }
    std::string launcher() const { return directory + "/tandem-clickhouse"; }
};

class Supervisor {
  public:
    Supervisor(Layout layout, Programs programs)
        : layout_(std::move(layout)), programs_(std::move(programs)) {}

    // Returns when the stack was stopped on SIGTERM or SIGINT (ok) or could not be started. The
    // signals must be blocked in every thread before. SIGHUP reads the settings again for the
    // demo's writer.
    Status run();

  private:
    using Clock = std::chrono::steady_clock;
    struct Service {
        std::string name;
        std::function<Result<pid_t>()> start;
        int stop_signal;
        std::chrono::seconds patience;
        pid_t pid = -1;
        ProcessId id = {};
        int restarts = 0;
        std::string last_end = {};
        std::chrono::milliseconds pause{200};
        Clock::time_point started_at = {};
        Clock::time_point start_again_at = {};
    };

    Status start_all();
    Status start_servers();
    Status start_daemon();
    Status launch(Service& service);
    void add_postgres();
    void add_clickhouse();
    void add_daemon();
    void add_writer();
    void stop_all();
    void stop_service(Service& service);
    void stop_writer();
    bool watch();
    void reap();
    void start_due();
    void reload();
    void save(const std::string& phase, const std::string& step);
    Service* find(const std::string& name);

    Layout layout_;
    Programs programs_;
    Settings settings_;
    std::optional<Account> account_;
    PostgresOptions postgres_;
    ClickHouseOptions clickhouse_;
    std::vector<Service> services_;
};

// Ends what a killed supervisor left behind: orderly first, then by force.
Status stop_leftovers(const Layout& layout);

// True while a supervisor holds the lock of the stack.
bool is_supervised(const Layout& layout);

}  // namespace tandem::stack
