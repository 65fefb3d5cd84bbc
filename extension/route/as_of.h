// tandem.as_of: the older moment that a session's statements read.
//
// A statement that cannot be answered at it is an ERROR (SQLSTATE TD014), never the present.
#pragma once

#include "base/boundary.h"

namespace tandem::shell {

// The position it stands for. A time is looked up once in the session, so that all statements until
// the next SET have the same moment.
bool as_of_position(XLogRecPtr* position, Failure* failure);
// A failure of a statement that was to be answered as of it.
[[noreturn]] void raise_as_of(const Failure& failure);
// COPY of a table is planned by nobody, and reads the present.
void install_copy_hook();

}  // namespace tandem::shell
