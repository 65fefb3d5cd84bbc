// Version of a row: epoch (16 bits) · commit LSN (64) · ordinal in the transaction (48).
//
// The same on every replay; see docs/decisions/0001. Snapshot rows have LSN 0 and ordinal 0.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/lsn.h"
#include "base/result.h"
#include "types/column.h"

namespace tandem::mirror {

inline constexpr uint64_t kOrdinalMax = (uint64_t{1} << 48) - 1;

struct Version {
    types::UInt128 value = 0;

    static Version make(uint16_t epoch, Lsn commit, uint64_t ordinal) {
        return {types::UInt128{epoch} << 112 | types::UInt128{commit.value} << 48 |
                (ordinal & kOrdinalMax)};
    }
    static Version snapshot(uint16_t epoch) { return make(epoch, Lsn{0}, 0); }

    auto operator<=>(const Version&) const = default;
};

// Decimal digits, as the catalog keeps a version (numeric).
std::string to_string(Version version);
Result<Version> parse_version(std::string_view digits);

}  // namespace tandem::mirror
