// EXPLAIN says why a query over mirrored tables stays in Postgres; tandem.explain_route says it as
// a row.
#pragma once

#include "extension/route/measurement.h"

struct ExplainState;

namespace tandem::shell {

void install_explain_hook();
// Of a choice node: both estimates, what was learnt and, when the sides are `compared`, which one
// it is. What changes from run to run is left out where costs are.
void explain_prospect(const Measurement& measurement, bool compared, ExplainState* es);

}  // namespace tandem::shell
