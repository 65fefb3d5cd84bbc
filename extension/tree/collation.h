// What may be assumed of a collation when text is compared elsewhere.
#pragma once

#include "route/tree/tree.h"

namespace tandem::shell {

route::Collation collation_class(::Oid collation);

// Which letters the locale changes the case of as Unicode does: found out by asking it.
enum class LetterCase : uint8_t { kUnknown, kAscii, kLetters };
LetterCase letter_case(::Oid collation);

}  // namespace tandem::shell
