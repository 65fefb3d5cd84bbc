// Functions that the translator writes by their names, without rows in the rule table.
#pragma once

#include <string_view>
#include <vector>

namespace tandem::route {

// What tests have to ask by themselves, as the rule table does not name it.
std::vector<std::string_view> calls_by_name();

}  // namespace tandem::route
