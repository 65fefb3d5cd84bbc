#include "telemetry/facade.h"

#include <cstring>

#include "base/barrier.h"
#include "config/config.h"
#include "telemetry/batch.h"
#include "telemetry/schema.h"

namespace tandem::telemetry {

namespace {

// Made once, by collector_new, where running out of memory is caught.
const std::string& insert_statements_sql() {
    static const std::string kSql = [] {
        std::string sql = "INSERT INTO tandem_telemetry.events_raw (";
        for (const ColumnInfo& column : event_columns())
            sql += (sql.back() == '(' ? "`" : ", `") + std::string(column.name) + "`";
        return sql + ")";
    }();
    return kSql;
}

}  // namespace

struct Collector {
    BatchBuilder builder;
};

Collector* collector_new(const Origin& origin, uint32_t rings, Failure* failure) noexcept {
    return barrier(failure, static_cast<Collector*>(nullptr), [&] {
        insert_statements_sql();
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

uint64_t collector_events(const Collector& collector) noexcept {
    return collector.builder.statements();
}

uint64_t collector_texts(const Collector& collector) noexcept {
    return collector.builder.texts();
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
    return batch.statements.rows();
}

uint64_t batch_bytes(const Batch& batch) noexcept {
    return batch.bytes;
}

Insert batch_texts(const Batch& batch) noexcept {
    return {
        "INSERT INTO tandem_telemetry.query_texts (database, query_id, text, cut, operation, seen)",
        batch.texts_token, &batch.texts, batch.texts.rows()};
}

Insert batch_statements(const Batch& batch) noexcept {
    return {insert_statements_sql(), batch.statements_token, &batch.statements,
            batch.statements.rows()};
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
