// Revisions of the native protocol at which something changed on the wire that a client sees.
//
// What each brings is described in docs/internals/formats/native-protocol.md.
#pragma once

#include <cstdint>

namespace tandem::clickhouse::revision {

inline constexpr uint64_t kPatchVersion = 54401;
inline constexpr uint64_t kWriteProgress = 54420;
inline constexpr uint64_t kSettingsAsStrings = 54429;
inline constexpr uint64_t kInterserverSecret = 54441;
inline constexpr uint64_t kTraceContext = 54442;
inline constexpr uint64_t kDistributedDepth = 54448;
inline constexpr uint64_t kQueryStartTime = 54449;
inline constexpr uint64_t kParallelReplicas = 54453;
inline constexpr uint64_t kAddendum = 54458;
inline constexpr uint64_t kParameters = 54459;
inline constexpr uint64_t kElapsedInProgress = 54460;
inline constexpr uint64_t kPasswordRules = 54461;
inline constexpr uint64_t kNonce = 54462;
inline constexpr uint64_t kTotalBytesInProgress = 54463;
inline constexpr uint64_t kRowsBeforeAggregation = 54469;
inline constexpr uint64_t kChunkedPackets = 54470;
inline constexpr uint64_t kParallelReplicasVersion = 54471;
inline constexpr uint64_t kExternalRoles = 54472;
inline constexpr uint64_t kServerSettings = 54474;
inline constexpr uint64_t kQueryAndLineNumbers = 54475;
inline constexpr uint64_t kJwt = 54476;
inline constexpr uint64_t kQueryPlanVersion = 54477;
inline constexpr uint64_t kClusterFunctionVersion = 54479;
inline constexpr uint64_t kCompressedLogs = 54481;
inline constexpr uint64_t kClientAgent = 54485;
inline constexpr uint64_t kInternalQueryFlag = 54486;
inline constexpr uint64_t kCurrentRoles = 54488;

}  // namespace tandem::clickhouse::revision
