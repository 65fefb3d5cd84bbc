// Compares a mirrored table with its source, row by row and value by value.
//
// Both sides are read once, in any order, in a stream: every row becomes a hash of its values as
// Postgres prints them, added up per bucket of keys. Buckets that differ are read again, and then
// the very rows are compared. So memory is bounded, no order has to agree, and a difference is
// shown with its values. What is read is what is there: the caller sees to it that nothing changes
// meanwhile, or asks for several rounds: only a row that differs in each of them, on a stream that
// moved on, is a difference.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "clickhouse/client/client.h"
#include "mirror/schema/table.h"
#include "postgres/client/connection.h"

namespace tandem::mirror {

struct CompareOptions {
    size_t buckets = 1 << 16;
    size_t differences_max = 20;              // that are reported with their values
    size_t row_bytes_max = size_t{64} << 20;  // held at a time while differing rows are compared
    // Columns left out, by name: those the catalog calls inexact.
    std::vector<std::string> without;
    // Called between rounds; returns when ClickHouse has what was committed before the call.
    std::function<Status()> catch_up;
    int rounds = 1;
};

struct Difference {
    std::string key;                            // values of the key, as Postgres prints them
    std::string column;                         // empty: the row is missing on one side
    std::optional<std::string> source, target;  // nothing: NULL, or no such row
};

struct Comparison {
    uint64_t source_rows = 0;
    uint64_t target_rows = 0;
    uint64_t differing_buckets = 0;
    std::vector<Difference> differences;
    // Buckets count rows as well. (While writers go on, the two row counts are of two moments.)
    bool equal() const { return differing_buckets == 0; }
    std::string to_string() const;
};

Result<Comparison> compare_table(const Table& table, postgres::Connection& source,
                                 clickhouse::Client& target, const CompareOptions& options = {});

}  // namespace tandem::mirror
