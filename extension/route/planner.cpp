#include "shell/pg.h"

extern "C" {
#include "optimizer/planner.h"
}

#include "route/planner.h"
#include "shell/settings.h"

namespace tandem::shell {

namespace {

planner_hook_type previous_planner = nullptr;

PlannedStmt* plan_in_postgres(Query* query, const char* text, int cursor_options,
                              ParamListInfo parameters) {
    if (previous_planner != nullptr)
        return previous_planner(query, text, cursor_options, parameters);
    return standard_planner(query, text, cursor_options, parameters);
}

PlannedStmt* plan(Query* query, const char* text, int cursor_options, ParamListInfo parameters) {
    return plan_in_postgres(query, text, cursor_options, parameters);
}

}  // namespace

void install_planner_hook() {
    previous_planner = planner_hook;
    planner_hook = plan;
}

}  // namespace tandem::shell
