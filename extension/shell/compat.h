// Every difference between the Postgres majors that the shell meets (15 to 18), with the upstream
// commit or release that made it. Nothing else in extension/ tests PG_VERSION_NUM.
#pragma once

extern "C" {
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "replication/message.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/lsyscache.h"
}

// COMPAT(pg15): PGDLLEXPORT is empty before 16, so with hidden visibility nothing would be exported
// (upstream 089480c077, "Default to hidden visibility for extension libraries where possible").
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

namespace tandem::shell {

using NodeWalker = bool (*)(Node*, void*);
using NodeMutator = Node* (*)(Node*, void*);

// COMPAT(pg15): walkers are declared without parameters before 16 (upstream 1c27d16e6e), which in
// C++ is another type.
#if PG_VERSION_NUM < 160000
inline bool (*as_walker(NodeWalker walker))() {
    return reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker));
}
inline Node* (*as_mutator(NodeMutator mutator))() {
    return reinterpret_cast<Node* (*)()>(reinterpret_cast<void (*)()>(mutator));
}
#else
inline NodeWalker as_walker(NodeWalker walker) {
    return walker;
}
inline NodeMutator as_mutator(NodeMutator mutator) {
    return mutator;
}
#endif

// COMPAT(pg16): takes the planner's state since 16 (upstream 2489d76c49); without one it leaves
// nulling relations alone, which is what we want of an unplanned query.
inline Node* flatten_join_aliases(Query* query, Node* node) {
#if PG_VERSION_NUM >= 160000
    return flatten_join_alias_vars(nullptr, query, node);
#else
    return flatten_join_alias_vars(query, node);
#endif
}

// COMPAT(pg18): grouping columns are Vars of an RTE of their own (upstream 247dea89f7).
inline void flatten_group_vars(Query* query) {
#if PG_VERSION_NUM >= 180000
    if (!query->hasGroupRTE) return;
    query->targetList = reinterpret_cast<List*>(
        flatten_group_exprs(nullptr, query, reinterpret_cast<Node*>(query->targetList)));
    query->havingQual = flatten_group_exprs(nullptr, query, query->havingQual);
#else
    (void)query;
#endif
}

// For a query whose grouping columns have been flattened and that is grouped no more, or whose
// range table is another. COMPAT(pg18): see above.
inline void forget_group_columns(Query* query) {
#if PG_VERSION_NUM >= 180000
    query->hasGroupRTE = false;
#else
    (void)query;
#endif
}

// The range table has no tables any more. COMPAT(pg16): their privileges are in a list beside it
// since 16 (upstream a61b1f7482).
inline void forget_privileges(Query* query) {
#if PG_VERSION_NUM >= 160000
    query->rteperminfos = NIL;
#else
    (void)query;
#endif
}

// Whether this transaction holds the lock or a stronger one.
// COMPAT(pg17): has the check for stronger locks by OID (upstream 0cecc908e9); before, ask for
// each.
inline bool holds_lock(::Oid relid, LOCKMODE at_least) {
    LOCKTAG tag;
    SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
    for (LOCKMODE mode = at_least; mode <= MaxLockMode; ++mode)
#if PG_VERSION_NUM >= 170000
        if (LockHeldByMe(&tag, mode, false)) return true;
#else
        if (LockHeldByMe(&tag, mode)) return true;
#endif
    return false;
}

// COMPAT(pg17): LogLogicalMessage takes whether to flush (upstream 173b56f1ef); the caller flushes.
inline XLogRecPtr emit_flush_message() {
#if PG_VERSION_NUM >= 170000
    return LogLogicalMessage("tandem", "flush", 5, false, false);
#else
    return LogLogicalMessage("tandem", "flush", 5, false);
#endif
}

// COMPAT(pg18): the executor is not told any more that it runs once (upstream 3eea7a0c97).
inline void execute_all(QueryDesc* query) {
#if PG_VERSION_NUM >= 180000
    standard_ExecutorRun(query, ForwardScanDirection, 0);
#else
    standard_ExecutorRun(query, ForwardScanDirection, 0, true);
#endif
}

// COMPAT(pg18): comparisons are of any ordered index, not of btree.
inline bool is_index_comparison(::Oid operation) {
#if PG_VERSION_NUM >= 180000
    return get_op_index_interpretation(operation) != NIL;
#else
    return get_op_btree_interpretation(operation) != NIL;
#endif
}

// COMPAT(pg16): the walker has a type since 16, as above.
inline bool walk_plan_states(PlanState* node, bool (*walker)(PlanState*, void*), void* context) {
#if PG_VERSION_NUM < 160000
    auto untyped = reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker));
    return planstate_tree_walker(node, untyped, context);
#else
    return planstate_tree_walker(node, walker, context);
#endif
}

// Its place among all processes. COMPAT(pg17): was a member before (upstream 28f3915b73).
inline int number_of_proc(PGPROC* process) {
#if PG_VERSION_NUM >= 170000
    return GetNumberFromPGProc(process);
#else
    return process->pgprocno;
#endif
}

// Strategy of a btree. COMPAT(pg18): has a type of its own, with the same numbers.
inline int strategy_of(const RowCompareExpr* rows) {
#if PG_VERSION_NUM >= 180000
    return static_cast<int>(rows->cmptype);
#else
    return static_cast<int>(rows->rctype);
#endif
}

}  // namespace tandem::shell
