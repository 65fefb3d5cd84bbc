// The source, read by SQL: chunks of a table's heap, and rows by key (the port SourceRows).
//
// Its connections are opened when first needed and again after a loss; one thread.
#pragma once

#include <chrono>
#include <optional>

#include "mirror/apply/ports.h"
#include "mirror/snapshot/chunk_queue.h"
#include "mirror/store/clickhouse_target.h"
#include "postgres/client/connection.h"

namespace tandem::mirror {

struct ChunkResult {
    uint64_t rows = 0;
    Lsn end_lsn;  // WAL position after the chunk's transaction had ended
    std::vector<Loss> losses;
};

class SourceReader final : public SourceRows {
  public:
    explicit SourceReader(postgres::ConnectOptions options) : options_(std::move(options)) {}

    Status wait_visible(std::span<const Xid> transactions) override;
    Result<Found> current_rows(const Table& table, const types::Block& keys,
                               std::span<const size_t> columns, size_t bytes_max) override;

    // Reads the chunk in a short transaction of its own and inserts it; ok means acknowledged.
    Result<ChunkResult> copy_chunk(const Assignment& assignment, ClickHouseTarget& target,
                                   size_t block_bytes);
    postgres::Canceller canceller() const;

  private:
    Result<postgres::Connection*> connection();
    Result<std::string> part_name(Oid part);
    Status flush_wal();
    Result<Lsn> position();

    postgres::ConnectOptions options_;
    std::optional<postgres::Connection> connection_;
    std::optional<postgres::Connection> flusher_;
};

// Until these transactions, whose commits were streamed, are visible to SQL, see SourceRows. False
// when that takes longer than `patience`.
Result<bool> wait_until_visible(postgres::Connection& source, std::span<const Xid> transactions,
                                std::chrono::milliseconds patience);

// Divides the heap of every part of the table into ranges of blocks.
Result<std::vector<Chunk>> plan_chunks(postgres::Connection& connection, Oid relid,
                                       std::span<const Oid> parts, int64_t chunk_blocks);

}  // namespace tandem::mirror
