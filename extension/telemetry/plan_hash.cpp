// The fingerprint of a plan. Postgres has none before 18, and there only where an extension
// computes it. Ours leaves out what changes from one execution to the next without the plan being
// another: constants, costs, estimates, target lists.
#include "extension/shell/pg.h"

extern "C" {
#include "nodes/plannodes.h"
#include "nodes/primnodes.h"
#include "parser/parsetree.h"
}

#include "extension/telemetry/plans.h"

namespace tandem::shell {

namespace {

struct PlanHash {
    uint64 value;
    PgList* range_table;
};

void mix(PlanHash* hash, uint64 value) {
    uint64 mixed = (hash->value ^ value) * UINT64CONST(0xBF58476D1CE4E5B9);
    hash->value = mixed ^ (mixed >> 29);
}

// A constant and a parameter are the same: a generic plan may be the plan of a constant.
constexpr uint64 kSomeValue = 1;

void mix_node(const Node* node, PlanHash* hash) {
    switch (nodeTag(node)) {
        case T_Var: {
            const Var* var = reinterpret_cast<const Var*>(node);
            mix(hash, static_cast<uint64>(var->varno));
            return mix(hash, static_cast<uint64>(var->varattno));
        }
        case T_OpExpr:
        case T_DistinctExpr:
        case T_NullIfExpr:
            return mix(hash, reinterpret_cast<const OpExpr*>(node)->opno);
        case T_ScalarArrayOpExpr:
            return mix(hash, reinterpret_cast<const ScalarArrayOpExpr*>(node)->opno);
        case T_FuncExpr:
            return mix(hash, reinterpret_cast<const FuncExpr*>(node)->funcid);
        case T_BoolExpr:
            return mix(hash, static_cast<uint64>(reinterpret_cast<const BoolExpr*>(node)->boolop));
        case T_NullTest:
            return mix(hash,
                       static_cast<uint64>(reinterpret_cast<const NullTest*>(node)->nulltesttype));
        case T_SubPlan:
            return mix(hash, static_cast<uint64>(reinterpret_cast<const SubPlan*>(node)->plan_id));
        default:
            return;
    }
}

bool mix_expression(Node* node, void* argument) {
    if (node == nullptr) return false;
    PlanHash* hash = static_cast<PlanHash*>(argument);
    bool value = IsA(node, Const) || IsA(node, Param);
    mix(hash, value ? kSomeValue : static_cast<uint64>(nodeTag(node)));
    if (value) return false;
    mix_node(node, hash);
    return expression_tree_walker(node, as_walker(mix_expression), argument);
}

void mix_expressions(PgList* list, PlanHash* hash) {
    mix(hash, static_cast<uint64>(list_length(list)));
    mix_expression(reinterpret_cast<Node*>(list), hash);
}

void mix_relation(Index number, PlanHash* hash) {
    if (number == 0) return;
    const RangeTblEntry* entry = rt_fetch(number, hash->range_table);
    mix(hash, static_cast<uint64>(entry->rtekind));
    mix(hash, entry->rtekind == RTE_RELATION ? entry->relid : 0);
}

void mix_columns(int count, const AttrNumber* columns, PlanHash* hash) {
    for (int i = 0; i < count; ++i) mix(hash, static_cast<uint64>(columns[i]));
}

void mix_join(const Join& join, PlanHash* hash) {
    mix(hash, static_cast<uint64>(join.jointype));
    mix_expressions(join.joinqual, hash);
}

void mix_scan(const Plan* plan, PlanHash* hash) {
    mix_relation(reinterpret_cast<const Scan*>(plan)->scanrelid, hash);
    if (IsA(plan, IndexScan)) {
        const IndexScan* scan = reinterpret_cast<const IndexScan*>(plan);
        mix(hash, scan->indexid);
        mix(hash, static_cast<uint64>(scan->indexorderdir));
        mix_expressions(scan->indexqual, hash);
    } else if (IsA(plan, IndexOnlyScan)) {
        const IndexOnlyScan* only = reinterpret_cast<const IndexOnlyScan*>(plan);
        mix(hash, only->indexid);
        mix(hash, static_cast<uint64>(only->indexorderdir));
        mix_expressions(only->indexqual, hash);
    } else if (IsA(plan, BitmapIndexScan)) {
        const BitmapIndexScan* bitmap = reinterpret_cast<const BitmapIndexScan*>(plan);
        mix(hash, bitmap->indexid);
        mix_expressions(bitmap->indexqual, hash);
    }
}

// What a node is beyond its kind, condition and children.
void mix_kind(const Plan* plan, PlanHash* hash) {
    switch (nodeTag(plan)) {
        case T_SeqScan:
        case T_SampleScan:
        case T_IndexScan:
        case T_IndexOnlyScan:
        case T_BitmapIndexScan:
        case T_BitmapHeapScan:
        case T_TidScan:
        case T_TidRangeScan:
        case T_SubqueryScan:
        case T_FunctionScan:
        case T_ValuesScan:
        case T_TableFuncScan:
        case T_CteScan:
        case T_NamedTuplestoreScan:
        case T_WorkTableScan:
        case T_ForeignScan:
        case T_CustomScan:
            return mix_scan(plan, hash);
        case T_NestLoop:
            return mix_join(reinterpret_cast<const NestLoop*>(plan)->join, hash);
        case T_MergeJoin:
            mix_join(reinterpret_cast<const MergeJoin*>(plan)->join, hash);
            return mix_expressions(reinterpret_cast<const MergeJoin*>(plan)->mergeclauses, hash);
        case T_HashJoin:
            mix_join(reinterpret_cast<const HashJoin*>(plan)->join, hash);
            return mix_expressions(reinterpret_cast<const HashJoin*>(plan)->hashclauses, hash);
        case T_Agg: {
            const Agg* agg = reinterpret_cast<const Agg*>(plan);
            mix(hash, static_cast<uint64>(agg->aggstrategy));
            mix(hash, static_cast<uint64>(agg->aggsplit));
            return mix_columns(agg->numCols, agg->grpColIdx, hash);
        }
        case T_Sort:
        case T_IncrementalSort: {
            const Sort* sort = reinterpret_cast<const Sort*>(plan);
            return mix_columns(sort->numCols, sort->sortColIdx, hash);
        }
        case T_ModifyTable: {
            const ModifyTable* modify = reinterpret_cast<const ModifyTable*>(plan);
            mix(hash, static_cast<uint64>(modify->operation));
            return mix_relation(modify->nominalRelation, hash);
        }
        default:
            return;
    }
}

void mix_plan(const Plan* plan, PlanHash* hash);

void mix_plans(const PgList* plans, PlanHash* hash) {
    const ListCell* cell;
    foreach (cell, plans) mix_plan(static_cast<const Plan*>(lfirst(cell)), hash);
}

void mix_more_children(const Plan* plan, PlanHash* hash) {
    switch (nodeTag(plan)) {
        case T_Append:
            return mix_plans(reinterpret_cast<const Append*>(plan)->appendplans, hash);
        case T_MergeAppend:
            return mix_plans(reinterpret_cast<const MergeAppend*>(plan)->mergeplans, hash);
        case T_BitmapAnd:
            return mix_plans(reinterpret_cast<const BitmapAnd*>(plan)->bitmapplans, hash);
        case T_BitmapOr:
            return mix_plans(reinterpret_cast<const BitmapOr*>(plan)->bitmapplans, hash);
        case T_SubqueryScan:
            return mix_plan(reinterpret_cast<const SubqueryScan*>(plan)->subplan, hash);
        case T_CustomScan:
            return mix_plans(reinterpret_cast<const CustomScan*>(plan)->custom_plans, hash);
        default:
            return;
    }
}

void mix_plan(const Plan* plan, PlanHash* hash) {
    if (plan == nullptr) return mix(hash, 0);
    check_stack_depth();
    mix(hash, static_cast<uint64>(nodeTag(plan)) + 2);
    mix(hash, plan->parallel_aware ? 1 : 0);
    mix_kind(plan, hash);
    mix_expressions(plan->qual, hash);
    mix_plan(plan->lefttree, hash);
    mix_plan(plan->righttree, hash);
    mix_more_children(plan, hash);
}

}  // namespace

int64 hash_plan(const PlannedStmt* plan) {
    PlanHash hash = {UINT64CONST(0x9E3779B97F4A7C15), plan->rtable};
    mix_plan(plan->planTree, &hash);
    mix_plans(plan->subplans, &hash);
    return hash.value == 0 ? 1 : static_cast<int64>(hash.value);
}

}  // namespace tandem::shell
