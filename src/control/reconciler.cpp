// Control reads what is wanted, by notification or every few seconds, compares it with the runners
// it has, and starts, restarts or ends them. A mirror's signature holds all that makes a new start
// necessary: tables, generations, epoch, options. Leases are advisory locks of the control
// connection; when it is lost, so are they, and all runners end with it.
#include "control/reconciler.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "base/back_off.h"
#include "base/log.h"
#include "base/retry_policy.h"
#include "control/leases.h"
#include "metrics/metrics.h"
#include "mirror/session/ownership.h"
#include "mirror/session/runner.h"
#include "mirror/source/publication.h"
#include "mirror/source/schema_guard.h"
#include "postgres/client/connection.h"

namespace tandem::control {
namespace {

using std::chrono::milliseconds;

// How often the catalog is read without a notification, sooner while something is to come, and how
// soon a stop is noticed.
constexpr milliseconds kReadInterval{5000};
constexpr milliseconds kReadSoon{1000};
constexpr milliseconds kStopInterval{100};
// A mirror that has not stopped by then is shut out and left to itself.
constexpr milliseconds kStopPatience{1700};
// How long the application's writes to a table that lost its key may fail; longer where a look
// takes long, so that looking never costs more than a twentieth of one processor.
constexpr milliseconds kGuardInterval{600};
constexpr int kGuardRest = 20;
// The same while DDL was seen and is not followed yet.
constexpr milliseconds kGuardPressing{50};
constexpr int kGuardRestPressing = 3;

struct WantedMirror {
    int id = 0;
    std::string name;
    std::string wanted;
    std::string state;
    // Changes when the mirror has to start anew: tables joined, a resync was asked for.
    std::string signature;
    clickhouse::Endpoint target;
    config::Values options;  // its own, of the group `mirror`
};

void take_option(WantedMirror& mirror, const std::string& name, const std::string& value) {
    // A change of any of them starts the mirror anew.
    mirror.signature += " " + name + "=" + value;
    for (const config::Option& option : config::options()) {
        if (option.group != config::Group::mirror || option.member != name) continue;
        Status set = config::set_from_text(option, name, value, mirror.options);
        if (!set.ok()) log(LogLevel::warning, "control", set.error().to_string());
    }
}

// A mirror's threads. Never waited for without a limit: they may hang in a server that does not
// answer. What is left to itself keeps its own memory, and writes nothing once it is shut out.
class RunningMirror {
  public:
    RunningMirror(mirror::RunnerOptions options, std::string signature)
        : signature_(std::move(signature)),
          thread_([ended = ended_, runner = mirror::MirrorRunner(std::move(options))](
                      std::stop_token stop) mutable {
              static_cast<void>(runner.run(stop));
              *ended = true;
          }) {}
    ~RunningMirror() {
        thread_.request_stop();
        if (!ended() && thread_.joinable()) thread_.detach();
    }
    RunningMirror(const RunningMirror&) = delete;
    RunningMirror& operator=(const RunningMirror&) = delete;

    bool ended() const { return *ended_; }
    const std::string& signature() const { return signature_; }
    void stop() {
        if (stopping_) return;
        stopping_ = Clock::now();
        thread_.request_stop();
    }
    // It has been shut out, and ends when it can.
    void leave() { left_ = true; }
    bool left() const { return left_; }
    bool stopping() const { return stopping_.has_value(); }
    bool hangs() const {
        return stopping_ && !ended() && Clock::now() - *stopping_ > kStopPatience;
    }

  private:
    using Clock = std::chrono::steady_clock;
    std::string signature_;
    std::shared_ptr<std::atomic<bool>> ended_ = std::make_shared<std::atomic<bool>>(false);
    std::optional<Clock::time_point> stopping_;
    bool left_ = false;
    std::jthread thread_;
};

// One life of the control connection, and of the leases.
class Control {
  public:
    Control(const ReconcilerOptions& options, postgres::Connection connection,
            std::unique_ptr<Leases> leases)
        : options_(options), connection_(std::move(connection)), leases_(std::move(leases)) {}
    ~Control() { stop_all(); }
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    Status run(std::stop_token stop) {
        TRY(connection_.execute("LISTEN tandem"));
        while (!stop.stop_requested()) {
            if (leases_->lost())
                return Error(ErrorCode::kConnectionLost, "the connection that holds the leases");
            soon_ = false;
            TRY(reconcile());
            milliseconds interval = soon_ ? kReadSoon : kReadInterval;
            milliseconds waited{0};
            while (!stop.stop_requested() && !leases_->lost() && waited < interval) {
                auto woken = TRY(connection_.wait_notification(kStopInterval));
                if (woken || look_again()) break;
                waited += kStopInterval;
            }
        }
        return {};
    }

  private:
    // Something that was asked to stop has, or will not.
    bool look_again() const {
        for (const auto& [id, mirror] : running_)
            if (mirror->ended() || (mirror->hangs() && !mirror->left())) return true;
        return false;
    }

    Status reconcile() {
        std::vector<WantedMirror> wanted = TRY(read_mirrors());
        for (auto at = running_.begin(); at != running_.end();) {
            bool known = false;
            for (const WantedMirror& mirror : wanted) known |= mirror.id == at->first;
            if (!known) at->second->stop();
            if (!known && at->second->hangs()) at->second->leave();
            at = at->second->ended() ? running_.erase(at) : std::next(at);
        }
        for (const WantedMirror& mirror : wanted) {
            Status done = reconcile(mirror);
            if (done.ok()) continue;
            // One mirror's trouble is not the others'.
            log(LogLevel::warning, "control", mirror.name + ": " + done.error().to_string());
            soon_ = true;
            if (!connection_.usable()) return done;
        }
        return {};
    }

    Status reconcile(const WantedMirror& mirror) {
        auto running = running_.find(mirror.id);
        bool runs = running != running_.end();
        if (mirror.wanted == "running") {
            if (runs && !running->second->stopping()) {
                if (running->second->signature() != mirror.signature) running->second->stop();
                return {};
            }
            if (runs || mirror.state == "failed") return {};
            if (!TRY(lease(mirror.id))) return {};
            running_.emplace(mirror.id, std::make_unique<RunningMirror>(runner_options(mirror),
                                                                        mirror.signature));
            return {};
        }
        if (mirror.wanted == "paused" && mirror.state == "paused") return {};
        if (runs) {
            running->second->stop();
            if (!running->second->hangs()) return {};
        }
        if (!TRY(lease(mirror.id))) return {};
        if (runs) {
            TRY(mirror::fence_out(connection_, mirror.id));
            running->second->leave();
        }
        if (mirror.wanted == "dropped") {
            TRY(mirror::drop_mirror(runner_options(mirror)));
            metrics::forget_mirror(mirror.name);
            return {};
        }
        return connection_.execute("UPDATE tandem.mirror SET state = 'paused' WHERE mirror_id = " +
                                   std::to_string(mirror.id) + " AND wanted = 'paused'");
    }

    // Orderly, all at once, for as long as patience lasts.
    void stop_all() {
        for (const auto& [id, mirror] : running_) mirror->stop();
        for (const auto& [id, mirror] : running_)
            while (!mirror->ended() && !mirror->hangs()) back_off(milliseconds(10));
        running_.clear();
    }

    Result<std::vector<WantedMirror>> read_mirrors() {
        auto rows = TRY(connection_.query(
            "SELECT m.mirror_id, m.wanted, m.state, m.wanted_epoch || ':' || coalesce((SELECT "
            "string_agg(t.relid || '/' || t.generation, ',' ORDER BY t.relid) FROM "
            "tandem.mirror_table t WHERE t.mirror_id = m.mirror_id AND "
            "t.error_code IS DISTINCT FROM 'removed'), ''), g.host, g.native_port, "
            "g.username, g.password, g.secure, m.name FROM tandem.mirror m JOIN tandem.target g "
            "USING "
            "(target_id) ORDER BY m.mirror_id"));
        // As text, because a value that is not read must not keep the others from running.
        auto options =
            TRY(connection_.query("SELECT m.mirror_id, o.key, o.value FROM tandem.mirror m, "
                                  "jsonb_each_text(m.options) o ORDER BY m.mirror_id, o.key"));
        std::vector<WantedMirror> mirrors;
        for (int i = 0; i < rows.rows(); ++i) {
            WantedMirror mirror;
            mirror.id = static_cast<int>(TRY(rows.integer(i, 0)));
            mirror.wanted = rows.text(i, 1);
            mirror.state = rows.text(i, 2);
            mirror.signature = rows.text(i, 3);
            mirror.target.host = rows.text(i, 4);
            mirror.target.port = static_cast<uint16_t>(TRY(rows.integer(i, 5)));
            mirror.target.user = rows.text(i, 6);
            mirror.target.password = rows.text(i, 7);
            mirror.target.secure = TRY(rows.boolean(i, 8));
            mirror.name = rows.text(i, 9);
            mirrors.push_back(std::move(mirror));
        }
        for (int i = 0; i < options.rows(); ++i) {
            int id = static_cast<int>(TRY(options.integer(i, 0)));
            for (WantedMirror& mirror : mirrors)
                if (mirror.id == id) take_option(mirror, options.text(i, 1), options.text(i, 2));
        }
        return mirrors;
    }

    // True when this daemon may act on the mirror: nobody else does.
    Result<bool> lease(int mirror_id) {
        bool mine = TRY(leases_->take(mirror_id));
        soon_ |= !mine;
        return mine;
    }

    mirror::RunnerOptions runner_options(const WantedMirror& mirror) const {
        Limits limits = options_.limits;
        limits.take(mirror.options);
        mirror::RunnerOptions runner;
        runner.source = options_.source;
        runner.target = mirror.target;
        runner.mirror_id = mirror.id;
        runner.lease_backend = leases_->backend();
        runner.name = mirror.name;
        runner.limits.bytes_max = limits.batch_bytes;
        runner.limits.changes_max = limits.batch_rows;
        runner.limits.flush_age = limits.flush_age;
        runner.limits.batch_age = limits.batch_age;
        runner.snapshot_workers = limits.snapshot_workers;
        runner.snapshot_block_bytes = limits.snapshot_block_bytes;
        runner.chunk_blocks = limits.chunk_blocks;
        runner.folding = limits.folding;
        return runner;
    }

    const ReconcilerOptions& options_;
    postgres::Connection connection_;
    std::unique_ptr<Leases> leases_;
    std::map<int, std::unique_ptr<RunningMirror>> running_;
    bool soon_ = false;  // something has to be looked at again before long
};

Result<postgres::Connection> connect(const ReconcilerOptions& options, std::string_view role) {
    postgres::ConnectOptions connect;
    connect.conninfo = options.source;
    connect.application_name = "tandem " + std::string(role);
    return postgres::Connection::open(connect);
}

Status guard_once(const ReconcilerOptions& options, const std::stop_token& stop) {
    auto connection = TRY(connect(options, "guard"));
    TRY(connection.execute("LISTEN tandem"));
    mirror::SchemaGuard schemas;
    while (!stop.stop_requested()) {
        auto begun = std::chrono::steady_clock::now();
        TRY(mirror::guard_publications(connection));
        TRY(mirror::forget_removed_tables(connection));
        TRY(mirror::mark_dropped_tables(connection));
        TRY(schemas.look(connection));
        auto spent =
            std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
        bool pressing = schemas.pressing();
        milliseconds rest = pressing ? std::max(kGuardPressing, kGuardRestPressing * spent)
                                     : std::max(kGuardInterval, kGuardRest * spent);
        milliseconds step = std::min(kStopInterval, rest);
        for (milliseconds waited{0}; !stop.stop_requested() && waited < rest; waited += step) {
            auto woken = TRY(connection.wait_notification(step));
            if (woken) break;
        }
    }
    return {};
}

// A thread of its own: nothing that keeps the mirrors may keep the application waiting.
void guard(const ReconcilerOptions& options, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        Status ended = guard_once(options, stop);
        if (!ended.ok()) log(LogLevel::warning, "control", ended.error().to_string());
        back_off(kGuardInterval, stop);
    }
}

Status run_once(const ReconcilerOptions& options, std::stop_token stop) {
    TRY(catalog::install(options.source, options.target));
    std::jthread guarding([&](const std::stop_token& done) { guard(options, done); });
    auto connection = TRY(connect(options, "control"));
    auto leases = TRY(Leases::open(options.source));
    return Control(options, std::move(connection), std::move(leases)).run(stop);
}

}  // namespace

void Limits::take(const config::Values& values) {
    if (values.batch_bytes != 0) batch_bytes = values.batch_bytes;
    if (values.batch_rows != 0) batch_rows = values.batch_rows;
    if (values.flush_age_ms != 0) flush_age = milliseconds(values.flush_age_ms);
    if (values.batch_age_ms != 0) batch_age = milliseconds(values.batch_age_ms);
    if (values.history_s != 0)
        folding.history = std::chrono::seconds(values.history_s > 1 ? values.history_s : 0);
    if (values.snapshot_workers != 0) snapshot_workers = static_cast<int>(values.snapshot_workers);
}

Status Reconciler::run(std::stop_token stop) {
    milliseconds pause{100};
    while (!stop.stop_requested()) {
        Status ended = run_once(options_, stop);
        if (ended.ok()) break;
        if (action_for(ended.error(), Place::daemon) == Action::stop) return ended;
        log(LogLevel::warning, "control", ended.error().to_string());
        back_off(pause, stop);
        pause = std::min(pause * 2, milliseconds(5000));
    }
    return {};
}

}  // namespace tandem::control
