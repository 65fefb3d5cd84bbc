#include "config/config.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace tandem::config {
namespace {

Error fault(const std::string& file, const toml::source_region& where, const std::string& what) {
    return Error(ErrorCode::kInvalidConfig, file + ":" + std::to_string(where.begin.line) + ":" +
                                                std::to_string(where.begin.column) + ": " + what);
}

bool is_section(std::string_view name) {
    for (const Option& option : options())
        if (option.key.size() > name.size() && option.key.starts_with(name) &&
            option.key[name.size()] == '.')
            return true;
    return false;
}

Status read_value(const std::string& file, const std::string& key, const toml::key& written,
                  const toml::node& node, Values& into) {
    const Option* option = find_by_key(key);
    if (option == nullptr) return fault(file, written.source(), "there is no setting " + key);
    Status set;
    if (option->text != nullptr && !node.is_string())
        return fault(file, node.source(), key + " must be a string");
    if (option->text != nullptr)
        set = set_from_text(*option, key, node.as_string()->get(), into);
    else if (node.is_integer())
        set = set_from_text(*option, key, std::to_string(node.as_integer()->get()), into);
    else
        set = set_from_text(*option, key, "", into);
    if (!set.ok()) return fault(file, node.source(), set.error().message());
    return {};
}

}  // namespace

Result<Values> parse_config(std::string_view text, const std::string& file_name) {
    toml::parse_result parsed = toml::parse(text);
    if (!parsed)
        return fault(file_name, parsed.error().source(), std::string(parsed.error().description()));
    Values values;
    for (const auto& [key, node] : parsed.table()) {
        std::string name(key.str());
        const toml::table* section = node.as_table();
        if (section == nullptr) {
            TRY(read_value(file_name, name, key, node, values));
            continue;
        }
        if (!is_section(name))
            return fault(file_name, node.source(), "there is no section [" + name + "]");
        for (const auto& [inner, value] : *section)
            TRY(read_value(file_name, name + "." + std::string(inner.str()), inner, value, values));
    }
    return values;
}

}  // namespace tandem::config
