// Postgres' fingerprint of queries. COMPAT(pg16): the header moved (upstream 3db72ebcbe).
#pragma once

extern "C" {
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#else
#include "utils/queryjumble.h"
#endif
}

namespace tandem::shell {

// A list of constants of which only the place is known, not that of each. COMPAT(pg18): there are
// none before (upstream 62d712ecfd).
inline bool has_squashed_lists(const JumbleState* jumble) {
#if PG_VERSION_NUM >= 180000
    for (int i = 0; i < jumble->clocations_count; ++i)
        if (jumble->clocations[i].squashed) return true;
#else
    (void)jumble;
#endif
    return false;
}

}  // namespace tandem::shell
