// Version of a row: epoch (16 bits) · commit LSN (64) · ordinal in the transaction (48).
//
// The same on every replay; see docs/decisions/0001. Snapshot rows have LSN 0 and ordinal 0. The
// ordinal is four times the number of the change in its transaction, plus 0 for the tombstone of a
// key that the change left, 2 for its row, 1 for its row when a value in it is *later*: it was not
// in the message and was read from a state that may be newer than the change (a snapshot row, or
// the source by SQL). A row with the exact value wins over that one.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/lsn.h"
#include "base/result.h"
#include "types/clickhouse/column.h"

namespace tandem::mirror {

inline constexpr uint64_t kOrdinalMax = (uint64_t{1} << 48) - 1;

struct Version {
    types::UInt128 value = 0;

    static Version make(uint16_t epoch, Lsn commit, uint64_t ordinal) {
        return {types::UInt128{epoch} << 112 | types::UInt128{commit.value} << 48 |
                (ordinal & kOrdinalMax)};
    }
    static Version snapshot(uint16_t epoch) { return make(epoch, Lsn{0}, 0); }

    static Version of_change(uint16_t epoch, Lsn commit, uint64_t change) {
        return make(epoch, commit, change * 4 + 2);
    }
    Version tombstone() const { return {value - 2}; }
    Version later() const { return {value - 1}; }
    bool is_snapshot() const { return (value & (~types::UInt128{0} >> 16)) == 0; }
    // Values of the row may be newer than its version says.
    bool is_later() const { return is_snapshot() || (value & 3) == 1; }

    auto operator<=>(const Version&) const = default;
};

// Decimal digits, as the catalog keeps a version (numeric).
std::string to_string(Version version);
Result<Version> parse_version(std::string_view digits);

}  // namespace tandem::mirror
