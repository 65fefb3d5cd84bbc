// Rows are read by ranges of heap blocks, each in a short transaction of its own, so that no
// snapshot holds vacuum back for longer than a chunk. A partitioned table is read leaf by leaf.
#include "mirror/source/source_reader.h"

#include <algorithm>
#include <numeric>

#include "base/back_off.h"
#include "base/failpoint.h"
#include "mirror/batch/value_bytes.h"
#include "mirror/snapshot/row_reader.h"
#include "mirror/store/json_columns.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

constexpr int64_t kChunksWanted = 8;
constexpr int64_t kChunkBlocksMin = 2048;

std::string tid(int64_t block) {
    return "'(" + std::to_string(block) + ",0)'::tid";
}

// Leaves the transaction whatever happened in it; an error here shows again at the next statement.
class ReadTransaction {
  public:
    explicit ReadTransaction(postgres::Connection& connection) : connection_(connection) {}
    ReadTransaction(const ReadTransaction&) = delete;
    ReadTransaction& operator=(const ReadTransaction&) = delete;
    ~ReadTransaction() {
        if (connection_.usable() && connection_.in_transaction())
            static_cast<void>(connection_.execute("ROLLBACK").ok());
    }

  private:
    postgres::Connection& connection_;
};

template <typename Value>
void append_constant(types::Block& block, std::string_view name, const char* type, Value value) {
    types::Column column(MUST(types::parse_clickhouse_type(type)));
    size_t rows = block.rows();
    column.reserve(rows);
    for (size_t i = 0; i < rows; ++i) column.append_fixed(value);
    block.columns.push_back({std::string(name), std::move(column)});
}

void append_row_hashes(types::Block& block) {
    std::vector<size_t> order(block.columns.size());
    std::iota(order.begin(), order.end(), size_t{0});
    types::Column hashes(MUST(types::parse_clickhouse_type("UInt128")));
    hashes.reserve(block.rows());
    std::string scratch;
    for (size_t row = 0; row < block.rows(); ++row)
        hashes.append_fixed(hash_of_row(block.columns, order, row, scratch));
    block.columns.push_back({std::string(kRowColumn), std::move(hashes)});
}

// The number of the chunk is the origin.
Status append_system_columns(types::Block& block, const Table& table, const Chunk& chunk) {
    if (table.keyless()) append_row_hashes(block);
    append_constant(block, kFromColumn, "UInt64", chunk.from.value);
    append_constant(block, kOriginColumn, "UInt32", chunk.number);
    if (table.partitioned) append_constant(block, kLeafColumn, "UInt32", chunk.part.value);
    return append_json_columns(table, block);
}

std::vector<size_t> all_columns(const Table& table) {
    std::vector<size_t> columns(table.columns.size());
    std::iota(columns.begin(), columns.end(), size_t{0});
    return columns;
}

}  // namespace

Result<postgres::Connection*> SourceReader::connection() {
    if (!connection_ || !connection_->usable()) {
        connection_.reset();
        connection_ = TRY(postgres::Connection::open(options_));
    }
    return &*connection_;
}

postgres::Canceller SourceReader::canceller() const {
    return connection_ ? connection_->canceller() : postgres::Canceller();
}

Status SourceReader::flush_wal() {
    if (!flusher_ || !flusher_->usable()) {
        flusher_.reset();
        flusher_ = TRY(postgres::Connection::open(options_));
        TRY(flusher_->execute("SET synchronous_commit = local"));
    }
    return flusher_->execute("SELECT pg_logical_emit_message(true, 'tandem', '')");
}

Result<std::string> SourceReader::part_name(Oid part) {
    postgres::Connection* source = TRY(connection());
    auto found = TRY(
        source->query("SELECT n.nspname, c.relname FROM pg_catalog.pg_class c "
                      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = " +
                      std::to_string(part.value)));
    if (found.rows() == 0) return std::string();
    return sqltext::pg_qualified(found.value(0, 0), found.value(0, 1));
}

Result<ChunkResult> SourceReader::copy_chunk(const Assignment& assignment, ClickHouseTarget& target,
                                             size_t block_bytes) {
    const Table& table = *assignment.table;
    const Chunk& chunk = assignment.chunk;
    if (chunk.begun) TRY(target.undo_chunk(table, chunk));
    postgres::Connection* source = TRY(connection());
    ReadTransaction transaction(*source);
    if (chunk.snapshot)
        TRY(join_snapshot(*source, *chunk.snapshot));
    else
        TRY(begin_durable_snapshot(*source, [this] { return flush_wal(); }));
    ChunkResult result;
    std::string part = TRY(part_name(chunk.part));
    if (!part.empty()) {  // a partition that was dropped has no rows
        std::vector<size_t> columns = all_columns(table);
        RowReader reader(table, columns, block_bytes);
        std::string sql = "COPY (SELECT " + select_list(table, columns) + " FROM ONLY " + part +
                          " WHERE ctid >= " + tid(chunk.first_block);
        if (chunk.end_block) sql += " AND ctid < " + tid(*chunk.end_block);
        sql += ") TO STDOUT (FORMAT binary)";

        std::unique_ptr<clickhouse::InsertStream> insert;
        auto on_block = [&](types::Block& block) -> Status {
            size_t own = block.columns.size();
            TRY(append_system_columns(block, table, chunk));
            if (insert == nullptr) insert = TRY(target.begin_insert(table, block));
            Status written = insert->write(block);
            block.columns.resize(own);
            return written;
        };
        result.rows = TRY(reader.read(*source, sql, on_block));
        TRY(failpoint("snapshot_before_insert"));
        if (insert != nullptr) {
            TRY(insert->finish());
            target.insert_acknowledged();
        }
        TRY(failpoint("snapshot_after_insert"));
        for (size_t i = 0; i < columns.size(); ++i) {
            types::ConvertReport report = reader.converters()[i].take_report();
            if (!report.empty())
                result.losses.push_back(
                    {i, report.count, report.code, report.why, report.first_value});
        }
    }
    TRY(source->execute("COMMIT"));
    result.end_lsn = TRY(position());
    return result;
}

Status SourceReader::wait_visible(std::span<const Xid> transactions) {
    postgres::Connection* source = TRY(connection());
    if (TRY(wait_until_visible(*source, transactions, std::chrono::seconds(10)))) return {};
    return Error(ErrorCode::kPostgresRetry,
                 "a committed transaction does not become visible; does a synchronous standby "
                 "hold it back?");
}

// A transaction holds the lock on its own id until after it has become visible.
Result<bool> wait_until_visible(postgres::Connection& source, std::span<const Xid> transactions,
                                std::chrono::milliseconds patience) {
    std::string ids;
    for (Xid xid : transactions) ids += (ids.empty() ? "" : ",") + std::to_string(xid.value);
    std::string sql =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND granted AND "
        "mode = 'ExclusiveLock' AND transactionid::text = ANY ('{" +
        ids + "}'))";
    auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        auto running = TRY(source.query(sql));
        if (!TRY(running.boolean(0, 0))) return true;
        if (std::chrono::steady_clock::now() > deadline) return false;
        back_off(std::chrono::milliseconds(10));
    }
}

Result<SourceRows::Found> SourceReader::current_rows(const Table& table, const types::Block& keys,
                                                     std::span<const size_t> columns,
                                                     size_t bytes_max) {
    postgres::Connection* source = TRY(connection());
    ReadTransaction transaction(*source);
    TRY(begin_durable_snapshot(*source, [this] { return flush_wal(); }));
    std::vector<size_t> wanted(table.key.begin(), table.key.end());
    wanted.insert(wanted.end(), columns.begin(), columns.end());

    // Values of unknown type take the type of the column they are compared with.
    std::string key_list;
    for (size_t key : table.key) {
        if (!key_list.empty()) key_list += ", ";
        key_list += sqltext::pg_ident(table.columns[key].name);
    }
    std::string tuples;
    for (size_t row = 0; row < keys.rows(); ++row) {
        tuples += row == 0 ? "(" : ", (";
        for (size_t k = 0; k < table.key.size(); ++k) {
            std::string text;
            TRY(types::append_pg_text(keys.columns[k].column, row,
                                      table.columns[table.key[k]].mapping, text));
            tuples += (k == 0 ? "" : ", ") + sqltext::pg_literal(text);
        }
        tuples += ")";
    }
    // Not the rows of an inheritance child, which is a table of its own.
    std::string sql = "COPY (SELECT " + select_list(table, wanted) + " FROM " +
                      (table.partitioned ? "" : "ONLY ") +
                      sqltext::pg_qualified(table.schema, table.name) + " WHERE (" + key_list +
                      ") IN (" + tuples + ")) TO STDOUT (FORMAT binary)";
    RowReader reader(table, wanted, bytes_max);
    Found result;
    auto on_block = [&](types::Block& block) -> Status {
        if (result.rows.columns.empty())
            result.rows = block;
        else
            return Error(ErrorCode::kLimitExceeded, "rows looked up by key take too much memory");
        return {};
    };
    TRY(reader.read(*source, sql, on_block));
    TRY(source->execute("COMMIT"));
    result.before = TRY(position());
    return result;
}

// The end of the WAL: everything that was visible so far was committed before it.
Result<Lsn> SourceReader::position() {
    postgres::Connection* source = TRY(connection());
    auto end =
        TRY(source->query("SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
                          "ELSE pg_current_wal_insert_lsn() END"));
    return end.lsn(0, 0);
}

Result<std::vector<Chunk>> plan_chunks(postgres::Connection& connection, Oid relid,
                                       std::span<const Oid> parts, int64_t chunk_blocks) {
    std::vector<Chunk> chunks;
    uint32_t number = 0;
    for (Oid part : parts) {
        auto size = TRY(connection.query(
            "SELECT pg_relation_size(c.oid) / current_setting('block_size')::int, c.relkind "
            "FROM pg_class c WHERE c.oid = " +
            std::to_string(part.value)));
        if (size.rows() == 0 || size.is_null(0, 0)) continue;  // dropped meanwhile
        if (size.value(0, 1) != "r" && size.value(0, 1) != "m")
            return Error(ErrorCode::kUnsupportedType,
                         "a partition is not an ordinary table (foreign table?)");
        int64_t blocks = TRY(size.integer(0, 0));
        // Several for each worker, so that none idles for long at the end.
        int64_t step = std::clamp(blocks / kChunksWanted + 1,
                                  std::min(kChunkBlocksMin, chunk_blocks), chunk_blocks);
        for (int64_t first = 0;; first += step) {
            // The last one is open: the table may have grown by the time it is read.
            if (first + step >= blocks) {
                chunks.push_back({relid, part, first, std::nullopt, ++number, false});
                break;
            }
            chunks.push_back({relid, part, first, first + step, ++number, false});
        }
    }
    // Without partitions nothing is read; but when, tells from where on the table is consistent.
    if (chunks.empty()) chunks.push_back({relid, relid, 0, std::nullopt, ++number, false});
    return chunks;
}

}  // namespace tandem::mirror
