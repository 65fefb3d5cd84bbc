// Runs what may raise an error inside a subtransaction, so that the error can be dropped.
#pragma once

#include "extension/shell/pg.h"

namespace tandem::shell {

// Null when the action ended well, otherwise the error, in the current memory context. Cancellation
// goes through. Not in parallel mode, where there are no subtransactions.
ErrorData* run_in_subtransaction(void (*action)(void*), void* argument);

}  // namespace tandem::shell
