#include "extension/shell/pg.h"

extern "C" {
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/plancache.h"
}

#include <climits>

#include "extension/shell/settings.h"

namespace tandem::shell {

int route_mode = kRouteOn;
int freshness = kFreshnessStrong;
int float_aggregates = kFloatExact;
int max_staleness_ms = 10000;
int wait_budget_ms = 1000;
int connect_timeout_ms = 2000;
double route_cost_threshold = 1000.0;
bool route_learning = true;
char* as_of = nullptr;
uint64 as_of_change = 1;

namespace {

const config_enum_entry kRouteModes[] = {
    {"off", kRouteOff, false},     {"on", kRouteOn, false},
    {"force", kRouteForce, false}, {"verify", kRouteVerify, false},
    {"false", kRouteOff, true},    {"true", kRouteOn, true},
    {nullptr, 0, false},
};

const config_enum_entry kFreshnessLevels[] = {
    {"strong", kFreshnessStrong, false},
    {"session", kFreshnessSession, false},
    {"bounded", kFreshnessBounded, false},
    {"eventual", kFreshnessEventual, false},
    {nullptr, 0, false},
};

const config_enum_entry kFloatOrders[] = {
    {"exact", kFloatExact, false},
    {"any_order", kFloatAnyOrder, false},
    {nullptr, 0, false},
};

// A plan that was made under another setting is made again.
void plan_again(int value, void* before) {
    if (value != *static_cast<int*>(before)) ResetPlanCache();
}

void assign_route_mode(int value, void*) {
    plan_again(value, &route_mode);
}

void assign_float_aggregates(int value, void*) {
    plan_again(value, &float_aggregates);
}

// A time has digits, or is one of the words that timestamptz knows; whether it is right is seen
// when a statement asks, because time zones cannot be looked up whenever a setting changes.
bool check_as_of(char** value, void**, GucSource) {
    const char* text = *value;
    if (text == nullptr || text[0] == '\0') return true;
    bool plausible = true;
    for (const char* at = text; *at != '\0'; ++at)
        plausible = plausible && *at >= ' ' && *at <= '~';
    if (plausible && strlen(text) < 100) return true;
    GUC_check_errdetail("It is a position of the WAL (16/B374D848) or a time with its zone.");
    return false;
}

// What it means is only known when a statement asks; which are to be routed at all is in the plan.
void assign_as_of(const char* value, void*) {
    bool before = as_of != nullptr && as_of[0] != '\0';
    bool now = value != nullptr && value[0] != '\0';
    if (before != now) ResetPlanCache();
    ++as_of_change;
}

void assign_threshold(double value, void*) {
    if (value != route_cost_threshold) ResetPlanCache();
}

}  // namespace

int freshness_wanted() {
    return InLocalUserIdChange() ? kFreshnessStrong : freshness;
}

bool any_float_order_wanted() {
    return float_aggregates == kFloatAnyOrder && !InLocalUserIdChange();
}

bool as_of_wanted() {
    return as_of != nullptr && as_of[0] != '\0';
}

RouteMode route_mode_wanted() {
    return as_of_wanted() && route_mode != kRouteOff ? kRouteForce
                                                     : static_cast<RouteMode>(route_mode);
}

void define_settings() {
    DefineCustomEnumVariable(
        "tandem.route", "Whether analytic queries over mirrored tables run in ClickHouse.",
        "off: never. on: when it is cheaper and the answer is the same. force: always, with an "
        "error that names the reason when it cannot. verify: in both, returning Postgres' answer "
        "and recording differences.",
        &route_mode, kRouteOn, kRouteModes, PGC_USERSET, 0, nullptr, assign_route_mode, nullptr);
    DefineCustomEnumVariable(
        "tandem.freshness", "How recent the data of a routed query has to be.",
        "strong: everything committed when the statement started. session: this session's own "
        "commits. bounded: not older than tandem.max_staleness. eventual: whatever is there.",
        &freshness, kFreshnessStrong, kFreshnessLevels, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomEnumVariable(
        "tandem.float_aggregates", "Whether sums of floating point numbers may be routed.",
        "exact: only where Postgres itself would add them up in parallel, which is in any order as "
        "well. any_order: always; the last digits may differ.",
        &float_aggregates, kFloatExact, kFloatOrders, PGC_USERSET, 0, nullptr,
        assign_float_aggregates, nullptr);
    DefineCustomIntVariable("tandem.max_staleness",
                            "Greatest age of the data when tandem.freshness is bounded.", nullptr,
                            &max_staleness_ms, 10000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, nullptr,
                            nullptr, nullptr);
    DefineCustomIntVariable(
        "tandem.wait_budget",
        "Longest wait for ClickHouse to catch up before a query runs in Postgres.", nullptr,
        &wait_budget_ms, 1000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    // Not a session's own: what one of them finds unreachable all leave alone for a while.
    DefineCustomIntVariable(
        "tandem.connect_timeout", "Longest wait for a connection to ClickHouse.", nullptr,
        &connect_timeout_ms, 2000, 1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
    DefineCustomRealVariable("tandem.route_cost_threshold",
                             "Planner cost below which a query always stays in Postgres.",
                             "From there on costs are compared. 0: they are not, and whatever can "
                             "run in ClickHouse does.",
                             &route_cost_threshold, 1000.0, 0.0, 1e18, PGC_USERSET, 0, nullptr,
                             assign_threshold, nullptr);
    DefineCustomBoolVariable("tandem.route_learning",
                             "Whether what a query took before says where it runs the next time.",
                             "off: by the estimates alone, as if no query had been seen before.",
                             &route_learning, true, PGC_USERSET, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable(
        "tandem.as_of", "The moment that queries read: a position of the WAL or a time.",
        "Empty: the present, by tandem.freshness. A query that cannot be answered as of it is an "
        "error.",
        &as_of, "", PGC_USERSET, 0, check_as_of, assign_as_of, nullptr);
    MarkGUCPrefixReserved("tandem");
}

}  // namespace tandem::shell
