// Counters of what became of queries, by reason; read as tandem.route_reasons. In shared memory
// when the library is preloaded, of this session otherwise. What does not fit is counted as
// "other".
#include "extension/shell/pg.h"

extern "C" {
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/builtins.h"
}

#include "extension/route/stats.h"
#include "route/facade.h"

namespace tandem::shell {

namespace {

constexpr int kReasonsMax = 96;
constexpr int kCodeMax = 32;

struct Counter {
    char code[kCodeMax];
    uint64 count;
};

struct Counters {
    slock_t mutex;
    int used;
    Counter items[kReasonsMax];
};

Counters local_counters;
Counters* counters = nullptr;
shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

void request() {
    if (previous_request != nullptr) previous_request();
    RequestAddinShmemSpace(MAXALIGN(sizeof(Counters)));
}

void startup() {
    if (previous_startup != nullptr) previous_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found;
    counters =
        static_cast<Counters*>(ShmemInitStruct("tandem route stats", sizeof(Counters), &found));
    if (!found) {
        memset(counters, 0, sizeof *counters);
        SpinLockInit(&counters->mutex);
    }
    LWLockRelease(AddinShmemInitLock);
}

// Under the spin lock: a few dozen comparisons of short strings.
Counter* find_or_add(Counters* all, const char* code) {
    for (int i = 0; i < all->used; ++i)
        if (strncmp(all->items[i].code, code, kCodeMax - 1) == 0) return &all->items[i];
    if (all->used == kReasonsMax) return &all->items[kReasonsMax - 1];
    Counter* added = &all->items[all->used++];
    copy_text(added->code, kCodeMax, all->used == kReasonsMax ? "other" : code);
    return added;
}

Counters* current_counters() {
    if (counters != nullptr) return counters;
    SpinLockInit(&local_counters.mutex);
    return counters = &local_counters;
}

}  // namespace

void request_shared_stats() {
    if (!process_shared_preload_libraries_in_progress) return;
    previous_request = shmem_request_hook;
    shmem_request_hook = request;
    previous_startup = shmem_startup_hook;
    shmem_startup_hook = startup;
}

void count_reason(const char* code) {
    Counters* all = current_counters();
    SpinLockAcquire(&all->mutex);
    ++find_or_add(all, code)->count;
    SpinLockRelease(&all->mutex);
}

void forget_counters() {
    Counters* all = current_counters();
    SpinLockAcquire(&all->mutex);
    all->used = 0;
    memset(all->items, 0, sizeof all->items);
    SpinLockRelease(&all->mutex);
}

}  // namespace tandem::shell

extern "C" {
PG_FUNCTION_INFO_V1(tandem_route_stats);
PGDLLEXPORT Datum tandem_route_stats(PG_FUNCTION_ARGS);
}

// tandem.route_counters(): one row per reason.
Datum tandem_route_stats(PG_FUNCTION_ARGS) {
    using tandem::shell::Counters;
    InitMaterializedSRF(fcinfo, 0);
    ReturnSetInfo* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    Counters* copy = static_cast<Counters*>(palloc(sizeof(Counters)));
    Counters* all = tandem::shell::current_counters();
    SpinLockAcquire(&all->mutex);
    memcpy(copy, all, sizeof *copy);
    SpinLockRelease(&all->mutex);
    for (int i = 0; i < copy->used; ++i) {
        Datum values[2] = {CStringGetTextDatum(copy->items[i].code),
                           Int64GetDatum(static_cast<int64>(copy->items[i].count))};
        bool nulls[2] = {false, false};
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    }
    return Datum(0);
}
