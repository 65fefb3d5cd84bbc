#include "extension/shell/pg.h"

extern "C" {
#include "access/parallel.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"
}

#include "extension/catalog/catalog.h"
#include "extension/route/as_of.h"
#include "extension/route/freshness.h"
#include "extension/route/plan.h"
#include "extension/shell/settings.h"
#include "extension/tree/query_tree.h"

namespace tandem::shell {

namespace {

// What the value of the setting that `change` counts is: a position, or else a time.
struct Parsed {
    uint64 change;
    XLogRecPtr position;
    TimestampTz at;
};
Parsed parsed_last = {};

const Parsed& parsed() {
    if (parsed_last.change == as_of_change) return parsed_last;
    Parsed now = {as_of_change, InvalidXLogRecPtr, 0};
    bool no_position = false;
    now.position = pg_lsn_in_internal(as_of, &no_position);
    // The error says what is wrong with it.
    if (no_position)
        now.at = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(as_of),
                                                         ObjectIdGetDatum(InvalidOid),
                                                         Int32GetDatum(-1)));
    else if (now.position == InvalidXLogRecPtr)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("tandem.as_of: 0/0 is no position of the WAL")));
    parsed_last = now;
    return parsed_last;
}

bool is_not_known(Failure* failure) {
    set_failure(failure, "as_of_gone", psprintf("what was committed by %s is not known", as_of),
                "Times are noted while a mirror runs, from its first start on, and for a day.");
    return false;
}

// What the mirror had committed by then is committed at the position, and nothing later. When it
// has seen nothing later, that is the present, if it has seen all that there is by now.
bool mirror_position_at(TimestampTz at, XLogRecPtr present, ReadMirror* mirror, FreshnessWait* wait,
                        XLogRecPtr* position, Failure* failure) {
    bool any_later;
    if (!find_moment(mirror->mirror_id, at, position, &any_later)) return is_not_known(failure);
    if (any_later) return true;
    if (!wait_until_reached(mirror, present, wait, failure)) return false;
    if (!find_moment(mirror->mirror_id, at, position, &any_later)) return is_not_known(failure);
    if (!any_later) *position = present;
    return true;
}

bool position_at(TimestampTz at, ReadMirror* mirrors, int count, FreshnessWait* wait,
                 XLogRecPtr* position, Failure* failure) {
    if (RecoveryInProgress()) {
        set_failure(failure, "standby", "a standby does not know how far its primary's mirror is",
                    "Set tandem.as_of to a position.");
        return false;
    }
    XLogRecPtr present = GetXLogInsertRecPtr();
    if (at > GetCurrentTimestamp()) {
        set_failure(failure, "as_of_ahead", "tandem.as_of lies in the future", "");
        return false;
    }
    int still = 0;
    for (int i = 0; i < count; ++i) {
        XLogRecPtr of_mirror = InvalidXLogRecPtr;
        if (!mirror_position_at(at, present, &mirrors[i], wait, &of_mirror, failure)) return false;
        still += of_mirror == present ? 1 : 0;
        *position = Max(*position, of_mirror);
    }
    if (still == 0 || still == count) return true;
    // Where its last commit ends is not known exactly before there is another.
    set_failure(failure, "no_common_position",
                psprintf("of the mirrors of the query not all have changed after %s", as_of),
                "Set tandem.as_of to a position, or put the tables into one mirror.");
    return false;
}

ProcessUtility_hook_type previous_utility = nullptr;
ExecutorStart_hook_type previous_start = nullptr;

// What would read or write the present, or leave the past to those who read the present.
void refuse_utility(const PlannedStmt* statement) {
    Failure failure = {};
    if (IsA(statement->utilityStmt, RefreshMatViewStmt)) {
        set_failure(&failure, "as_of_statement", "others read what a materialized view holds", "");
        raise_as_of(failure);
    }
    if (!IsA(statement->utilityStmt, CopyStmt)) return;
    const CopyStmt* copy = reinterpret_cast<const CopyStmt*>(statement->utilityStmt);
    if (copy->relation == nullptr) return;
    set_failure(&failure, "as_of_statement", "COPY of a table reads or writes the present",
                "COPY (SELECT ...) TO reads the past.");
    raise_as_of(failure);
}

void utility(PlannedStmt* statement, const char* text, bool read_only_tree,
             ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment* environment,
             DestReceiver* receiver, QueryCompletion* completion) {
    if (unlikely(as_of_wanted())) refuse_utility(statement);
    ProcessUtility_hook_type next =
        previous_utility != nullptr ? previous_utility : standard_ProcessUtility;
    next(statement, text, read_only_tree, context, parameters, environment, receiver, completion);
}

// What a routed plan leaves for Postgres, or reads in ClickHouse as it is now.
bool is_of_present_in_routed(Oid relid) {
    return get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE ||
           isTempOrTempToastNamespace(get_rel_namespace(relid));
}

// Of a function's statements that were planned before a call of the same query has set as_of.
void refuse_plan_of_present(const PlannedStmt* plan, int flags) {
    if ((flags & EXEC_FLAG_EXPLAIN_ONLY) != 0 || IsParallelWorker()) return;
    if (plan->commandType == CMD_UTILITY) return;
    bool routed = find_choice(plan) != nullptr;
    ListCell* cell;
    foreach (cell, plan->rtable) {
        const RangeTblEntry* rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind != RTE_RELATION || !has_a_past(rte->relid)) continue;
        if (routed && !is_of_present_in_routed(rte->relid)) continue;
        Failure failure = {};
        set_failure(&failure, "as_of_statement",
                    psprintf("\"%s\" would be read as it is now", get_rel_name(rte->relid)), "");
        raise_as_of(failure);
    }
}

void start(QueryDesc* query, int flags) {
    if (unlikely(as_of_wanted()) && IsUnderPostmaster)
        refuse_plan_of_present(query->plannedstmt, flags);
    if (previous_start != nullptr)
        previous_start(query, flags);
    else
        standard_ExecutorStart(query, flags);
}

}  // namespace

void install_as_of_hooks() {
    previous_utility = ProcessUtility_hook;
    ProcessUtility_hook = utility;
    previous_start = ExecutorStart_hook;
    ExecutorStart_hook = start;
}

bool has_a_past(Oid relid) {
    return relid >= FirstNormalObjectId && get_rel_relkind(relid) != RELKIND_VIEW &&
           !is_catalog_relation(relid);
}

bool as_of_position(ReadMirror* mirrors, int count, FreshnessWait* wait, XLogRecPtr* position,
                    Failure* failure) {
    const Parsed& wanted = parsed();
    *position = wanted.position;
    if (wanted.position == InvalidXLogRecPtr)
        return position_at(wanted.at, mirrors, count, wait, position, failure);
    if (!RecoveryInProgress() && wanted.position > GetXLogInsertRecPtr()) {
        set_failure(failure, "as_of_ahead", "tandem.as_of lies behind the end of the WAL", "");
        return false;
    }
    return true;
}

void raise_as_of(const Failure& failure) {
    ereport(ERROR, (errcode(MAKE_SQLSTATE('T', 'D', '0', '1', '4')),
                    errmsg("the statement cannot be answered as of %s (%s): %s", as_of,
                           failure.code, failure.message),
                    failure.advice[0] == '\0' ? errhint("RESET tandem.as_of to read the present.")
                                              : errhint("%s", failure.advice)));
    pg_unreachable();
}

}  // namespace tandem::shell
