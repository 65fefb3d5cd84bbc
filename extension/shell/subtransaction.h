// Runs what may raise an error inside a subtransaction, so that the error can be dropped.
#pragma once

#include "extension/shell/pg.h"

namespace tandem::shell {

// Null when the action ended well, otherwise the error, in the current memory context. Cancellation
// goes through. Not in parallel mode, where there are no subtransactions.
ErrorData* run_in_subtransaction(void (*action)(void*), void* argument);
// Errors for which `may_drop` says no go through instead, as well as cancellation if it says so. It
// is asked when the subtransaction is gone.
ErrorData* run_in_subtransaction(void (*action)(void*), void* argument,
                                 bool (*may_drop)(const ErrorData*));

}  // namespace tandem::shell
