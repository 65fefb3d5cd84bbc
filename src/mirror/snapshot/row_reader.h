// Reads rows of the source through COPY (SELECT ...) TO STDOUT (FORMAT binary) into columns.
//
// The common part of snapshot chunks and of look-ups by key. What a transaction reads here is
// durable: see durable_snapshot().
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mirror/schema/table.h"
#include "postgres/client/connection.h"
#include "types/clickhouse/column.h"
#include "types/postgres/convert.h"

namespace tandem::mirror {

// Begins a read-only REPEATABLE READ transaction and sees to it that every commit it sees is
// flushed: rows of a transaction that a crash of the source would undo must not reach ClickHouse.
// `flush` is called when needed: it commits something synchronously on another connection, because
// records that are no commits may wait for long in a page of the WAL that is not full.
Status begin_durable_snapshot(postgres::Connection& connection,
                              const std::function<Status()>& flush);

// "expression, expression": what COPY selects for these columns of the table.
std::string select_list(const Table& table, const std::vector<size_t>& columns);

class RowReader {
  public:
    // Called with the rows read so far whenever they reach block_bytes, and at the end if rows are
    // left; the block is cleared afterwards.
    using OnBlock = std::function<Status(types::Block&)>;

    RowReader(const Table& table, std::vector<size_t> columns, size_t block_bytes);

    // Returns the number of rows.
    Result<uint64_t> read(postgres::Connection& connection, const std::string& copy_sql,
                          const OnBlock& on_block);
    std::vector<types::Converter>& converters() { return converters_; }

  private:
    const Table& table_;
    std::vector<size_t> columns_;
    size_t block_bytes_;
    std::vector<types::Converter> converters_;
};

}  // namespace tandem::mirror
