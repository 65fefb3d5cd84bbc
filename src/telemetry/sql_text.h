// Texts of SQL statements without looking them up anywhere: constants out, tags in.
//
// Pure functions over bytes that may be any garbage: a statement with a syntax error has a text
// too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/boundary.h"

namespace tandem::telemetry {

struct Normalised {
    size_t size;      // bytes written
    bool cut;         // the text was longer; it ends at the border of a character
    bool incomplete;  // it ended inside of a literal or a comment, whose rest is not shown
};

// Writes `sql` with constants as $n and without comments (hints, /*+ */, stay). `constants` are
// the places of those to replace, ascending, as Postgres' jumbling found them; nullptr: every
// literal of the text. n begins behind the highest parameter the statement has itself.
Normalised normalise(Text sql, const List<int32_t>* constants, int highest_parameter, char* out,
                     size_t out_size) noexcept;

// 64-bit fingerprint of a text; never 0.
int64_t fingerprint(Text text) noexcept;

// The comment at the beginning or at the end of a statement that looks like tags
// (key='value',key='value'), without its marks; empty when there is none. Does not read the middle
// of the text.
Text tags_comment(Text sql) noexcept;

// Takes the next tag off the comment. Keys and values are still as they were written:
// %-escapes and \' stay; decode_tag resolves them. False at the end or at what is no tag.
bool next_tag(Text* comment, Text* key, Text* value) noexcept;
// `out` has to have the size of the text.
size_t decode_tag(Text text, char* out) noexcept;

// The longest part of `text` that has at most `size` bytes and ends between two UTF-8 characters.
Text cut_utf8(Text text, size_t size) noexcept;

}  // namespace tandem::telemetry
