// Writes a tree of ClickHouse SQL.
#pragma once

#include <string>

#include "route/sql/node.h"

namespace tandem::route::sql {

// Encloses the number of a place in the text, where a mirrored table is read; quoted text never
// holds it (sqltext/quote.cpp).
inline constexpr char kPlace = '\1';

// Relations are named `prefix`t1, t2, ..., results `prefix`c1, c2, ...
std::string print(const Select& query, std::string_view prefix);

// Whether a name could be taken for one that print() gives with an empty prefix.
bool is_like_own_name(std::string_view name);

}  // namespace tandem::route::sql
