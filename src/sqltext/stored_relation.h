// The SQL that reads a mirrored table at a position: what the router, the view under the table's
// name, verify and the mirror's own look-ups have in common. How rows lie and why this is right:
// src/mirror/store/README.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tandem::sqltext {

// Rows of a leaf of a partitioned table from before `cut` are gone at positions behind it. With
// `hidden` none of its rows is seen. When it was `loaded` as it joined the table, its rows of that
// load, the ones of main with the cut as their position, saw all that was committed up to there:
// what the delta tells of their keys from before is of rows that lay in other leaves.
struct LeafSeen {
    uint32_t leaf = 0;
    uint64_t cut = 0;
    bool hidden = false;
    bool loaded = false;
};

// Names are plain, not quoted. `position` and `oldest` are SQL expressions of type UInt64 and
// UInt32: numbers, or scalar subqueries.
struct StoredRelation {
    std::string_view database;  // of the rows
    std::string_view main;
    std::string_view delta;
    std::span<const std::string> keys;  // columns of the key, in its order; none: rows are counted
    std::span<const std::string> columns;  // that are read; at least one
    std::string_view position;             // what committed before it is seen
    std::string_view oldest = "0";         // first generation of the delta that is not folded
    bool delta_empty = false;              // nothing of the delta can be seen at the position
    // Not 0 when the position is before the last fold, or one that has begun: where that ends.
    // `oldest` is the first generation that is kept then. Only with a key, and without cuts.
    uint64_t folded_to = 0;
    std::span<const LeafSeen> leaves = {};
};

// A SELECT, without parentheses.
std::string stored_relation(const StoredRelation& relation);

// Of a table without a key, as SELECT: what the generations of the delta in `generations` amount to
// for every kind of row in them, with main as of before `position`: `columns`, _tandem_row,
// _tandem_count.
std::string amounts(const StoredRelation& relation, std::string_view generations);

// The newest row per key among the generations [oldest, newest], deleted ones included:
// `columns`, _tandem_from, _tandem_deleted. Without a position everything counts.
std::string newest_of_delta(const StoredRelation& relation, std::string_view condition);

}  // namespace tandem::sqltext
