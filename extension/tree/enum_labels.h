// The labels of enums, which the mirror holds in place of their values.
#pragma once

#include "route/facade.h"

namespace tandem::shell {

// Whether the type is an enum whose labels are still what they were when rows were written. The
// mirror does not follow ALTER TYPE ... RENAME VALUE, which leaves its mark on the label for ever.
bool is_stable_enum(::Oid type);
// In their order, in the current memory context.
route::EnumType enum_labels(::Oid type);

}  // namespace tandem::shell
