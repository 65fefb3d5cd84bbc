// Small operations on blocks and counters that both drivers share.
#pragma once

#include "base/result.h"
#include "clickhouse/client/client.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

// ClickHouse takes the columns of an insert by position; ours are given by name. Returns `block`
// itself when it has the order of `header`, else `arranged`, filled with a copy in that order.
// kInvalidArgument when the names differ.
Result<const types::Block*> arrange_like(const types::Block& header, const types::Block& block,
                                         types::Block& arranged);

void add(Progress& sum, const Progress& delta);

}  // namespace tandem::clickhouse
