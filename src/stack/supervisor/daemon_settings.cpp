#include "stack/supervisor/daemon_settings.h"

#include <nlohmann/json.hpp>

#include "stack/supervisor/values_json.h"

namespace tandem::stack {
namespace {

using nlohmann::json;

Error broken(const char* member) {
    return Error(ErrorCode::kInvalidConfig,
                 std::string("the daemon's settings lack ") + member + "; start with `tandem up`");
}

Result<std::string> text_of(const json& object, const char* name) {
    auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return broken(name);
    return found->get<std::string>();
}

Result<uint16_t> port_of(const json& object, const char* name) {
    auto found = object.find(name);
    if (found == object.end() || !found->is_number_unsigned() || found->get<uint64_t>() > 65535)
        return broken(name);
    return found->get<uint16_t>();
}

}  // namespace

std::string to_json_text(const DaemonSettings& settings) {
    json object = {{"source", settings.source},
                   {"host", settings.target.host},
                   {"native_port", settings.target.native_port},
                   {"http_port", settings.target.http_port},
                   {"user", settings.target.user},
                   {"password", settings.target.password},
                   {"secure", settings.target.secure},
                   {"options", to_json(settings.options)},
                   {"ready_path", settings.ready_path},
                   {"account", settings.account}};
    return object.dump(2) + "\n";
}

Result<DaemonSettings> parse_daemon_settings(const std::string& text) {
    json object = json::parse(text, nullptr, false);
    if (!object.is_object()) return broken("everything: they are not JSON");
    DaemonSettings settings;
    settings.source = TRY(text_of(object, "source"));
    settings.target.host = TRY(text_of(object, "host"));
    settings.target.native_port = TRY(port_of(object, "native_port"));
    settings.target.http_port = TRY(port_of(object, "http_port"));
    settings.target.user = TRY(text_of(object, "user"));
    settings.target.password = TRY(text_of(object, "password"));
    auto secure = object.find("secure");
    settings.target.secure = secure != object.end() && secure->is_boolean() && secure->get<bool>();
    settings.ready_path = TRY(text_of(object, "ready_path"));
    settings.account = TRY(text_of(object, "account"));
    auto options = object.find("options");
    if (options == object.end() || !options->is_object()) return broken("options");
    settings.options = config::or_default(values_of(*options));
    return settings;
}

}  // namespace tandem::stack
