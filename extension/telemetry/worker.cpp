// The background worker: rings into columns, columns to ClickHouse. One process, no database,
// nothing that blocks: it waits for its latch, its socket and the clock, all three at once.
//
//   rings ─ drain() ─▶ collector ─ seal() ─▶ batches, oldest first ─ advance() ─▶ ClickHouse
//
// A batch stays until ClickHouse has confirmed it, and is sent again with the same token after a
// failure. When the batches reach tandem.telemetry_backlog the rings are left alone: they fill, and
// backends drop and count.
#include "extension/shell/pg.h"

extern "C" {
#include "access/xlog.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procarray.h"
#include "tcop/cmdtag.h"
#include "utils/guc.h"
#include "utils/wait_event.h"

#include <unistd.h>
}

#include "clickhouse/facade.h"
#include "extension/shell/settings.h"
#include "extension/telemetry/activity.h"
#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"

extern "C" {
PGDLLEXPORT void tandem_telemetry_worker(Datum argument);
}

namespace tandem::shell {

namespace {

constexpr int kBatchesMax = 256;
constexpr uint64 kBatchBytes = UINT64CONST(4) * 1024 * 1024;
constexpr int64 kMs = 1000000;
constexpr int64 kDrainEveryMs = 100;
constexpr int64 kSleepMs = 60000;  // while nothing happens: look at the clock once a minute
constexpr int64 kIdleRoundsBeforeSleep = 20;
constexpr int64 kInsertMs = 60000;
constexpr int64 kBackOffFirstMs = 250;
constexpr int64 kBackOffLastMs = 30000;
// A batch that ClickHouse refuses so often, being there and working, it will always refuse.
constexpr int kRefusalsMax = 8;
// At the end: whether ClickHouse answers, and then how long the last batches may take.
constexpr int64 kProbeMs = 70;
constexpr int64 kFarewellMs = 3000;

enum class Doing { kNothing, kVersion, kSchema, kInsert };

struct Worker {
    telemetry::Collector* collector;
    int64 oldest_ns;  // when the first event came into the empty collector
    telemetry::Batch* batches[kBatchesMax];
    int batch_count;
    uint64 batch_bytes;
    uint64 sealed;
    clickhouse::Connection* connection;
    clickhouse::Run* run;
    clickhouse::BlockView block;
    Doing doing;
    bool schema_is_there;
    uint32 schema_next;
    uint32 part;          // of the first batch, that is sent next
    int refusals;         // of the first batch
    int failures;         // in a row
    int64 wait_until_ns;  // after a failure
    bool wants_write;
    int64 idle_rounds;
    int64 looked_ns;  // at the sessions; 0: never
    clickhouse::Resolver* resolver;
    uint32_t attempts;  // to connect
    char address[64];   // of the server, as a number; empty: not looked up
    char url[4096];     // that the connection was made with, and its certificates
    char buffer[1024];
    telemetry::ServerUrl server;
    bool has_server;
};

// Postgres' enumeration of them names its own end before 17 only.
// clang-format off
#define PG_CMDTAG(tag, name, evtrgok, rwrok, rowcnt) + 1
constexpr int kCommandTags = 0
#include "tcop/cmdtaglist.h"
    ;
#undef PG_CMDTAG
// clang-format on

Worker worker = {};
const char* command_names[kCommandTags];

// --- the rings
// -----------------------------------------------------------------------------------------

bool is_full() {
    return worker.batch_count == kBatchesMax ||
           worker.batch_bytes + telemetry::collector_bytes(*worker.collector) >=
               static_cast<uint64>(telemetry_backlog_kb) * 1024;
}

void drop_what_is_held(uint64 events, uint64 WorkerCounters::*counter) {
    change_counters([&](WorkerCounters* counters) {
        counters->held -= events;
        counters->*counter += events;
    });
    // Texts went with them.
    telemetry_shared->text_epoch.fetch_add(UINT64CONST(0x9E3779B97F4A7C15));
}

void seal() {
    if (telemetry::collector_rows(*worker.collector) == 0) return;
    Failure failure = {};
    telemetry::Batch* batch =
        telemetry::collector_seal(worker.collector, ++worker.sealed, &failure);
    worker.oldest_ns = 0;
    if (batch == nullptr) return;  // The collector has kept it.
    worker.batches[worker.batch_count++] = batch;
    worker.batch_bytes += telemetry::batch_bytes(*batch);
}

// One ring as far as it is filled; the number of statements.
uint64 drain_ring(uint32 index) {
    telemetry::Ring* ring = ring_at(index);
    const char* data = ring_data_at(index);
    uint64 taken = 0;
    uint64 lost = 0;
    Failure failure = {};
    while (const telemetry::RecordHead* record =
               telemetry::ring_front(*ring, data, telemetry_shared->ring_bytes)) {
        if (is_full()) break;
        bool is_event = record->kind == telemetry::RecordKind::kStatement;
        bool added = telemetry::collector_add(worker.collector, index, record, &failure);
        taken += is_event ? 1 : 0;
        lost += is_event && !added ? 1 : 0;
        telemetry::ring_pop(ring, record);
        if (telemetry::collector_bytes(*worker.collector) >= kBatchBytes) seal();
    }
    if (taken > 0)
        change_counters([&](WorkerCounters* counters) {
            counters->taken += taken;
            counters->held += taken - lost;
            counters->dropped_memory += lost;
        });
    return taken;
}

void drain() {
    uint64 taken = 0;
    for (uint32 i = 0; i < telemetry_shared->ring_count; ++i) taken += drain_ring(i);
    worker.idle_rounds = taken == 0 ? worker.idle_rounds + 1 : 0;
    bool any = telemetry::collector_rows(*worker.collector) > 0;
    int64 now = monotonic_ns();
    if (any && worker.oldest_ns == 0) worker.oldest_ns = now;
    bool old = any && now - worker.oldest_ns >= telemetry_flush_interval_ms * kMs;
    // While batches wait, more of them would only be smaller.
    if (old && worker.batch_count == 0) seal();
}

// --- ClickHouse
// ------------------------------------------------------------------------------------------

void stop_run() {
    clickhouse::run_free(worker.run);
    worker.run = nullptr;
    worker.doing = Doing::kNothing;
}

void disconnect() {
    stop_run();
    clickhouse::connection_free(worker.connection);
    worker.connection = nullptr;
}

void note_failure(const Failure& failure) {
    change_counters([&](WorkerCounters* counters) {
        ++counters->failures;
        counters->last_failure = GetCurrentTimestamp();
        copy_text(counters->last_error, sizeof counters->last_error, failure.message);
    });
}

void forget_first_batch() {
    telemetry::Batch* batch = worker.batches[0];
    worker.batch_bytes -= telemetry::batch_bytes(*batch);
    telemetry::batch_free(batch);
    --worker.batch_count;
    for (int i = 0; i < worker.batch_count; ++i) worker.batches[i] = worker.batches[i + 1];
    worker.part = 0;
    worker.refusals = 0;
}

void refuse_first_batch(const Failure& failure) {
    uint64 events = telemetry::batch_events(*worker.batches[0]);
    ereport(
        LOG,
        (errmsg("tandem telemetry: ClickHouse refuses %llu events for good, they are dropped: %s",
                static_cast<unsigned long long>(events), failure.message)));
    drop_what_is_held(events, &WorkerCounters::dropped_rejected);
    forget_first_batch();
}

void back_off() {
    int64 pause = kBackOffFirstMs << Min(worker.failures, 7);
    pause = Min(pause, kBackOffLastMs);
    double jitter = 0.5 + pg_prng_double(&pg_global_prng_state);
    worker.wait_until_ns =
        monotonic_ns() + static_cast<int64>(static_cast<double>(pause * kMs) * jitter);
    ++worker.failures;
}

void failed(const Failure& failure) {
    note_failure(failure);
    if (worker.failures == 0)
        ereport(LOG, (errmsg("tandem telemetry: events cannot be sent to ClickHouse: %s",
                             failure.message)));
    bool inserting = worker.doing == Doing::kInsert;
    disconnect();
    // The table may have gone; what is missing is made again.
    worker.schema_is_there = false;
    if (inserting && failure.clickhouse_code != 0 && ++worker.refusals >= kRefusalsMax)
        refuse_first_batch(failure);
    back_off();
}

void forget_address() {
    clickhouse::resolver_free(worker.resolver);
    worker.resolver = nullptr;
    worker.address[0] = '\0';
}

// True once it is known. Looked up again for each connection, by somebody else.
bool address_is_known() {
    if (worker.address[0] != '\0') return true;
    if (clickhouse::is_numeric_host(worker.server.host)) {
        copy_text(worker.address, sizeof worker.address, worker.server.host);
        return true;
    }
    Failure failure = {};
    if (worker.resolver == nullptr)
        worker.resolver = clickhouse::resolver_start(worker.server.host, &failure);
    if (worker.resolver == nullptr) return failed(failure), false;
    switch (clickhouse::resolver_address(*worker.resolver, worker.attempts, worker.address,
                                         sizeof worker.address, &failure)) {
        case clickhouse::Resolved::kPending:
            return false;
        case clickhouse::Resolved::kFailed:
            forget_address();
            return failed(failure), false;
        case clickhouse::Resolved::kDone:
            return true;
    }
    return false;
}

void read_url() {
    const char* url = telemetry_url == nullptr ? "" : telemetry_url;
    char all[sizeof worker.url];
    snprintf(all, sizeof all, "%s\n%s\n%s\n%s", url, telemetry_tls_ca, telemetry_tls_certificate,
             telemetry_tls_key);
    if (strcmp(all, worker.url) == 0) return;
    disconnect();
    worker.failures = 0;
    worker.wait_until_ns = 0;
    worker.schema_is_there = false;
    worker.has_server = false;
    forget_address();
    memcpy(worker.url, all, sizeof worker.url);
    if (*url == '\0') return;
    Failure failure = {};
    worker.has_server = telemetry::parse_server_url(url, worker.buffer, sizeof worker.buffer,
                                                    &worker.server, &failure);
    if (worker.has_server) return;
    note_failure(failure);
    ereport(LOG, (errmsg("tandem.telemetry_clickhouse cannot be used: %s", failure.message)));
}

clickhouse::Connection* make_connection(uint32 timeout_ms, Failure* failure) {
    clickhouse::ServerAddress address = {};
    address.host = worker.address;
    address.server_name = worker.server.host;
    address.ca_file = telemetry_tls_ca;
    address.certificate = telemetry_tls_certificate;
    address.private_key = telemetry_tls_key;
    address.port = worker.server.port;
    address.user = worker.server.user;
    address.password = worker.server.password;
    address.secure = worker.server.secure;
    address.connect_timeout_ms = timeout_ms;
    return clickhouse::connection_new(address, failure);
}

void ask(Doing doing, Text sql, tandem::List<Text> expected) {
    Failure failure = {};
    clickhouse::RunOptions options = {};
    options.sql = sql;
    options.expected = expected;
    options.max_execution_ms = kInsertMs;
    worker.doing = doing;
    worker.run = clickhouse::run_start(worker.connection, options, &failure);
    if (worker.run == nullptr) failed(failure);
}

void insert(const telemetry::Insert& what) {
    Failure failure = {};
    clickhouse::InsertOptions options = {};
    options.sql = what.sql;
    options.block = what.block;
    options.token = what.token;
    options.max_execution_ms = kInsertMs;
    worker.doing = Doing::kInsert;
    worker.run = clickhouse::insert_start(worker.connection, options, &failure);
    if (worker.run == nullptr) failed(failure);
}

// The next thing to do, when there is anything and it may be done now.
void start_next() {
    static const Text kUInt32[] = {"UInt32"};
    if (worker.batch_count == 0 || !worker.has_server || monotonic_ns() < worker.wait_until_ns)
        return;
    Failure failure = {};
    if (worker.connection == nullptr) {
        if (!address_is_known()) return;
        worker.connection = make_connection(static_cast<uint32>(connect_timeout_ms), &failure);
        ++worker.attempts;
        forget_address();
    }
    if (worker.connection == nullptr) return failed(failure);
    if (!worker.schema_is_there && worker.schema_next == 0)
        return ask(Doing::kVersion, telemetry::schema_version_sql(), {kUInt32, 1});
    if (!worker.schema_is_there)
        return ask(Doing::kSchema, telemetry::schema_statement(worker.schema_next - 1), {});
    const telemetry::Batch& batch = *worker.batches[0];
    // Events last, and always: their end is the batch's.
    while (worker.part < telemetry::kPartEvents &&
           telemetry::batch_part(batch, worker.part).rows == 0)
        ++worker.part;
    insert(telemetry::batch_part(batch, worker.part));
}

void events_are_there() {
    uint64 events = telemetry::batch_events(*worker.batches[0]);
    change_counters([&](WorkerCounters* counters) {
        counters->held -= events;
        counters->exported += events;
        ++counters->batches;
        counters->last_success = GetCurrentTimestamp();
    });
    if (worker.failures > 0)
        ereport(LOG, (errmsg("tandem telemetry: ClickHouse takes events again")));
    worker.failures = 0;
    forget_first_batch();
}

void version_is_known(uint32 version) {
    worker.schema_is_there = version >= telemetry::kSchemaVersion;
    if (!worker.schema_is_there) worker.schema_next = 1;
}

void done() {
    Doing doing = worker.doing;
    stop_run();
    switch (doing) {
        case Doing::kNothing:
        case Doing::kVersion:
            break;
        case Doing::kSchema:
            worker.schema_is_there = worker.schema_next == telemetry::schema_statement_count();
            worker.schema_next = worker.schema_is_there ? 0 : worker.schema_next + 1;
            break;
        case Doing::kInsert:
            if (worker.part++ == telemetry::kPartEvents) events_are_there();
            break;
    }
}

// There is no schema yet: the question itself fails.
bool is_no_schema(const Failure& failure) {
    constexpr int kUnknownTable = 60;
    constexpr int kUnknownDatabase = 81;
    return worker.doing == Doing::kVersion && (failure.clickhouse_code == kUnknownTable ||
                                               failure.clickhouse_code == kUnknownDatabase);
}

// As far as it goes without waiting.
void advance() {
    for (;;) {
        if (worker.run == nullptr) start_next();
        if (worker.run == nullptr) return;
        Failure failure = {};
        switch (clickhouse::run_step(worker.run, &worker.block, &failure)) {
            case clickhouse::RunStep::kBlock:
                if (worker.doing == Doing::kVersion && worker.block.rows == 1) {
                    uint32 version;
                    memcpy(&version, worker.block.columns[0].data, sizeof version);
                    version_is_known(version);
                }
                break;
            case clickhouse::RunStep::kDone:
                done();
                break;
            case clickhouse::RunStep::kWantRead:
                worker.wants_write = false;
                return;
            case clickhouse::RunStep::kWantWrite:
                worker.wants_write = true;
                return;
            case clickhouse::RunStep::kFailed:
                if (!is_no_schema(failure)) return failed(failure);
                disconnect();
                version_is_known(0);
                break;
        }
    }
}

// --- the sessions
// ----------------------------------------------------------------------------------------

// Milliseconds until the next look; -1: there is none.
int64 look_in_ms() {
    if (!telemetry_on || telemetry_activity_ms == 0 || !worker.has_server) return -1;
    if (worker.looked_ns == 0) return 0;
    int64 passed = (monotonic_ns() - worker.looked_ns) / kMs;
    return Max(telemetry_activity_ms - passed, 0);
}

void look() {
    if (look_in_ms() != 0) return;
    int64 now = monotonic_ns();
    int64 passed = worker.looked_ns == 0 ? 0 : (now - worker.looked_ns) / kMs;
    // After a pause (off, no room) nobody knows what was in between.
    bool paused = worker.looked_ns == 0 || passed > INT64CONST(10) * telemetry_activity_ms;
    worker.looked_ns = now;
    // In an outage the room is for events.
    uint64 used = worker.batch_bytes + telemetry::collector_bytes(*worker.collector);
    if (used >= static_cast<uint64>(telemetry_backlog_kb) * 1024 / 2) return;
    look_at_activity(worker.collector,
                     static_cast<uint32>(paused ? telemetry_activity_ms : passed));
}

// --- waiting
// ---------------------------------------------------------------------------------------------

int64 wait_ms() {
    int64 now = monotonic_ns();
    bool sleeps = worker.idle_rounds > kIdleRoundsBeforeSleep && worker.batch_count == 0 &&
                  worker.oldest_ns == 0;
    int64 wait = sleeps ? kSleepMs : kDrainEveryMs;
    if (worker.oldest_ns != 0 && worker.batch_count == 0) {
        int64 left = telemetry_flush_interval_ms - (now - worker.oldest_ns) / kMs;
        wait = Max(Min(wait, left), 1);
    }
    int64 run = worker.run == nullptr ? -1 : clickhouse::run_wait_ms(*worker.run);
    if (run >= 0) wait = Min(wait, run + 1);
    int64 next_look = look_in_ms();
    if (next_look >= 0) wait = Min(wait, next_look + 1);
    if (wait > kDrainEveryMs) telemetry_shared->worker_sleeps.store(true);
    return wait;
}

void wait_for(int64 ms) {
    int events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;
    int socket = worker.run == nullptr ? -1 : clickhouse::run_socket(*worker.run);
    bool looks_up = worker.run == nullptr && worker.resolver != nullptr;
    if (looks_up) socket = clickhouse::resolver_socket(*worker.resolver);
    if (socket >= 0)
        WaitLatchOrSocket(MyLatch,
                          events | (worker.wants_write && !looks_up ? WL_SOCKET_WRITEABLE : 0) |
                              WL_SOCKET_READABLE,
                          socket, static_cast<long>(ms), PG_WAIT_EXTENSION);
    else
        WaitLatch(MyLatch, events, static_cast<long>(ms), PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
}

void rest() {
    // A ring that was filled before worker_sleeps was seen has to be seen now.
    int64 ms = wait_ms();
    bool sleeps = ms > kDrainEveryMs;
    if (sleeps) {
        pg_memory_barrier();
        drain();
        if (worker.idle_rounds == 0) ms = kDrainEveryMs;
    }
    wait_for(ms);
    if (!sleeps) return;
    telemetry_shared->worker_sleeps.store(false);
    refresh_wall_offset();
}

// --- beginning and end
// -------------------------------------------------------------------------------------

telemetry::Origin origin(char* host, size_t size) {
    for (int i = 0; i < kCommandTags; ++i)
        command_names[i] = i == CMDTAG_UNKNOWN ? "" : GetCommandTagName(static_cast<CommandTag>(i));
    if (gethostname(host, size) != 0) *host = '\0';
    host[size - 1] = '\0';
    telemetry::Origin made = {};
    made.system_id = GetSystemIdentifier();
    made.host = host;
    made.cluster = cluster_name == nullptr ? "" : cluster_name;
    made.server_version = PG_VERSION_NUM;
    made.commands = command_names;
    made.command_count = kCommandTags;
    return made;
}

void begin() {
    char host[256];
    Failure failure = {};
    worker.collector =
        telemetry::collector_new(origin(host, sizeof host), telemetry_shared->ring_count, &failure);
    if (worker.collector == nullptr) ereport(FATAL, (errmsg("%s", failure.message)));
    // What a worker before this one had in its memory is gone with it.
    uint64 lost = telemetry_shared->counters.held;
    if (lost > 0) drop_what_is_held(lost, &WorkerCounters::dropped_worker);
    change_counters([](WorkerCounters* counters) { ++counters->starts; });
    telemetry_shared->text_epoch.fetch_add(UINT64CONST(0x9E3779B97F4A7C15));
    telemetry_shared->worker_pid.store(MyProcPid);
    telemetry_shared->worker.store(MyLatch, std::memory_order_release);
}

void forget_latch(int, Datum) {
    telemetry_shared->worker.store(nullptr);
    telemetry_shared->worker_pid.store(0);
}

// Whether ClickHouse answers at once, on a connection that has nothing else to do.
bool answers() {
    static const Text kUInt8[] = {"UInt8"};
    Failure failure = {};
    int64 until = monotonic_ns() + kProbeMs * kMs;
    clickhouse::Connection* connection =
        worker.has_server && address_is_known()
            ? make_connection(static_cast<uint32>(kProbeMs), &failure)
            : nullptr;
    if (connection == nullptr) return false;
    clickhouse::RunOptions options = {};
    options.sql = "SELECT 1";
    options.expected = {kUInt8, 1};
    clickhouse::Run* run = clickhouse::run_start(connection, options, &failure);
    bool answered = false;
    while (run != nullptr) {
        clickhouse::RunStep step = clickhouse::run_step(run, &worker.block, &failure);
        answered = step == clickhouse::RunStep::kDone;
        int64 left = (until - monotonic_ns()) / kMs;
        if (answered || step == clickhouse::RunStep::kFailed || left <= 0) break;
        if (step == clickhouse::RunStep::kBlock) continue;
        int wanted = step == clickhouse::RunStep::kWantWrite ? WL_SOCKET_WRITEABLE : 0;
        WaitLatchOrSocket(nullptr, wanted | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                          clickhouse::run_socket(*run), static_cast<long>(left), PG_WAIT_EXTENSION);
    }
    clickhouse::run_free(run);
    clickhouse::connection_free(connection);
    return answered;
}

// The other sessions are ending too; what they say last is waited for, a moment.
void drain_to_the_end() {
    constexpr int kRounds = 10;
    for (int i = 0; i < kRounds && CountDBBackends(InvalidOid) > 0; ++i) {
        drain();
        WaitLatch(nullptr, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 2, PG_WAIT_EXTENSION);
    }
    drain();
    seal();
}

void say_farewell() {
    drain_to_the_end();
    if (worker.batch_count > 0 && answers()) {
        int64 until = monotonic_ns() + kFarewellMs * kMs;
        worker.wait_until_ns = 0;
        int failures = worker.failures;
        advance();
        while (worker.run != nullptr && worker.failures == failures && monotonic_ns() < until) {
            wait_for(Max((until - monotonic_ns()) / kMs, 1));
            advance();
        }
    }
    uint64 left = telemetry_shared->counters.held;
    if (left > 0)
        ereport(LOG, (errmsg("tandem telemetry: %llu events could not be sent before the end",
                             static_cast<unsigned long long>(left))));
    disconnect();
}

}  // namespace

}  // namespace tandem::shell

void tandem_telemetry_worker(Datum) {
    using namespace tandem::shell;
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();
    begin();
    before_shmem_exit(forget_latch, Datum(0));
    while (!ShutdownRequestPending) {
        if (ConfigReloadPending) {
            ConfigReloadPending = false;
            ProcessConfigFile(PGC_SIGHUP);
        }
        read_url();
        tandem::telemetry::collector_set_standby(worker.collector, RecoveryInProgress());
        look();
        drain();
        advance();
        rest();
    }
    say_farewell();
    // Not 0, which would mean that it never has to run again.
    proc_exit(1);
}
