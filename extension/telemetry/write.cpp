// Records are built in the ring itself. Nothing here raises an error or allocates, except
// refresh_session, so that it can be called from anywhere: while an error is being handled, while a
// transaction ends, while the process dies.
#include "extension/shell/pg.h"

// GSSAPI's headers need not be installed; Port is the same without them, its header says.
#undef ENABLE_GSS

extern "C" {
#include "access/xact.h"
#include "commands/dbcommands.h"
#include "common/ip.h"
#include "common/pg_prng.h"
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/guc.h"
}

#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"
#include "extension/telemetry/statement.h"

namespace tandem::shell {

namespace {

using namespace tandem::telemetry;

constexpr size_t kErrorTextMax = 2048;

struct SessionTexts {
    char texts[kSessionTexts][NAMEDATALEN];
};

RingWriter writer = {};
SessionTexts session = {};
bool session_changed = true;
bool session_known = false;
Oid role_known = InvalidOid;

bool have_ring() {
    if (writer.ring == nullptr)
        writer = ring_writer(ring_at(own_ring()), ring_data_at(own_ring()),
                             telemetry_shared->ring_bytes);
    return true;
}

void wake_worker() {
    Latch* latch = telemetry_shared->worker.load(std::memory_order_acquire);
    if (latch != nullptr) SetLatch(latch);
}

void commit_record() {
    bool filling = ring_commit(&writer);
    if (!filling && !telemetry_shared->worker_sleeps.load(std::memory_order_relaxed)) return;
    if (filling || telemetry_shared->worker_sleeps.exchange(false)) wake_worker();
}

void set_text(SessionText which, const char* text) {
    if (text == nullptr) text = "";
    Text cut = cut_utf8(text, NAMEDATALEN - 1);
    char* known = session.texts[which];
    if (strlen(known) == cut.size() && memcmp(known, cut.data(), cut.size()) == 0) return;
    memcpy(known, cut.data(), cut.size());
    known[cut.size()] = '\0';
    session_changed = true;
}

void learn_client() {
    if (MyProcPort == nullptr) return;
    set_text(kSessionDatabase, MyProcPort->database_name);
    set_text(kSessionUser, MyProcPort->user_name);
    set_text(kSessionRole, MyProcPort->user_name);
    char address[NI_MAXHOST] = "";
    if (MyProcPort->raddr.addr.ss_family == AF_UNIX)
        snprintf(address, sizeof address, "local");
    else
        pg_getnameinfo_all(&MyProcPort->raddr.addr, static_cast<int>(MyProcPort->raddr.salen),
                           address, sizeof address, nullptr, 0, NI_NUMERICHOST);
    set_text(kSessionClient, address);
}

// The ring has to know whom what follows is of.
bool write_session() {
    if (!session_known) learn_client();
    session_known = true;
    set_text(kSessionApplication, application_name);
    if (!session_changed) return true;
    SessionRecord record = {};
    uint32 size = sizeof record;
    for (size_t i = 0; i < kSessionTexts; ++i) {
        record.sizes[i] = static_cast<uint16>(strlen(session.texts[i]));
        size += record.sizes[i];
    }
    record.head = {aligned(size), RecordKind::kSession, 0};
    record.started_us = MyStartTimestamp + kUnixEpochUs;
    record.session_id = session_id_of(MyStartTimestamp, MyProcPid);
    record.pid = MyProcPid;
    char* at = ring_reserve(&writer, record.head.size);
    if (at == nullptr) return false;
    memcpy(at, &record, sizeof record);
    at += sizeof record;
    for (size_t i = 0; i < kSessionTexts; ++i) {
        memcpy(at, session.texts[i], record.sizes[i]);
        at += record.sizes[i];
    }
    commit_record();
    session_changed = false;
    return true;
}

// --- a statement ---------------------------------------------------------------------------------

struct ErrorTexts {
    Text texts[kErrorTexts];
};

ErrorTexts texts_of(const ErrorData& error) {
    const char* const texts[kErrorTexts] = {
        error.message,     error.detail,        error.hint,
        error.context,     error.schema_name,   error.table_name,
        error.column_name, error.datatype_name, error.constraint_name};
    ErrorTexts all;
    for (size_t i = 0; i < kErrorTexts; ++i)
        all.texts[i] = cut_utf8(texts[i] == nullptr ? "" : texts[i], kErrorTextMax);
    return all;
}

struct Sizes {
    uint16 sections;
    uint32 size;
    uint32 reason;
    uint32 query_id;
};

bool is_zero(const void* bytes, size_t size) {
    const uint64* words = static_cast<const uint64*>(bytes);
    for (size_t i = 0; i < size / sizeof(uint64); ++i)
        if (words[i] != 0) return false;
    return true;
}

uint64 us(const instr_time& time) {
    return static_cast<uint64>(INSTR_TIME_GET_MICROSEC(time));
}

BuffersSection buffers_of(const BufferUsage& used) {
    auto count = [](int64 blocks) { return static_cast<uint64>(blocks); };
    BuffersSection section = {};
    section.shared_read = count(used.shared_blks_read);
    section.shared_dirtied = count(used.shared_blks_dirtied);
    section.shared_written = count(used.shared_blks_written);
    section.local_hit = count(used.local_blks_hit);
    section.local_read = count(used.local_blks_read);
    section.local_dirtied = count(used.local_blks_dirtied);
    section.local_written = count(used.local_blks_written);
    section.temp_read = count(used.temp_blks_read);
    section.temp_written = count(used.temp_blks_written);
    // COMPAT(pg17): apart for shared and local blocks (upstream 13d00729d4).
#if PG_VERSION_NUM >= 170000
    section.shared_read_us = us(used.shared_blk_read_time);
    section.shared_write_us = us(used.shared_blk_write_time);
    section.local_read_us = us(used.local_blk_read_time);
    section.local_write_us = us(used.local_blk_write_time);
#else
    section.shared_read_us = us(used.blk_read_time);
    section.shared_write_us = us(used.blk_write_time);
#endif
    section.temp_read_us = us(used.temp_blk_read_time);
    section.temp_write_us = us(used.temp_blk_write_time);
    return section;
}

WalSection wal_of(const WalUsage& used) {
    return {static_cast<uint64>(used.wal_records), static_cast<uint64>(used.wal_fpi),
            used.wal_bytes};
}

uint32 size_of(const ErrorTexts& texts) {
    uint32 size = sizeof(ErrorSection);
    for (Text text : texts.texts) size += static_cast<uint32>(text.size());
    return aligned(size);
}

char* put(char* at, const void* bytes, size_t size) {
    memcpy(at, bytes, size);
    return at + size;
}

char* put_error(char* at, const ErrorData& error, const ErrorTexts& texts) {
    ErrorSection section = {};
    section.sqlstate = static_cast<uint32>(error.sqlerrcode);
    section.position = error.cursorpos;
    for (size_t i = 0; i < kErrorTexts; ++i)
        section.sizes[i] = static_cast<uint16>(texts.texts[i].size());
    char* begin = at;
    at = put(at, &section, sizeof section);
    for (Text text : texts.texts) at = put(at, text.data(), text.size());
    return begin + size_of(texts);
}

uint32 size_of(const RouteNote& route) {
    return aligned(static_cast<uint32>(sizeof(RouteSection) + strlen(route.reason) +
                                       strlen(route.remote_query_id)));
}

char* put_route(char* at, const RouteNote& route) {
    RouteSection section = {};
    section.rows_read = route.rows_read;
    section.bytes_read = route.bytes_read;
    section.side = route.side;
    section.reason_size = static_cast<uint16>(strlen(route.reason));
    section.query_id_size = static_cast<uint16>(strlen(route.remote_query_id));
    char* begin = at;
    at = put(at, &section, sizeof section);
    at = put(at, route.reason, section.reason_size);
    put(at, route.remote_query_id, section.query_id_size);
    return begin + size_of(route);
}

StatementRecord record_of(const OpenStatement& statement) {
    StatementRecord record = {};
    int64 offset = telemetry_shared->wall_offset_ns.load(std::memory_order_relaxed);
    record.started_us = (statement.started_ns + offset) / 1000;
    record.query_id = statement.query_id;
    record.duration_us = static_cast<uint64>(statement.run_ns / 1000);
    record.planning_us = static_cast<uint64>(statement.planning_ns / 1000);
    record.commit_us = static_cast<uint64>(statement.commit_ns / 1000);
    record.rows = statement.rows;
    record.shared_hit = static_cast<uint64>(statement.buffers.shared_blks_hit);
    record.number = statement.number;
    record.parent = statement.parent;
    record.rows_estimated = static_cast<float>(statement.rows_estimated);
    record.weight = 1;
    record.xid = GetTopTransactionIdIfAny();
    record.command = static_cast<uint16>(statement.command);
    record.level = statement.level;
    return record;
}

// False: sampling leaves it out.
bool weigh(const OpenStatement& statement, const ErrorData* error, StatementRecord* record) {
    double ms = static_cast<double>(statement.run_ns + statement.planning_ns) / 1e6;
    if (telemetry_sample_rate >= 1 || error != nullptr || ms >= telemetry_slow_ms) return true;
    if (pg_prng_double(&pg_global_prng_state) >= telemetry_sample_rate) return false;
    record->weight = static_cast<float>(1 / telemetry_sample_rate);
    return true;
}

// Everything behind the record itself, in the order of telemetry::Section.
struct Parts {
    BuffersSection buffers;
    WalSection wal;
    ErrorTexts error;
};

void measure(const OpenStatement& statement, const ErrorData* error, Parts* parts,
             StatementRecord* record) {
    uint32 size = sizeof *record;
    uint16 sections = 0;
    auto add = [&](bool present, Section section, size_t bytes) {
        if (!present) return;
        sections = static_cast<uint16>(sections | section);
        size += static_cast<uint32>(bytes);
    };
    parts->buffers = buffers_of(statement.buffers);
    parts->wal = wal_of(statement.wal);
    add(!is_zero(&parts->buffers, sizeof parts->buffers), kBuffers, sizeof parts->buffers);
    add(!is_zero(&parts->wal, sizeof parts->wal), kWal, sizeof parts->wal);
    add(statement.jit.functions != 0, kJit, sizeof statement.jit);
    add(statement.parallel.planned != 0, kParallel, sizeof statement.parallel);
    add(statement.measures_cpu, kCpu, sizeof statement.cpu);
    if (error != nullptr) {
        parts->error = texts_of(*error);
        add(true, kError, size_of(parts->error));
    }
    add(statement.route.side != 0, kRoute, size_of(statement.route));
    add(statement.tags_size > 0, kTags,
        aligned(sizeof(TagsSection) + static_cast<uint32>(statement.tags_size)));
    add(statement.plan_id != 0, kPlan, sizeof(PlanSection));
    add(statement.parameter_count > 0, kParameters,
        sizeof(ParametersSection) + static_cast<size_t>(statement.parameter_bytes));
    record->head = {aligned(size), RecordKind::kStatement, sections};
}

void fill(char* at, const OpenStatement& statement, const ErrorData* error, const Parts& parts,
          const StatementRecord& record) {
    at = put(at, &record, sizeof record);
    auto has = [&](Section section) { return (record.head.sections & section) != 0; };
    if (has(kBuffers)) at = put(at, &parts.buffers, sizeof parts.buffers);
    if (has(kWal)) at = put(at, &parts.wal, sizeof parts.wal);
    if (has(kJit)) at = put(at, &statement.jit, sizeof statement.jit);
    if (has(kParallel)) at = put(at, &statement.parallel, sizeof statement.parallel);
    if (has(kCpu)) at = put(at, &statement.cpu, sizeof statement.cpu);
    if (has(kError)) at = put_error(at, *error, parts.error);
    if (has(kRoute)) at = put_route(at, statement.route);
    if (has(kTags)) {
        TagsSection tags = {static_cast<uint32>(statement.tags_size), 0};
        put(put(at, &tags, sizeof tags), statement.tags, tags.size);
        at += aligned(sizeof tags + tags.size);
    }
    if (has(kPlan)) at = put(at, &statement.plan_id, sizeof statement.plan_id);
    if (has(kParameters)) {
        ParametersSection parameters = {static_cast<uint32>(statement.parameter_count),
                                        static_cast<uint32>(statement.parameter_bytes)};
        put(put(at, &parameters, sizeof parameters), statement.parameters, parameters.size);
    }
}

void count(std::atomic<uint64>* counter) {
    counter->store(counter->load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

void write_statement(OpenStatement* statement, const ErrorData* error) {
    if (statement->written || !have_ring()) return;
    statement->written = true;
    StatementRecord record = record_of(*statement);
    if (!weigh(*statement, error, &record)) return;
    Parts parts;
    measure(*statement, error, &parts, &record);
    char* at = write_session() ? ring_reserve(&writer, record.head.size) : nullptr;
    if (at == nullptr) return count(&writer.ring->dropped);
    fill(at, *statement, error, parts, record);
    count(&writer.ring->committed);
    commit_record();
}

void refresh_session() {
    Oid role = GetUserId();
    if (likely(role == role_known)) return;
    if (!session_known) learn_client();
    session_known = true;
    if (MyProcPort == nullptr && session.texts[kSessionDatabase][0] == '\0') {
        char* database = get_database_name(MyDatabaseId);
        set_text(kSessionDatabase, database);
        char* user = GetUserNameFromId(GetSessionUserId(), true);
        set_text(kSessionUser, user);
    }
    char* name = GetUserNameFromId(role, true);
    set_text(kSessionRole, name);
    if (name != nullptr) pfree(name);
    role_known = role;
}

StatementText part_of(const char* text, int location, int length) {
    if (location < 0) {
        location = 0;
        length = 0;
    }
    size_t size = length > 0 ? static_cast<size_t>(length) : strlen(text + location);
    return {text + location, size, nullptr, 0, CMDTAG_UNKNOWN, {}};
}

void send_text(int64 query_id, const StatementText& text) {
    if (query_id == 0 || text_was_sent(query_id) || !have_ring() || !write_session()) return;
    uint32 room = static_cast<uint32>(
        Min(static_cast<uint64>(telemetry_text_max), telemetry_shared->ring_bytes / kRecordShare));
    // A constant of one digit becomes a longer name.
    room = static_cast<uint32>(Min(static_cast<uint64>(room), text.size * 8 + 16));
    uint32 reserved =
        aligned(static_cast<uint32>(sizeof(TextRecord) + room + text.relations.size()));
    char* at = ring_reserve(&writer, reserved);
    if (at == nullptr) return;
    Normalised made = normalise({text.text, text.size}, text.constants, text.highest_parameter,
                                at + sizeof(TextRecord), room);
    TextRecord record = {};
    put(at + sizeof record + made.size, text.relations.data(), text.relations.size());
    record.relations_size = static_cast<uint32>(text.relations.size());
    record.head = {aligned(static_cast<uint32>(sizeof record + made.size + text.relations.size())),
                   RecordKind::kText, 0};
    record.query_id = query_id;
    record.size = static_cast<uint32>(made.size);
    record.command = static_cast<uint16>(text.command);
    record.cut = made.cut ? 1 : 0;
    memcpy(at, &record, sizeof record);
    // Less than was reserved: the padding before it stays.
    writer.reserved -= reserved - record.head.size;
    commit_record();
    note_text_sent(query_id);
}

void send_plan(const PlanTexts& plan) {
    if (!have_ring() || !write_session()) return;
    uint32 room = static_cast<uint32>(Min(static_cast<uint64>(telemetry_plan_max),
                                          telemetry_shared->ring_bytes / kRecordShare / 4));
    Text text = cut_utf8(plan.text, room);
    // Half a document is none.
    Text json = plan.json.size() <= size_t{room} * 2 ? plan.json : Text();
    uint32 size =
        static_cast<uint32>(sizeof(PlanRecord) + text.size() + json.size() + plan.relations.size());
    char* at = ring_reserve(&writer, aligned(size));
    if (at == nullptr) return;
    PlanRecord record = {};
    char* end = at + sizeof record;
    record.text_size = static_cast<uint32>(mask_plan_text(text, end));
    end += record.text_size;
    record.json_size = static_cast<uint32>(mask_plan_json(json, end));
    end = put(end + record.json_size, plan.relations.data(), plan.relations.size());
    record.head = {aligned(static_cast<uint32>(end - at)), RecordKind::kPlan, 0};
    record.query_id = plan.query_id;
    record.plan_id = plan.plan_id;
    record.relations_size = static_cast<uint32>(plan.relations.size());
    record.cut = text.size() < plan.text.size() ? 1 : 0;
    memcpy(at, &record, sizeof record);
    // Less than was reserved: the padding before it stays.
    writer.reserved -= aligned(size) - record.head.size;
    commit_record();
    note_text_sent(plan_key(plan.query_id, plan.plan_id));
}

int64 identify_text(const StatementText& text) {
    static char buffer[4096];
    Normalised made =
        normalise({text.text, text.size}, nullptr, text.highest_parameter, buffer, sizeof buffer);
    int64 id = fingerprint({buffer, made.size});
    send_text(id, text);
    return id;
}

}  // namespace tandem::shell
