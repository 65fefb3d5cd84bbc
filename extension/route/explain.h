// EXPLAIN says why a query over mirrored tables stays in Postgres; tandem.explain_route says it as
// a row.
#pragma once

namespace tandem::shell {

void install_explain_hook();

}  // namespace tandem::shell
