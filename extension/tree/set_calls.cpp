// A set among the results becomes a table of FROM.
#include "extension/shell/pg.h"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
}

#include "extension/tree/set_calls.h"

namespace tandem::shell {

namespace {

struct SetCall {
    FuncExpr* found;
    int count;
    Var* var;  // what stands for it; null while searching
};

bool find_set_call(Node* node, void* context) {
    if (node == nullptr) return false;
    SetCall* call = static_cast<SetCall*>(context);
    if (IsA(node, FuncExpr) && reinterpret_cast<FuncExpr*>(node)->funcretset) {
        call->found = reinterpret_cast<FuncExpr*>(node);
        ++call->count;
    }
    if (IsA(node, OpExpr) && reinterpret_cast<OpExpr*>(node)->opretset) call->count += 2;
    return expression_tree_walker(node, as_walker(find_set_call), context);
}

Node* replace_set_call(Node* node, void* context) {
    SetCall* call = static_cast<SetCall*>(context);
    if (node == reinterpret_cast<Node*>(call->found)) return reinterpret_cast<Node*>(call->var);
    return expression_tree_mutator(node, as_mutator(replace_set_call), context);
}

// Whether the rows of the only result that is a set are grouped by it: they are made before.
bool is_grouped_set(const ::Query* query) {
    ListCell* cell;
    foreach (cell, query->targetList) {
        TargetEntry* entry = lfirst_node(TargetEntry, cell);
        if (!expression_returns_set(reinterpret_cast<Node*>(entry->expr))) continue;
        bool grouped = false;
        ListCell* clause;
        foreach (clause, query->groupClause)
            grouped = grouped || (entry->ressortgroupref != 0 &&
                                  lfirst_node(SortGroupClause, clause)->tleSortGroupRef ==
                                      entry->ressortgroupref);
        if (!grouped) return false;
    }
    return true;
}

}  // namespace

void move_set_call(::Query* query) {
    bool computed = query->hasAggs || query->hasWindowFuncs || query->groupClause != NIL ||
                    query->havingQual != nullptr;
    if (!query->hasTargetSRFs || query->groupingSets != NIL || query->setOperations != nullptr ||
        (computed && !is_grouped_set(query)))
        return;
    SetCall call = {};
    find_set_call(reinterpret_cast<Node*>(query->targetList), &call);
    if (call.count != 1 || type_is_rowtype(call.found->funcresulttype)) return;
    RangeTblFunction* function = makeNode(RangeTblFunction);
    function->funcexpr = reinterpret_cast<Node*>(call.found);
    function->funccolcount = 1;
    RangeTblEntry* rte = makeNode(RangeTblEntry);
    rte->rtekind = RTE_FUNCTION;
    rte->functions = list_make1(function);
    rte->lateral = contain_vars_of_level(function->funcexpr, 0);
    rte->eref = makeAlias("series", list_make1(makeString(pstrdup("series"))));
    query->rtable = lappend(query->rtable, rte);
    int index = list_length(query->rtable);
    RangeTblRef* reference = makeNode(RangeTblRef);
    reference->rtindex = index;
    query->jointree->fromlist = lappend(query->jointree->fromlist, reference);
    call.var = makeVar(index, 1, call.found->funcresulttype, exprTypmod(function->funcexpr),
                       call.found->funccollid, 0);
    query->targetList = reinterpret_cast<PgList*>(
        replace_set_call(reinterpret_cast<Node*>(query->targetList), &call));
    query->hasTargetSRFs = false;
}

}  // namespace tandem::shell
