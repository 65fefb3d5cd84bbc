// Identifiers and literals for the two SQL dialects, quoted so that no input can leave its quotes.
//
// Everything is always quoted, also where it would not be needed: one form, no keyword lists. These
// functions do not check that a name exists or fits a length limit. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tandem::sqltext {

// --- Postgres ---------------------------------------------------------------------------------

// "a""b". Postgres cannot store a NUL byte: everything from the first one on is dropped.
std::string pg_ident(std::string_view name);

// "schema"."name"
std::string pg_qualified(std::string_view schema, std::string_view name);

// 'it''s', or E'back\\slash' when there is a backslash, so that the meaning does not depend on
// standard_conforming_strings. Text after a NUL byte is dropped, as above.
std::string pg_literal(std::string_view text);

// "a", "b", "c"
std::string pg_ident_list(std::span<const std::string> names);

// The text form of a text[] value, {"a","b"}: for a parameter cast to ::text[]. Not quoted.
std::string pg_array(std::span<const std::string> elements);

// --- ClickHouse -------------------------------------------------------------------------------

// `a\`b`, with the backslash escapes ClickHouse reads inside backquotes.
std::string ch_ident(std::string_view name);

// `database`.`table`
std::string ch_qualified(std::string_view database, std::string_view table);

// 'it\'s'. Any bytes at all, NUL and invalid UTF-8 included: a ClickHouse String is bytes.
std::string ch_string(std::string_view text);

// `a`, `b`, `c`
std::string ch_ident_list(std::span<const std::string> names);

}  // namespace tandem::sqltext
