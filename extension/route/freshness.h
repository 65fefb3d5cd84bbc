// Waits until ClickHouse holds what a statement must see, or says that it does not.
#pragma once

#include "base/boundary.h"

namespace tandem::shell {

// By tandem.freshness, for at most tandem.wait_budget. May raise what CHECK_FOR_INTERRUPTS raises.
bool wait_until_fresh(const char* slot_name, Failure* failure);

}  // namespace tandem::shell
