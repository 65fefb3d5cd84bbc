// Regular expressions of Postgres, translated to those of RE2 where the two dialects agree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::route {

struct Pattern {
    std::string re2;
    // Beyond ASCII each side has ideas of its own about what is a digit, a blank or a letter.
    bool classes = false;
    bool letters = false;
    // ClickHouse takes the Kelvin sign for a k, and the long s for an s.
    bool ignore_case = false;
    // The parse is the same on both sides, not only whether there is one: one side takes the
    // longest match, the other the first that it finds.
    bool same_extent = false;
    bool may_be_empty = true;
    int groups = 0;
    // Of the groups those, by their number, that may take part in no match; what they match is
    // never empty.
    uint64_t optional_groups = 0;
};

// Nothing when the pattern holds anything that the dialects disagree on, or that is not known to
// mean the same.
std::optional<Pattern> translate_pattern(std::string_view text, bool ignore_case);

// The replacement of regexp_replace; nothing when it refers to a group that is not there.
std::optional<std::string> translate_replacement(std::string_view text, int groups);

}  // namespace tandem::route
