#include "mirror/snapshot/row_reader.h"

#include "base/back_off.h"
#include "postgres/decoder/copy_binary.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

// Counting bytes costs a walk over the columns, so it is not done for every row.
constexpr size_t kRowsBetweenChecks = 512;
constexpr size_t kBytesBetweenChecks = size_t{1} << 20;

}  // namespace

Status begin_durable_snapshot(postgres::Connection& connection,
                              const std::function<Status()>& flush) {
    TRY(connection.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    auto seen = TRY(connection.query(
        "SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_insert_lsn() END"));
    if (seen.is_null(0, 0)) return {};  // a standby replays only what is flushed
    uint64_t insert = TRY(seen.lsn(0, 0))
    .value;
    // It may stand right behind the header (of 24 or 40 bytes) of a page that is not there yet.
    if (uint64_t in_page = insert % 8192; in_page == 24 || in_page == 40) insert -= in_page;
    for (int attempt = 0; attempt < 3000; ++attempt) {
        auto flushed = TRY(connection.query("SELECT pg_current_wal_flush_lsn()"));
        if (TRY(flushed.lsn(0, 0)).value >= insert) return {};
        if (attempt == 0) TRY(flush());
        if (attempt > 0) back_off(std::chrono::milliseconds(10));
    }
    return Error(ErrorCode::kTimeout, "the source does not flush its WAL");
}

std::string select_list(const Table& table, const std::vector<size_t>& columns) {
    std::string list;
    for (size_t index : columns) {
        const TableColumn& column = table.columns[index];
        if (!list.empty()) list += ", ";
        list += types::snapshot_select(column.mapping, sqltext::pg_ident(column.name));
    }
    return list;
}

RowReader::RowReader(const Table& table, std::vector<size_t> columns, size_t block_bytes)
    : table_(table), columns_(std::move(columns)), block_bytes_(block_bytes) {
    for (size_t index : columns_) {
        const TableColumn& column = table_.columns[index];
        converters_.emplace_back(column.mapping, column.is_key() ? types::Unholdable::kReject
                                                                 : types::Unholdable::kAppendNull);
    }
}

Result<uint64_t> RowReader::read(postgres::Connection& connection, const std::string& copy_sql,
                                 const OnBlock& on_block) {
    types::Block block;
    for (size_t i = 0; i < columns_.size(); ++i)
        block.columns.push_back(
            {table_.columns[columns_[i]].target_name, converters_[i].make_column()});
    postgres::CopyBinaryReader reader({.columns = static_cast<int>(columns_.size())});
    size_t since_check = 0;
    size_t bytes_since_check = 0;

    auto append = [&](std::span<const postgres::CopyField> row) -> Status {
        for (size_t i = 0; i < row.size(); ++i) {
            types::Column& column = block.columns[i].column;
            types::Converter& converter = converters_[i];
            if (row[i].is_null())
                TRY(converter.append_null(column));
            else if (converter.mapping().binary)
                TRY(converter.append_binary(row[i].bytes(), column));
            else
                TRY(converter.append_text(row[i].bytes(), column));
        }
        return {};
    };
    auto flush = [&]() -> Status {
        TRY(on_block(block));
        for (types::NamedColumn& named : block.columns) named.column.clear();
        return {};
    };
    auto on_data = [&](std::string_view chunk) -> Status {
        TRY(reader.feed(chunk));
        while (TRY(reader.next()) == postgres::CopyBinaryReader::Step::row)
            TRY(append(reader.row()));
        bytes_since_check += chunk.size();
        if (++since_check < kRowsBetweenChecks && bytes_since_check < kBytesBetweenChecks)
            return {};
        since_check = bytes_since_check = 0;
        return block.byte_size() >= block_bytes_ ? flush() : Status();
    };
    uint64_t rows = TRY(connection.copy_out(copy_sql, on_data));
    TRY(reader.finish());
    if (block.rows() > 0) TRY(flush());
    return rows;
}

}  // namespace tandem::mirror
