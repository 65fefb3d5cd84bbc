// Differences between the Postgres majors in what the columns of a relation are asked for with; see
// compat.h.
#pragma once

extern "C" {
#include "parser/parse_relation.h"
}

namespace tandem::shell {

// COMPAT(pg18): columns may be those of OLD and NEW (upstream 80feb727c8).
inline void expand_columns(RangeTblEntry* rte, int rtindex, bool dropped, ::List** names,
                           ::List** columns) {
#if PG_VERSION_NUM >= 180000
    expandRTE(rte, rtindex, 0, VAR_RETURNING_DEFAULT, -1, dropped, names, columns);
#else
    expandRTE(rte, rtindex, 0, -1, dropped, names, columns);
#endif
}

}  // namespace tandem::shell
