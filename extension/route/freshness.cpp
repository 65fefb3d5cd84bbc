// The mirror's progress is the confirmed position of its slot: the daemon moves it only after
// ClickHouse acknowledged every insert up to there. It is read from shared memory.
//
// A waiter writes a logical message into the WAL, which makes the daemon close its batch at once,
// and flushes the WAL, because the decoder sees only what is flushed.
#include "extension/shell/pg.h"

extern "C" {
#include "access/xlog.h"
#include "miscadmin.h"
#include "replication/message.h"
#include "replication/slot.h"
#include "replication/walsender_private.h"
#include "storage/latch.h"
#include "storage/spin.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
}

#include "extension/route/breaker.h"
#include "extension/route/freshness.h"
#include "extension/shell/settings.h"
#include "extension/tree/query_tree.h"

namespace tandem::shell {

namespace {

constexpr long kPollMsMin = 1;
constexpr long kPollMsMax = 16;

struct SlotState {
    bool exists;
    pid_t active_pid;
    XLogRecPtr confirmed;
};

SlotState slot_state(const char* name) {
    SlotState state = {};
    ReplicationSlot* slot = SearchNamedReplicationSlot(name, true);
    if (slot == nullptr) return state;
    SpinLockAcquire(&slot->mutex);
    state.exists = slot->in_use;
    state.active_pid = slot->active_pid;
    state.confirmed = slot->data.confirmed_flush;
    SpinLockRelease(&slot->mutex);
    return state;
}

// How old the data in ClickHouse may be at most, as the walsender of the slot knows it; -1:
// unknown. The same as column staleness of view tandem.mirror_lag.
int64 staleness_ms(pid_t walsender) {
    for (int i = 0; i < max_wal_senders; ++i) {
        WalSnd* sender = &WalSndCtl->walsnds[i];
        SpinLockAcquire(&sender->mutex);
        bool ours = sender->pid == walsender && walsender != 0;
        TimeOffset lag = sender->flushLag;
        TimestampTz replied = sender->replyTime;
        SpinLockRelease(&sender->mutex);
        if (!ours) continue;
        if (replied == 0) return -1;
        int64 age = GetCurrentTimestamp() - replied + (lag > 0 ? lag : 0);
        return age / 1000;
    }
    return -1;
}

XLogRecPtr required_position() {
    if (freshness_wanted() == kFreshnessSession) return XactLastCommitEnd;
    return GetXLogInsertRecPtr();
}

// Makes the daemon close its batch, and the WAL up to `position` visible to the decoder.
void request_flush(XLogRecPtr position) {
    XLogRecPtr message = emit_flush_message();
    XLogFlush(message > position ? message : position);
}

TimestampTz deadline_of(FreshnessWait* wait) {
    if (wait->deadline == 0)
        wait->deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_budget_ms);
    return wait->deadline;
}

// The budget counts from when anybody first waited for the slot to move on from where it is: only
// the first of those who meet a mirror that stands still pays for finding out.
bool wait_for_position(ReadMirror* mirror, XLogRecPtr position, const TimestampTz last) {
    TimestampTz deadline = 0;
    XLogRecPtr seen = InvalidXLogRecPtr;
    long poll_ms = kPollMsMin;
    for (;;) {
        SlotState state = slot_state(mirror->slot_name);
        if (state.confirmed >= position) {
            mirror->reached = Max(mirror->reached, state.confirmed);
            return true;
        }
        if (!state.exists || state.active_pid == 0) return false;
        if (state.confirmed != seen) {
            seen = state.confirmed;
            TimestampTz since = stuck_since(mirror->slot_name, seen);
            deadline = Min(last, TimestampTzPlusMilliseconds(since, wait_budget_ms));
        }
        long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
        if (left <= 0) return false;
        int happened = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                                 Min(poll_ms, left), PG_WAIT_EXTENSION);
        if (happened & WL_LATCH_SET) ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        poll_ms = Min(poll_ms + 1, kPollMsMax);
    }
}

bool on_standby(Failure* failure) {
    if (!RecoveryInProgress()) return false;
    set_failure(failure, "standby", "a standby does not know how far its primary's mirror is",
                "SET tandem.freshness = eventual to accept whatever ClickHouse has.");
    return true;
}

}  // namespace

bool wait_until_reached(ReadMirror* mirror, XLogRecPtr position, FreshnessWait* wait,
                        Failure* failure) {
    SlotState state = slot_state(mirror->slot_name);
    if (state.exists) mirror->reached = Max(mirror->reached, state.confirmed);
    if (mirror->reached >= position) return true;
    if (on_standby(failure)) return false;
    if (!mirror->may_wait) {
        set_failure(failure, "mirror_in_trouble", "the mirror does not get on at the moment",
                    "`tandem mirror show` says why; routing goes on when it is over.");
        return false;
    }
    // Nothing to hurry when the mirror stands still.
    bool stuck =
        state.exists && TimestampDifferenceExceeds(stuck_since(mirror->slot_name, state.confirmed),
                                                   GetCurrentTimestamp(), wait_budget_ms);
    if (state.exists && state.active_pid != 0 && !stuck) {
        TimestampTz last = deadline_of(wait);
        request_flush(position);
        if (wait_for_position(mirror, position, last)) return true;
    }
    set_failure(failure, "lag",
                state.exists && state.active_pid != 0
                    ? psprintf("ClickHouse did not catch up within %d ms", wait_budget_ms)
                    : "nothing reads the mirror's replication slot",
                "Raise tandem.wait_budget, lower tandem.freshness, or check `tandem status`.");
    return false;
}

bool wait_until_fresh(ReadMirror* mirror, FreshnessWait* wait, Failure* failure) {
    SlotState state = slot_state(mirror->slot_name);
    if (state.exists) mirror->reached = Max(mirror->reached, state.confirmed);
    if (freshness_wanted() == kFreshnessEventual) return true;
    if (on_standby(failure)) return false;
    if (wait->required == InvalidXLogRecPtr) wait->required = required_position();
    if (state.exists && state.confirmed >= wait->required) return true;
    if (freshness_wanted() == kFreshnessBounded && state.exists) {
        int64 age = staleness_ms(state.active_pid);
        if (age >= 0 && age <= max_staleness_ms) return true;
    }
    return wait_until_reached(mirror, wait->required, wait, failure);
}

}  // namespace tandem::shell
