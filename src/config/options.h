// The options of options.def as values, and as rows that can be walked over.
//
// An empty text and the number 0 mean "not given", which is why no option has one of them as a
// value of its own. Who has taken together command line, environment and file asks or_default().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tandem::config {

struct Values {
#define TANDEM_TEXT(member, ...) std::string member = {};
#define TANDEM_NUMBER(member, ...) uint64_t member = 0;
#include "config/options.def"
#undef TANDEM_TEXT
#undef TANDEM_NUMBER
};

// Defaults of the numbers, for the structs that use them.
namespace defaults {
#define TANDEM_TEXT(...)
#define TANDEM_NUMBER(member, group, key, flag, variable, value, ...) \
    inline constexpr uint64_t member = value;
#include "config/options.def"
#undef TANDEM_TEXT
#undef TANDEM_NUMBER
}  // namespace defaults

enum class Group { data, servers, ports, tuning, mirror };

// A row. Exactly one of `text` and `number` is not null.
struct Option {
    std::string_view member;
    Group group;
    std::string_view key;
    std::string_view flag;
    std::string_view variable;
    std::string_view meaning;
    std::string_view default_words;
    std::string Values::*text = nullptr;
    std::string_view text_default = {};
    std::string_view choices = {};  // separated by blanks; empty: any text
    uint64_t Values::*number = nullptr;
    uint64_t number_default = 0;
    uint64_t least = 0;
    uint64_t most = 0;

    bool given(const Values& values) const;
};

std::span<const Option> options();
// Null when there is none.
const Option* find_by_key(std::string_view key);

// kInvalidConfig "<name> must be ..." when the text is no value of the option.
Status set_from_text(const Option& option, std::string_view name, std::string_view text,
                     Values& into);
Status check_number(const Option& option, std::string_view name, uint64_t value);

// The value of one option, given or not.
void take(const Option& option, const Values& from, Values& into);

// The variables of the options, asked from `lookup` (std::getenv, where that is allowed).
Result<Values> from_environment(const char* (*lookup)(const char*));

// What `from` gives replaces what `into` has.
void overlay(const Values& from, Values& into);
// The same for one group.
void overlay(const Values& from, Group group, Values& into);
// What is not given gets its default, where it has one.
Values or_default(Values values);

}  // namespace tandem::config
