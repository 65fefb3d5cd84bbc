// tandem.as_of: the older moment that a session's statements read.
//
// A statement that cannot be answered at it is an ERROR (SQLSTATE TD014), never the present.
#pragma once

#include "base/boundary.h"
#include "extension/route/freshness.h"

namespace tandem::shell {

// The position it stands for. Of a time that depends on the mirrors that are read, because times
// are known where they have rows: for each the state is the one of that time. A word like `now` is
// read once, so that all statements until the next SET have the same moment. Raises for what is
// neither.
bool as_of_position(ReadMirror* mirrors, int count, FreshnessWait* wait, XLogRecPtr* position,
                    Failure* failure);
// A failure of a statement that was to be answered as of it.
[[noreturn]] void raise_as_of(const Failure& failure);
// Catalogs are read as they are; everything else that has rows is not.
bool has_a_past(Oid relid);
// COPY of a table is planned by nobody, and plans may be older than the setting.
void install_as_of_hooks();

}  // namespace tandem::shell
