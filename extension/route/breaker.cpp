// What sessions tell each other through shared memory about servers that do not answer, so that
// only one of them waits. Entries are found by hash and simply overwritten: a wrong one costs a
// wait, never an answer. Without shared_preload_libraries each session has a table of its own.
#include "extension/shell/pg.h"

extern "C" {
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timestamp.h"
}

#include "extension/route/breaker.h"

namespace tandem::shell {

namespace {

// More mirrors than this share entries: then a session may wait once more than it had to.
constexpr int kEntries = 256;
constexpr int64 kFirstPauseMs = 5000;
constexpr int64 kLastPauseMs = 60000;

struct StuckSlot {
    uint64 key;
    XLogRecPtr confirmed;
    TimestampTz since;
};

struct SilentServer {
    uint64 key;
    TimestampTz until;
    int64 pause_ms;  // 0: it answers
};

struct Breaker {
    slock_t mutex;
    StuckSlot slots[kEntries];
    SilentServer servers[kEntries];
};

Breaker local_breaker;
Breaker* breaker = nullptr;
shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

void request() {
    if (previous_request != nullptr) previous_request();
    RequestAddinShmemSpace(MAXALIGN(sizeof(Breaker)));
}

void startup() {
    if (previous_startup != nullptr) previous_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found;
    breaker = static_cast<Breaker*>(ShmemInitStruct("tandem breaker", sizeof(Breaker), &found));
    if (!found) {
        memset(breaker, 0, sizeof *breaker);
        SpinLockInit(&breaker->mutex);
    }
    LWLockRelease(AddinShmemInitLock);
}

Breaker* current() {
    if (breaker != nullptr) return breaker;
    SpinLockInit(&local_breaker.mutex);
    return breaker = &local_breaker;
}

uint64 slot_key(const char* name) {
    return hash_bytes_extended(reinterpret_cast<const unsigned char*>(name),
                               static_cast<int>(strlen(name)), 31);
}

// Targets are numbered per database.
uint64 server_key(int target_id) {
    return hash_combine64(static_cast<uint64>(MyDatabaseId) + 1, static_cast<uint64>(target_id));
}

}  // namespace

void request_shared_breaker() {
    if (!process_shared_preload_libraries_in_progress) return;
    previous_request = shmem_request_hook;
    shmem_request_hook = request;
    previous_startup = shmem_startup_hook;
    shmem_startup_hook = startup;
}

TimestampTz stuck_since(const char* slot_name, XLogRecPtr confirmed) {
    uint64 key = slot_key(slot_name);
    TimestampTz now = GetCurrentTimestamp();
    Breaker* all = current();
    StuckSlot* entry = &all->slots[key % kEntries];
    SpinLockAcquire(&all->mutex);
    if (entry->key != key || entry->confirmed != confirmed || entry->since > now) {
        entry->key = key;
        entry->confirmed = confirmed;
        entry->since = now;
    }
    TimestampTz since = entry->since;
    SpinLockRelease(&all->mutex);
    return since;
}

void note_unreachable(int target_id) {
    uint64 key = server_key(target_id);
    TimestampTz now = GetCurrentTimestamp();
    Breaker* all = current();
    SilentServer* entry = &all->servers[key % kEntries];
    SpinLockAcquire(&all->mutex);
    bool again = entry->key == key && entry->pause_ms > 0;
    entry->pause_ms = again ? Min(entry->pause_ms * 2, kLastPauseMs) : kFirstPauseMs;
    entry->key = key;
    entry->until = TimestampTzPlusMilliseconds(now, entry->pause_ms);
    SpinLockRelease(&all->mutex);
}

void note_reachable(int target_id) {
    uint64 key = server_key(target_id);
    Breaker* all = current();
    SilentServer* entry = &all->servers[key % kEntries];
    if (entry->pause_ms == 0) return;
    SpinLockAcquire(&all->mutex);
    if (entry->key == key) entry->pause_ms = 0;
    SpinLockRelease(&all->mutex);
}

bool is_unreachable_now(int target_id, bool in_trouble) {
    uint64 key = server_key(target_id);
    Breaker* all = current();
    SilentServer* entry = &all->servers[key % kEntries];
    if (entry->pause_ms == 0) return false;
    TimestampTz now = GetCurrentTimestamp();
    SpinLockAcquire(&all->mutex);
    bool closed = entry->key == key && entry->pause_ms > 0;
    bool waits = closed && (now < entry->until || in_trouble);
    // This session tries now; the others go on without until it knows.
    if (closed && !waits) entry->until = TimestampTzPlusMilliseconds(now, entry->pause_ms);
    SpinLockRelease(&all->mutex);
    return waits;
}

}  // namespace tandem::shell
