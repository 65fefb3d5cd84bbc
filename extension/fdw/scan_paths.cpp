// Ways to read one foreign table: all rows that its own conditions leave, or those that fit one row
// of other tables at a time. Reading those that fit many at once is key_join_path.cpp.
#include "extension/shell/pg.h"

extern "C" {
#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
}

#include "extension/fdw/scan_plan.h"
#include "extension/shell/foreign_compat.h"

namespace tandem::shell {

namespace {

// Of a table that was never analysed.
constexpr double kUnknownRows = 1000000;
// A question and its answer, in the planner's units.
constexpr double kStartUpCost = 200;
// ClickHouse's part of a row that is read there.
constexpr double kRemoteRowCost = 0.0005;

// The members of equivalence classes that are of the table, one after the other.
struct Members {
    Expr* current;
    PgList* seen;
};

bool is_next_member(PlannerInfo*, RelOptInfo*, EquivalenceClass*, EquivalenceMember* member,
                    void* argument) {
    Members* members = static_cast<Members*>(argument);
    if (members->current != nullptr) return equal(member->em_expr, members->current);
    if (list_member(members->seen, member->em_expr)) return false;
    members->current = member->em_expr;
    return true;
}

void add_outer(PgList** all, const RelOptInfo* rel, const RestrictInfo* clause) {
    Relids outer = bms_difference(clause->clause_relids, rel->relids);
    outer = bms_add_members(outer, rel->lateral_relids);
    if (bms_is_empty(outer)) return;
    ListCell* cell;
    foreach (cell, *all)
        if (bms_equal(static_cast<Relids>(lfirst(cell)), outer)) return;
    *all = lappend(*all, outer);
}

void add_if_it_ships(PgList** all, PlannerInfo* root, RelOptInfo* rel, RestrictInfo* clause) {
    if (!join_clause_is_movable_to(clause, rel)) return;
    if (condition_ships(root, rel, reinterpret_cast<Node*>(clause->clause)))
        add_outer(all, rel, clause);
}

// Sets of tables a row of which leaves only some rows of this one to be sent.
PgList* useful_outer_tables(PlannerInfo* root, RelOptInfo* rel) {
    PgList* all = NIL;
    ListCell* cell;
    foreach (cell, rel->joininfo) add_if_it_ships(&all, root, rel, lfirst_node(RestrictInfo, cell));
    if (!rel->has_eclass_joins) return all;
    Members members = {};
    for (;;) {
        members.current = nullptr;
        PgList* clauses = generate_implied_equalities_for_column(
            root, rel, is_next_member, &members, rel->lateral_referencers);
        if (members.current == nullptr) return all;
        foreach (cell, clauses) add_if_it_ships(&all, root, rel, lfirst_node(RestrictInfo, cell));
        members.seen = lappend(members.seen, members.current);
    }
}

void add_scan(PlannerInfo* root, RelOptInfo* rel, double rows, Relids outer) {
    Cost total = scan_total_cost(rel, rows);
    add_path(rel, reinterpret_cast<Path*>(
                      make_foreign_scan_path({root, rel, rows, kStartUpCost, total, outer, NIL})));
}

}  // namespace

void foreign_rel_size(PlannerInfo* root, RelOptInfo* rel, Oid) {
    if (rel->tuples <= 0) rel->tuples = rel->pages == 0 ? kUnknownRows : 1;
    set_baserel_size_estimates(root, rel);
}

Cost scan_start_up_cost() {
    return kStartUpCost;
}

Cost scan_total_cost(const RelOptInfo* rel, double rows) {
    return kStartUpCost + rel->tuples * kRemoteRowCost + rows * cpu_tuple_cost;
}

void foreign_paths(PlannerInfo* root, RelOptInfo* rel, Oid) {
    add_scan(root, rel, rel->rows, rel->lateral_relids);
    ListCell* cell;
    foreach (cell, useful_outer_tables(root, rel)) {
        Relids outer = static_cast<Relids>(lfirst(cell));
        ParamPathInfo* rows = get_baserel_parampathinfo(root, rel, outer);
        add_scan(root, rel, rows->ppi_rows, outer);
    }
}

}  // namespace tandem::shell
