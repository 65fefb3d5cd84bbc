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

void fill(std::string& into, const std::string& value) {
    if (into.empty()) into = value;
}

void fill(uint16_t& into, uint16_t value) {
    if (into == 0) into = value;
}

}  // namespace

Result<config::Config> complete(Options& options) {
    from_environment("TANDEM_CONFIG", options.config_path);
    from_environment("TANDEM_DATA", options.data);
    from_environment("TANDEM_POSTGRES", options.postgres_url);
    from_environment("TANDEM_CLICKHOUSE", options.clickhouse_url);
    from_environment("TANDEM_CLICKHOUSE_PASSWORD", options.clickhouse_password);
    from_environment("TANDEM_ENGINE", options.engine);
    from_environment("TANDEM_FAILPOINTS", options.failpoints);

    config::Config config;
    std::string path = options.config_path.empty() ? "tandem.toml" : options.config_path;
    if (!options.config_path.empty() || std::filesystem::exists(path)) {
        std::string text = TRY(stack::read_file(path));
        config = TRY(config::parse_config(text, path));
    }
    fill(options.data, config.data);
    fill(options.postgres_url, config.postgres.url);
    fill(options.postgres_bin, config.postgres.bin_directory);
    fill(options.postgres_port, config.postgres.port);
    fill(options.clickhouse_url, config.clickhouse.url);
    fill(options.engine, config.clickhouse.engine);
    fill(options.native_port, config.clickhouse.native_port);
    fill(options.http_port, config.clickhouse.http_port);
    fill(options.console_port, config.console_port);
    return config;
}

}  // namespace tandem::cli
