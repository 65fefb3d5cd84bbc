// Shared memory of telemetry: a ring per backend, who wants to wake the worker, what was counted,
// and which texts have been sent. No lock anywhere: each number has one writer, or is a hint.
//
// When a process is killed Postgres makes its shared memory anew. The postmaster lives on and takes
// the numbers over: what was queued then counts as dropped.
//
// captured = exported + dropped + queued holds at every moment: a backend counts a statement as
// committed or dropped; the worker takes committed ones over into `held` and from there into one of
// its other counters, all changes of the worker between two odd-even steps of `sequence`.
#pragma once

extern "C" {
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/timestamp.h"
}

#include <atomic>

#include "telemetry/facade.h"

namespace tandem::shell {

constexpr uint32 kTextSlots = 1 << 15;

// What the worker alone writes.
struct WorkerCounters {
    uint64 taken;  // out of the rings
    uint64 held;   // in its memory
    uint64 exported;
    uint64 dropped_rejected;  // ClickHouse refused them for good
    uint64 dropped_memory;    // no memory to hold them
    uint64 dropped_worker;    // a worker, or Postgres in a crash, ended with them
    uint64 batches;
    uint64 failures;
    uint64 starts;
    TimestampTz last_success;
    TimestampTz last_failure;
    char last_error[256];
};

struct TelemetryShared {
    uint32 ring_count;
    uint64 ring_bytes;
    // Read by every backend, written seldom.
    alignas(64) std::atomic<int64> wall_offset_ns;  // CLOCK_REALTIME - CLOCK_MONOTONIC
    std::atomic<uint64> text_epoch;                 // another one: texts are sent again
    std::atomic<Latch*> worker;                     // nullptr: none runs
    std::atomic<int> worker_pid;
    std::atomic<bool> worker_sleeps;
    // Of the rings there were before a crash; all processes were started again with new ones.
    uint64 committed_before;
    uint64 dropped_full_before;
    // Of the worker.
    alignas(64) std::atomic<uint64> sequence;
    WorkerCounters counters;
    alignas(64) std::atomic<uint64> texts[kTextSlots];
    // telemetry::Ring[ring_count] and the data of the rings follow.
};

extern TelemetryShared* telemetry_shared;  // nullptr without shared_preload_libraries

void request_telemetry_memory();

telemetry::Ring* ring_at(uint32 index);
char* ring_data_at(uint32 index);
// Of this process, and of the one that leads this parallel worker (or nullptr).
uint32 own_ring();
telemetry::Ring* ring_of_leader();

int64 monotonic_ns();
// Of a process; the same in its events and in looks at it.
uint64 session_id_of(TimestampTz started, int pid);
// 1970 in Postgres' time.
constexpr int64 kUnixEpochUs = INT64CONST(946684800000000);
void refresh_wall_offset();

// What was counted, consistent in itself.
struct TelemetryCounts {
    WorkerCounters worker;
    uint64 committed;
    uint64 dropped_full;
};
TelemetryCounts telemetry_counts();

// Changes the worker's counters so that readers see all of it or nothing.
template <typename Change>
void change_counters(Change change) {
    std::atomic<uint64>& sequence = telemetry_shared->sequence;
    sequence.store(sequence.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    change(&telemetry_shared->counters);
    std::atomic_thread_fence(std::memory_order_release);
    sequence.store(sequence.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

// Whether the text of a query of this database was sent; a hint, forgotten now and then.
bool text_was_sent(int64 query_id);
void note_text_sent(int64 query_id);
// What stands for a plan in the place of a query's fingerprint.
int64 plan_key(int64 query_id, int64 plan_id);

}  // namespace tandem::shell
