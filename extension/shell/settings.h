// The extension's settings (GUCs). Read them freely; Postgres changes them between statements.
#pragma once

namespace tandem::shell {

enum RouteMode { kRouteOff, kRouteOn, kRouteForce, kRouteVerify };
enum FloatAggregates { kFloatExact, kFloatAnyOrder };
enum Freshness { kFreshnessStrong, kFreshnessSession, kFreshnessBounded, kFreshnessEventual };

extern int route_mode;               // RouteMode
extern int freshness;                // Freshness
extern int float_aggregates;         // FloatAggregates
extern int max_staleness_ms;         // for kFreshnessBounded
extern int wait_budget_ms;           // longest wait for ClickHouse to catch up
extern int connect_timeout_ms;       // longest wait for a connection to ClickHouse
extern double route_cost_threshold;  // planner cost below which a query stays in Postgres
extern bool route_learning;          // what queries took before says where they run
extern char* as_of;                  // a position or a time; empty: the present
extern uint64 as_of_change;          // counts the values that it had, from 1

// The same, except inside of a SECURITY DEFINER function, whose answers the caller's settings must
// not change.
int freshness_wanted();
bool any_float_order_wanted();
// Statements read the moment that as_of names, or fail.
bool as_of_wanted();
// Where they run then, and else tandem.route.
RouteMode route_mode_wanted();

void define_settings();

}  // namespace tandem::shell
