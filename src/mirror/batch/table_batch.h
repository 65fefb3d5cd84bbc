// TableBatch: the changes of one table in one batch, as ClickHouse columns.
//
// Values go from the message straight into the columns. Of what a transaction did to one key the
// last is kept: every position can be read, also inside a batch (docs/decisions/0014). An
// unchanged TOAST value is taken from an earlier row of the batch; when there is none the row is
// *pending*: its values are found by key later, by apply/Applier, in slices, because they may be as
// large as they like. See docs/decisions/0001. No I/O; one thread at a time.
//
// A failed call leaves the batch unusable: the table has to be stopped and the batch dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "mirror/batch/key_index.h"
#include "mirror/schema/table.h"
#include "mirror/store/version.h"
#include "postgres/decoder/pgoutput.h"
#include "types/clickhouse/column.h"
#include "types/postgres/convert.h"

namespace tandem::mirror {

// How the columns of a Relation message map to those of the table.
struct WireLayout {
    TablePtr table;
    // Per column of the message the index in table->columns, or -1: not mirrored.
    std::vector<int> columns;
};

// Rows divided by where they go, see store/README.md. Both have the table's columns, as far as the
// messages carried them, and _tandem_from; `delta` also _tandem_ordinal and _tandem_deleted; last,
// of a partitioned table, _tandem_leaf. Of a table without a key _tandem_row follows, and in
// `delta` _tandem_count.
struct PlacedRows {
    types::Block main;
    types::Block delta;
    std::vector<uint64_t> delta_keys;  // hashes of the keys of its rows
};

// Which keys the delta may hold, by hash.
struct DeltaKeys {
    enum class Holds { nothing, some, anything } holds = Holds::anything;
    std::function<bool(uint64_t)> contains = {};  // for `some`
};

class TableBatch {
  public:
    // The converters belong to the table's columns, in their order, and live until close().
    TableBatch(const WireLayout& layout, std::vector<types::Converter>& converters);

    // --- filling --------------------------------------------------------------------------------
    // The partition that the next changes are of; only for partitioned tables.
    void set_leaf(Oid leaf) { leaf_ = leaf; }
    Status insert(postgres::Tuple row, Version version);
    // A key that changed gives a tombstone for the old one as well.
    Status update(const postgres::Update& update, Version version);
    Status remove(postgres::Tuple old, Version version);

    const TablePtr& table() const { return table_; }
    size_t changes() const { return changes_; }
    size_t byte_size() const;
    // Bytes that rows took over from earlier rows: what messages do not account for.
    size_t copied_bytes() const { return copied_bytes_; }

    // Ends the filling. --- taking ---------------------------------------------------------------
    void close();
    // All rows that are not pending; once. Rows that were inserted, under keys the delta does not
    // hold, are for main; the others for the delta. When there are others, `main_rows_min` of them
    // are needed for an insert into main of their own; fewer go along to the delta.
    PlacedRows place(const DeltaKeys& keys, size_t main_rows_min = 0);
    // Hashes of the keys of a block that starts with the table's columns, as completed rows have
    // it.
    std::vector<uint64_t> key_hashes(const types::Block& block) const;

    size_t pending() const { return pending_.size(); }
    // The first change in the batch: what is stored from before it is what rows were before.
    Version first() const { return first_; }
    // Which columns (of the table) pending rows miss.
    std::vector<size_t> missing_columns() const;
    // Keys under which rows [first, first + count) of the pending ones may be stored in ClickHouse,
    // their own and the one they had before, as a block of the key columns.
    types::Block lookup_keys(size_t first, size_t count) const;
    // Their own keys only.
    types::Block own_keys(std::span<const size_t> rows) const;

    // Completes pending rows from rows of ClickHouse as they were before this batch (key columns,
    // missing columns, _tandem_from, _tandem_ordinal), appending to `out` (which starts as
    // empty_delta()). Of a partition that is `loading`, rows of the snapshot may be newer than the
    // change. Returns those still not complete.
    using IsLoading = std::function<bool(Oid leaf)>;
    Result<std::vector<size_t>> complete_from_target(size_t first, size_t count,
                                                     const types::Block& found,
                                                     const IsLoading& loading, types::Block& out);
    Oid leaf_of(size_t pending) const;
    // The same from rows of the source (key columns, missing columns). Rows that the source does
    // not have become tombstones: a later change removes or moves them anyway, and what ClickHouse
    // may hold of an earlier life of the key must not be taken for theirs.
    Status complete_from_source(std::span<const size_t> rows, const types::Block& found,
                                types::Block& out);
    types::Block empty_delta() const;

  private:
    struct Pending {
        uint32_t row = 0;
        uint32_t lookup = 0;  // row in lookup_keys_
        Version version;
        std::vector<uint16_t> missing;  // indexes into columns_
    };

    Status make_key(postgres::Tuple row, postgres::Tuple fallback, std::string& out) const;
    Status append_row(postgres::Tuple row, postgres::Tuple old, std::optional<uint32_t> previous,
                      Version version);
    Status append_value(size_t column, postgres::TupleValue value);
    Status append_tombstone(postgres::Tuple old, Version version);
    // Of a table without a key: a row that came or went, with all its values.
    Status append_counted(postgres::Tuple row, postgres::Tuple old, Version version, bool went);
    PlacedRows place_counted();
    // Its rows for main, which are all that came, and nothing for the delta.
    PlacedRows place_all();
    std::vector<types::UInt128> row_hashes() const;
    Status append_lookup_key(postgres::Tuple row, postgres::Tuple fallback);
    void copy_value(size_t column, uint32_t row);
    void finish_row(Version version, bool deleted, bool fresh);
    using SystemColumn = std::pair<std::string_view, const char*>;
    types::Block empty(std::initializer_list<SystemColumn> system) const;
    types::Block empty_main() const;
    void append_values(uint32_t row, types::Block& out) const;
    void append_main(uint32_t row, types::Block& out) const;
    void append_delta(uint32_t row, types::Block& out) const;
    uint64_t key_hash(std::span<const types::NamedColumn> columns, size_t row,
                      std::string& scratch) const;
    void replace(std::string_view key, uint32_t row);
    const Pending* pending_at(uint32_t row) const;
    void own_key_bytes(const Pending& row, std::string& out) const;
    void append_leaf(uint32_t row, types::Block& out) const;
    void copy_tombstone(const Pending& row, types::Block& out) const;
    void copy_complete(const Pending& row, const types::Block& found, size_t found_row,
                       Version version, types::Block& out) const;

    TablePtr table_;
    std::vector<types::Converter>* converters_;
    std::vector<int> wire_;             // wire column → index into columns_, -1: dropped
    std::vector<size_t> wire_key_;      // key order → wire column
    std::vector<size_t> table_column_;  // columns_ → table_->columns
    std::vector<size_t> key_column_;    // key order → columns_
    std::vector<types::NamedColumn> columns_;
    std::vector<Version> versions_;
    std::vector<Oid> leaves_;  // of partitioned tables
    Oid leaf_;
    std::vector<bool> deleted_;
    // The row was inserted and its key did not occur before in the batch: no row of the key can be
    // in main.
    std::vector<bool> fresh_;
    size_t fresh_rows_ = 0;
    Version first_;

    uint32_t rows_ = 0;
    size_t changes_ = 0;
    size_t copied_bytes_ = 0;
    KeyIndex index_;  // key → its last row
    // By row: the later row of its key by the same transaction, 0 for none (the first row follows
    // nothing). May be shorter than rows_.
    std::vector<uint32_t> superseded_by_;
    size_t superseded_rows_ = 0;
    size_t went_rows_ = 0;  // of a table without a key
    std::vector<types::Column> lookup_keys_;
    std::vector<Pending> pending_;  // close() drops those of superseded rows
    std::unordered_map<uint32_t, size_t> pending_of_;
    std::string key_scratch_, old_key_scratch_;
};

}  // namespace tandem::mirror
