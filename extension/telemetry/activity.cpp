#include "extension/shell/pg.h"

extern "C" {
#include "common/ip.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include <netdb.h>
}

#include "extension/telemetry/activity.h"
#include "extension/telemetry/shared.h"

namespace tandem::shell {

namespace {

// Looking for who blocks locks the lock table; where hundreds wait, these tell the story.
constexpr int kBlockedMax = 64;

// From 1. COMPAT(pg16): had another name before 16.
const PgBackendStatus& status_at(int index) {
#if PG_VERSION_NUM >= 160000
    return pgstat_get_local_beentry_by_index(index)->backendStatus;
#else
    return pgstat_fetch_stat_local_beentry(index)->backendStatus;
#endif
}

// nullptr: it does nothing that anybody would ask about.
const char* state_of(const PgBackendStatus& status) {
    switch (status.st_state) {
        case STATE_RUNNING:
            return "active";
        case STATE_IDLEINTRANSACTION:
            return "idle in transaction";
        case STATE_IDLEINTRANSACTION_ABORTED:
            return "idle in transaction (aborted)";
        case STATE_FASTPATH:
            return "fastpath function call";
        default:
            return nullptr;
    }
}

const char* address_of(const PgBackendStatus& status, char* buffer, size_t size) {
    switch (status.st_clientaddr.addr.ss_family) {
        case AF_UNIX:
            return "local";
        case AF_INET:
        case AF_INET6:
            buffer[0] = '\0';
            pg_getnameinfo_all(&status.st_clientaddr.addr,
                               static_cast<int>(status.st_clientaddr.salen), buffer,
                               static_cast<int>(size), nullptr, 0, NI_NUMERICHOST);
            return buffer;
        default:
            return "";
    }
}

int64 unix_us(TimestampTz time) {
    return time == 0 ? 0 : time + kUnixEpochUs;
}

tandem::List<int32_t> blockers_of(int pid) {
    Datum answer = DirectFunctionCall1(pg_blocking_pids, Int32GetDatum(pid));
    ArrayType* array = DatumGetArrayTypeP(answer);
    int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
    return {reinterpret_cast<const int32_t*>(ARR_DATA_PTR(array)), static_cast<uint32_t>(count)};
}

struct Look {
    telemetry::Collector* collector;
    int64 at_us;
    uint32 stands_for_ms;
    int blocked;  // asked about so far
};

// What the process itself says in shared memory, read without a lock.
void take_process(PGPROC* process, Look* look, telemetry::ActivitySample* sample) {
    sample->ring = static_cast<uint32>(number_of_proc(process));
    const PGPROC* leader = process->lockGroupLeader;
    if (leader != nullptr && leader != process) sample->leader_pid = leader->pid;
    uint32 wait = process->wait_event_info;
    if (wait == 0) return;
    sample->wait_event_type = pgstat_get_wait_event_type(wait);
    sample->wait_event = pgstat_get_wait_event(wait);
    bool locked = sample->wait_event_type == "Lock";
    if (locked && look->blocked++ < kBlockedMax) sample->blocked_by = blockers_of(sample->pid);
}

void add(const PgBackendStatus& status, const char* state, Look* look) {
    PGPROC* process = BackendPidGetProc(status.st_procpid);
    if (process == nullptr) return;
    char address[NI_MAXHOST];
    telemetry::ActivitySample sample = {};
    sample.at_us = look->at_us;
    sample.pid = status.st_procpid;
    sample.session_started_us = unix_us(status.st_proc_start_timestamp);
    sample.session_id = session_id_of(status.st_proc_start_timestamp, status.st_procpid);
    sample.database_oid = status.st_databaseid;
    sample.user_oid = status.st_userid;
    sample.application = status.st_appname == nullptr ? "" : status.st_appname;
    sample.client_address = address_of(status, address, sizeof address);
    sample.backend_type = GetBackendTypeDesc(status.st_backendType);
    sample.state = state;
    sample.query_id = static_cast<int64>(status.st_query_id);
    sample.query_started_us = unix_us(status.st_activity_start_timestamp);
    sample.transaction_started_us = unix_us(status.st_xact_start_timestamp);
    sample.stands_for_ms = look->stands_for_ms;
    take_process(process, look, &sample);
    Failure failure = {};
    telemetry::collector_add_activity(look->collector, sample, &failure);
}

}  // namespace

void look_at_activity(telemetry::Collector* collector, uint32 stands_for_ms) {
    static MemoryContext own = nullptr;
    if (own == nullptr)
        own = AllocSetContextCreate(TopMemoryContext, "tandem telemetry activity",
                                    ALLOCSET_DEFAULT_SIZES);
    MemoryContext before = MemoryContextSwitchTo(own);
    Look look = {collector, unix_us(GetCurrentTimestamp()), stands_for_ms, 0};
    int count = pgstat_fetch_stat_numbackends();
    for (int i = 1; i <= count; ++i) {
        const PgBackendStatus& status = status_at(i);
        const char* state = state_of(status);
        if (state != nullptr && status.st_procpid != MyProcPid) add(status, state, &look);
    }
    // Another look begins with what is true then.
    pgstat_clear_backend_activity_snapshot();
    MemoryContextSwitchTo(before);
    MemoryContextReset(own);
}

}  // namespace tandem::shell
