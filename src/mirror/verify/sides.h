// The two sides of a mirrored table, read at one position of the WAL: the source in one snapshot,
// and ClickHouse as it was where that snapshot was taken.
//
// A snapshot of Postgres has no place in the WAL, but an interval: what it sees was committed
// before the position read in its first statement; what was committed before that position it sees,
// but for transactions that ended in the very moment. So rows that differ are looked at again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clickhouse/client/client.h"
#include "mirror/schema/table.h"
#include "postgres/client/connection.h"
#include "types/postgres/convert.h"

namespace tandem::mirror {

// Of a row, key first, as Postgres prints them.
using Values = std::vector<std::optional<std::string>>;
// The values may be moved away.
using OnRow = std::function<Status(Values&)>;

// Where a table's rows lie for readers at a position.
struct RowsAt {
    std::string main;
    std::string delta;
    uint32_t oldest = 0;
    bool delta_empty = false;
    std::vector<LeafCut> cuts;
};
// Returns when the mirror has everything before the position.
using FindRows = std::function<Result<RowsAt>(Lsn position)>;

// Rows whose first key column is in [from, below); nothing: without an end.
struct KeyRange {
    std::optional<std::string> from, below;
};

class Sides {
  public:
    // Of `inexact` columns what is compared is what the mirror makes of the source's value.
    Sides(const Table& table, const std::vector<std::string>& inexact, postgres::Connection& source,
          clickhouse::Client& target, FindRows find_rows);

    // Values of a row that tell it apart: all of them, if the table has no key.
    size_t key_count() const { return keyless() ? columns_.size() : table_.key.size(); }
    bool keyless() const { return table_.keyless(); }
    const TableColumn& column(size_t i) const { return table_.columns[columns_[i]]; }

    // Both sides at one moment: ClickHouse first, because it keeps an older state for seconds only.
    Status read(const KeyRange& range, const OnRow& on_target, const OnRow& on_source);
    // Only the rows with these keys.
    Status read(const std::vector<Values>& keys, const OnRow& on_target, const OnRow& on_source);

    // Whether ranges of the first key column mean the same to both sides.
    bool divisible() const;
    // The begin of the next range, so many rows on; nothing when there are no more.
    Result<std::optional<std::string>> next_range(const std::optional<std::string>& from,
                                                  int64_t rows);

  private:
    Status read(const std::string& source_condition, const std::string& target_condition,
                std::vector<clickhouse::ExternalTable> tables, const OnRow& on_target,
                const OnRow& on_source);
    Status read_source(const std::string& condition, const OnRow& on_row);
    Status read_target(const RowsAt& rows, Lsn position, const std::string& condition,
                       std::vector<clickhouse::ExternalTable> tables, const OnRow& on_row);
    Status each_row(const types::Block& block, const OnRow& on_row);
    Status as_stored(size_t i, std::optional<std::string>& value);
    std::string key_list(bool of_source) const;

    const Table& table_;
    postgres::Connection& source_;
    clickhouse::Client& target_;
    FindRows find_rows_;
    std::vector<size_t> columns_;  // key first
    std::vector<std::optional<types::Converter>> inexact_;
};

}  // namespace tandem::mirror
