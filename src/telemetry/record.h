// What a backend puts into its ring: records of 8-byte aligned plain data, numbers in the machine's
// own byte order, because writer and reader are the same program on the same machine.
//
//   SessionRecord    who the statements that follow in this ring belong to; sent when it changes
//   TextRecord       the normalised text of a query, once per fingerprint
//   PlanRecord       a plan, once per query and plan
//   StatementRecord  one execution of a statement, followed by the sections its head names
//
// Sections stand behind the StatementRecord in the order of Section; those with nothing to say are
// left out, so that a short SELECT is as small as it can be. Included by both sides: no Postgres,
// no C++ that owns anything.
#pragma once

#include <cstdint>

namespace tandem::telemetry {

enum class RecordKind : uint16_t { kPadding, kSession, kText, kStatement, kPlan };

struct RecordHead {
    uint32_t size;  // of the whole record, a multiple of 8
    RecordKind kind;
    uint16_t sections;  // of a statement: bits of Section
};

inline constexpr uint32_t kRecordAlignment = 8;
constexpr uint32_t aligned(uint32_t size) {
    return (size + kRecordAlignment - 1) & ~(kRecordAlignment - 1);
}

// Its texts follow in this order, without terminators.
enum SessionText : uint8_t {
    kSessionDatabase,
    kSessionUser,
    kSessionRole,
    kSessionApplication,
    kSessionClient,
    kSessionTexts,
};

struct SessionRecord {
    RecordHead head;
    int64_t started_us;  // since 1970
    uint64_t session_id;
    int32_t pid;
    uint16_t sizes[kSessionTexts];
};

// Followed by the text and the names of the relations it names, each with a terminator.
struct TextRecord {
    RecordHead head;
    int64_t query_id;
    uint32_t size;
    uint32_t relations_size;
    uint16_t command;  // CommandTag
    uint16_t cut;      // 1: it is longer
    uint32_t reserved;
};

// Followed by the plan as text, as JSON (nothing when there was no room for all of it), and the
// relations it reads, each with a terminator.
struct PlanRecord {
    RecordHead head;
    int64_t query_id;
    int64_t plan_id;
    uint32_t text_size;
    uint32_t json_size;
    uint32_t relations_size;
    uint32_t cut;  // 1: the text is longer
};

enum Section : uint16_t {
    kBuffers = 1,
    kWal = 2,
    kJit = 4,
    kParallel = 8,
    kCpu = 16,
    kError = 32,
    kRoute = 64,
    kTags = 128,
    kPlan = 256,
    kParameters = 512,
};

struct StatementRecord {
    RecordHead head;
    int64_t started_us;  // since 1970
    int64_t query_id;
    uint64_t duration_us;
    uint64_t planning_us;
    uint64_t commit_us;
    uint64_t rows;
    uint64_t shared_hit;
    uint32_t number;  // of the statement in its session, from 1
    uint32_t parent;  // 0: the client's own
    float rows_estimated;
    float weight;  // how many executions this one stands for
    uint32_t xid;
    uint16_t command;  // CommandTag
    uint8_t level;
    uint8_t reserved;
};

struct BuffersSection {
    uint64_t shared_read, shared_dirtied, shared_written;
    uint64_t local_hit, local_read, local_dirtied, local_written;
    uint64_t temp_read, temp_written;
    uint64_t shared_read_us, shared_write_us, local_read_us, local_write_us;
    uint64_t temp_read_us, temp_write_us;
};

struct WalSection {
    uint64_t records, full_pages, bytes;
};

struct JitSection {
    uint64_t functions;
    uint64_t generation_us, deform_us, inlining_us, optimization_us, emission_us;
};

struct ParallelSection {
    uint32_t planned, launched;
};

struct CpuSection {
    uint64_t user_us, system_us;
};

// Its texts follow in this order, the whole padded to 8 bytes.
enum ErrorText : uint8_t {
    kErrorMessage,
    kErrorDetail,
    kErrorHint,
    kErrorContext,
    kErrorSchema,
    kErrorTable,
    kErrorColumn,
    kErrorType,
    kErrorConstraint,
    kErrorTexts,
};

struct ErrorSection {
    uint32_t sqlstate;  // as Postgres packs it: six bits per character
    int32_t position;   // in the statement, in characters; 0: unknown
    uint16_t sizes[kErrorTexts];
    uint16_t reserved[3];
};

// Followed by the texts reason and remote query id.
struct RouteSection {
    uint64_t rows_read, bytes_read;
    uint16_t reason_size, query_id_size;
    uint8_t side;  // RouteSide
    uint8_t reserved[3];
};

enum class RouteSide : uint8_t { kNone, kClickHouse, kPostgres };

// The comment that carries the tags follows, padded to 8 bytes.
struct TagsSection {
    uint32_t size;
    uint32_t reserved;
};

struct PlanSection {
    int64_t plan_id;
};

// Followed by `size` bytes: for each parameter its size as int32_t, -1 for NULL, and its text. The
// whole padded to 8 bytes.
struct ParametersSection {
    uint32_t count;
    uint32_t size;
};

static_assert(sizeof(RecordHead) == 8 && sizeof(SessionRecord) % 4 == 0);
static_assert(sizeof(StatementRecord) % 8 == 0 && sizeof(ErrorSection) % 4 == 0);
static_assert(sizeof(RouteSection) % 8 == 0 && sizeof(TagsSection) == 8);
static_assert(sizeof(TextRecord) % 8 == 0 && sizeof(PlanRecord) % 8 == 0);

// No record of ours is larger than this share of a ring, so that one always fits into an empty one.
inline constexpr uint32_t kRecordShare = 4;

}  // namespace tandem::telemetry
