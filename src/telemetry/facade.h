// Telemetry for the extension: C-shaped, noexcept, plain data.
//
// Backends need the record and ring layouts and the functions on texts, which allocate nothing. The
// background worker needs the rest: a Collector takes records out of rings into columns, seals them
// into Batches, and says which statements ClickHouse has to run so that there is a place for them.
// A function that fails fills the Failure; only memory can run out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/boundary.h"
#include "telemetry/plan_text.h"
#include "telemetry/record.h"
#include "telemetry/ring.h"
#include "telemetry/sql_text.h"

namespace tandem::types {
struct Block;
}

namespace tandem::telemetry {

// What every event of this server carries.
struct Origin {
    uint64_t system_id;
    Text host;
    Text cluster;
    uint32_t server_version;
    const char* const* commands;  // names by CommandTag; static
    uint32_t command_count;
};

struct Collector;
struct Batch;

Collector* collector_new(const Origin& origin, uint32_t rings, Failure* failure) noexcept;
void collector_free(Collector* collector) noexcept;
void collector_set_standby(Collector* collector, bool standby) noexcept;
// One session at one moment.
struct ActivitySample {
    int64_t at_us;  // since 1970; the same for all sessions of a look
    int32_t pid;
    int32_t leader_pid;  // of a parallel worker; else 0
    int64_t session_started_us;
    uint64_t session_id;
    uint32_t ring;  // of the process; it may know the names of these two
    uint32_t database_oid;
    uint32_t user_oid;
    Text application;
    Text client_address;
    Text backend_type;
    Text state;
    Text wait_event_type;  // empty: it runs
    Text wait_event;
    int64_t query_id;
    int64_t query_started_us;        // 0: none
    int64_t transaction_started_us;  // 0: none
    List<int32_t> blocked_by;
    uint32_t stands_for_ms;  // time since the look before
};
bool collector_add_activity(Collector* collector, const ActivitySample& sample,
                            Failure* failure) noexcept;

// Takes a record of ring number `ring`. On failure the record is lost and all before it are kept.
bool collector_add(Collector* collector, uint32_t ring, const RecordHead* record,
                   Failure* failure) noexcept;
uint64_t collector_events(const Collector& collector) noexcept;
uint64_t collector_rows(const Collector& collector) noexcept;   // events and all else
uint64_t collector_bytes(const Collector& collector) noexcept;  // of the columns
// What was collected, as a batch; the collector is empty then. `number` makes its token.
Batch* collector_seal(Collector* collector, uint64_t number, Failure* failure) noexcept;

void batch_free(Batch* batch) noexcept;
uint64_t batch_events(const Batch& batch) noexcept;
uint64_t batch_bytes(const Batch& batch) noexcept;
// A batch is several inserts in this order, events last, so that no event is there before its text.
// An empty part has no rows. The same insert sent twice is stored once, by its token.
struct Insert {
    Text sql;
    Text token;
    const types::Block* block;
    uint64_t rows;
};
enum BatchPart : uint8_t { kPartTexts, kPartPlans, kPartActivity, kPartEvents, kBatchParts };
Insert batch_part(const Batch& batch, uint32_t part) noexcept;

// The schema: statements to run in this order on a server whose schema has another version. Each
// can be repeated. `version_sql` asks for the version there is, UInt32, and fails when there is no
// schema.
inline constexpr uint32_t kSchemaVersion = 2;
uint32_t schema_statement_count() noexcept;
Text schema_statement(uint32_t number) noexcept;
Text schema_version_sql() noexcept;

// Where ClickHouse is; the texts are in `buffer`.
struct ServerUrl {
    Text host;
    uint16_t port;
    Text user;
    Text password;
    bool secure;
};
bool parse_server_url(Text url, char* buffer, size_t size, ServerUrl* parsed,
                      Failure* failure) noexcept;

}  // namespace tandem::telemetry
