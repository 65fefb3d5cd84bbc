#include "extension/shell/pg.h"

extern "C" {
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
}

#include <ctime>

#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"

namespace tandem::shell {

TelemetryShared* telemetry_shared = nullptr;

namespace {

shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

// Enough for a text of the default size and a few statements.
constexpr uint64 kRingMin = UINT64CONST(16) * 1024;

uint64 ring_bytes() {
    uint64 all = static_cast<uint64>(telemetry_memory_kb) * 1024;
    uint64 fixed =
        sizeof(TelemetryShared) + sizeof(telemetry::Ring) * static_cast<uint64>(MaxBackends);
    uint64 each = all > fixed ? (all - fixed) / static_cast<uint64>(MaxBackends) : 0;
    return Max(each & ~UINT64CONST(63), kRingMin);
}

Size whole_size() {
    uint64 each = sizeof(telemetry::Ring) + ring_bytes();
    // The memory Postgres hands out is aligned to a cache line of its own size.
    return sizeof(TelemetryShared) + each * static_cast<uint64>(MaxBackends) + 64;
}

void request() {
    if (previous_request != nullptr) previous_request();
    RequestAddinShmemSpace(whole_size());
}

// Of the shared memory that is going, in the postmaster, which outlives it.
TelemetryCounts remembered = {};

void remember_counts(int, Datum) {
    if (telemetry_shared != nullptr) remembered = telemetry_counts();
}

void go_on_from_remembered() {
    TelemetryShared& shared = *telemetry_shared;
    shared.committed_before = remembered.committed;
    shared.dropped_full_before = remembered.dropped_full;
    shared.counters = remembered.worker;
    shared.counters.dropped_worker +=
        remembered.committed - remembered.worker.taken + remembered.worker.held;
    shared.counters.taken = remembered.committed;
    shared.counters.held = 0;
}

void startup() {
    if (previous_startup != nullptr) previous_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found;
    char* memory = static_cast<char*>(ShmemInitStruct("tandem telemetry", whole_size(), &found));
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the macro aligns numbers.
    telemetry_shared = reinterpret_cast<TelemetryShared*>(TYPEALIGN(64, memory));
    if (!found) {
        // Zero is the beginning of everything in it.
        memset(memory, 0, whole_size());
        telemetry_shared->ring_count = static_cast<uint32>(MaxBackends);
        telemetry_shared->ring_bytes = ring_bytes();
        refresh_wall_offset();
        go_on_from_remembered();
        // Called before this memory is given back.
        if (!IsUnderPostmaster) on_shmem_exit(remember_counts, Datum(0));
    }
    LWLockRelease(AddinShmemInitLock);
}

int64 clock_ns(clockid_t clock) {
    timespec now;
    clock_gettime(clock, &now);
    return static_cast<int64>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

uint64 text_key(int64 query_id) {
    uint64 key = static_cast<uint64>(query_id) ^
                 (static_cast<uint64>(MyDatabaseId) * UINT64CONST(0x9E3779B97F4A7C15)) ^
                 telemetry_shared->text_epoch.load(std::memory_order_relaxed);
    key = (key ^ (key >> 31)) * UINT64CONST(0xBF58476D1CE4E5B9);
    return (key ^ (key >> 29)) | 1;
}

std::atomic<uint64>& slot_of(uint64 key) {
    return telemetry_shared->texts[(key >> 8) % kTextSlots];
}

}  // namespace

void request_telemetry_memory() {
    previous_request = shmem_request_hook;
    shmem_request_hook = request;
    previous_startup = shmem_startup_hook;
    shmem_startup_hook = startup;
}

telemetry::Ring* ring_at(uint32 index) {
    return reinterpret_cast<telemetry::Ring*>(telemetry_shared + 1) + index;
}

char* ring_data_at(uint32 index) {
    return reinterpret_cast<char*>(ring_at(telemetry_shared->ring_count)) +
           index * telemetry_shared->ring_bytes;
}

uint32 own_ring() {
    return static_cast<uint32>(number_of_proc(MyProc));
}

telemetry::Ring* ring_of_leader() {
    PGPROC* leader = MyProc->lockGroupLeader;
    if (leader == nullptr || leader == MyProc) return nullptr;
    return ring_at(static_cast<uint32>(number_of_proc(leader)));
}

int64 monotonic_ns() {
    return clock_ns(CLOCK_MONOTONIC);
}

uint64 session_id_of(TimestampTz started, int pid) {
    uint64 id =
        static_cast<uint64>(started) * UINT64CONST(0x9E3779B97F4A7C15) + static_cast<uint64>(pid);
    return (id ^ (id >> 32)) * UINT64CONST(0xBF58476D1CE4E5B9);
}

void refresh_wall_offset() {
    telemetry_shared->wall_offset_ns.store(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC),
                                           std::memory_order_relaxed);
}

TelemetryCounts telemetry_counts() {
    TelemetryCounts counts;
    std::atomic<uint64>& sequence = telemetry_shared->sequence;
    for (;;) {
        uint64 before = sequence.load(std::memory_order_acquire);
        memcpy(&counts.worker, &telemetry_shared->counters, sizeof counts.worker);
        counts.committed = telemetry_shared->committed_before;
        counts.dropped_full = telemetry_shared->dropped_full_before;
        // Behind the worker's numbers: what it has taken is committed for certain.
        std::atomic_thread_fence(std::memory_order_acquire);
        for (uint32 i = 0; i < telemetry_shared->ring_count; ++i) {
            counts.committed += ring_at(i)->committed.load(std::memory_order_acquire);
            counts.dropped_full += ring_at(i)->dropped.load(std::memory_order_relaxed);
        }
        // Odd for good: the worker was killed in the middle of a change.
        bool whole = before % 2 == 0 || !IsUnderPostmaster;
        if (whole && sequence.load(std::memory_order_relaxed) == before) return counts;
        CHECK_FOR_INTERRUPTS();
    }
}

bool text_was_sent(int64 query_id) {
    uint64 key = text_key(query_id);
    return slot_of(key).load(std::memory_order_relaxed) == key;
}

int64 plan_key(int64 query_id, int64 plan_id) {
    uint64 mixed = static_cast<uint64>(query_id) * UINT64CONST(0x9E3779B97F4A7C15);
    return static_cast<int64>(mixed ^ static_cast<uint64>(plan_id));
}

void note_text_sent(int64 query_id) {
    uint64 key = text_key(query_id);
    slot_of(key).store(key, std::memory_order_relaxed);
}

}  // namespace tandem::shell
