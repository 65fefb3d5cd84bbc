// Columns are filled in the order of columns.def by a cursor that walks over them; a row that
// leaves one out, or fills one too many, fails an assertion at once.
#include "telemetry/batch.h"

#include <chrono>
#include <cstring>
#include <random>

#include "base/assert.h"
#include "types/clickhouse/type.h"

namespace tandem::telemetry {

namespace {

types::Block make_block(const std::vector<ColumnInfo>& columns) {
    types::Block block;
    for (const ColumnInfo& column : columns)
        block.columns.push_back(
            { column.name, types::Column(MUST(types::parse_clickhouse_type(column.type))) });
    return block;
}

// The row that is being filled.
class Row {
  public:
    explicit Row(types::Block& block) : block_(block) {}

    template <typename T>
    Row& fixed(T value) {
        next().append_fixed(value);
        return *this;
    }
    Row& text(std::string_view value) {
        next().append_string(value);
        return *this;
    }
    Row& maybe(bool has, uint64_t value) {
        types::Column& column = next();
        if (has)
            column.append_fixed(value);
        else
            column.append_null();
        return *this;
    }
    // Texts with a terminator each.
    Row& names(std::string_view all) {
        types::Column& list = next();
        while (!all.empty()) {
            std::string_view name = all.substr(0, all.find('\0'));
            list.children[0].append_string(name);
            all.remove_prefix(std::min(name.size() + 1, all.size()));
        }
        list.finish_array();
        return *this;
    }
    types::Column& next() { return block_.columns[at_++].column; }
    void end() const { TANDEM_ASSERT(at_ == block_.columns.size(), "a column was left out"); }

  private:
    types::Block& block_;
    size_t at_ = 0;
};

// The sections behind a statement.
class Sections {
  public:
    explicit Sections(const StatementRecord* record)
        : at_(reinterpret_cast<const char*>(record + 1)), has_(record->head.sections) {}

    // All zero when it was left out.
    template <typename T>
    T take(Section section) {
        T value = {};
        if ((has_ & section) == 0) return value;
        std::memcpy(&value, at_, sizeof value);
        at_ += sizeof value;
        return value;
    }
    bool has(Section section) const { return (has_ & section) != 0; }
    std::string_view text(size_t size) {
        std::string_view value(at_, size);
        at_ += size;
        return value;
    }
    void align() {
        auto address = reinterpret_cast<uintptr_t>(at_);
        at_ += (kRecordAlignment - address % kRecordAlignment) % kRecordAlignment;
    }

  private:
    const char* at_;
    uint16_t has_;
};

void put_buffers(Row& row, uint64_t shared_hit, const BuffersSection& used) {
    row.fixed(shared_hit).fixed(used.shared_read).fixed(used.shared_dirtied);
    row.fixed(used.shared_written);
    row.fixed(used.local_hit).fixed(used.local_read).fixed(used.local_dirtied);
    row.fixed(used.local_written).fixed(used.temp_read).fixed(used.temp_written);
    row.fixed(used.shared_read_us).fixed(used.shared_write_us);
    row.fixed(used.local_read_us).fixed(used.local_write_us);
    row.fixed(used.temp_read_us).fixed(used.temp_write_us);
}

void put_sqlstate(Row& row, bool failed, uint32_t packed) {
    char code[5];
    for (char& c : code) {
        c = static_cast<char>((packed & 0x3F) + '0');
        packed >>= 6;
    }
    row.text(failed ? std::string_view(code, sizeof code) : std::string_view());
}

void put_error(Row& row, Sections& sections) {
    bool failed = sections.has(kError);
    auto error = sections.take<ErrorSection>(kError);
    put_sqlstate(row, failed, error.sqlstate);
    for (uint16_t size : error.sizes) row.text(sections.text(size));
    if (failed) sections.align();
    row.fixed(error.position);
}

void put_route(Row& row, Sections& sections) {
    bool routed = sections.has(kRoute);
    auto route = sections.take<RouteSection>(kRoute);
    switch (static_cast<RouteSide>(route.side)) {
        case RouteSide::kNone:
            row.text("");
            break;
        case RouteSide::kClickHouse:
            row.text("clickhouse");
            break;
        case RouteSide::kPostgres:
            row.text("postgres");
            break;
    }
    row.text(sections.text(route.reason_size)).text(sections.text(route.query_id_size));
    if (routed) sections.align();
    row.fixed(route.rows_read).fixed(route.bytes_read);
}

// 00-<trace id>-<span id>-<flags>
bool split_traceparent(std::string_view value, std::string_view* trace, std::string_view* span) {
    constexpr size_t kSize = 55;
    if (value.size() != kSize || value[2] != '-' || value[35] != '-' || value[52] != '-')
        return false;
    *trace = value.substr(3, 32);
    *span = value.substr(36, 16);
    auto is_hex = [](std::string_view text) {
        return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    };
    return is_hex(*trace) && is_hex(*span);
}

void put_tags(Row& row, Sections& sections) {
    auto tags = sections.take<TagsSection>(kTags);
    std::string_view comment = sections.text(tags.size);
    types::Column& map = row.next();
    std::string trace;
    std::string span;
    std::string_view key;
    std::string_view value;
    std::string name;
    std::string content;
    while (next_tag(&comment, &key, &value)) {
        name.resize(key.size());
        name.resize(decode_tag(key, name.data()));
        content.resize(value.size());
        content.resize(decode_tag(value, content.data()));
        map.children[0].append_string(name);
        map.children[1].append_string(content);
        std::string_view trace_part;
        std::string_view span_part;
        if (name == "traceparent" && split_traceparent(content, &trace_part, &span_part)) {
            trace = trace_part;
            span = span_part;
        }
    }
    map.finish_array();
    row.text(trace).text(span);
    if (sections.has(kTags)) sections.align();
}

void put_parameters(Row& row, Sections& sections) {
    auto parameters = sections.take<ParametersSection>(kParameters);
    std::string_view values = sections.text(parameters.size);
    types::Column& list = row.next();
    for (uint32_t i = 0; i < parameters.count; ++i) {
        int32_t size = 0;
        std::memcpy(&size, values.data(), sizeof size);
        values.remove_prefix(sizeof size);
        if (size < 0) {
            list.children[0].append_null();
            continue;
        }
        list.children[0].append_string(values.substr(0, static_cast<size_t>(size)));
        values.remove_prefix(static_cast<size_t>(size));
    }
    list.finish_array();
}

uint32_t seconds_now() {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

uint64_t random_id() {
    std::random_device random;
    return (static_cast<uint64_t>(random()) << 32) | random();
}

}  // namespace

const char* part_table(uint32_t part) {
    static constexpr const char* kTables[kBatchParts] = {"query_texts", "plans", "activity",
                                                         "events_raw"};
    return kTables[part];
}

const std::vector<ColumnInfo>& part_columns(uint32_t part) {
#define COLUMN(name, type, codec, comment) {#name, type, codec, comment},
    static const std::vector<ColumnInfo> kColumns[kBatchParts] = {
        {
#include "telemetry/texts.def"
        },
        {
#include "telemetry/plans.def"
        },
        {
#include "telemetry/activity.def"
        },
        {
#include "telemetry/columns.def"
        },
    };
#undef COLUMN
    return kColumns[part];
}

BatchBuilder::BatchBuilder(const Origin& origin, uint32_t rings)
    : system_id_(origin.system_id),
      run_id_(random_id()),
      host_(origin.host),
      cluster_(origin.cluster),
      server_version_(origin.server_version),
      commands_(origin.commands, origin.commands + origin.command_count),
      sessions_(rings) {
    start_blocks();
}

void BatchBuilder::start_blocks() {
    for (uint32_t part = 0; part < kBatchParts; ++part)
        parts_[part] = make_block(part_columns(part));
    bytes_ = 0;
}

std::string_view BatchBuilder::command(uint16_t tag) const {
    return tag < commands_.size() ? std::string_view(commands_[tag]) : std::string_view();
}

void BatchBuilder::add(uint32_t ring, const RecordHead* record) {
    Session& session = sessions_.at(ring);
    switch (record->kind) {
        case RecordKind::kPadding:
            return;
        case RecordKind::kSession:
            return add_session(ring, reinterpret_cast<const SessionRecord*>(record));
        case RecordKind::kText:
            return add_text(session, reinterpret_cast<const TextRecord*>(record));
        case RecordKind::kPlan:
            return add_plan(session, reinterpret_cast<const PlanRecord*>(record));
        case RecordKind::kStatement:
            return add_statement(session, reinterpret_cast<const StatementRecord*>(record));
    }
}

void BatchBuilder::add_session(uint32_t ring, const SessionRecord* record) {
    Session& session = sessions_[ring];
    session.pid = record->pid;
    session.started_us = record->started_us;
    session.id = record->session_id;
    const char* at = reinterpret_cast<const char*>(record + 1);
    for (size_t i = 0; i < kSessionTexts; ++i) {
        session.texts[i].assign(at, record->sizes[i]);
        at += record->sizes[i];
    }
}

void BatchBuilder::add_text(const Session& session, const TextRecord* record) {
    const char* text = reinterpret_cast<const char*>(record + 1);
    Row row(parts_[kPartTexts]);
    row.text(session.texts[kSessionDatabase]).fixed(record->query_id);
    row.text({text, record->size});
    row.fixed(static_cast<uint8_t>(record->cut)).text(command(record->command));
    row.fixed(seconds_now()).names({text + record->size, record->relations_size});
    row.end();
    bytes_ += record->head.size;
}

void BatchBuilder::add_plan(const Session& session, const PlanRecord* record) {
    const char* text = reinterpret_cast<const char*>(record + 1);
    const char* json = text + record->text_size;
    Row row(parts_[kPartPlans]);
    row.text(session.texts[kSessionDatabase]).fixed(record->query_id).fixed(record->plan_id);
    row.text({text, record->text_size}).text({json, record->json_size});
    row.fixed(static_cast<uint8_t>(record->cut));
    row.names({json + record->json_size, record->relations_size}).fixed(seconds_now());
    row.end();
    bytes_ += record->head.size;
}

void BatchBuilder::learn_names(const ActivitySample& sample) {
    if (sample.ring >= sessions_.size()) return;
    const Session& session = sessions_[sample.ring];
    if (session.pid != sample.pid || session.id != sample.session_id) return;
    databases_[sample.database_oid] = session.texts[kSessionDatabase];
    users_[sample.user_oid] = session.texts[kSessionUser];
}

void BatchBuilder::add_activity(const ActivitySample& sample) {
    learn_names(sample);
    auto name = [](const auto& names, uint32_t oid) {
        auto found = names.find(oid);
        return found == names.end() ? std::string_view() : std::string_view(found->second);
    };
    Row row(parts_[kPartActivity]);
    row.fixed(sample.at_us).fixed(system_id_).text(host_).text(cluster_);
    row.text(name(databases_, sample.database_oid)).text(name(users_, sample.user_oid));
    row.text(sample.application);
    row.text(sample.client_address).fixed(sample.pid).fixed(sample.leader_pid);
    row.fixed(sample.session_started_us).fixed(sample.session_id);
    row.text(sample.backend_type).text(sample.state);
    row.text(sample.wait_event_type).text(sample.wait_event).fixed(sample.query_id);
    row.fixed(sample.query_started_us).fixed(sample.transaction_started_us);
    types::Column& blockers = row.next();
    for (uint32_t i = 0; i < sample.blocked_by.size; ++i)
        blockers.children[0].append_fixed(sample.blocked_by[i]);
    blockers.finish_array();
    row.fixed(sample.stands_for_ms);
    row.end();
    constexpr uint64_t kRowBytes = 200;
    bytes_ += kRowBytes;
}

void BatchBuilder::add_statement(const Session& session, const StatementRecord* record) {
    Sections sections(record);
    Row row(parts_[kPartEvents]);
    row.fixed(record->started_us).fixed(system_id_).text(host_).text(cluster_);
    row.text(standby_ ? "standby" : "primary").fixed(server_version_);
    for (const std::string& text : session.texts) row.text(text);
    row.fixed(session.pid).fixed(session.started_us).fixed(session.id);
    row.fixed(record->number).fixed(record->parent).fixed(record->level);
    row.text(command(record->command)).fixed(record->query_id).fixed(record->xid);
    row.fixed(record->weight).fixed(record->duration_us).fixed(record->planning_us);
    row.fixed(record->commit_us).fixed(record->rows).fixed(record->rows_estimated);
    put_buffers(row, record->shared_hit, sections.take<BuffersSection>(kBuffers));
    auto wal = sections.take<WalSection>(kWal);
    row.fixed(wal.records).fixed(wal.full_pages).fixed(wal.bytes);
    auto jit = sections.take<JitSection>(kJit);
    auto parallel = sections.take<ParallelSection>(kParallel);
    bool measured = sections.has(kCpu);
    auto cpu = sections.take<CpuSection>(kCpu);
    row.maybe(measured, cpu.user_us).maybe(measured, cpu.system_us);
    row.fixed(jit.functions).fixed(jit.generation_us).fixed(jit.deform_us);
    row.fixed(jit.inlining_us).fixed(jit.optimization_us).fixed(jit.emission_us);
    row.fixed(static_cast<uint16_t>(parallel.planned));
    row.fixed(static_cast<uint16_t>(parallel.launched));
    put_error(row, sections);
    put_route(row, sections);
    put_tags(row, sections);
    row.fixed(sections.take<PlanSection>(kPlan).plan_id);
    put_parameters(row, sections);
    row.end();
    constexpr size_t kEvery = 128;
    if (parts_[kPartEvents].rows() % kEvery == 0) bytes_ = exact_bytes();
}

void BatchBuilder::drop_unfinished_row() noexcept {
    for (types::Block& block : parts_) {
        // The last column is filled last.
        size_t whole = block.columns.empty() ? 0 : block.columns.back().column.rows;
        for (types::NamedColumn& named : block.columns) named.column.truncate(whole);
    }
}

uint64_t BatchBuilder::exact_bytes() const {
    uint64_t bytes = 0;
    for (const types::Block& block : parts_) bytes += block.byte_size();
    return bytes;
}

std::unique_ptr<Batch> BatchBuilder::seal(uint64_t number) {
    auto batch = std::make_unique<Batch>();
    batch->bytes = exact_bytes();
    const std::string token = std::to_string(system_id_) + "-" + std::to_string(run_id_) + "-" +
                              std::to_string(number) + "-";
    for (uint32_t part = 0; part < kBatchParts; ++part) {
        batch->tokens[part] = token + part_table(part);
        batch->parts[part] = std::move(parts_[part]);
    }
    start_blocks();
    return batch;
}

}  // namespace tandem::telemetry
