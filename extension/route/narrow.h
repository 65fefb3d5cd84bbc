// Which queries had sums of values that 64 bits do not hold: they are computed with more from then
// on. Each session finds out for itself, once a query.
#pragma once

namespace tandem::shell {

// `sql` is the narrow one, with places for the relations.
bool is_too_narrow(const char* sql, size_t length);
// A value of the narrow query did not fit: statements are planned again, the prepared ones too.
void note_too_narrow(const char* sql);

}  // namespace tandem::shell
