// The ports of the applier: everything it does to the world. The real ones are
// store/clickhouse_target.h, source/source_reader.h and session/catalog_store.h; the simulation
// has its own, which fail at will.
//
// A call that returned an error with an answer from the server did not happen and may be repeated.
// When the answer was lost (kConnectionLost, kTimeout, ...) the session has to end: the next one
// undoes what lies above the published position before it goes on.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "mirror/batch/batch.h"

namespace tandem::mirror {

// ClickHouse: the copies of the tables, see store/README.md.
class Destination {
  public:
    virtual ~Destination() = default;
    // Each returns when the rows are acknowledged.
    virtual Status insert_main(const Table& table, types::Block& block) = 0;
    virtual Status insert_delta(const Table& table, types::Block& block, uint32_t generation) = 0;
    // An empty copy of the table; one of that number is replaced.
    virtual Status create_copy(const Table& table) = 0;
    virtual Status alter(const TableChange& change) = 0;
    struct LookUp {
        types::Block keys;
        std::span<const size_t> columns;  // indexes into the table's
        Version before;
        size_t bytes_max = 0;
        std::span<const LeafCut> cuts;  // rows that are gone
    };
    // The rows of the keys as they were just before the change `before`: key columns, `columns`,
    // _tandem_from, _tandem_ordinal. kLimitExceeded when they are more than `bytes_max`.
    virtual Result<types::Block> rows_by_key(const Table& table, LookUp look_up) = 0;
};

// The source, by SQL, as it is now.
class SourceRows {
  public:
    virtual ~SourceRows() = default;
    // Waits until these transactions, whose commits were streamed, are visible to SQL: a commit is
    // in the WAL a moment (under synchronous replication a long one) before others see it.
    virtual Status wait_visible(std::span<const Xid> transactions) = 0;
    struct Found {
        types::Block rows;  // key columns and the columns asked for
        Lsn before;         // nothing in the rows was committed at or after this
    };
    // The rows with these keys, as ClickHouse columns.
    virtual Result<Found> current_rows(const Table& table, const types::Block& keys,
                                       std::span<const size_t> columns, size_t bytes_max) = 0;
};

// What is remembered in schema tandem. Nothing is confirmed before it is written there.
class Catalog {
  public:
    virtual ~Catalog() = default;
    // A table that loads has taken values from the source that may be as new as this: before that
    // position it is not consistent.
    virtual Status record_look_up(const Table& table, Lsn before) = 0;
    virtual Status record_loss(const Table& table, const Loss& loss, Lsn at) = 0;
    // Stops the chunks of a table that is not live. Called before its new copy is made;
    // record_truncate() lets them start again, from the beginning, into that.
    virtual Status before_truncate(const Table& table) = 0;
    // `after` is the table's copy from the commit at `version`, of the transaction, on.
    virtual Status record_truncate(const Table& after, Version version, Xid transaction) = 0;
    // Called before the first row of a delta that the catalog calls empty.
    virtual Status record_delta_rows(const Table& table) = 0;
    // Stops the chunks of the partition. Called before record_leaf(), which lets those of a
    // partition that joins begin, from the start.
    virtual Status before_leaf(const Table& table, Oid leaf) = 0;
    virtual Status record_leaf(const LeafStep& step) = 0;
    // At positions up to the commit the table had other columns.
    virtual Status record_change(const TableChange& change, Lsn commit) = 0;
    virtual Status record_failure(const Table& table, const Error& error) = 0;
};

}  // namespace tandem::mirror
