// When a join may send keys, and what that costs. Postgres compares it with reading all rows.
#include "extension/shell/pg.h"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
}

#include <cmath>

#include "extension/catalog/foreign.h"
#include "extension/fdw/key_join.h"
#include "extension/fdw/scan.h"
#include "extension/fdw/scan_plan.h"
#include "extension/shell/foreign_compat.h"
#include "extension/shell/memory.h"

namespace tandem::shell {

namespace {

// Of a column that was never analysed: how many rows have the same value.
constexpr double kUnknownRowsOfKey = 10;
constexpr double kUnknownKeys = 200;

set_join_pathlist_hook_type next_hook;

struct Join {
    PlannerInfo* root;
    RelOptInfo* joined;
    RelOptInfo* here;
    RelOptInfo* there;
    JoinType kind;
    JoinPathExtraData* extra;
    PgList* conditions;  // expressions that decide whether two rows fit
    PgList* filters;     // ... and what is asked of joined ones
};

// What both sides of equalities are, as plain lists.
struct Keys {
    PgList* here;
    PgList* there;
    PgList* hashes;
    PgList* other_hashes;
    PgList* collations;
    PgList* sent;  // IntList
    PgList* conditions;
    double rows;  // that the foreign table sends
    double distinct;
};

bool is_our_table(const PlannerInfo* root, const RelOptInfo* rel) {
    return rel->reloptkind == RELOPT_BASEREL && rel->rtekind == RTE_RELATION &&
           rel->fdwroutine != nullptr && OidIsValid(rel->serverid) &&
           is_our_server(rel->serverid) &&
           root->simple_rte_array[rel->relid]->relkind == RELKIND_FOREIGN_TABLE;
}

bool kind_is_possible(JoinType kind) {
    switch (kind) {
        case JOIN_INNER:
        case JOIN_UNIQUE_OUTER:
        case JOIN_SEMI:
            return true;
        case JOIN_LEFT:
        case JOIN_ANTI:
            return kOuterJoinsKeepColumns;
        default:
            return false;
    }
}

// Rows that are locked or written are looked at again, alone, which a join cannot do.
bool is_possible(const Join& join) {
    const Query* query = join.root->parse;
    bool reads = query->commandType == CMD_SELECT || query->commandType == CMD_INSERT;
    return kind_is_possible(join.kind) && reads && join.root->rowMarks == NIL &&
           bms_is_empty(join.joined->lateral_relids) && bms_is_empty(join.there->lateral_relids) &&
           bms_is_empty(join.here->lateral_relids) && is_our_table(join.root, join.there) &&
           join.here->cheapest_total_path->param_info == nullptr;
}

bool split_conditions(Join* join) {
    PgList* all = join->extra->restrictlist;
    ListCell* cell;
    foreach (cell, all)
        if (lfirst_node(RestrictInfo, cell)->pseudoconstant) return false;
    if (IS_OUTER_JOIN(join->kind))
        extract_actual_join_clauses(all, join->joined->relids, &join->conditions, &join->filters);
    else
        join->conditions = extract_actual_clauses(all, false);
    return join->conditions != NIL;
}

// Which operand is of which side; false when the condition is no equality of one with the other.
bool sides_of(const Join& join, const RestrictInfo* clause, Expr** here, Expr** there) {
    if (!clause->can_join || !OidIsValid(clause->hashjoinoperator)) return false;
    if (IS_OUTER_JOIN(join.kind) && RINFO_IS_PUSHED_DOWN(clause, join.joined->relids)) return false;
    const OpExpr* operation = reinterpret_cast<const OpExpr*>(clause->clause);
    bool in_order = bms_is_subset(clause->left_relids, join.here->relids) &&
                    bms_is_subset(clause->right_relids, join.there->relids);
    bool turned = bms_is_subset(clause->right_relids, join.here->relids) &&
                  bms_is_subset(clause->left_relids, join.there->relids);
    *here = static_cast<Expr*>(in_order ? linitial(operation->args) : lsecond(operation->args));
    *there = static_cast<Expr*>(in_order ? lsecond(operation->args) : linitial(operation->args));
    return in_order || turned;
}

// Rows of the foreign table that have one of the keys.
double rows_with_keys(const Join& join, Expr* there, double keys) {
    VariableStatData variable;
    examine_variable(join.root, reinterpret_cast<Node*>(there), 0, &variable);
    bool unknown = false;
    double values = get_variable_numdistinct(&variable, &unknown);
    if (unknown) values = Max(join.there->tuples / kUnknownRowsOfKey, kUnknownKeys);
    ReleaseVariableStats(variable);
    return Max(1, join.there->rows * Min(1, keys / Max(values, 1)));
}

// Whether a condition ships is found out once for each equality, however many joins there are.
struct KnownKey {
    const RestrictInfo* clause;
    Node* condition;  // nullptr: it does not ship
    int number;
};

const KnownKey* condition_to_send(const Join& join, const RestrictInfo* clause, KeyCondition wish) {
    PgList* all = static_cast<PgList*>(join.there->fdw_private);
    ListCell* cell;
    foreach (cell, all) {
        const KnownKey* known = static_cast<const KnownKey*>(lfirst(cell));
        if (known->clause == clause) return known;
        if (known->condition != nullptr) wish.number = known->number + 1;
    }
    MemoryContext before = MemoryContextSwitchTo(GetMemoryChunkContext(join.there));
    KnownKey* known = make<KnownKey>();
    *known = {clause, nullptr, wish.number};
    if (wish.number < kKeysMax) known->condition = condition_of_keys(join.root, join.there, wish);
    join.there->fdw_private = lappend(all, known);
    MemoryContextSwitchTo(before);
    return known;
}

void add_key(const Join& join, const RestrictInfo* clause, Keys* keys) {
    Expr* here;
    Expr* there;
    if (!sides_of(join, clause, &here, &there)) return;
    const OpExpr* operation = reinterpret_cast<const OpExpr*>(clause->clause);
    bool turned = linitial(operation->args) == there;
    Oid op = turned ? operation->opno : get_commutator(operation->opno);
    Oid left;
    Oid right;
    if (!OidIsValid(op) || !get_op_hash_functions(operation->opno, &left, &right)) return;
    const KnownKey* known = condition_to_send(
        join, clause,
        {there, op, exprType(reinterpret_cast<Node*>(here)), operation->inputcollid, 0});
    keys->here = lappend(keys->here, here);
    keys->there = lappend(keys->there, there);
    keys->hashes = lappend_oid(keys->hashes, turned ? right : left);
    keys->other_hashes = lappend_oid(keys->other_hashes, turned ? left : right);
    keys->collations = lappend_oid(keys->collations, operation->inputcollid);
    keys->sent = lappend_int(keys->sent, known->condition == nullptr ? -1 : known->number);
    if (known->condition == nullptr) return;
    double distinct = estimate_num_groups(join.root, list_make1(here),
                                          join.here->cheapest_total_path->rows, nullptr, nullptr);
    double rows = rows_with_keys(join, there, distinct);
    if (keys->conditions == NIL || rows < keys->rows) keys->rows = rows;
    keys->distinct = Max(keys->distinct, distinct);
    keys->conditions = lappend(keys->conditions, known->condition);
}

Plan* make_plan(PlannerInfo*, RelOptInfo*, CustomPath*, PgList*, PgList*, PgList*);

const CustomPathMethods kPathMethods = {"Tandem Key Join", make_plan, nullptr};

Cost costs_here(const Join& join, const Keys& keys, const Path* here) {
    double bytes = here->rows * (here->pathtarget->width + kRowOverhead);
    double batches = Max(1, ceil(bytes / (work_mem * 1024.0)));
    batches = Max(batches, ceil(keys.distinct / kKeysOfBatch));
    return batches * scan_total_cost(join.there, keys.rows / batches) +
           (here->rows + keys.rows) * cpu_operator_cost * 2;
}

CustomPath* make_path(const Join& join, const Keys& keys, Path* here) {
    CustomPath* path = makeNode(CustomPath);
    path->path.pathtype = T_CustomScan;
    path->path.parent = join.joined;
    path->path.pathtarget = join.joined->reltarget;
    path->path.rows = join.joined->rows;
    path->path.startup_cost = here->total_cost + scan_start_up_cost();
    path->path.total_cost =
        here->total_cost + costs_here(join, keys, here) + join.joined->rows * cpu_tuple_cost;
    count_disabled(&path->path, here);
    path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
    path->methods = &kPathMethods;
    Path* there = reinterpret_cast<Path*>(
        make_foreign_scan_path({join.root, join.there, keys.rows, scan_start_up_cost(),
                                scan_total_cost(join.there, keys.rows), nullptr, keys.conditions}));
    path->custom_paths = list_make2(here, there);
    PgList* expressions = list_make3(join.conditions, keys.here, keys.there);
    PgList* carried = list_make5(list_make1_int(static_cast<int>(join.kind)), keys.hashes,
                                 keys.other_hashes, keys.collations, keys.sent);
    path->custom_private = list_make3(carried, expressions, join.filters);
    return path;
}

void add_columns(PgList** all, Plan* plan) {
    ListCell* cell;
    foreach (cell, plan->targetlist) {
        Expr* expr = lfirst_node(TargetEntry, cell)->expr;
        *all = lappend(
            *all, makeTargetEntry(static_cast<Expr*>(copyObjectImpl(expr)),
                                  static_cast<AttrNumber>(list_length(*all) + 1), nullptr, false));
    }
}

// Its row is one of this side and, behind that, one of the other.
Plan* make_plan(PlannerInfo*, RelOptInfo*, CustomPath* path, PgList* targets, PgList*,
                PgList* plans) {
    CustomScan* scan = makeNode(CustomScan);
    scan->scan.plan.targetlist = targets;
    scan->scan.plan.qual = static_cast<PgList*>(lthird(path->custom_private));
    scan->flags = path->flags;
    scan->custom_plans = plans;
    scan->custom_private = static_cast<PgList*>(linitial(path->custom_private));
    scan->custom_exprs = static_cast<PgList*>(lsecond(path->custom_private));
    ListCell* cell;
    foreach (cell, plans) add_columns(&scan->custom_scan_tlist, static_cast<Plan*>(lfirst(cell)));
    scan->methods = &kKeyJoinMethods;
    return &scan->scan.plan;
}

void consider(Join join) {
    if (!is_possible(join) || !split_conditions(&join)) return;
    Path* here = join.here->cheapest_total_path;
    if (join.kind == JOIN_UNIQUE_OUTER) {
        here = reinterpret_cast<Path*>(
            create_unique_path(join.root, join.here, here, join.extra->sjinfo));
        join.kind = JOIN_INNER;
    }
    if (here == nullptr) return;
    Keys keys = {};
    ListCell* cell;
    foreach (cell, join.extra->restrictlist) add_key(join, lfirst_node(RestrictInfo, cell), &keys);
    if (keys.conditions == NIL) return;
    add_path(join.joined, reinterpret_cast<Path*>(make_path(join, keys, here)));
}

void add_paths(PlannerInfo* root, RelOptInfo* joined, RelOptInfo* outer, RelOptInfo* inner,
               JoinType kind, JoinPathExtraData* extra) {
    if (next_hook != nullptr) next_hook(root, joined, outer, inner, kind, extra);
    if (inner->fdwroutine != nullptr) consider({root, joined, outer, inner, kind, extra, NIL, NIL});
}

}  // namespace

void install_key_joins() {
    RegisterCustomScanMethods(&kKeyJoinMethods);
    next_hook = set_join_pathlist_hook;
    set_join_pathlist_hook = add_paths;
}

}  // namespace tandem::shell
