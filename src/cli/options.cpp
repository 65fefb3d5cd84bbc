#include "cli/options.h"

#include <cstdlib>
#include <filesystem>

#include "stack/machine/files.h"

namespace tandem::cli {
namespace {

void from_environment(const char* name, std::string& into) {
    const char* value = std::getenv(name);
    if (into.empty() && value != nullptr) into = value;
}

const char* variable(const char* name) {
    return std::getenv(name);
}

}  // namespace

Status complete(Options& options) {
    from_environment("TANDEM_CONFIG", options.config_path);
    from_environment("TANDEM_FAILPOINTS", options.failpoints);
    config::Values values;
    std::string path = options.config_path.empty() ? "tandem.toml" : options.config_path;
    if (!options.config_path.empty() || std::filesystem::exists(path)) {
        std::string text = TRY(stack::read_file(path));
        values = TRY(config::parse_config(text, path));
    }
    config::overlay(TRY(config::from_environment(variable)), values);
    config::overlay(options, values);
    static_cast<config::Values&>(options) = std::move(values);
    if (options.data.empty()) options.data = config::or_default({}).data;
    return {};
}

}  // namespace tandem::cli
