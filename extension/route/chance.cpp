// The plan runs in an executor of its own inside a subtransaction, with a timer that cancels it as
// a user would. What it holds, workers too, goes with the subtransaction.
//
// The hooks of the executor are passed by: for other extensions this is no query of its own.
// LIMIT: a user's cancel that arrives in the moment in which the time is over is taken for the
// timer's; ClickHouse answers then.
#include "extension/shell/pg.h"

extern "C" {
#include "access/xact.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/dest.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
}

#include "extension/route/chance.h"
#include "extension/shell/subtransaction.h"

namespace tandem::shell {

namespace {

constexpr double kRowsMax = 10000;

volatile sig_atomic_t armed = 0;
volatile sig_atomic_t time_is_over = 0;

// In a signal handler.
void cancel() {
    if (armed == 0) return;
    time_is_over = 1;
    InterruptPending = 1;
    QueryCancelPending = 1;
    SetLatch(MyLatch);
}

TimeoutId timer() {
    static bool registered = false;
    static TimeoutId id;
    if (!registered) id = RegisterTimeout(USER_TIMEOUT, cancel);
    registered = true;
    return id;
}

void disarm() {
    armed = 0;
    disable_timeout(timer(), false);
    // The plan may have ended before it noticed.
    if (time_is_over != 0) QueryCancelPending = 0;
    time_is_over = 0;
}

struct Attempt {
    const EState* around;
    PlannedStmt* statement;
    DestReceiver* receiver;
    double ms;
};

void execute(void* argument) {
    const Attempt& attempt = *static_cast<Attempt*>(argument);
    const EState* around = attempt.around;
    QueryDesc* query = CreateQueryDesc(attempt.statement, around->es_sourceText,
                                       around->es_snapshot, InvalidSnapshot, attempt.receiver,
                                       around->es_param_list_info, around->es_queryEnv, 0);
    armed = 1;
    enable_timeout_after(timer(), Max(static_cast<int>(attempt.ms), 1));
    standard_ExecutorStart(query, 0);
    execute_all(query);
    standard_ExecutorFinish(query);
    standard_ExecutorEnd(query);
    FreeQueryDesc(query);
    disarm();
}

// All but what asks for the whole statement to end.
bool is_the_plans(const ErrorData* error) {
    bool cancelled = error->sqlerrcode == ERRCODE_QUERY_CANCELED;
    bool by_timer = time_is_over != 0 &&
                    strcmp(error->message, _("canceling statement due to user request")) == 0;
    disarm();
    return !cancelled || by_timer;
}

}  // namespace

bool may_have_a_chance(const EState* estate, const Plan* plan, int eflags) {
    if (IsInParallelMode() || estate->es_instrument != 0 || plan->plan_rows > kRowsMax)
        return false;
    if ((eflags & (EXEC_FLAG_REWIND | EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK)) != 0) return false;
    // An executor by itself leaves them out.
    ListCell* cell;
    foreach (cell, plan->targetlist)
        if (lfirst_node(TargetEntry, cell)->resjunk) return false;
    return true;
}

Tuplestorestate* run_for_a_while(const EState* estate, const Chance& chance) {
    MemoryContext before = MemoryContextSwitchTo(estate->es_query_cxt);
    // Belongs to the transaction around, which reads it.
    Tuplestorestate* rows = tuplestore_begin_heap(false, false, work_mem);
    MemoryContext scratch =
        AllocSetContextCreate(estate->es_query_cxt, "tandem chance", ALLOCSET_DEFAULT_SIZES);
    MemoryContextSwitchTo(scratch);
    PlannedStmt* statement = makeNode(PlannedStmt);
    *statement = *estate->es_plannedstmt;
    statement->planTree = chance.plan;
    statement->jitFlags = chance.jit_flags;
    DestReceiver* receiver = CreateDestReceiver(DestTuplestore);
    SetTuplestoreDestReceiverParams(receiver, rows, estate->es_query_cxt, false, nullptr, nullptr);
    Attempt attempt = {estate, statement, receiver, chance.ms};
    ErrorData* error = run_in_subtransaction(execute, &attempt, is_the_plans);
    MemoryContextSwitchTo(before);
    MemoryContextDelete(scratch);
    if (error == nullptr) return rows;
    tuplestore_end(rows);
    return nullptr;
}

}  // namespace tandem::shell
