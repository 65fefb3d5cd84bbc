// CityHash128 as of CityHash 1.0.2, the version ClickHouse's frames are checked with. Later
// versions of the function give other values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::clickhouse {

struct Hash128 {
    uint64_t low = 0;
    uint64_t high = 0;
    bool operator==(const Hash128&) const = default;
};

Hash128 cityhash128(const char* bytes, size_t size);

}  // namespace tandem::clickhouse
