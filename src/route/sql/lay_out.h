// ClickHouse SQL for people: one clause to a line, no line too long, casts in their short form.
//
// Works on text, since it is asked for once the places are filled. What it writes means the same.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem::route::sql {

struct LayOut {
    size_t width = 100;
    size_t indent = 0;     // of every line but the first, which follows the words of the caller
    bool settings = true;  // false: the settings at the end are left out
};

std::string lay_out(std::string_view sql, const LayOut& how);

}  // namespace tandem::route::sql
