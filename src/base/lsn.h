// Identifiers of Postgres that cross module borders, as types of their own.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem {

// Position in the write-ahead log, in bytes. 0 is "no position".
struct Lsn {
    uint64_t value = 0;
    auto operator<=>(const Lsn&) const = default;
    bool valid() const { return value != 0; }
};

// "16/B374D848": two hexadecimal halves, as Postgres prints pg_lsn.
std::string to_string(Lsn lsn);
Result<Lsn> parse_lsn(std::string_view text);

struct Oid {
    uint32_t value = 0;
    auto operator<=>(const Oid&) const = default;
};

struct Xid {
    uint32_t value = 0;
    auto operator<=>(const Xid&) const = default;
};

}  // namespace tandem

template <>
struct std::hash<tandem::Oid> {
    size_t operator()(tandem::Oid oid) const noexcept { return std::hash<uint32_t>()(oid.value); }
};
