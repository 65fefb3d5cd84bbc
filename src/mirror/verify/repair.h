// Mends rows of a table that differ from the source, and no others.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "mirror/session/runner.h"
#include "mirror/verify/sides.h"

namespace tandem::mirror {

// Writes the source's rows of the keys into the table's delta, tombstones where it has none, as the
// newest ones there are. The mirror is paused meanwhile, and resumed if it ran. A partitioned table
// is loaded again instead, because a row must know its leaf, and so is one without a key.
Status repair_rows(const RunnerOptions& options, const std::string& mirror, Oid relid,
                   const std::vector<Values>& keys);

}  // namespace tandem::mirror
