// Version: the place of a change in the WAL: LSN of its commit record and number in its
// transaction.
//
// The same on every replay, see docs/decisions/0001. The ordinal is four times the number of the
// change in its transaction, plus 0 for the tombstone of a key that the change left, 2 for its row,
// 1 for its row when a value in it is *later*: it was not in the message and was read from a state
// that may be newer than the change (a snapshot row of a table that still loads, or the source by
// SQL). A row with the exact value wins over that one.
#pragma once

#include <compare>
#include <cstdint>

#include "base/lsn.h"

namespace tandem::mirror {

struct Version {
    Lsn commit;  // start of the commit record
    uint64_t ordinal = 0;

    static Version of_change(Lsn commit, uint64_t change) { return {commit, change * 4 + 2}; }
    Version tombstone() const { return {commit, ordinal - 2}; }
    Version later() const { return {commit, (ordinal & ~uint64_t{3}) + 1}; }

    auto operator<=>(const Version&) const = default;
};

// Whether a stored row with this ordinal has values that may be newer than its version says.
inline bool is_later(uint64_t ordinal) {
    return (ordinal & 3) == 1;
}

}  // namespace tandem::mirror
