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

// The aggregates of an expression.
void find_aggregates(const Expr& expr, std::vector<const Expr*>& found);

// The relations of the query `level` levels up that the expression reads columns of.
void find_relations(const Expr& expr, uint32_t level, std::vector<uint32_t>& found);

// An interval of hours, minutes and seconds only: what it adds depends on no calendar.
bool is_clock_interval(const Expr& expr);

// A known interval of days and hours of the style `postgres`, a day taken for 24 hours; false for
// any other, and for what is negative.
bool known_microseconds(const Expr& expr, int64_t& micros);

// The unit of time that date_trunc() and the like are given, in the word for one of it in small
// letters; empty where it is not known.
std::string_view unit_name(const Expr& expr);

// Equal by what they say.
bool same_expr(const Expr& a, const Expr& b);

}  // namespace tandem::route
