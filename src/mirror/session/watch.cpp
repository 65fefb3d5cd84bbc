// The watch thread of a session: asks ClickHouse every second whether it is still there, and says
// so in the catalog, where readers look. The threads that write may wait for an answer for minutes.
#include "base/back_off.h"
#include "base/log.h"
#include "mirror/session/parts.h"

namespace tandem::mirror {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook{1000};
constexpr milliseconds kAnswer{2000};

}  // namespace

void run_watch_thread(const RunnerOptions& options, const SessionTables& tables,
                      HandOver& hand_over, std::stop_token stop) {
    TargetOptions watching = target_options(options, false);
    watching.timeout = watching.connect_timeout = kAnswer;
    ClickHouseTarget target(watching);
    CatalogStore catalog(store_options(options, "watch"), nullptr);
    Trouble trouble(catalog, 1);
    for (; !stop.stop_requested(); back_off(kLook, stop)) {
        auto ran_on = target.ran_on(tables.mirror.database, tables.mirror.mark());
        if (!ran_on.ok()) {
            log(LogLevel::debug, "mirror", "watching: " + ran_on.error().to_string());
            trouble.show(ran_on.error());
            continue;
        }
        if (ran_on.value()) {
            trouble.over();
            continue;
        }
        // It may have been set back to a copy meanwhile, or have lost rows. The next session
        // compares, and has another number: of two copies the older one is told apart.
        hand_over.fail(Error(ErrorCode::kConnectionLost, "ClickHouse was started again"));
        return;
    }
}

}  // namespace tandem::mirror
