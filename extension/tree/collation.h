// What may be assumed of a collation when text is compared elsewhere.
#pragma once

#include "route/tree/tree.h"

namespace tandem::shell {

route::Collation collation_class(::Oid collation);

}  // namespace tandem::shell
