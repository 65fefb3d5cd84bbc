// Results that are sets, as in SELECT unnest(x) FROM t.
#pragma once

#include "extension/shell/pg.h"

namespace tandem::shell {

// SELECT unnest(x) FROM t becomes SELECT u FROM t, unnest(x) u, as long as nothing is computed
// between FROM and the results.
void move_set_call(::Query* query);

}  // namespace tandem::shell
