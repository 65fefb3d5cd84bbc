#include "extension/tree/whole_rows.h"

extern "C" {
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
}

#include "extension/shell/columns_compat.h"

namespace tandem::shell {
namespace {

// Relations that an outer join may leave without a row.
void find_missing(Node* node, bool missing, Bitmapset** found) {
    if (node == nullptr) return;
    if (IsA(node, RangeTblRef)) {
        int index = reinterpret_cast<RangeTblRef*>(node)->rtindex;
        if (missing) *found = bms_add_member(*found, index);
    } else if (IsA(node, JoinExpr)) {
        JoinExpr* join = reinterpret_cast<JoinExpr*>(node);
        bool left = join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL;
        bool right = join->jointype == JOIN_LEFT || join->jointype == JOIN_FULL;
        find_missing(join->larg, missing || left, found);
        find_missing(join->rarg, missing || right, found);
    }
}

struct RowsOf {
    ::Query* query;
    Bitmapset* missing;
};

// A whole row of a relation as the list of its columns, dropped ones as NULL.
Node* row_of(::Query* query, Var* var) {
    RangeTblEntry* rte = rt_fetch(var->varno, query->rtable);
    PgList* names = NIL;
    PgList* columns = NIL;
    expand_columns(rte, static_cast<int>(var->varno), var->vartype != RECORDOID, &names, &columns);
    RowExpr* row = makeNode(RowExpr);
    row->args = columns;
    row->row_typeid = var->vartype;
    row->row_format = COERCE_IMPLICIT_CAST;
    row->colnames = var->vartype == RECORDOID ? names : NIL;
    row->location = -1;
    return reinterpret_cast<Node*>(row);
}

// Whole rows that are there become lists of their columns; those of an outer join's inner side are
// NULL instead of a list of NULLs.
Node* row_mutator(Node* node, void* context) {
    if (node == nullptr) return nullptr;
    const RowsOf* rows = static_cast<const RowsOf*>(context);
    if (IsA(node, Query)) return node;
    if (IsA(node, Var)) {
        Var* var = reinterpret_cast<Var*>(node);
        bool whole = var->varattno == 0 && var->varlevelsup == 0;
        if (!whole || bms_is_member(var->varno, rows->missing)) return node;
        RTEKind kind = rt_fetch(var->varno, rows->query->rtable)->rtekind;
        return kind == RTE_RELATION || kind == RTE_SUBQUERY ? row_of(rows->query, var) : node;
    }
    return expression_tree_mutator(node, as_mutator(row_mutator), context);
}

}  // namespace

void expand_rows(::Query* query) {
    RowsOf rows = {query, nullptr};
    ListCell* cell;
    foreach (cell, query->jointree->fromlist)
        find_missing(static_cast<Node*>(lfirst(cell)), false, &rows.missing);
    query->targetList =
        reinterpret_cast<PgList*>(row_mutator(reinterpret_cast<Node*>(query->targetList), &rows));
    query->jointree->quals = row_mutator(query->jointree->quals, &rows);
    query->havingQual = row_mutator(query->havingQual, &rows);
}

}  // namespace tandem::shell
