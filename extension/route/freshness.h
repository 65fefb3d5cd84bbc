// Waits until ClickHouse holds what a statement must see, or says that it does not.
#pragma once

#include "base/boundary.h"

namespace tandem::shell {

// A mirror that a statement reads.
struct ReadMirror {
    int mirror_id;
    const char* slot_name;
    bool may_wait;       // else it is asked once only
    XLogRecPtr reached;  // everything committed before it is in ClickHouse
};

// What all mirrors of a statement have in common; zero at its start. Together they are waited for
// for at most tandem.wait_budget.
struct FreshnessWait {
    XLogRecPtr required;
    TimestampTz deadline;
};

// By tandem.freshness; `reached` is what the mirror is known to have reached, and moves on. May
// raise what CHECK_FOR_INTERRUPTS raises, as all of these.
bool wait_until_fresh(ReadMirror* mirror, FreshnessWait* wait, Failure* failure);
// Until the mirror has reached the position, whatever tandem.freshness says.
bool wait_until_reached(ReadMirror* mirror, XLogRecPtr position, FreshnessWait* wait,
                        Failure* failure);

}  // namespace tandem::shell
