// The planner hook: decides which SELECTs may run in ClickHouse.
#pragma once

namespace tandem::shell {

void install_planner_hook();

}  // namespace tandem::shell
