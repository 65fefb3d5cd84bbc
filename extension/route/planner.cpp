// Order of checks is by cost: a query that cannot matter (pgbench -S) is given to the planner after
// a few comparisons; the copy of the query that translation needs is made only when a table of the
// query may be mirrored.
#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#include "replication/walsender.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

#include "extension/catalog/catalog.h"
#include "extension/catalog/foreign.h"
#include "extension/route/as_of.h"
#include "extension/route/facts.h"
#include "extension/route/pieces.h"
#include "extension/route/plan.h"
#include "extension/route/planner.h"
#include "extension/route/query_stats.h"
#include "extension/route/stats.h"
#include "extension/route/translation.h"
#include "extension/shell/memory.h"
#include "extension/shell/route_note.h"
#include "extension/shell/settings.h"
#include "extension/tree/query_tree.h"

namespace tandem::shell {

namespace {

planner_hook_type previous_planner = nullptr;
RouteOutcome outcome_of_last = {};
// Who wants to know what becomes of the query being planned.
enum class Asking { kNobody, kExplain, kExplainRoute };
Asking asking = Asking::kNobody;

PlannedStmt* plan_in_postgres(Query* query, const char* text, int cursor_options,
                              ParamListInfo parameters) {
    if (previous_planner != nullptr)
        return previous_planner(query, text, cursor_options, parameters);
    return standard_planner(query, text, cursor_options, parameters);
}

bool plain_select(const Query* query) {
    return query->commandType == CMD_SELECT && (query->rtable != NIL || query->hasSubLinks) &&
           query->rowMarks == NIL && !query->hasModifyingCTE && !query->hasForUpdate;
}

bool session_may_route() {
    return IsUnderPostmaster && !IsParallelWorker() && !am_walsender &&
           !IsolationIsSerializable() && catalog_exists();
}

// Reads only what is at hand: no catalog look-up per table.
bool worth_a_copy(const Query* query) {
    if (route_mode == kRouteOff && asking != Asking::kExplainRoute) return false;
    if (!plain_select(query)) return false;
    ListCell* cell;
    foreach (cell, query->rtable) {
        const RangeTblEntry* rte = lfirst_node(RangeTblEntry, cell);
        if (rte->rtekind == RTE_RELATION && rte->relid < FirstNormalObjectId) return false;
    }
    return session_may_route();
}

bool is_simple(const Query* query) {
    return list_length(query->rtable) == 1 && !query->hasAggs && !query->hasWindowFuncs &&
           !query->hasSubLinks && query->groupClause == NIL && query->distinctClause == NIL &&
           query->jointree != nullptr && query->jointree->quals != nullptr;
}

// The column of `column = value`; 0 for any other expression.
AttrNumber compared_column(Node* node) {
    if (!IsA(node, OpExpr)) return 0;
    OpExpr* comparison = reinterpret_cast<OpExpr*>(node);
    // Known by its selectivity estimator; ranges over a key may well be worth routing.
    if (list_length(comparison->args) != 2 || get_oprrest(comparison->opno) != F_EQSEL) return 0;
    Node* left = static_cast<Node*>(linitial(comparison->args));
    Node* right = static_cast<Node*>(lsecond(comparison->args));
    if (!IsA(left, Var) || !(IsA(right, Const) || IsA(right, Param))) return 0;
    return reinterpret_cast<Var*>(left)->varattno;
}

// A look-up by the first column of the primary key is what Postgres is for. Told apart here because
// such queries come by the ten thousand per second and copying one costs more than this check.
bool is_key_look_up(const Query* query) {
    if (!is_simple(query)) return false;
    const RangeTblEntry* rte = linitial_node(RangeTblEntry, query->rtable);
    Node* condition = query->jointree->quals;
    if (is_andclause(condition))
        condition = static_cast<Node*>(linitial(reinterpret_cast<BoolExpr*>(condition)->args));
    AttrNumber column = compared_column(condition);
    if (column <= 0 || rte->rtekind != RTE_RELATION) return false;
    Relation relation = RelationIdGetRelation(rte->relid);
    if (!RelationIsValid(relation)) return false;
    Oid index = relation->rd_indexvalid ? relation->rd_pkindex : InvalidOid;
    RelationClose(relation);
    if (!OidIsValid(index)) return false;
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple)) return false;
    bool found = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple))->indkey.values[0] == column;
    ReleaseSysCache(tuple);
    return found;
}

struct Tables {
    bool any_user_table;
    bool any_mirrored;
};

bool collect_tables(Node* node, void* context) {
    if (node == nullptr) return false;
    if (IsA(node, RangeTblEntry)) {
        RangeTblEntry* rte = reinterpret_cast<RangeTblEntry*>(node);
        Tables* tables = static_cast<Tables*>(context);
        if (rte->rtekind == RTE_RELATION && rte->relid >= FirstNormalObjectId &&
            rte->relkind != RELKIND_VIEW && !is_catalog_relation(rte->relid)) {
            tables->any_user_table = true;
            tables->any_mirrored = tables->any_mirrored || is_mirrored(rte->relid);
        }
        return false;
    }
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<Query*>(node), as_walker(collect_tables), context,
                                 QTW_EXAMINE_RTES_BEFORE);
    return expression_tree_walker(node, as_walker(collect_tables), context);
}

// What is planned, before anything was made of it.
struct Subject {
    PlannedStmt* local;
    Query* copy;
    int cursor_options;
    ParamListInfo parameters;
    uint64 query_id;
    bool foreign;
};

// Makes the plan in a memory context of its own; nullptr and a reason when there is none.
using PlanMaker = PlannedStmt* (*)(const Subject& subject, Failure* failure);

PlannedStmt* make_aside(PlanMaker maker, const Subject& subject, Failure* failure) {
    MemoryContext owner = CurrentMemoryContext;
    MemoryContext scratch =
        AllocSetContextCreate(owner, "tandem translation", ALLOCSET_DEFAULT_SIZES);
    MemoryContextSwitchTo(scratch);
    PlannedStmt* made = maker(subject, failure);
    MemoryContextSwitchTo(owner);
    if (made != nullptr) made = static_cast<PlannedStmt*>(copyObjectImpl(made));
    MemoryContextDelete(scratch);
    return made;
}

PlannedStmt* plan_as_a_whole(const Subject& subject, Failure* failure) {
    PlannedStmt* local = subject.local;
    // A parallel plan adds up in any order as well.
    bool any_order = any_float_order_wanted() || local->parallelModeNeeded || subject.foreign;
    TranslationWish wish = {static_cast<Query*>(copyObjectImpl(subject.copy)), subject.parameters,
                            local, any_order, false};
    Translated translated = {};
    if (!translate_query(wish, &translated, failure)) return nullptr;
    PlannedPiece whole = {local, translated.tree, translated.result, nullptr};
    PlannedStmt* made = make_routed_plan(whole, subject.cursor_options, failure);
    if (made == nullptr) return nullptr;
    attach_facts(find_choice(made), {subject.query_id, gather_facts(whole)});
    return made;
}

PlannedStmt* plan_partly(const Subject& subject, Failure* failure) {
    QueryToSplit query = {subject.copy, subject.local, subject.parameters, subject.cursor_options};
    route::cost::Facts facts = {};
    PlannedStmt* made = plan_in_pieces(query, failure, &facts);
    if (made != nullptr) attach_facts(find_choice(made), {subject.query_id, facts});
    return made;
}

PlannedStmt* translate_plan(const Subject& subject, Failure* failure) {
    PlannedStmt* made = make_aside(plan_as_a_whole, subject, failure);
    if (made != nullptr || !may_be_split(subject.copy, *failure)) return made;
    return make_aside(plan_partly, subject, failure);
}

// A catalog that is there and cannot be used. Whether it has the tables is not known then.
bool catalog_is_refused(const Query* query, Failure* failure) {
    CatalogState state = catalog_state();
    if (state != CatalogState::kUntrusted && state != CatalogState::kNewer) return false;
    Tables tables = {};
    collect_tables(const_cast<Node*>(reinterpret_cast<const Node*>(query)), &tables);
    if (!tables.any_user_table) return false;
    if (state == CatalogState::kNewer)
        set_failure(failure, "catalog_newer", "schema tandem is newer than this server's library",
                    "Upgrade the package tandem-postgresql of this server and restart it.");
    else
        set_failure(failure, "catalog_owner", "the owner of schema tandem may not replicate",
                    "ALTER SCHEMA tandem OWNER TO the role of the daemon.");
    return true;
}

[[noreturn]] void raise_not_routable(const Failure& failure) {
    ereport(ERROR, (errcode(MAKE_SQLSTATE('T', 'D', '0', '1', '4')),
                    errmsg("query cannot be routed (%s): %s", failure.code, failure.message),
                    failure.advice[0] == '\0' ? 0 : errhint("%s", failure.advice)));
    pg_unreachable();
}

PlannedStmt* route_plan(PlannedStmt* local, Query* copy, int cursor_options,
                        ParamListInfo parameters) {
    RouteOutcome* outcome = &outcome_of_last;
    bool explain_route = asking == Asking::kExplainRoute;
    bool forced = route_mode_wanted() == kRouteForce && !explain_route;
    bool any_cost = explain_route || forced || route_mode == kRouteVerify;
    bool cheap = !any_cost && local->planTree->total_cost < route_cost_threshold;
    // The cheap ones are the many: they pay for no more unless someone is asking.
    if (cheap && asking == Asking::kNobody) return local;
    Tables tables = {};
    collect_tables(reinterpret_cast<Node*>(copy), &tables);
    // What functions read that the planner has inlined.
    ListCell* cell;
    foreach (cell, local->relationOids)
        tables.any_mirrored = tables.any_mirrored || is_mirrored(lfirst_oid(cell));
    outcome->concerned = tables.any_mirrored;
    if (!tables.any_mirrored && !(forced && (tables.any_user_table || as_of_wanted())))
        return local;
    if (cheap) {
        set_failure(&outcome->failure, "cheap",
                    psprintf("the planner's cost %.0f is below tandem.route_cost_threshold %.0f",
                             local->planTree->total_cost, route_cost_threshold),
                    "SET tandem.route = force to run it in ClickHouse all the same.");
        return local;
    }
    if (!any_cost && route_cost_threshold > 0 && finds_few_rows_by_index(local)) {
        set_failure(&outcome->failure, "index_look_up", "Postgres finds its few rows by an index",
                    "SET tandem.route = force to run it in ClickHouse all the same.");
        note_stays("index_look_up");
        return local;
    }
    Subject subject = {local, copy, cursor_options, parameters, query_id_of(local, copy), false};
    PlannedStmt* routed = translate_plan(subject, &outcome->failure);
    outcome->routed = routed != nullptr;
    if (routed != nullptr) return routed;
    count_reason(outcome->failure.code);
    note_stays(outcome->failure.code);
    if (!explain_route) note_refused(query_key(subject.query_id), outcome->failure.code);
    if (as_of_wanted() && !explain_route) raise_as_of(outcome->failure);
    if (forced) raise_not_routable(outcome->failure);
    return local;
}

// For those who ask; everybody else is answered by Postgres without a word.
void refuse_for_catalog(const Query* query) {
    bool explain_route = asking == Asking::kExplainRoute;
    if ((route_mode == kRouteOff && !explain_route) || !plain_select(query)) return;
    RouteOutcome* outcome = &outcome_of_last;
    outcome->concerned = catalog_is_refused(query, &outcome->failure);
    if (outcome->concerned && route_mode == kRouteForce && !explain_route)
        raise_not_routable(outcome->failure);
}

// Tables that no mirror has, and whether there are others.
struct Foreign {
    bool any;
    bool others;
};

bool collect_foreign(Node* node, void* context) {
    if (node == nullptr) return false;
    if (IsA(node, RangeTblEntry)) {
        RangeTblEntry* rte = reinterpret_cast<RangeTblEntry*>(node);
        Foreign* found = static_cast<Foreign*>(context);
        if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_VIEW) return false;
        bool foreign = rte->relkind == RELKIND_FOREIGN_TABLE && is_foreign_table(rte->relid);
        found->any = found->any || foreign;
        found->others = found->others || !foreign;
        return false;
    }
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<Query*>(node), as_walker(collect_foreign),
                                 context, QTW_EXAMINE_RTES_BEFORE);
    return expression_tree_walker(node, as_walker(collect_foreign), context);
}

bool reads_foreign(Query* query) {
    Foreign found = {};
    if (foreign_servers_exist()) collect_foreign(reinterpret_cast<Node*>(query), &found);
    return found.any;
}

bool reads_only_foreign(Query* query) {
    if (!plain_select(query) || IsParallelWorker() || !foreign_servers_exist()) return false;
    Foreign found = {};
    collect_foreign(reinterpret_cast<Node*>(query), &found);
    return found.any && !found.others;
}

// Where the query as a whole does not ship, Postgres' own plan reads the tables one by one.
PlannedStmt* plan_foreign(Query* copy, PlannedStmt* local, int cursor_options,
                          ParamListInfo parameters) {
    Subject subject = {local, copy, cursor_options, parameters, query_id_of(local, copy), true};
    RouteOutcome* outcome = &outcome_of_last;
    outcome->concerned = true;
    PlannedStmt* whole = make_aside(plan_as_a_whole, subject, &outcome->failure);
    outcome->routed = whole != nullptr;
    return whole != nullptr ? whole : local;
}

// With tandem.as_of: whether there is anything that has a past, or would have to have one.
bool reads_tables(Query* query, const PlannedStmt* local) {
    Tables tables = {};
    collect_tables(reinterpret_cast<Node*>(query), &tables);
    // What functions read that the planner has inlined.
    ListCell* cell;
    foreach (cell, local->relationOids)
        tables.any_user_table = tables.any_user_table || has_a_past(lfirst_oid(cell));
    return tables.any_user_table;
}

// With tandem.as_of: routed, of no table at all, or an error.
PlannedStmt* plan_as_of(Query* query, const char* text, int cursor_options,
                        ParamListInfo parameters) {
    Query* copy = static_cast<Query*>(copyObjectImpl(query));
    PlannedStmt* local = plan_in_postgres(query, text, cursor_options, parameters);
    if (!reads_tables(copy, local)) return local;
    Failure failure = {};
    if (!plain_select(copy))
        set_failure(&failure, "as_of_statement", "only what reads and locks nothing has a past",
                    "");
    else if (route_mode == kRouteOff)
        set_failure(&failure, "off", "routing is switched off", "SET tandem.route = on.");
    else if (reads_foreign(copy))
        set_failure(&failure, "as_of_statement", "foreign tables are what they are now", "");
    else if (InLocalUserIdChange())
        set_failure(&failure, "as_of_statement",
                    "a function that runs with the rights of its owner reads the present", "");
    else if (worth_a_copy(copy) && catalog_exists())
        return route_plan(local, copy, cursor_options, parameters);
    else if (IsolationIsSerializable())
        set_failure(&failure, "isolation", "the transaction is SERIALIZABLE",
                    "REPEATABLE READ will do: as_of is one moment for all statements.");
    else if (!catalog_is_refused(copy, &failure))
        set_failure(&failure, "as_of_statement",
                    "the query reads catalogs beside tables, or may not be routed here", "");
    raise_as_of(failure);
}

PlannedStmt* plan(Query* query, const char* text, int cursor_options, ParamListInfo parameters) {
    if (unlikely(as_of_wanted()) && IsUnderPostmaster && asking != Asking::kExplainRoute &&
        query->commandType != CMD_UTILITY)
        return plan_as_of(query, text, cursor_options, parameters);
    bool someone_asks = asking != Asking::kNobody || route_mode != kRouteOn;
    if (unlikely(someone_asks) && IsUnderPostmaster) refuse_for_catalog(query);
    if (unlikely(reads_only_foreign(query))) {
        Query* copy = static_cast<Query*>(copyObjectImpl(query));
        PlannedStmt* local = plan_in_postgres(query, text, cursor_options, parameters);
        return plan_foreign(copy, local, cursor_options, parameters);
    }
    if (likely(!worth_a_copy(query)) || (!someone_asks && is_key_look_up(query)))
        return plan_in_postgres(query, text, cursor_options, parameters);
    Query* copy = static_cast<Query*>(copyObjectImpl(query));
    PlannedStmt* local = plan_in_postgres(query, text, cursor_options, parameters);
    return route_plan(local, copy, cursor_options, parameters);
}

}  // namespace

void install_planner_hook() {
    previous_planner = planner_hook;
    planner_hook = plan;
}

namespace {

void ask(Asking who, void (*action)(void*), void* argument, RouteOutcome* outcome) {
    volatile Asking before = asking;
    outcome_of_last = {};
    PG_TRY();
    {
        asking = who;
        action(argument);
    }
    PG_FINALLY();
    { asking = before; }
    PG_END_TRY();
    *outcome = outcome_of_last;
}

struct Planning {
    Query* query;
    const char* text;
    PlannedStmt* statement;
};

void plan_one(void* argument) {
    Planning* planning = static_cast<Planning*>(argument);
    planning->statement = planner(planning->query, planning->text, 0, nullptr);
}

}  // namespace

PlannedStmt* plan_for_explanation(Query* query, const char* text, RouteOutcome* outcome) {
    Planning planning = {query, text, nullptr};
    ask(Asking::kExplainRoute, plan_one, &planning, outcome);
    return planning.statement;
}

void observe_planning(void (*action)(void*), void* argument, RouteOutcome* outcome) {
    ask(Asking::kExplain, action, argument, outcome);
}

}  // namespace tandem::shell
