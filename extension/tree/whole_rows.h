// Whole rows of relations, as in SELECT t or count(t).
#pragma once

#include "extension/shell/pg.h"

namespace tandem::shell {

// Writes each whole row of a relation of this query as the list of its columns, except of relations
// that an outer join may leave without a row: there it is NULL.
void expand_rows(::Query* query);

}  // namespace tandem::shell
