// The pool of open statements and their clocks. What is written of them is in write.cpp.
#include "extension/shell/pg.h"

extern "C" {
#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
}

#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"
#include "extension/telemetry/statement.h"

namespace tandem::shell {

RouteNote* route_note = nullptr;

namespace {

constexpr int kPoolSize = 16;
OpenStatement pool[kPoolSize];
bool pool_is_linked = false;
OpenStatement* unused = nullptr;
OpenStatement* open = nullptr;

void link_pool() {
    for (OpenStatement& statement : pool) {
        statement.next = unused;
        unused = &statement;
    }
    pool_is_linked = true;
}

// What runs for the client or for itself, but not under another statement.
bool is_capturable_process() {
    if (telemetry_shared == nullptr || MyProc == nullptr || IsParallelWorker()) return false;
    return MyBackendType == B_BACKEND || MyBackendType == B_BG_WORKER;
}

}  // namespace

bool telemetry_active() {
    return unlikely(telemetry_on) && is_capturable_process();
}

OpenStatement* open_statement(int64 now_ns) {
    if (!pool_is_linked) link_pool();
    OpenStatement* statement = unused;
    if (statement != nullptr)
        unused = statement->next;
    else
        statement = static_cast<OpenStatement*>(
            MemoryContextAllocZero(TopMemoryContext, sizeof(OpenStatement)));
    memset(static_cast<void*>(statement), 0, offsetof(OpenStatement, tags));
    statement->next = open;
    open = statement;
    statement->message = GetCurrentStatementStartTimestamp();
    statement->started_ns = now_ns;
    return statement;
}

void release_statement(OpenStatement* statement) {
    for (OpenStatement** link = &open; *link != nullptr; link = &(*link)->next) {
        if (*link != statement) continue;
        *link = statement->next;
        statement->next = unused;
        unused = statement;
        return;
    }
}

OpenStatement* find_statement(const QueryDesc* query) {
    for (OpenStatement* statement = open; statement != nullptr; statement = statement->next)
        if (statement->query == query) return statement;
    return nullptr;
}

void take_tags(OpenStatement* statement, const char* text, int location, int length) {
    if (text == nullptr) return;
    StatementText part = part_of(text, location, length);
    Text tags = telemetry::tags_comment({part.text, part.size});
    if (tags.empty()) return;
    tags = telemetry::cut_utf8(tags, kTagsMax);
    statement->tags_size = static_cast<int>(tags.size());
    memcpy(statement->tags, tags.data(), tags.size());
}

void start_clock(OpenStatement* statement, int64 now_ns) {
    statement->running_since_ns = now_ns;
}

void start_counters(OpenStatement* statement) {
    statement->counts_blocks = true;
    statement->buffers_before = pgBufferUsage;
    statement->wal_before = pgWalUsage;
    if (!statement->measures_cpu) return;
    getrusage(RUSAGE_SELF, &statement->cpu_before);
    ring_at(own_ring())->workers_user_us.store(0);
    ring_at(own_ring())->workers_system_us.store(0);
}

namespace {

uint64 microseconds(const timeval& from, const timeval& to) {
    int64 passed = (to.tv_sec - from.tv_sec) * INT64CONST(1000000) + to.tv_usec - from.tv_usec;
    return passed > 0 ? static_cast<uint64>(passed) : 0;
}

void stop_cpu(OpenStatement* statement) {
    rusage now;
    getrusage(RUSAGE_SELF, &now);
    // What its parallel workers have left here.
    telemetry::Ring* ring = ring_at(own_ring());
    statement->cpu.user_us += microseconds(statement->cpu_before.ru_utime, now.ru_utime) +
                              ring->workers_user_us.exchange(0);
    statement->cpu.system_us += microseconds(statement->cpu_before.ru_stime, now.ru_stime) +
                                ring->workers_system_us.exchange(0);
}

}  // namespace

void stop_clock(OpenStatement* statement, int64 now_ns) {
    if (statement->running_since_ns != 0) statement->run_ns += now_ns - statement->running_since_ns;
    statement->running_since_ns = 0;
    if (!statement->counts_blocks) return;
    statement->counts_blocks = false;
    BufferUsageAccumDiff(&statement->buffers, &pgBufferUsage, &statement->buffers_before);
    WalUsageAccumDiff(&statement->wal, &pgWalUsage, &statement->wal_before);
    if (statement->measures_cpu) stop_cpu(statement);
}

}  // namespace tandem::shell
