// Postgres' clock: microseconds since 2000-01-01 00:00 UTC, as in WAL and on the wire.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace tandem::postgres {

inline constexpr int64_t kPgEpochUnixMicros = 946'684'800'000'000;

struct PgTime {
    int64_t micros = 0;
    auto operator<=>(const PgTime&) const = default;

    // Wraps for times that no server sends; the bytes are foreign, so no signed overflow here.
    int64_t unix_micros() const {
        return static_cast<int64_t>(static_cast<uint64_t>(micros) +
                                    static_cast<uint64_t>(kPgEpochUnixMicros));
    }
    static PgTime now() {
        auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
        return {std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count() -
                kPgEpochUnixMicros};
    }
};

}  // namespace tandem::postgres
