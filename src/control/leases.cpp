#include "control/leases.h"

#include "base/back_off.h"
#include "base/log.h"
#include "mirror/session/ownership.h"

namespace tandem::control {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSay{1000};
// Nothing here waits for a lock, so a slow answer is a server in trouble.
constexpr milliseconds kAnswer{2000};

std::string lock_of(int mirror_id) {
    return std::to_string(mirror::kLeaseClass) + ", " + std::to_string(mirror_id);
}

}  // namespace

Result<std::unique_ptr<Leases>> Leases::open(const std::string& source) {
    postgres::ConnectOptions options;
    options.conninfo = source;
    options.application_name = "tandem lease";
    options.statement_timeout = kAnswer;
    postgres::Connection connection = TRY(postgres::Connection::open(options));
    return std::unique_ptr<Leases>(new Leases(std::move(connection)));
}

Leases::Leases(postgres::Connection connection)
    : connection_(std::move(connection)),
      backend_(connection_.backend_pid()),
      keeper_([this](const std::stop_token& stop) { keep(stop); }) {}

Leases::~Leases() = default;

void Leases::keep(const std::stop_token& stop) {
    while (!stop.stop_requested() && !lost_) {
        {
            MutexLock lock(mutex_);
            Status said = connection_.execute("SELECT");
            if (!said.ok()) {
                log(LogLevel::warning, "control", "the leases are lost: " + said.error().message());
                lost_ = true;
            }
        }
        back_off(kSay, stop);
    }
}

Result<bool> Leases::take(int mirror_id) {
    MutexLock lock(mutex_);
    if (lost_) return Error(ErrorCode::kConnectionLost, "the connection that holds the leases");
    if (held_.contains(mirror_id)) return true;
    auto got = TRY(connection_.query("SELECT pg_try_advisory_lock(" + lock_of(mirror_id) + ")"));
    if (TRY(got.boolean(0, 0))) {
        held_.insert(mirror_id);
        return true;
    }
    TRY(end_silent_holder(mirror_id));
    return false;
}

Status Leases::end_silent_holder(int mirror_id) {
    auto ended = TRY(connection_.query(
        "SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a ON "
        "a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted AND l.classid = " +
        std::to_string(mirror::kLeaseClass) + " AND l.objid = " + std::to_string(mirror_id) +
        " AND l.objsubid = 2 AND a.datname = current_database() AND a.application_name = 'tandem "
        "lease' AND a.state_change < clock_timestamp() - interval '" +
        std::to_string(kSilence.count()) + " s'"));
    for (int i = 0; i < ended.rows(); ++i)
        log(LogLevel::warning, "control",
            "the daemon behind backend " + ended.text(i, 0) +
                " has been silent for too long: taking its mirrors over");
    return {};
}

}  // namespace tandem::control
