// Connections are kept per session and target. A run owns one until it ends; when its memory
// context goes, also by an error, the query is cancelled and the connection given back or closed.
// Waiting is on the latch and the socket, so that a cancelled statement ends at once.
#include "extension/shell/pg.h"

extern "C" {
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"
}

#include "extension/remote/remote.h"
#include "extension/shell/memory.h"
#include "extension/shell/settings.h"

#include <cstdlib>

namespace tandem::shell {

namespace {

// A backend runs more than one routed query at a time only with open cursors or nested calls.
constexpr int kConnectionsMax = 8;

struct PooledConnection {
    clickhouse::Connection* connection;
    uint64 identity;  // hash of everything that makes a target
    bool busy;
    bool used;  // has served a query before
};

// What the SQL relies on came with 25.8.
constexpr uint32 kServerVersionMin = 25008;

PooledConnection pool[kConnectionsMax];

uint64 mix(uint64 seed, const char* text) {
    return hash_combine64(seed, hash_bytes_extended(reinterpret_cast<const unsigned char*>(text),
                                                    static_cast<int>(strlen(text)), 29));
}

uint64 identity_of(const CatalogTarget& target, const char* database) {
    uint64 identity =
        mix(static_cast<uint64>(target.port) * 2 + (target.secure ? 1 : 0), target.host);
    identity = mix(identity, target.user);
    identity = mix(identity, target.password);
    for (const char* file : {target.ca_file, target.certificate, target.private_key})
        if (file != nullptr) identity = mix(identity, file);
    return mix(identity, database);
}

void drop_connection(int place) {
    clickhouse::connection_free(pool[place].connection);
    pool[place] = {};
}

// A free place: one that holds an idle connection to the target, an empty one, or any idle one.
int choose_place(uint64 identity) {
    int empty = -1;
    int idle = -1;
    for (int i = 0; i < kConnectionsMax; ++i) {
        PooledConnection& entry = pool[i];
        if (entry.busy) continue;
        if (entry.connection == nullptr) {
            empty = i;
            continue;
        }
        if (clickhouse::connection_broken(*entry.connection)) {
            drop_connection(i);
            empty = i;
            continue;
        }
        if (entry.identity == identity) return i;
        idle = i;
    }
    if (empty >= 0) return empty;
    if (idle >= 0) drop_connection(idle);
    return idle;
}

// Of targets with several hosts, which one has answered last.
struct Preferred {
    uint64 identity;
    int host;
};
Preferred preferred[kConnectionsMax];

Preferred* preferred_of(uint64 identity) {
    return &preferred[identity % kConnectionsMax];
}

// One of "host, host:port, ..."; nullptr when there are fewer. In the current memory context.
struct Place {
    const char* host;
    int port;
};

bool find_host(const CatalogTarget& target, int number, Place* place) {
    const char* from = target.host;
    for (; number > 0; --number) {
        from = strchr(from, ',');
        if (from == nullptr) return false;
        ++from;
    }
    while (*from == ' ') ++from;
    char* host = pnstrdup(from, strcspn(from, ", "));
    char* colon = strchr(host, ':');
    *place = {host, target.port};
    // Two of them are an IPv6 address.
    if (colon == nullptr || strchr(colon + 1, ':') != nullptr) return true;
    *colon = '\0';
    place->port = atoi(colon + 1);
    return true;
}

Text text_or_none(const char* text) {
    return text == nullptr ? Text() : text_of(text);
}

int take_connection(const RemoteRun& run, Failure* failure) {
    const CatalogTarget& target = *run.target;
    const char* database = run.database;
    uint64 identity = identity_of(target, database);
    int place = choose_place(identity);
    if (place < 0) {
        *failure = {};
        copy_text(failure->code, sizeof failure->code, "too_many_runs");
        copy_text(failure->message, sizeof failure->message,
                  "this session already runs its limit of routed queries");
        return -1;
    }
    if (pool[place].connection == nullptr) {
        Place where = {target.host, target.port};
        find_host(target, run.host, &where);
        clickhouse::ServerAddress destination = {};
        destination.host = text_of(where.host);
        destination.port = static_cast<uint16>(where.port);
        destination.user = text_of(target.user);
        destination.password = text_of(target.password);
        destination.database = text_of(database);
        destination.secure = target.secure;
        destination.ca_file = text_or_none(target.ca_file);
        destination.certificate = text_or_none(target.certificate);
        destination.private_key = text_or_none(target.private_key);
        int timeout =
            target.connect_timeout_ms == 0 ? connect_timeout_ms : target.connect_timeout_ms;
        destination.connect_timeout_ms = static_cast<uint32>(timeout);
        pool[place].connection = clickhouse::connection_new(destination, failure);
        pool[place].identity = identity;
        if (pool[place].connection == nullptr) return -1;
    }
    return place;
}

void release(void* argument) {
    RemoteRun* run = static_cast<RemoteRun*>(argument);
    if (run->run == nullptr) return;
    clickhouse::run_free(run->run);
    run->run = nullptr;
    pool[run->connection].busy = false;
    if (clickhouse::connection_broken(*pool[run->connection].connection))
        drop_connection(run->connection);
}

void wait_for_socket(const RemoteRun* run, bool read) {
    int events =
        WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (read ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE);
    long timeout = static_cast<long>(clickhouse::run_wait_ms(*run->run));
    if (timeout >= 0) events |= WL_TIMEOUT;
    int socket = clickhouse::run_socket(*run->run);
    int happened;
    if (socket >= 0)
        happened = WaitLatchOrSocket(MyLatch, events, socket, timeout, PG_WAIT_EXTENSION);
    else
        happened =
            WaitLatch(MyLatch, (events & ~(WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE)) | WL_TIMEOUT,
                      timeout < 0 ? 10 : timeout, PG_WAIT_EXTENSION);
    if (happened & WL_LATCH_SET) ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
}

bool start_at_host(RemoteRun* run, Failure* failure) {
    run->connection = take_connection(*run, failure);
    if (run->connection < 0) return false;
    PooledConnection& entry = pool[run->connection];
    // Of an insert nobody knows how far the server got.
    run->may_retry = entry.used && run->insert == nullptr;
    run->run = run->insert == nullptr
                   ? clickhouse::run_start(entry.connection, run->options, failure)
                   : clickhouse::insert_start(entry.connection, *run->insert, failure);
    if (run->run == nullptr) {
        if (clickhouse::connection_broken(*entry.connection)) drop_connection(run->connection);
        return false;
    }
    entry.busy = true;
    entry.used = true;
    return true;
}

// The next host of the target; false when all have failed.
bool next_host(RemoteRun* run) {
    Place place;
    ++run->failed_hosts;
    if (!find_host(*run->target, run->failed_hosts, &place)) return false;
    if (!find_host(*run->target, ++run->host, &place)) run->host = 0;
    return true;
}

bool start(RemoteRun* run, Failure* failure) {
    while (!start_at_host(run, failure))
        if (failure->kind == FailureKind::kOther || !next_host(run)) return false;
    return true;
}

bool is_too_old(const RemoteRun* run, Failure* failure) {
    uint32 version = clickhouse::connection_server_version(*pool[run->connection].connection);
    if (version == 0 || version >= kServerVersionMin) return false;
    *failure = {};
    copy_text(failure->code, sizeof failure->code, "server_version");
    copy_text(failure->message, sizeof failure->message, "ClickHouse is too old for the query");
    copy_text(failure->advice, sizeof failure->advice, "Upgrade ClickHouse to 25.8 or later.");
    return true;
}

// A host that has not even said hello got nothing of the query or the rows.
bool fail_over(RemoteRun* run, Failure* failure) {
    if (run->run == nullptr) return false;  // the second try has asked all of them
    const clickhouse::Connection& connection = *pool[run->connection].connection;
    if (failure->kind == FailureKind::kOther ||
        clickhouse::connection_server_version(connection) != 0 || !next_host(run))
        return false;
    release(run);
    return start(run, failure);
}

void note_host(const RemoteRun* run) {
    uint64 identity = pool[run->connection].identity;
    *preferred_of(identity) = {identity, run->host};
}

// Once, on a new connection, when one that had been idle turns out to be gone.
bool retry(RemoteRun* run, const Failure& failure) {
    if (!run->may_retry || failure.kind != FailureKind::kConnectionLost) return false;
    release(run);
    Failure ignored;
    return start(run, &ignored);
}

}  // namespace

namespace {

RemoteRun* new_run(const CatalogTarget& target, const char* database, MemoryContext owner) {
    MemoryContext before = MemoryContextSwitchTo(owner);
    RemoteRun* run = make<RemoteRun>();
    MemoryContextSwitchTo(before);
    run->callback.func = release;
    run->callback.arg = run;
    run->target = &target;
    run->database = database;
    uint64 identity = identity_of(target, database);
    const Preferred* last = preferred_of(identity);
    run->host = last->identity == identity ? last->host : 0;
    MemoryContextRegisterResetCallback(owner, &run->callback);
    return run;
}

}  // namespace

RemoteRun* remote_start(const CatalogTarget& target, const char* database,
                        const clickhouse::RunOptions& options, MemoryContext owner,
                        Failure* failure) {
    RemoteRun* run = new_run(target, database, owner);
    run->options = options;
    return start(run, failure) ? run : nullptr;
}

bool remote_insert(const CatalogTarget& target, const char* database,
                   const clickhouse::InsertOptions& insert, Failure* failure) {
    MemoryContext owner =
        AllocSetContextCreate(CurrentMemoryContext, "tandem insert", ALLOCSET_SMALL_SIZES);
    RemoteRun* run = new_run(target, database, owner);
    run->insert = &insert;
    bool started = start(run, failure);
    while (started && remote_next_block(run, failure)) {
    }
    bool done = started && run->done;
    MemoryContextDelete(owner);
    return done;
}

bool remote_next_block(RemoteRun* run, Failure* failure) {
    while (!run->done) {
        switch (clickhouse::run_step(run->run, &run->block, failure)) {
            case clickhouse::RunStep::kBlock:
                if (is_too_old(run, failure)) return false;
                run->row = 0;
                run->may_retry = false;
                note_host(run);
                if (run->block.rows > 0) return true;
                break;
            case clickhouse::RunStep::kDone:
                if (is_too_old(run, failure)) return false;
                run->done = true;
                return false;
            case clickhouse::RunStep::kWantRead:
                wait_for_socket(run, true);
                break;
            case clickhouse::RunStep::kWantWrite:
                wait_for_socket(run, false);
                break;
            case clickhouse::RunStep::kFailed:
                if (is_too_old(run, failure)) return false;
                if (!retry(run, *failure) && !fail_over(run, failure)) return false;
                break;
        }
    }
    return false;
}

void remote_stop(RemoteRun* run) {
    release(run);
}

void use_target_settings(const CatalogTarget& target, clickhouse::RunOptions* options) {
    auto* settings = make_array<clickhouse::RunSetting>(static_cast<size_t>(target.setting_count));
    for (int i = 0; i < target.setting_count; ++i)
        settings[i] = {text_of(target.setting_names[i]), text_of(target.setting_values[i])};
    options->settings = {settings, static_cast<uint32>(target.setting_count)};
    uint64 limit = target.query_timeout_ms;
    if (limit != 0 && (options->max_execution_ms == 0 || limit < options->max_execution_ms))
        options->max_execution_ms = limit;
}

void raise_remote(const Failure& failure) {
    ereport(ERROR,
            (errcode(MAKE_SQLSTATE(failure.sqlstate[0], failure.sqlstate[1], failure.sqlstate[2],
                                   failure.sqlstate[3], failure.sqlstate[4])),
             errmsg("%s", failure.message), errdetail("[%s]", failure.code),
             failure.advice[0] == '\0' ? 0 : errhint("%s", failure.advice)));
    pg_unreachable();
}

bool is_unreachable(const Failure& failure) {
    return failure.kind != FailureKind::kOther;
}

}  // namespace tandem::shell
