#include "stack/supervisor/values_json.h"

#include <nlohmann/json.hpp>

namespace tandem::stack {

using config::Option;
using nlohmann::json;

json to_json(const config::Values& values) {
    json object = json::object();
    for (const Option& option : config::options()) {
        if (option.group == config::Group::data || !option.given(values)) continue;
        if (option.text != nullptr)
            object[std::string(option.member)] = values.*option.text;
        else
            object[std::string(option.member)] = values.*option.number;
    }
    return object;
}

config::Values values_of(const json& object) {
    config::Values values;
    for (const Option& option : config::options()) {
        auto found = object.find(std::string(option.member));
        if (option.group == config::Group::data || found == object.end()) continue;
        std::string text;
        if (option.text != nullptr && found->is_string())
            text = found->get<std::string>();
        else if (option.number != nullptr && found->is_number_unsigned())
            text = std::to_string(found->get<uint64_t>());
        if (!text.empty()) static_cast<void>(set_from_text(option, option.member, text, values));
    }
    return values;
}

}  // namespace tandem::stack
