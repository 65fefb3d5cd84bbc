// What is being measured of one statement of this session, and how it becomes a record in the ring.
//
// A statement is open from its start to its record. Open statements come from a pool that never
// shrinks, so that nothing is allocated in the usual case, and form a list, the newest first.
#pragma once

extern "C" {
#include "executor/execdesc.h"
#include "executor/instrument.h"
#include "tcop/cmdtag.h"
#include "utils/palloc.h"
#include "utils/timestamp.h"

#include <sys/resource.h>
}

#include "extension/shell/route_note.h"
#include "telemetry/facade.h"

namespace tandem::shell {

constexpr int kTagsMax = 1024;
constexpr int kParameterBytesMax = 4096;

struct OpenStatement {
    MemoryContextCallback callback;  // of the executor's memory, for those that never end
    OpenStatement* next;
    const QueryDesc* query;  // nullptr: a utility statement, or planning
    bool watched;            // the callback is registered
    bool closed;             // the executor ends it in good order
    bool written;
    bool counts_blocks;  // the counters are running
    bool measures_cpu;
    uint8 level;
    CommandTag command;
    uint32 number;
    uint32 parent;
    int64 query_id;
    int64 plan_id;        // 0: not taken
    TimestampTz message;  // of the client, that it began with
    int64 started_ns;
    int64 running_since_ns;  // 0: it does not run
    int64 run_ns;
    int64 planning_ns;
    int64 commit_since_ns;
    int64 commit_ns;
    uint64 rows;
    double rows_estimated;
    BufferUsage buffers_before;
    BufferUsage buffers;
    WalUsage wal_before;
    WalUsage wal;
    telemetry::JitSection jit;
    telemetry::ParallelSection parallel;
    telemetry::CpuSection cpu;
    rusage cpu_before;
    RouteNote route;
    OpenStatement* caller;  // that runs it
    int tags_size;
    int parameter_count;
    int parameter_bytes;
    char tags[kTagsMax];
    char* parameters;  // kParameterBytesMax, once it was needed
};

// This process has a ring and telemetry is on for it.
bool telemetry_active();

OpenStatement* open_statement(int64 now_ns);
void release_statement(OpenStatement* statement);
OpenStatement* find_statement(const QueryDesc* query);
// Looks for tags in the part of the text that is the statement's.
void take_tags(OpenStatement* statement, const char* text, int location, int length);

// The values of its parameters, as telemetry_parameters wants them.
void take_parameters(OpenStatement* statement, const ParamListInfoData* parameters);

void start_clock(OpenStatement* statement, int64 now_ns);
void start_counters(OpenStatement* statement);
void stop_clock(OpenStatement* statement, int64 now_ns);

// Writes it, once, unless sampling leaves it out; `error` may be nullptr. Never raises.
void write_statement(OpenStatement* statement, const ErrorData* error);
// Who the session is and acts as, as far as it has changed. In a transaction only; may raise.
void refresh_session();

// Sends the text of a query unless it is known. Never raises.
struct StatementText {
    const char* text;
    size_t size;
    const tandem::List<int32_t>* constants;  // nullptr: every literal
    int highest_parameter;
    CommandTag command;
    Text relations;  // names, each with a terminator
};
void send_text(int64 query_id, const StatementText& text);
// The same for one that Postgres has no fingerprint of; returns ours.
int64 identify_text(const StatementText& text);
// Sends a plan; the texts may hold constants, which are taken out on the way. Never raises.
struct PlanTexts {
    int64 query_id;
    int64 plan_id;
    Text text;
    Text json;
    Text relations;  // names, each with a terminator
};
void send_plan(const PlanTexts& plan);
// The part of a source text that is one statement's.
StatementText part_of(const char* text, int location, int length);

}  // namespace tandem::shell
