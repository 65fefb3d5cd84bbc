// What expressions of the neutral tree refer to.
#pragma once

#include <vector>

#include "route/tree/tree.h"

namespace tandem::route {

// Which query levels an expression or a query reads columns of, seen from the level it stands in.
struct Reach {
    bool own = false;     // this level
    bool outer = false;   // the one around it
    bool beyond = false;  // further out
    bool nested = false;  // holds aggregates, windows or subqueries
};

void find_reach(const Expr& expr, uint32_t depth, Reach& reach);
void find_reach(const Query& query, uint32_t depth, Reach& reach);

// The conditions that AND combines.
void split_conjunction(const Expr& expr, std::vector<const Expr*>& parts);

// Equal by what they say.
bool same_expr(const Expr& a, const Expr& b);

}  // namespace tandem::route
