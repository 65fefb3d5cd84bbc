// TableBatch: the changes of one table in one batch, as ClickHouse columns.
//
// Values go from the message straight into the columns. Changes to one key collapse to the last
// one. An unchanged TOAST value is taken from an earlier row of the batch; when there is none
// the row is *pending*: its values are found by key later, by apply/Applier, in slices, because
// they may be as large as they like. See docs/decisions/0001. No I/O; one thread at a time.
//
// A failed call leaves the batch unusable: the table has to be stopped and the batch dropped.
#pragma once

#include <cstdint>
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

class TableBatch {
  public:
    // The converters belong to the table's columns, in their order, and live until close().
    TableBatch(const WireLayout& layout, std::vector<types::Converter>& converters);

    // --- filling --------------------------------------------------------------------------------
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
    // All rows that are not pending. Built once; later calls give the same block.
    const types::Block& settled();

    size_t pending() const { return pending_.size(); }
    // Which columns (of the table) pending rows miss.
    std::vector<size_t> missing_columns() const;
    // Keys under which rows [first, first + count) of the pending ones may be stored in ClickHouse,
    // their own and the one they had before, as a block of the key columns.
    types::Block lookup_keys(size_t first, size_t count) const;
    // Their own keys only.
    types::Block own_keys(std::span<const size_t> rows) const;

    // Completes pending rows from rows of ClickHouse (key columns, missing columns,
    // _tandem_version), appending to `out` (which starts as empty_block()). Rows that ClickHouse
    // has already in this version or a newer one are left out. Returns those still not complete.
    Result<std::vector<size_t>> complete_from_target(size_t first, size_t count,
                                                     const types::Block& found, types::Block& out);
    // The same from rows of the source (key columns, missing columns). Rows that the source does
    // not have become tombstones: a later change removes or moves them anyway, and what ClickHouse
    // may hold of an earlier life of the key must not be taken for theirs.
    Status complete_from_source(std::span<const size_t> rows, const types::Block& found,
                                types::Block& out);
    types::Block empty_block() const;

  private:
    struct Pending {
        uint32_t row = 0;
        uint32_t lookup = 0;  // row in lookup_keys_
        Version version;
        // Only rows of ClickHouse older than this have the values: those of the first change of the
        // chain that did not carry them. A newer row under the key is another life of it.
        Version before;
        std::vector<uint16_t> missing;  // indexes into columns_
    };

    Status make_key(postgres::Tuple row, postgres::Tuple fallback, std::string& out) const;
    Status append_row(postgres::Tuple row, postgres::Tuple old, std::optional<uint32_t> previous,
                      Version version);
    Status append_value(size_t column, postgres::TupleValue value);
    Status append_tombstone(postgres::Tuple old, Version version);
    Status append_lookup_key(postgres::Tuple row, postgres::Tuple fallback);
    void copy_value(size_t column, uint32_t row);
    void finish_row(Version version, bool deleted);
    void replace(std::string_view key, uint32_t row);
    const Pending* pending_at(uint32_t row) const;
    void own_key_bytes(const Pending& row, std::string& out) const;
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
    types::Column versions_;
    types::Column deleted_;

    uint32_t rows_ = 0;
    size_t changes_ = 0;
    size_t copied_bytes_ = 0;
    KeyIndex index_;                // key → its last row
    std::vector<bool> superseded_;  // by row; may be shorter than rows_
    size_t superseded_rows_ = 0;
    std::vector<types::Column> lookup_keys_;
    std::vector<Pending> pending_;  // close() drops those of superseded rows
    std::unordered_map<uint32_t, size_t> pending_of_;
    std::optional<types::Block> settled_;
    std::string key_scratch_, old_key_scratch_;
};

}  // namespace tandem::mirror
