#include "daemon/service_settings.h"

#include <cstdlib>

#include "config/config.h"
#include "postgres/client/conninfo.h"
#include "stack/machine/files.h"

namespace tandem::daemon {
namespace {

const char* variable(const char* name) {
    return std::getenv(name);
}

// Empty when there is no such credential.
Result<std::string> credential(const std::string& name) {
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr) return std::string();
    Result<std::string> text = stack::read_file(std::string(directory) + "/" + name);
    if (!text.ok() && text.error().code() == ErrorCode::kNotFound) return std::string();
    std::string value = TRY(std::move(text));
    while (value.ends_with('\n')) value.pop_back();
    return value;
}

Error missing(const std::string& path, const char* key, const char* name) {
    return Error(ErrorCode::kInvalidConfig, path + " lacks " + key + ", and " + name +
                                                " is not set: the daemon starts no server itself");
}

}  // namespace

Result<stack::DaemonSettings> read_service_settings(const std::string& config_path) {
    std::string text = TRY(stack::read_file(config_path));
    config::Values values = TRY(config::parse_config(text, config_path));
    config::overlay(TRY(config::from_environment(variable)), values);
    values = config::or_default(std::move(values));
    if (values.postgres_url.empty()) return missing(config_path, "postgres.url", "TANDEM_POSTGRES");
    if (values.clickhouse_url.empty())
        return missing(config_path, "clickhouse.url", "TANDEM_CLICKHOUSE");
    stack::DaemonSettings settings;
    postgres::Keywords source = TRY(postgres::parse_conninfo(values.postgres_url));
    std::string password = TRY(credential("tandem_postgres_password"));
    if (!password.empty()) postgres::set_default_keyword(source, "password", password);
    settings.source = TRY(postgres::with_looked_up_password(postgres::to_conninfo(source)));
    settings.target = TRY(config::parse_clickhouse_url(values.clickhouse_url));
    if (settings.target.password.empty()) settings.target.password = values.clickhouse_password;
    if (settings.target.password.empty())
        settings.target.password = TRY(credential("tandem_clickhouse_password"));
    config::overlay(values, config::Group::tuning, settings.options);
    config::overlay(values, config::Group::mirror, settings.options);
    settings.options.console_port = values.console_port;
    return settings;
}

}  // namespace tandem::daemon
