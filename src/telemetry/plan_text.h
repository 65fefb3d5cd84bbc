// Constants out of what EXPLAIN prints: values of the data have no business in a plan that stands
// for all executions.
//
// Pure functions over bytes. A constant becomes `?`; costs, counts, names and parameters stay.
#pragma once

#include <cstddef>

#include "base/boundary.h"

namespace tandem::telemetry {

// EXPLAIN (FORMAT TEXT). `out` has room for the size of the plan; the size written is returned.
size_t mask_plan_text(Text plan, char* out) noexcept;
// EXPLAIN (FORMAT JSON), likewise; stays JSON.
size_t mask_plan_json(Text plan, char* out) noexcept;

}  // namespace tandem::telemetry
