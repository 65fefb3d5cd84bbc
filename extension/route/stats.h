// Counters of what happened to queries over mirrored tables, by reason; by query: query_stats.h.
//
// In shared memory when the module is preloaded, else for this backend alone. Reasons are few and
// stable, so the table has a fixed size; what does not fit is counted under "other".
#pragma once

namespace tandem::shell {

void request_shared_stats();
void count_reason(const char* code);
void forget_counters();

inline constexpr const char* kCountRouted = "routed";
inline constexpr const char* kCountVerified = "verify_equal";
inline constexpr const char* kCountDiffered = "verify_different";

}  // namespace tandem::shell
