// The ports of the applier: everything it does to the world. The real ones are
// store/clickhouse_target.h, source/source_reader.h and session/catalog_store.h; the simulation
// has its own, which fail at will.
//
// Every call may have happened although it returned an error (the answer was lost); all of them
// may be repeated.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "mirror/batch/batch.h"

namespace tandem::mirror {

// ClickHouse.
class Destination {
  public:
    virtual ~Destination() = default;
    // Returns when the rows are acknowledged.
    virtual Status insert(const Table& table, const types::Block& block) = 0;
    virtual Status truncate(const Table& table) = 0;
    virtual Status alter(const TableChange& change) = 0;
    // The current rows of the keys: key columns, `columns`, _tandem_version. kLimitExceeded when
    // they are more than `bytes_max`.
    virtual Result<types::Block> rows_by_key(const Table& table, types::Block keys,
                                             std::span<const size_t> columns, size_t bytes_max) = 0;
};

// The source, by SQL, as it is now.
class SourceRows {
  public:
    virtual ~SourceRows() = default;
    // Waits until these transactions, whose commits were streamed, are visible to SQL: a commit is
    // in the WAL a moment (under synchronous replication a long one) before others see it.
    virtual Status wait_visible(std::span<const Xid> transactions) = 0;
    // Key columns and `columns` of the rows with these keys, as ClickHouse columns.
    virtual Result<types::Block> current_rows(const Table& table, const types::Block& keys,
                                              std::span<const size_t> columns,
                                              size_t bytes_max) = 0;
};

// What is remembered in schema tandem. Nothing is confirmed before it is written there.
class Catalog {
  public:
    virtual ~Catalog() = default;
    virtual Status record_loss(const Table& table, const Loss& loss, Lsn at) = 0;
    // Stops the chunks of a table that is not live and says whether there were any to stop. Called
    // before the TRUNCATE; record_truncate() lets them start again, from the beginning.
    virtual Status before_truncate(const Table& table) = 0;
    virtual Status record_truncate(const Table& table, Version version) = 0;
    virtual Status record_change(const TableChange& change) = 0;
    virtual Status record_failure(const Table& table, const Error& error) = 0;
};

}  // namespace tandem::mirror
