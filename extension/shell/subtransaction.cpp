#include "extension/shell/subtransaction.h"

extern "C" {
#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
}

namespace tandem::shell {

namespace {

bool is_no_cancellation(const ErrorData* error) {
    return error->sqlerrcode != ERRCODE_QUERY_CANCELED;
}

}  // namespace

ErrorData* run_in_subtransaction(void (*action)(void*), void* argument) {
    return run_in_subtransaction(action, argument, is_no_cancellation);
}

ErrorData* run_in_subtransaction(void (*action)(void*), void* argument,
                                 bool (*may_drop)(const ErrorData*)) {
    MemoryContext context = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    ErrorData* volatile caught = nullptr;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(context);
    PG_TRY();
    {
        action(argument);
        ReleaseCurrentSubTransaction();
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(context);
        ErrorData* error = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context);
        CurrentResourceOwner = owner;
        if (!may_drop(error)) ReThrowError(error);
        caught = error;
    }
    PG_END_TRY();
    MemoryContextSwitchTo(context);
    CurrentResourceOwner = owner;
    return caught;
}

}  // namespace tandem::shell
