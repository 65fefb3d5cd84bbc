#include "telemetry/facade.h"

#include <array>
#include <cstring>

#include "base/barrier.h"
#include "config/config.h"
#include "telemetry/batch.h"
#include "telemetry/schema.h"

namespace tandem::telemetry {

namespace {

std::string insert_sql(uint32_t part) {
    std::string sql = std::string("INSERT INTO tandem_telemetry.") + part_table(part) + " (";
    for (const ColumnInfo& column : part_columns(part))
        sql += (sql.back() == '(' ? "`" : ", `") + std::string(column.name) + "`";
    return sql + ")";
}

// Made once, by collector_new, where running out of memory is caught.
const std::array<std::string, kBatchParts>& insert_sqls() {
    static const std::array<std::string, kBatchParts> kSqls = [] {
        std::array<std::string, kBatchParts> all;
        for (uint32_t part = 0; part < kBatchParts; ++part) all[part] = insert_sql(part);
        return all;
    }();
    return kSqls;
}

}  // namespace

struct Collector {
    BatchBuilder builder;
};

Collector* collector_new(const Origin& origin, uint32_t rings, Failure* failure) noexcept {
    return barrier(failure, static_cast<Collector*>(nullptr), [&] {
        insert_sqls();
        schema_statements();
        return new Collector{BatchBuilder(origin, rings)};
    });
}

void collector_free(Collector* collector) noexcept {
    delete collector;
}

void collector_set_standby(Collector* collector, bool standby) noexcept {
    collector->builder.set_standby(standby);
}

bool collector_add(Collector* collector, uint32_t ring, const RecordHead* record,
                   Failure* failure) noexcept {
    bool added =
        barrier(failure, false, [&] { return collector->builder.add(ring, record), true; });
    if (!added) collector->builder.drop_unfinished_row();
    return added;
}

bool collector_add_activity(Collector* collector, const ActivitySample& sample,
                            Failure* failure) noexcept {
    bool added =
        barrier(failure, false, [&] { return collector->builder.add_activity(sample), true; });
    if (!added) collector->builder.drop_unfinished_row();
    return added;
}

uint64_t collector_events(const Collector& collector) noexcept {
    return collector.builder.rows(kPartEvents);
}

uint64_t collector_rows(const Collector& collector) noexcept {
    uint64_t rows = 0;
    for (uint32_t part = 0; part < kBatchParts; ++part) rows += collector.builder.rows(part);
    return rows;
}

uint64_t collector_bytes(const Collector& collector) noexcept {
    return collector.builder.bytes();
}

Batch* collector_seal(Collector* collector, uint64_t number, Failure* failure) noexcept {
    return barrier(failure, static_cast<Batch*>(nullptr),
                   [&] { return collector->builder.seal(number).release(); });
}

void batch_free(Batch* batch) noexcept {
    delete batch;
}

uint64_t batch_events(const Batch& batch) noexcept {
    return batch.parts[kPartEvents].rows();
}

uint64_t batch_bytes(const Batch& batch) noexcept {
    return batch.bytes;
}

Insert batch_part(const Batch& batch, uint32_t part) noexcept {
    const types::Block& block = batch.parts[part];
    return {insert_sqls()[part], batch.tokens[part], &block, block.rows()};
}

uint32_t schema_statement_count() noexcept {
    return static_cast<uint32_t>(schema_statements().size());
}

Text schema_statement(uint32_t number) noexcept {
    return schema_statements()[number];
}

Text schema_version_sql() noexcept {
    return "SELECT toUInt32(max(version)) FROM tandem_telemetry.schema_version";
}

bool parse_server_url(Text url, char* buffer, size_t size, ServerUrl* parsed,
                      Failure* failure) noexcept {
    return barrier(failure, false, [&] {
        auto read = config::parse_clickhouse_url(url);
        if (!read.ok()) return fill_failure(failure, read.error()), false;
        size_t needed = read->host.size() + read->user.size() + read->password.size();
        if (needed > size)
            return fill_failure(failure, ErrorCode::kInvalidArgument, "the URL is too long"), false;
        auto keep = [&](const std::string& text) {
            std::memcpy(buffer, text.data(), text.size());
            Text kept(buffer, text.size());
            buffer += text.size();
            return kept;
        };
        parsed->host = keep(read->host);
        parsed->user = keep(read->user);
        parsed->password = keep(read->password);
        parsed->port = read->native_port;
        parsed->secure = read->secure;
        return true;
    });
}

}  // namespace tandem::telemetry
