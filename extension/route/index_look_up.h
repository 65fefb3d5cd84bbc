// How many rows a plan reads, when it reads them by indexes.
#pragma once

extern "C" {
#include "nodes/plannodes.h"
}

namespace tandem::shell {

struct IndexReads {
    double rows;
    bool by_index;  // some of them
};

// Adds what `node` reads when it runs `turns` times; false when that is not written in the plan.
bool count_index_reads(const PlannedStmt* plan, const Plan* node, double turns, IndexReads* reads);

}  // namespace tandem::shell
