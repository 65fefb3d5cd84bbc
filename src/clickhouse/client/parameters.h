// Query parameters on their way to the server: two layers of escaping.
//
// The server reads a parameter's value as one field of the TabSeparated format in the type the
// query names, so NULL is \N and a backslash in a String has to be doubled. Arrays, tuples and maps
// have no such layer there: their text is taken as it is. On the native protocol that text is
// in turn sent as a quoted literal; over HTTP as a part of the URL.
#pragma once

#include <string>
#include <string_view>

#include "clickhouse/client/client.h"

namespace tandem::clickhouse {

// The TabSeparated field the server will parse.
std::string parameter_text(const Parameter& parameter);

// The text as a single-quoted literal with backslash escapes.
std::string quote_for_wire(std::string_view text);

}  // namespace tandem::clickhouse
