// What SQL sees of telemetry's own state: tandem.telemetry_counters().
#include "extension/shell/pg.h"

extern "C" {
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
}

#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"

namespace tandem::shell {

namespace {

constexpr int kColumns = 20;

struct Values {
    Datum values[kColumns];
    bool nulls[kColumns];
    int at;

    void put_datum(Datum value, bool null) {
        values[at] = value;
        nulls[at++] = null;
    }
    void put(uint64 number) { put_datum(Int64GetDatum(static_cast<int64>(number)), false); }
    void put_text(const char* text) {
        bool none = *text == '\0';
        put_datum(none ? Datum(0) : CStringGetTextDatum(text), none);
    }
    void put_time(TimestampTz time) { put_datum(TimestampTzGetDatum(time), time == 0); }
};

// In one word, and what to do about it.
const char* state_now(const char** advice) {
    *advice = "";
    if (telemetry_shared == nullptr) {
        *advice = "Add tandem to shared_preload_libraries and restart Postgres.";
        return "not preloaded";
    }
    if (!telemetry_on) {
        *advice = "ALTER SYSTEM SET tandem.telemetry = on, or for a database, a role or a session.";
        return "off in this session";
    }
    if (telemetry_url == nullptr || *telemetry_url == '\0') {
        *advice = "Set tandem.telemetry_clickhouse = 'clickhouse://user:password@host:9000'.";
        return "nowhere to send to";
    }
    if (telemetry_shared->worker.load() == nullptr) {
        *advice = "Postgres starts it again within a second; see its log if not.";
        return "worker not running";
    }
    return "on";
}

void put_counts(Values* row) {
    TelemetryCounts counts = telemetry_counts();
    const WorkerCounters& worker = counts.worker;
    uint64 dropped = counts.dropped_full + worker.dropped_rejected + worker.dropped_memory +
                     worker.dropped_worker;
    row->put(counts.committed + counts.dropped_full);
    row->put(worker.exported);
    row->put(counts.committed - worker.taken + worker.held);
    row->put(dropped);
    row->put(counts.dropped_full);
    row->put(worker.dropped_rejected);
    row->put(worker.dropped_memory);
    row->put(worker.dropped_worker);
    row->put(counts.committed - worker.taken);
    row->put(worker.held);
    row->put(worker.batches);
    row->put(worker.failures);
    row->put(worker.starts);
    int pid = telemetry_shared->worker_pid.load();
    row->put_datum(Int32GetDatum(pid), pid == 0);
    row->put_time(worker.last_success);
    row->put_time(worker.last_failure);
    row->put_text(worker.last_error);
    row->put(telemetry_shared->ring_bytes * telemetry_shared->ring_count);
}

}  // namespace

}  // namespace tandem::shell

extern "C" {
PG_FUNCTION_INFO_V1(tandem_telemetry_counters);
PGDLLEXPORT Datum tandem_telemetry_counters(PG_FUNCTION_ARGS);
}

Datum tandem_telemetry_counters(PG_FUNCTION_ARGS) {
    using namespace tandem::shell;
    InitMaterializedSRF(fcinfo, 0);
    ReturnSetInfo* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    Values row = {};
    const char* advice;
    row.put_text(state_now(&advice));
    row.put_text(advice);
    if (telemetry_shared != nullptr)
        put_counts(&row);
    else
        while (row.at < kColumns) row.put_datum(Datum(0), true);
    tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
    return Datum(0);
}
