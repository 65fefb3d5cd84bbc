// Functions are known by what they are declared as. One that is not IMMUTABLE may read tables, and
// would see them at Postgres' moment and not at that of the pieces; of those that Postgres brings
// it is known which do.
#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include "extension/route/rest.h"
#include "extension/shell/settings.h"
#include "extension/tree/collation.h"
#include "extension/tree/tree_builder.h"

namespace tandem::shell {

namespace {

struct Check {
    const ::Query* query;  // around the node
    bool any_float_order;
    bool any_order;
    Failure* failure;
};

bool refuse_rest(Check* check, const char* code, const char* message, const char* advice) {
    set_failure(check->failure, code, message, advice);
    return true;
}

bool starts_with(const char* name, const char* prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

// Volatile ones that look at nothing but a clock or chance.
bool looks_at_nothing(const char* name) {
    static const char* const kNames[] = {"random", "gen_random_uuid", "clock_timestamp",
                                         "timeofday"};
    for (const char* known : kNames)
        if (strcmp(name, known) == 0) return true;
    return false;
}

// Stable ones that read tables, or ask for things of them.
bool looks_at_tables(const char* name) {
    return strstr(name, "_to_xml") != nullptr || starts_with(name, "pg_") ||
           starts_with(name, "lo_") || starts_with(name, "has_") || starts_with(name, "ts_stat") ||
           starts_with(name, "ts_rewrite") || starts_with(name, "row_security") ||
           starts_with(name, "to_reg");
}

bool may_read_tables(::Oid function, void*) {
    char kind = func_volatile(function);
    if (kind == PROVOLATILE_IMMUTABLE) return false;
    if (!is_builtin_function(function)) return true;
    const char* name = get_func_name(function);
    return kind == PROVOLATILE_VOLATILE ? !looks_at_nothing(name) : looks_at_tables(name);
}

// Aggregates are declared immutable whatever their functions are.
bool steps_may_read_tables(::Oid aggregate) {
    HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
    if (!HeapTupleIsValid(tuple)) return false;  // a window function
    Form_pg_aggregate form = reinterpret_cast<Form_pg_aggregate>(GETSTRUCT(tuple));
    const ::Oid steps[] = {form->aggtransfn, form->aggfinalfn, form->aggmtransfn,
                           form->aggminvtransfn, form->aggmfinalfn};
    ReleaseSysCache(tuple);
    for (::Oid step : steps)
        if (OidIsValid(step) && may_read_tables(step, nullptr)) return true;
    return false;
}

// Values that are equal are the same, so that it does not matter which of them stands for a group.
bool has_one_form(const Node* node) {
    int32 typmod = exprTypmod(node);
    ::Oid type = getBaseTypeAndTypmod(exprType(node), &typmod);
    switch (type) {
        case BOOLOID:
        case INT2OID:
        case INT4OID:
        case INT8OID:
        case OIDOID:
        case DATEOID:
        case TIMEOID:
        case TIMESTAMPOID:
        case TIMESTAMPTZOID:
        case UUIDOID:
        case BYTEAOID:
        case MONEYOID:
            return true;
        case NUMERICOID:
            return typmod >= 0;
        case BPCHAROID:
            if (typmod < 0) return false;
            [[fallthrough]];
        case TEXTOID:
        case VARCHAROID:
            return collation_class(exprCollation(node)) != route::Collation::kNondeterministic;
        default:
            return get_typtype(type) == TYPTYPE_ENUM;
    }
}

bool is_one_of(const char* name, const char* const* known, int count) {
    for (int i = 0; i < count; ++i)
        if (strcmp(name, known[i]) == 0) return true;
    return false;
}

bool is_float(::Oid type) {
    return type == FLOAT4OID || type == FLOAT8OID;
}

// Whether the result is the same for any order of the rows, but for sums of floating point numbers.
bool ignores_order(::Oid aggregate, const char* name, PgList* arguments) {
    static const char* const kSums[] = {"count",   "sum",        "avg",        "bool_and",
                                        "bool_or", "every",      "bit_and",    "bit_or",
                                        "bit_xor", "variance",   "var_pop",    "var_samp",
                                        "stddev",  "stddev_pop", "stddev_samp"};
    if (!is_builtin_function(aggregate)) return false;
    if (is_one_of(name, kSums, lengthof(kSums))) return true;
    bool extreme = strcmp(name, "min") == 0 || strcmp(name, "max") == 0;
    return extreme && has_one_form(static_cast<Node*>(linitial(arguments)));
}

bool adds_up_floats(const char* name, PgList* arguments) {
    return arguments != NIL && strcmp(name, "count") != 0 && strcmp(name, "min") != 0 &&
           strcmp(name, "max") != 0 && is_float(exprType(static_cast<Node*>(linitial(arguments))));
}

bool check_order(Check* check, ::Oid aggregate, PgList* arguments) {
    const char* name = get_func_name(aggregate);
    if (!ignores_order(aggregate, name, arguments))
        return refuse_rest(check, "implied_order", psprintf("%s without ORDER BY", name),
                           "Write ORDER BY into the aggregate.");
    if (!adds_up_floats(name, arguments)) return false;
    if (!check->any_float_order)
        return refuse_rest(check, "float_aggregate_order",
                           "a floating point sum depends on the order of its rows",
                           "Use numeric where the last digit matters.");
    check->any_order = true;
    return false;
}

PgList* expressions_of(PgList* targets) {
    PgList* result = NIL;
    ListCell* cell;
    foreach (cell, targets) result = lappend(result, lfirst_node(TargetEntry, cell)->expr);
    return result;
}

bool check_aggregate(Check* check, const Aggref* aggregate) {
    if (steps_may_read_tables(aggregate->aggfnoid)) return true;
    if (aggregate->aggorder != NIL || aggregate->aggdistinct != NIL) return false;
    return check_order(check, aggregate->aggfnoid, expressions_of(aggregate->args));
}

bool check_window_function(Check* check, const WindowFunc* function) {
    if (check->query == nullptr || steps_may_read_tables(function->winfnoid)) return true;
    const WindowClause* window = list_nth_node(WindowClause, check->query->windowClause,
                                               static_cast<int>(function->winref) - 1);
    const char* name = get_func_name(function->winfnoid);
    bool sums_floats = function->winagg && adds_up_floats(name, function->args);
    if (window->orderClause != NIL && !sums_floats) return false;
    return check_order(check, function->winfnoid, function->args);
}

bool check_keys(Check* check, PgList* clauses, PgList* targets) {
    ListCell* cell;
    foreach (cell, clauses) {
        Node* key = get_sortgroupclause_expr(lfirst_node(SortGroupClause, cell), targets);
        if (!has_one_form(key))
            return refuse_rest(check, "implied_order",
                               "values that are equal and look different are grouped", "");
    }
    return false;
}

bool check_set_operation(Check* check, Node* node) {
    if (node == nullptr || !IsA(node, SetOperationStmt)) return false;
    const SetOperationStmt* operation = reinterpret_cast<SetOperationStmt*>(node);
    if (!(operation->op == SETOP_UNION && operation->all)) {
        ListCell* cell;
        foreach (cell, operation->colTypes) {
            ::Oid type = lfirst_oid(cell);
            int at = foreach_current_index(cell);
            Param column = {};
            NodeSetTag(&column, T_Param);
            column.paramtype = type;
            column.paramtypmod = list_nth_int(operation->colTypmods, at);
            column.paramcollid = list_nth_oid(operation->colCollations, at);
            if (!has_one_form(reinterpret_cast<Node*>(&column)))
                return refuse_rest(check, "implied_order",
                                   "values that are equal and look different are compared", "");
        }
    }
    return check_set_operation(check, operation->larg) ||
           check_set_operation(check, operation->rarg);
}

bool check_query(Check* check, const ::Query* query) {
    if (query->rowMarks != NIL || query->hasForUpdate || query->hasModifyingCTE ||
        query->commandType != CMD_SELECT)
        return true;
    if (query->hasDistinctOn && query->sortClause == NIL)
        return refuse_rest(check, "implied_order", "DISTINCT ON without ORDER BY", "");
    bool distinct = !query->hasDistinctOn;
    return check_keys(check, query->groupClause, query->targetList) ||
           (distinct && check_keys(check, query->distinctClause, query->targetList)) ||
           check_set_operation(check, query->setOperations);
}

bool find_obstacle(Node* node, void* context) {
    if (node == nullptr) return false;
    Check* check = static_cast<Check*>(context);
    if (IsA(node, Query)) {
        const ::Query* around = check->query;
        check->query = reinterpret_cast<::Query*>(node);
        bool found = check_query(check, check->query) ||
                     query_tree_walker(reinterpret_cast<::Query*>(node), as_walker(find_obstacle),
                                       context, 0);
        check->query = around;
        return found;
    }
    // Conditions of a domain are functions that are not written here.
    if (IsA(node, NextValueExpr) || IsA(node, CoerceToDomain)) return true;
    if (check_functions_in_node(node, may_read_tables, nullptr))
        return refuse_rest(check, "rest_reads",
                           "a function beside the routed parts may read tables at another moment",
                           "Declare it IMMUTABLE if it reads none.");
    if (IsA(node, Aggref) && check_aggregate(check, reinterpret_cast<Aggref*>(node))) return true;
    if (IsA(node, WindowFunc) && check_window_function(check, reinterpret_cast<WindowFunc*>(node)))
        return true;
    return expression_tree_walker(node, as_walker(find_obstacle), context);
}

}  // namespace

bool rest_may_run_here(::Query* rest, bool any_float_order, bool* any_order, Failure* failure) {
    Check check = {nullptr, any_float_order, false, failure};
    set_failure(failure, "rest_reads", "what is left of the query cannot be told to read no tables",
                "");
    if (find_obstacle(reinterpret_cast<Node*>(rest), &check)) return false;
    *any_order = check.any_order;
    return true;
}

bool may_be_read_here(const RangeTblEntry* rte) {
    if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_VIEW) return true;
    // What a temporary table held at an older moment is not known.
    return !as_of_wanted() && isTempOrTempToastNamespace(get_rel_namespace(rte->relid));
}

bool reads_only_here(const PlannedStmt* plan) {
    ListCell* cell;
    foreach (cell, plan->rtable)
        if (!may_be_read_here(lfirst_node(RangeTblEntry, cell))) return false;
    return true;
}

}  // namespace tandem::shell
