// What all sessions know of mirrors and servers that do not answer, so that one of them waits and
// not each of them. In shared memory when the module is preloaded, else for this backend alone.
#pragma once

namespace tandem::shell {

void request_shared_breaker();

// When somebody first waited for the slot to move on from where it is now: since then it has not
// moved. Calling it makes this the moment if nobody did.
TimestampTz stuck_since(const char* slot_name, XLogRecPtr confirmed);

// ClickHouse did not answer. For a while, longer each time, nobody asks it; nor after that while
// the mirror itself says that it is in trouble.
void note_unreachable(int target_id);
void note_reachable(int target_id);
// Whether not to ask. When the time is over, one session is told to try and the others to wait for
// it.
bool is_unreachable_now(int target_id, bool in_trouble);

}  // namespace tandem::shell
