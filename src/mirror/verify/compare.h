// Compares a mirrored table with its source, row by row and value by value, at one position, while
// writers go on.
//
// The table is taken in ranges of its key where both sides order it alike, else as a whole. Of a
// range every row becomes a hash of its values as Postgres prints them, added up per bucket of
// keys; buckets that differ are read again, and then the very rows are compared. Rows that differ
// are looked at by key, at later positions, again and again: one that was equal once is equal. So
// memory is bounded, no transaction is longer than a range, and a difference is shown with its
// values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mirror/verify/sides.h"

namespace tandem::mirror {

struct CompareOptions {
    size_t buckets = 1 << 16;
    int64_t range_rows = 200'000;
    size_t differences_max = 20;              // that are reported with their values
    size_t suspects_max = 10'000;             // rows that are looked at again
    size_t row_bytes_max = size_t{64} << 20;  // held at a time while differing rows are compared
    int rounds = 5;                           // a row must differ in each of them
    bool repair = false;                      // rows that differ are written again
};

struct Difference {
    std::string key;                            // values of the key, as Postgres prints them
    std::string column;                         // empty: the row is missing on one side
    std::optional<std::string> source, target;  // nothing: NULL, or no such row
};

struct Comparison {
    uint64_t source_rows = 0;
    uint64_t target_rows = 0;
    uint64_t differing = 0;  // rows, at least
    bool more = false;       // more rows differ than were looked at
    std::vector<Difference> differences;
    std::vector<Values> keys;  // of the rows that differ, as far as they were looked at
    bool equal() const { return differing == 0 && !more; }
    std::string to_string() const;
};

Result<Comparison> compare_table(Sides& sides, const CompareOptions& options = {});

}  // namespace tandem::mirror
