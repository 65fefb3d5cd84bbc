// Connection strings as lists of keywords, so that settings can be added without touching secrets.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tandem::postgres {

using Keywords = std::vector<std::pair<std::string, std::string>>;

// Only what the string itself names. The error never repeats any of the string.
Result<Keywords> parse_conninfo(std::string_view conninfo);

void set_keyword(Keywords& keywords, std::string_view keyword, std::string_view value);
void set_default_keyword(Keywords& keywords, std::string_view keyword, std::string_view value);
std::string_view keyword(const Keywords& keywords, std::string_view keyword);

std::string to_conninfo(const Keywords& keywords);

// The same connection with the password that libpq would look up for the user who calls
// (PGPASSWORD, ~/.pgpass) written into it: for a process that will run as somebody else. Unchanged
// when there is none, and when the string names one. Connects to nobody.
Result<std::string> with_looked_up_password(std::string_view conninfo);

}  // namespace tandem::postgres
