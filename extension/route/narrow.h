// Which queries had sums of values that 64 bits do not hold: they are computed with more from then
// on. Each session finds out for itself, once a query.
#pragma once

namespace tandem::shell {

// `sql` is the narrow one, with places for the relations.
bool is_too_narrow(const char* sql, size_t length);
// The narrow query failed, of whatever: its statements are planned again, the prepared ones too.
void note_too_narrow(const char* sql);

}  // namespace tandem::shell
