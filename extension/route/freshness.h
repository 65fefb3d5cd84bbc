// Waits until ClickHouse holds what a statement must see, or says that it does not.
#pragma once

#include "base/boundary.h"

namespace tandem::shell {

// By tandem.freshness, for at most tandem.wait_budget. `position` is what the mirror is known to
// have reached, and becomes the one to read at: everything committed before it is in ClickHouse.
// Without `may_wait` it is asked once only. May raise what CHECK_FOR_INTERRUPTS raises.
bool wait_until_fresh(const char* slot_name, bool may_wait, XLogRecPtr* position, Failure* failure);

}  // namespace tandem::shell
