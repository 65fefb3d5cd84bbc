// The rows of a plan node are those that its filter leaves, so a scan with a filter says how many
// it reads only where the index is unique and all of its columns are compared.
#include "extension/shell/pg.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include "extension/route/index_look_up.h"

namespace tandem::shell {

namespace {

int equalities_of(PgList* conditions) {
    int count = 0;
    ListCell* cell;
    foreach (cell, conditions) {
        const Node* node = static_cast<const Node*>(lfirst(cell));
        if (IsA(node, OpExpr) &&
            get_oprrest(reinterpret_cast<const OpExpr*>(node)->opno) == F_EQSEL)
            ++count;
    }
    return count;
}

bool finds_one_row(::Oid index, PgList* conditions) {
    HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple)) return false;
    Form_pg_index form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    bool one = form->indisunique && equalities_of(conditions) >= form->indnkeyatts;
    ReleaseSysCache(tuple);
    return one;
}

bool count_scan(const Plan* node, ::Oid index, PgList* conditions, double turns,
                IndexReads* reads) {
    bool one = finds_one_row(index, conditions);
    if (!one && (node->qual != NIL || conditions == NIL)) return false;
    reads->by_index = true;
    reads->rows += turns * (one ? 1 : node->plan_rows);
    return true;
}

// Below a bitmap heap scan: BitmapAnd, BitmapOr and the scans of indexes, whose rows are not
// filtered yet.
double bitmap_rows(const Plan* node) {
    if (IsA(node, BitmapIndexScan)) return node->plan_rows;
    PgList* parts = IsA(node, BitmapAnd) ? reinterpret_cast<const BitmapAnd*>(node)->bitmapplans
                                         : reinterpret_cast<const BitmapOr*>(node)->bitmapplans;
    double rows = 0;
    ListCell* cell;
    foreach (cell, parts) rows += bitmap_rows(static_cast<const Plan*>(lfirst(cell)));
    return rows;
}

// A small table beside the indexed ones.
bool count_whole_table(const PlannedStmt* plan, const Plan* node, double turns, IndexReads* reads) {
    ::Oid relid = rt_fetch(reinterpret_cast<const Scan*>(node)->scanrelid, plan->rtable)->relid;
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
    if (!HeapTupleIsValid(tuple)) return false;
    double rows = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->reltuples;
    ReleaseSysCache(tuple);
    if (rows < 0) return false;
    reads->rows += turns * Max(rows, node->plan_rows);
    return true;
}

bool count_list(const PlannedStmt* plan, PgList* nodes, double turns, IndexReads* reads) {
    ListCell* cell;
    foreach (cell, nodes)
        if (!count_index_reads(plan, static_cast<const Plan*>(lfirst(cell)), turns, reads))
            return false;
    return true;
}

bool is_leaf(const Plan* node) {
    return node->lefttree == nullptr && node->righttree == nullptr;
}

}  // namespace

bool count_index_reads(const PlannedStmt* plan, const Plan* node, double turns, IndexReads* reads) {
    if (node == nullptr) return true;
    check_stack_depth();
    switch (nodeTag(node)) {
        case T_IndexScan: {
            const IndexScan* scan = reinterpret_cast<const IndexScan*>(node);
            return count_scan(node, scan->indexid, scan->indexqual, turns, reads);
        }
        case T_IndexOnlyScan: {
            const IndexOnlyScan* scan = reinterpret_cast<const IndexOnlyScan*>(node);
            return count_scan(node, scan->indexid, scan->indexqual, turns, reads);
        }
        case T_BitmapHeapScan:
            reads->by_index = true;
            reads->rows += turns * bitmap_rows(node->lefttree);
            return true;
        case T_SeqScan:
            return count_whole_table(plan, node, turns, reads);
        case T_Append:
            return count_list(plan, reinterpret_cast<const Append*>(node)->appendplans, turns,
                              reads);
        case T_MergeAppend:
            return count_list(plan, reinterpret_cast<const MergeAppend*>(node)->mergeplans, turns,
                              reads);
        case T_SubqueryScan:
            return count_index_reads(plan, reinterpret_cast<const SubqueryScan*>(node)->subplan,
                                     turns, reads);
        case T_NestLoop:
            return count_index_reads(plan, node->lefttree, turns, reads) &&
                   count_index_reads(plan, node->righttree,
                                     turns * Max(node->lefttree->plan_rows, 1), reads);
        case T_Result:
            break;
        default:
            if (is_leaf(node)) return false;
    }
    return count_index_reads(plan, node->lefttree, turns, reads) &&
           count_index_reads(plan, node->righttree, turns, reads);
}

}  // namespace tandem::shell
