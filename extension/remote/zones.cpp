#include "extension/shell/pg.h"

extern "C" {
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}

#include "extension/remote/remote.h"
#include "extension/remote/zones.h"
#include "extension/shell/memory.h"
#include "extension/tree/query_tree.h"

namespace tandem::shell {

namespace {

constexpr int64 kDay = 86400;
constexpr int64 kFirst = INT64CONST(-2208988800);  // 1900-01-01
constexpr int64 kEnd = INT64CONST(4102444800);     // 2100-01-01
constexpr int64 kLate = INT64CONST(1577836800);    // 2020-01-01
constexpr int kChangesMax = 4096;
constexpr int kZonesMax = 32;

struct KnownZone {
    char name[64];
    char server[128];
    int64 since;
    TimestampTz asked;
};

KnownZone known[kZonesMax];
int known_count = 0;

KnownZone* find_zone(const char* name) {
    for (int i = 0; i < known_count; ++i)
        if (strcmp(known[i].name, name) == 0) return &known[i];
    return nullptr;
}

// The changes of the clock, as pairs of a time and the offset from then on. Of two that lie within
// three days of each other Postgres looks at the first one only when it reads a clock: `quiet` is
// after the last such pair.
ArrayType* changes_of(const pg_tz* zone, int64* quiet) {
    Datum* items = make_array<Datum>(size_t{2} * kChangesMax);
    int count = 0;
    long before;
    long after;
    int before_dst;
    int after_dst;
    pg_time_t at = kFirst;
    pg_time_t change;
    int64 last = kFirst - 30 * kDay;
    *quiet = kFirst;
    int found = pg_next_dst_boundary(&at, &before, &before_dst, &change, &after, &after_dst, zone);
    if (found < 0) return nullptr;
    items[count++] = Int64GetDatum(kFirst);
    items[count++] = Int64GetDatum(before);
    while (found > 0 && change < kEnd && count < 2 * kChangesMax) {
        if (change - last < 3 * kDay) *quiet = change + 3 * kDay;
        last = change;
        items[count++] = Int64GetDatum(change);
        items[count++] = Int64GetDatum(after);
        at = change;
        found = pg_next_dst_boundary(&at, &before, &before_dst, &change, &after, &after_dst, zone);
    }
    if (count >= 2 * kChangesMax) return nullptr;
    return construct_array(items, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

// The end of the last stretch between two changes in which some moment has another offset there.
constexpr const char* kSql =
    "SELECT max(if(timeZoneOffset(toTimeZone(toDateTime64(p.1 + toInt64(d), 6, 'UTC'), {z:String}))"
    " = p.2, toInt64(-2208988800), p.3)) AS c1 FROM (SELECT p, arrayJoin(arrayPushBack(range("
    "toUInt64(0), toUInt64(p.3 - p.1), toUInt64(604800)), toUInt64(p.3 - p.1 - 1))) AS d FROM "
    "(SELECT arrayJoin(arrayZip(t, arrayFilter((x, i) -> i % 2 = 0, a, arrayEnumerate(a)), "
    "arrayPushBack(arrayPopFront(t), toInt64(4102444800)))) AS p FROM (SELECT {a:Array(Int64)} AS "
    "a, arrayFilter((x, i) -> i % 2 = 1, a, arrayEnumerate(a)) AS t))) SETTINGS "
    "enable_positional_arguments = 0, session_timezone = 'UTC'";

clickhouse::BoundParameter parameter(const char* name, const char* type, Oid oid, Datum value) {
    clickhouse::BoundParameter result = {};
    Oid send;
    bool is_varlena;
    getTypeBinaryOutputInfo(oid, &send, &is_varlena);
    bytea* bytes = OidSendFunctionCall(send, value);
    result.name = text_of(name);
    result.clickhouse_type = text_of(type);
    result.type = oid;
    result.typmod = -1;
    result.binary = VARDATA_ANY(bytes);
    result.size = VARSIZE_ANY_EXHDR(bytes);
    return result;
}

bool ask_clickhouse(const char* name, ArrayType* changes, const CatalogTarget& target,
                    const char* database, int64* since, Failure* failure) {
    clickhouse::BoundParameter values[] = {
        parameter("z", "String", TEXTOID, CStringGetTextDatum(name)),
        parameter("a", "Array(Int64)", INT8ARRAYOID, PointerGetDatum(changes))};
    static uint32 number = 0;
    Text expected = text_of("Int64");
    clickhouse::RunOptions options = {};
    options.sql = text_of(kSql);
    options.parameters = {values, 2};
    options.expected = {&expected, 1};
    options.query_id =
        text_of(psprintf("tandem-zone-%d-%llx-%u", MyProcPid,
                         static_cast<unsigned long long>(MyStartTimestamp), ++number));
    options.memory_max = UINT64CONST(16) << 20;
    options.max_execution_ms = 5000;
    RemoteRun* run = remote_start(target, database, options, CurrentMemoryContext, failure);
    if (run == nullptr) return false;
    bool answered = remote_next_block(run, failure);
    if (answered) memcpy(since, run->block.columns[0].data, sizeof *since);
    remote_stop(run);
    return answered;
}

void remember(const char* name, const char* server, int64 since) {
    KnownZone* entry = find_zone(name);
    if (entry == nullptr) {
        if (known_count == kZonesMax) known_count = 0;
        entry = &known[known_count++];
    }
    copy_text(entry->name, sizeof entry->name, name);
    copy_text(entry->server, sizeof entry->server, server);
    entry->since = since;
    entry->asked = GetCurrentTimestamp();
}

bool compare(const char* name, const CatalogTarget& target, const char* database, int64* since,
             Failure* failure) {
    const pg_tz* zone = pg_tzset(name);
    *since = kEnd;
    if (zone == nullptr || strlen(name) >= sizeof(KnownZone::name) ||
        strcmp(pg_get_timezone_name(const_cast<pg_tz*>(zone)), name) != 0)
        return true;
    int64 quiet;
    ArrayType* changes = changes_of(zone, &quiet);
    if (changes == nullptr) return true;
    if (!ask_clickhouse(name, changes, target, database, since, failure)) {
        if (is_unreachable(*failure)) return false;
        *since = kEnd;  // it does not know the zone
        return true;
    }
    // A clock is read by what lies within a day around it.
    *since = Max(*since, quiet) + 2 * kDay;
    return true;
}

}  // namespace

const char* usable_session_zone() {
    const char* name = pg_get_timezone_name(session_timezone);
    const KnownZone* entry = find_zone(name);
    bool known_bad = entry != nullptr && entry->since > kLate &&
                     GetCurrentTimestamp() - entry->asked < USECS_PER_HOUR;
    return known_bad ? "" : name;
}

bool zone_agrees(const char* name, const CatalogTarget& target, const char* database,
                 Failure* failure) {
    const char* server = psprintf("%s:%d", target.host, static_cast<int>(target.port));
    const KnownZone* entry = find_zone(name);
    bool fresh = entry != nullptr && strcmp(entry->server, server) == 0 &&
                 GetCurrentTimestamp() - entry->asked < USECS_PER_HOUR;
    int64 since = fresh ? entry->since : kEnd;
    if (!fresh) {
        if (!compare(name, target, database, &since, failure)) return false;
        remember(name, server, since);
    }
    if (since <= kLate) return true;
    set_failure(failure, "time_zone",
                psprintf("ClickHouse has other rules for the time zone %s", name),
                "Update the time zone data of both servers.");
    return false;
}

int64 zone_since_known(const char* zone) {
    const KnownZone* entry = find_zone(zone);
    return entry == nullptr ? kEnd : entry->since;
}

}  // namespace tandem::shell
