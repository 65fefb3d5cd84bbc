#include "base/failpoint.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <map>
#include <string>

#include "base/mutex.h"

namespace tandem {
namespace {

struct Armed {
    int signal = 0;  // 0: an error
    int nth = 0;     // 0: every hit
    int hits = 0;
};

std::atomic<bool> g_armed = false;

using Points = std::map<std::string, Armed, std::less<>>;

struct Shared {
    Mutex mutex;
    Points armed TANDEM_GUARDED_BY(mutex);
};

Shared& shared() {
    static Shared instance;
    return instance;
}

Error bad(std::string_view item) {
    return Error(ErrorCode::kInvalidArgument, "bad failpoint \"" + std::string(item) +
                                                  "\"; expected name=error|kill|stop[@nth]");
}

Status parse_one(std::string_view item, Points& armed) {
    size_t equals = item.find('=');
    if (equals == std::string_view::npos) return bad(item);
    std::string_view name = item.substr(0, equals);
    std::string_view action = item.substr(equals + 1);
    if (std::find(std::begin(kFailpoints), std::end(kFailpoints), name) == std::end(kFailpoints))
        return Error(ErrorCode::kInvalidArgument,
                     "no failpoint named \"" + std::string(name) + "\"");
    Armed entry;
    if (size_t at = action.find('@'); at != std::string_view::npos) {
        std::string_view count = action.substr(at + 1);
        auto parsed = std::from_chars(count.data(), count.data() + count.size(), entry.nth);
        if (parsed.ec != std::errc() || parsed.ptr != count.data() + count.size() || entry.nth < 1)
            return bad(item);
        action = action.substr(0, at);
    }
    if (action == "kill")
        entry.signal = SIGKILL;
    else if (action == "stop")
        entry.signal = SIGSTOP;
    else if (action != "error")
        return bad(item);
    armed[std::string(name)] = entry;
    return {};
}

}  // namespace

Status set_failpoints(std::string_view specification) {
    Shared& all = shared();
    MutexLock lock(all.mutex);
    all.armed.clear();
    while (!specification.empty()) {
        size_t comma = std::min(specification.find(','), specification.size());
        TRY(parse_one(specification.substr(0, comma), all.armed));
        specification.remove_prefix(std::min(comma + 1, specification.size()));
    }
    g_armed = !all.armed.empty();
    return {};
}

Status failpoint(std::string_view name) {
    if (!g_armed.load(std::memory_order_relaxed)) return {};
    Shared& all = shared();
    MutexLock lock(all.mutex);
    auto found = all.armed.find(name);
    if (found == all.armed.end()) return {};
    Armed& entry = found->second;
    ++entry.hits;
    if (entry.nth != 0 && entry.hits != entry.nth) return {};
    if (entry.signal != 0) {
        kill(getpid(), entry.signal);
        return {};
    }
    return Error(ErrorCode::kInternal, "failpoint " + std::string(name));
}

}  // namespace tandem
