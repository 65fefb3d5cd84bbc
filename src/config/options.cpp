#include "config/options.h"

#include <algorithm>
#include <charconv>

namespace tandem::config {
namespace {

constexpr Option kOptions[] = {
#define TANDEM_TEXT(member_, group_, key_, flag_, variable_, default_, choices_, words_, meaning_) \
    {.member = #member_,                                                                           \
     .group = Group::group_,                                                                       \
     .key = key_,                                                                                  \
     .flag = flag_,                                                                                \
     .variable = variable_,                                                                        \
     .meaning = meaning_,                                                                          \
     .default_words = words_,                                                                      \
     .text = &Values::member_,                                                                     \
     .text_default = default_,                                                                     \
     .choices = choices_},
#define TANDEM_NUMBER(member_, group_, key_, flag_, variable_, default_, least_, most_, words_, \
                      meaning_)                                                                 \
    {.member = #member_,                                                                        \
     .group = Group::group_,                                                                    \
     .key = key_,                                                                               \
     .flag = flag_,                                                                             \
     .variable = variable_,                                                                     \
     .meaning = meaning_,                                                                       \
     .default_words = words_,                                                                   \
     .number = &Values::member_,                                                                \
     .number_default = default_,                                                                \
     .least = least_,                                                                           \
     .most = most_},
#include "config/options.def"
#undef TANDEM_TEXT
#undef TANDEM_NUMBER
};

Error bad(std::string_view name, const std::string& what) {
    return Error(ErrorCode::kInvalidConfig, std::string(name) + " " + what);
}

bool is_choice(std::string_view choices, std::string_view text) {
    while (!choices.empty()) {
        size_t end = std::min(choices.find(' '), choices.size());
        if (choices.substr(0, end) == text) return true;
        choices.remove_prefix(std::min(end + 1, choices.size()));
    }
    return false;
}

}  // namespace

void take(const Option& option, const Values& from, Values& into) {
    if (option.text != nullptr)
        into.*option.text = from.*option.text;
    else
        into.*option.number = from.*option.number;
}

bool Option::given(const Values& values) const {
    return text != nullptr ? !(values.*text).empty() : values.*number != 0;
}

std::span<const Option> options() {
    return kOptions;
}

const Option* find_by_key(std::string_view key) {
    for (const Option& option : kOptions)
        if (!key.empty() && option.key == key) return &option;
    return nullptr;
}

Status check_number(const Option& option, std::string_view name, uint64_t value) {
    if (value >= option.least && value <= option.most) return {};
    return bad(name, "must be a whole number from " + std::to_string(option.least) + " to " +
                         std::to_string(option.most));
}

Status set_from_text(const Option& option, std::string_view name, std::string_view text,
                     Values& into) {
    if (option.text != nullptr) {
        if (!option.choices.empty() && !is_choice(option.choices, text))
            return bad(name, "must be one of: " + std::string(option.choices));
        into.*option.text = text;
        return {};
    }
    uint64_t value = 0;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
        return bad(name, "must be a whole number from " + std::to_string(option.least) + " to " +
                             std::to_string(option.most));
    TRY(check_number(option, name, value));
    into.*option.number = value;
    return {};
}

Result<Values> from_environment(const char* (*lookup)(const char*)) {
    Values values;
    for (const Option& option : kOptions) {
        std::string name(option.variable);
        const char* value = lookup(name.c_str());
        if (value != nullptr && *value != 0) TRY(set_from_text(option, name, value, values));
    }
    return values;
}

void overlay(const Values& from, Values& into) {
    for (const Option& option : kOptions)
        if (option.given(from)) take(option, from, into);
}

void overlay(const Values& from, Group group, Values& into) {
    for (const Option& option : kOptions)
        if (option.group == group && option.given(from)) take(option, from, into);
}

Values or_default(Values values) {
    for (const Option& option : kOptions) {
        if (option.given(values)) continue;
        if (option.text != nullptr)
            values.*option.text = option.text_default;
        else
            values.*option.number = option.number_default;
    }
    return values;
}

}  // namespace tandem::config
