// What the paths of foreign tables need of the planning of their scans.
#pragma once

extern "C" {
#include "nodes/pathnodes.h"
}

#include "base/boundary.h"

namespace tandem::shell {

// Parameters that stand for the keys of a join are numbered from here, those that stand for what
// the translator does not know from the second.
constexpr int kFirstKeys = 1 << 19;
constexpr int kFirstStandIn = 1 << 20;

// Whether ClickHouse can compute the condition on the table, of which other tables' columns are
// values. Asks nobody.
bool condition_ships(PlannerInfo* root, const RelOptInfo* rel, Node* condition);

// `operand = ANY (keys)`, where a join brings the keys before the scan starts; nullptr when that
// does not ship. `number` tells several of a scan apart.
struct KeyCondition {
    Expr* operand;  // of the table's columns
    ::Oid op;       // operand op key
    ::Oid key_type;
    ::Oid collation;
    int number;
};
Node* condition_of_keys(PlannerInfo* root, const RelOptInfo* rel, const KeyCondition& wish);

// Expressions that ClickHouse computes for rows of the table, as a query that SELECTs them.
struct ValuesPlan {
    ::List* carried;      // as a ForeignScan carries a scan
    ::List* expressions;  // its fdw_exprs
    int* places;          // of each value: which result of the query it is
};
// False and why when ClickHouse cannot compute each of them.
bool plan_values(PlannerInfo* root, const RelOptInfo* rel, ::List* values, ValuesPlan* made,
                 Failure* failure);

// Costs of a scan that hands on `rows`.
Cost scan_start_up_cost();
Cost scan_total_cost(const RelOptInfo* rel, double rows);

void foreign_rel_size(PlannerInfo* root, RelOptInfo* rel, ::Oid relid);
void foreign_paths(PlannerInfo* root, RelOptInfo* rel, ::Oid relid);

}  // namespace tandem::shell
