// Numbers of the packets of the native protocol.
#pragma once

#include <cstdint>

namespace tandem::clickhouse::packet {

// Client to server.
inline constexpr uint64_t kClientHello = 0;
inline constexpr uint64_t kClientQuery = 1;
inline constexpr uint64_t kClientData = 2;
inline constexpr uint64_t kClientCancel = 3;
inline constexpr uint64_t kClientPing = 4;

// Server to client.
inline constexpr uint64_t kHello = 0;
inline constexpr uint64_t kData = 1;
inline constexpr uint64_t kException = 2;
inline constexpr uint64_t kProgress = 3;
inline constexpr uint64_t kPong = 4;
inline constexpr uint64_t kEndOfStream = 5;
inline constexpr uint64_t kProfileInfo = 6;
inline constexpr uint64_t kTotals = 7;
inline constexpr uint64_t kExtremes = 8;
inline constexpr uint64_t kLog = 10;
inline constexpr uint64_t kTableColumns = 11;
inline constexpr uint64_t kPartUuids = 12;
inline constexpr uint64_t kProfileEvents = 14;
inline constexpr uint64_t kTimezoneUpdate = 17;

}  // namespace tandem::clickhouse::packet
