// A hash table of fixed size: the hash picks a set of a few entries, each set has a spin lock of
// its own, and a new query takes the place of the one in its set that was seen longest ago. Under
// the lock is nothing but comparing, copying and a little arithmetic.
#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
}

#include "extension/route/query_stats.h"
#include "extension/route/stats.h"
#include "route/facade.h"

namespace tandem::shell {

namespace {

namespace cost = route::cost;

constexpr int kSets = 256;  // a power of two
constexpr int kWays = 8;
constexpr int kReasonsMax = 6;
constexpr int kCodeMax = 28;

struct Refusals {
    char code[kCodeMax];
    uint32 count;
};

struct Entry {
    QueryKey key;
    cost::Learnt learnt;
    uint64 routed;
    uint64 local;
    double clickhouse_ms;
    double postgres_ms;
    uint64 rows_returned;
    uint64 rows_read;
    Refusals refused[kReasonsMax];
    int last_reason;  // place in it
    TimestampTz first_seen;
    TimestampTz last_seen;  // 0: the entry is empty
};

struct Set {
    slock_t mutex;
    Entry entries[kWays];
};

struct QueryTable {
    slock_t mutex;  // of the rates
    cost::Rates rates;
    Set sets[kSets];
};

QueryTable* table = nullptr;
shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

void request() {
    if (previous_request != nullptr) previous_request();
    RequestAddinShmemSpace(MAXALIGN(sizeof(QueryTable)));
}

void initialise(QueryTable* made) {
    memset(static_cast<void*>(made), 0, sizeof *made);  // Entries are all zero when empty.
    SpinLockInit(&made->mutex);
    for (Set& set : made->sets) SpinLockInit(&set.mutex);
}

void startup() {
    if (previous_startup != nullptr) previous_startup();
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool found;
    table = static_cast<QueryTable*>(
        ShmemInitStruct("tandem route queries", sizeof(QueryTable), &found));
    if (!found) initialise(table);
    LWLockRelease(AddinShmemInitLock);
}

QueryTable* current() {
    if (table != nullptr) return table;
    QueryTable* made =
        static_cast<QueryTable*>(MemoryContextAlloc(TopMemoryContext, sizeof(QueryTable)));
    initialise(made);
    return table = made;
}

Set* set_of(const QueryKey& key) {
    static_assert(sizeof key == 16);
    uint64 hash = hash_bytes_extended(reinterpret_cast<const unsigned char*>(&key), sizeof key, 0);
    return &current()->sets[hash & (kSets - 1)];
}

bool same(const QueryKey& a, const QueryKey& b) {
    return a.query_id == b.query_id && a.user == b.user && a.database == b.database;
}

Entry* find(Set* set, const QueryKey& key) {
    for (Entry& entry : set->entries)
        if (entry.last_seen != 0 && same(entry.key, key)) return &entry;
    return nullptr;
}

Entry* find_or_add(Set* set, const QueryKey& key, TimestampTz now) {
    Entry* entry = find(set, key);
    if (entry == nullptr) {
        entry = &set->entries[0];
        for (Entry& other : set->entries)
            if (other.last_seen < entry->last_seen) entry = &other;
        *entry = {};
        entry->key = key;
        entry->first_seen = now;
    }
    entry->last_seen = now;
    return entry;
}

cost::Rates rates_now() {
    QueryTable* all = current();
    SpinLockAcquire(&all->mutex);
    cost::Rates rates = all->rates;
    SpinLockRelease(&all->mutex);
    return rates;
}

// What does not find a place is counted in the last one, under "other".
int place_of(Entry* entry, const char* code) {
    for (int i = 0; i < kReasonsMax; ++i) {
        Refusals* refused = &entry->refused[i];
        bool last = i == kReasonsMax - 1;
        if (refused->count == 0) copy_text(refused->code, kCodeMax, last ? "other" : code);
        if (last || strncmp(refused->code, code, kCodeMax - 1) == 0) return i;
    }
    pg_unreachable();
}

void judge(Prospect* prospect, const cost::Facts& facts, const cost::Rates& rates,
           ProspectOptions options, TimestampTz now) {
    cost::Learnt learnt = options.use_learnt ? prospect->learnt : cost::Learnt{};
    prospect->estimate = cost::estimate(facts, rates, learnt, options.may_wait);
    prospect->choice = cost::choose(learnt, prospect->estimate, now);
}

}  // namespace

void request_shared_query_stats() {
    if (!process_shared_preload_libraries_in_progress) return;
    previous_request = shmem_request_hook;
    shmem_request_hook = request;
    previous_startup = shmem_startup_hook;
    shmem_startup_hook = startup;
}

QueryKey query_key(uint64 query_id) {
    return {query_id, GetUserId(), MyDatabaseId};
}

Prospect prospect_of(const QueryKey& key, const cost::Facts& facts, ProspectOptions options) {
    Prospect prospect = {};
    cost::Rates rates = rates_now();
    Set* set = set_of(key);
    SpinLockAcquire(&set->mutex);
    const Entry* entry = find(set, key);
    if (entry != nullptr) prospect.learnt = entry->learnt;
    SpinLockRelease(&set->mutex);
    judge(&prospect, facts, rates, options, GetCurrentTimestamp());
    return prospect;
}

Prospect choose_side(const QueryKey& key, const cost::Facts& facts, ProspectOptions options) {
    Prospect prospect = {};
    cost::Rates rates = rates_now();
    TimestampTz now = GetCurrentTimestamp();
    Set* set = set_of(key);
    SpinLockAcquire(&set->mutex);
    Entry* entry = find_or_add(set, key, now);
    prospect.learnt = entry->learnt;
    judge(&prospect, facts, rates, options, now);
    if (options.use_learnt) cost::take(&entry->learnt, prospect.choice, now);
    SpinLockRelease(&set->mutex);
    return prospect;
}

void note_run(const QueryKey& key, const cost::Facts& facts, const RunRecord& record) {
    bool remote = record.side == cost::Side::kClickHouse;
    cost::Rates before = rates_now();
    cost::Rates rates = before;
    TimestampTz now = GetCurrentTimestamp();
    Set* set = set_of(key);
    SpinLockAcquire(&set->mutex);
    Entry* entry = find_or_add(set, key, now);
    ++(remote ? entry->routed : entry->local);
    (remote ? entry->clickhouse_ms : entry->postgres_ms) += record.ms + record.wait_ms;
    entry->rows_returned += record.rows_returned;
    entry->rows_read += record.rows_read;
    if (record.learn && remote)
        cost::note_remote(&entry->learnt, &rates, facts, record.ms, record.again);
    if (record.learn && !remote) cost::note_local(&entry->learnt, &rates, facts, record.ms);
    SpinLockRelease(&set->mutex);
    if (!record.learn) return;
    // Two sessions at once: what one of them measured is lost to the average, and nothing else.
    QueryTable* all = current();
    SpinLockAcquire(&all->mutex);
    rates.wait_ms = all->rates.wait_ms;
    rates.waits = all->rates.waits;
    all->rates = rates;
    SpinLockRelease(&all->mutex);
}

void note_run_in_vain(const QueryKey& key, const cost::Facts& facts, const RunInVain& run) {
    TimestampTz now = GetCurrentTimestamp();
    Set* set = set_of(key);
    SpinLockAcquire(&set->mutex);
    Entry* entry = find_or_add(set, key, now);
    if (run.side == cost::Side::kClickHouse)
        cost::note_remote_in_vain(&entry->learnt, facts, run.ms, run.again);
    else
        cost::note_local_in_vain(&entry->learnt, facts, run.ms);
    SpinLockRelease(&set->mutex);
}

void note_refused(const QueryKey& key, const char* code) {
    TimestampTz now = GetCurrentTimestamp();
    Set* set = set_of(key);
    SpinLockAcquire(&set->mutex);
    Entry* entry = find_or_add(set, key, now);
    entry->last_reason = place_of(entry, code);
    ++entry->refused[entry->last_reason].count;
    SpinLockRelease(&set->mutex);
}

void note_freshness_wait(double ms) {
    QueryTable* all = current();
    SpinLockAcquire(&all->mutex);
    cost::note_wait(&all->rates, ms);
    SpinLockRelease(&all->mutex);
}

namespace {

constexpr int kColumns = 16;

Datum refused_as_json(const Entry& entry) {
    StringInfoData text;
    initStringInfo(&text);
    for (const Refusals& refused : entry.refused) {
        if (refused.count == 0) break;
        appendStringInfo(&text, "%s\"%s\": %u", text.len == 0 ? "{" : ", ", refused.code,
                         refused.count);
    }
    appendStringInfoString(&text, text.len == 0 ? "{}" : "}");
    return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
}

void put_entry(const Entry& entry, ReturnSetInfo* result) {
    Datum values[kColumns];
    bool nulls[kColumns] = {};
    const cost::Learnt& learnt = entry.learnt;
    int at = 0;
    values[at++] = ObjectIdGetDatum(entry.key.user);
    values[at++] = ObjectIdGetDatum(entry.key.database);
    values[at++] = Int64GetDatum(static_cast<int64>(entry.key.query_id));
    values[at++] = Int64GetDatum(static_cast<int64>(entry.routed));
    values[at++] = Int64GetDatum(static_cast<int64>(entry.local));
    values[at++] = refused_as_json(entry);
    const Refusals& last = entry.refused[entry.last_reason];
    nulls[at] = last.count == 0;
    values[at++] = CStringGetTextDatum(last.code);
    values[at++] = Float8GetDatum(entry.clickhouse_ms);
    values[at++] = Float8GetDatum(entry.postgres_ms);
    values[at++] = Int64GetDatum(static_cast<int64>(entry.rows_returned));
    values[at++] = Int64GetDatum(static_cast<int64>(entry.rows_read));
    nulls[at] = learnt.side == cost::Side::kUndecided;
    values[at++] =
        CStringGetTextDatum(learnt.side == cost::Side::kPostgres ? "postgres" : "clickhouse");
    nulls[at] = learnt.remote.runs == 0;
    values[at++] = Float8GetDatum(learnt.remote.ms);
    nulls[at] = learnt.local.runs == 0;
    values[at++] = Float8GetDatum(learnt.local.ms);
    values[at++] = TimestampTzGetDatum(entry.first_seen);
    values[at++] = TimestampTzGetDatum(entry.last_seen);
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

void put_all(ReturnSetInfo* result) {
    // As for pg_stat_statements: one's own, or all for who may read all statistics.
    bool all = has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
    Set* copy = static_cast<Set*>(palloc(sizeof(Set)));
    for (Set& set : current()->sets) {
        SpinLockAcquire(&set.mutex);
        memcpy(copy, &set, sizeof set);
        SpinLockRelease(&set.mutex);
        for (const Entry& entry : copy->entries)
            if (entry.last_seen != 0 && (all || entry.key.user == GetUserId()))
                put_entry(entry, result);
    }
}

void forget_all() {
    QueryTable* all = current();
    SpinLockAcquire(&all->mutex);
    all->rates = {};
    SpinLockRelease(&all->mutex);
    for (Set& set : all->sets) {
        SpinLockAcquire(&set.mutex);
        for (Entry& entry : set.entries) entry = {};
        SpinLockRelease(&set.mutex);
    }
}

}  // namespace

}  // namespace tandem::shell

extern "C" {
PG_FUNCTION_INFO_V1(tandem_route_queries);
PGDLLEXPORT Datum tandem_route_queries(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(tandem_route_stats_reset);
PGDLLEXPORT Datum tandem_route_stats_reset(PG_FUNCTION_ARGS);
}

// tandem.route_queries(): one row per query, user and database.
Datum tandem_route_queries(PG_FUNCTION_ARGS) {
    InitMaterializedSRF(fcinfo, 0);
    tandem::shell::put_all(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
    return Datum(0);
}

// tandem.route_stats_reset(): nothing has been counted, nothing learnt.
Datum tandem_route_stats_reset(PG_FUNCTION_ARGS) {
    (void)fcinfo;
    tandem::shell::forget_all();
    tandem::shell::forget_counters();
    PG_RETURN_VOID();
}
