// What may be assumed of a collation when text is compared elsewhere.
#pragma once

#include "route/tree/tree.h"

namespace tandem::shell {

route::Collation collation_class(::Oid collation);
// Whether lower() and upper() treat ASCII letters as ASCII does; Turkish does not.
bool folds_ascii(::Oid collation);

}  // namespace tandem::shell
