// The rule table as a page for people: docs/reference/route-functions.md.
#pragma once

#include <string>

namespace tandem::route {

std::string reference_page();

}  // namespace tandem::route
