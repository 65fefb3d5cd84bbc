#include "extension/shell/pg.h"

extern "C" {
#include "nodes/pg_list.h"
#include "parser/parsetree.h"
}

#include "extension/tree/plan_rows.h"

namespace tandem::shell {

namespace {

// A scan that a worker takes part in yields its share only.
constexpr double kShares = 2.4;

struct Search {
    const PlannedStmt* plan;
    ::Oid relid;
    double rows;
};

bool is_scan(const Plan* node) {
    return IsA(node, SeqScan) || IsA(node, IndexScan) || IsA(node, IndexOnlyScan) ||
           IsA(node, BitmapHeapScan);
}

void search_all(Search* search, PgList* nodes);

void search_node(Search* search, const Plan* node) {
    if (node == nullptr) return;
    check_stack_depth();
    if (is_scan(node)) {
        Index index = reinterpret_cast<const Scan*>(node)->scanrelid;
        if (rt_fetch(index, search->plan->rtable)->relid != search->relid) return;
        double rows = node->parallel_aware ? node->plan_rows * kShares : node->plan_rows;
        search->rows = Max(search->rows, rows);
        return;
    }
    search_node(search, node->lefttree);
    // The inner side of a nested loop is read once per outer row: its number says nothing.
    if (!IsA(node, NestLoop)) search_node(search, node->righttree);
    if (IsA(node, SubqueryScan))
        search_node(search, reinterpret_cast<const SubqueryScan*>(node)->subplan);
    if (IsA(node, Append)) search_all(search, reinterpret_cast<const Append*>(node)->appendplans);
}

void search_all(Search* search, PgList* nodes) {
    ListCell* cell;
    foreach (cell, nodes) search_node(search, static_cast<const Plan*>(lfirst(cell)));
}

}  // namespace

double planned_rows(const PlannedStmt* plan, ::Oid relid) {
    if (plan == nullptr) return -1;
    Search search = {plan, relid, -1};
    search_node(&search, plan->planTree);
    search_all(&search, plan->subplans);
    return search.rows;
}

}  // namespace tandem::shell
