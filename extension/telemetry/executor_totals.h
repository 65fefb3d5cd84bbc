// What the executor has counted by itself: JIT, parallel workers; and the CPU of those workers,
// which they add to the ring of the backend they work for.
#pragma once

#include "extension/telemetry/statement.h"

namespace tandem::shell {

void take_executor_totals(OpenStatement* statement, QueryDesc* query);

// In a parallel worker.
void note_worker_start();
void note_worker_end();

}  // namespace tandem::shell
