#include "stack/supervisor/settings.h"

#include <nlohmann/json.hpp>

#include "postgres/client/connection.h"
#include "postgres/client/conninfo.h"
#include "stack/clickhouse/clickhouse_server.h"
#include "stack/machine/files.h"
#include "stack/postgres/postgres_server.h"
#include "stack/supervisor/values_json.h"

namespace tandem::stack {
namespace {

using nlohmann::json;

// Reads typed members of a JSON object; a missing or mistyped one leaves the default.
class Members {
  public:
    explicit Members(const json& object) : object_(object) {}

    void get(const char* name, std::string& into) const {
        auto found = object_.find(name);
        if (found != object_.end() && found->is_string()) into = found->get<std::string>();
    }
    void get(const char* name, bool& into) const {
        auto found = object_.find(name);
        if (found != object_.end() && found->is_boolean()) into = found->get<bool>();
    }
    template <typename Integer>
        requires std::is_integral_v<Integer>
    void get(const char* name, Integer& into) const {
        auto found = object_.find(name);
        if (found != object_.end() && found->is_number_integer()) into = found->get<Integer>();
    }

  private:
    const json& object_;
};

Result<json> read_json(const std::string& path) {
    std::string text = TRY(read_file(path));
    json object = json::parse(text, nullptr, false);
    if (!object.is_object())
        return Error(ErrorCode::kMalformedData, path + " is not what this program wrote");
    return object;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string encoded;
    for (char c : text) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     std::string_view("/._-~").find(c) != std::string_view::npos;
        auto byte = static_cast<unsigned char>(c);
        if (plain)
            encoded += c;
        else
            encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return encoded;
}

std::string address(const std::string& scheme, const std::string& host, uint64_t port) {
    bool bare_ipv6 = host.find(':') != std::string::npos;
    return scheme + "://" + (bare_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

json to_json(const ProcessId& id) {
    return {{"pid", id.pid}, {"start_ticks", id.start_ticks}};
}

ProcessId process_id(const json& object, const char* name) {
    ProcessId id;
    auto found = object.find(name);
    if (found == object.end() || !found->is_object()) return id;
    Members(*found).get("pid", id.pid);
    Members(*found).get("start_ticks", id.start_ticks);
    return id;
}

}  // namespace

Result<Settings> load_settings(const Layout& layout) {
    json object = TRY(read_json(layout.run("settings.json")));
    Settings settings;
    static_cast<config::Values&>(settings) = values_of(object);
    Members members(object);
    members.get("postgres_password", settings.postgres_password);
    members.get("demo_writer", settings.demo_writer);
    return settings;
}

Status save_settings(const Layout& layout, const Settings& settings) {
    json object = to_json(settings);
    object["postgres_password"] = settings.postgres_password;
    object["demo_writer"] = settings.demo_writer;
    return write_private_file(layout.run("settings.json"), object.dump(2) + "\n");
}

Result<State> load_state(const Layout& layout) {
    json object = TRY(read_json(layout.run("state.json")));
    Members members(object);
    State state;
    members.get("phase", state.phase);
    members.get("step", state.step);
    members.get("error_code", state.error_code);
    members.get("error", state.error);
    state.supervisor = process_id(object, "supervisor");
    auto processes = object.find("processes");
    if (processes == object.end() || !processes->is_array()) return state;
    for (const json& entry : *processes) {
        if (!entry.is_object()) continue;
        ProcessState process;
        Members(entry).get("name", process.name);
        Members(entry).get("restarts", process.restarts);
        Members(entry).get("last_end", process.last_end);
        process.id = process_id(entry, "id");
        state.processes.push_back(std::move(process));
    }
    return state;
}

Status save_state(const Layout& layout, const State& state) {
    json processes = json::array();
    for (const ProcessState& process : state.processes)
        processes.push_back({{"name", process.name},
                             {"id", to_json(process.id)},
                             {"restarts", process.restarts},
                             {"last_end", process.last_end}});
    json object = {{"phase", state.phase},
                   {"step", state.step},
                   {"error_code", state.error_code},
                   {"error", state.error},
                   {"supervisor", to_json(state.supervisor)},
                   {"processes", processes}};
    // Logs may hold bytes that are no UTF-8, and an error quotes the log.
    std::string text = object.dump(2, ' ', false, json::error_handler_t::replace);
    return write_private_file(layout.run("state.json"), text + "\n");
}

Result<config::ClickHouseUrl> clickhouse_target(const Settings& settings) {
    if (!settings.embedded_clickhouse()) {
        config::ClickHouseUrl attached = TRY(config::parse_clickhouse_url(settings.clickhouse_url));
        if (attached.password.empty()) attached.password = settings.clickhouse_password;
        return attached;
    }
    config::ClickHouseUrl target;
    target.native_port = static_cast<uint16_t>(settings.native_port);
    target.http_port = static_cast<uint16_t>(settings.http_port);
    target.user = kClickHouseUser;
    target.password = settings.clickhouse_password;
    return target;
}

std::string source_conninfo(const Settings& settings) {
    if (!settings.embedded_postgres()) return settings.postgres_url;
    return "host=127.0.0.1 port=" + std::to_string(settings.postgres_port) +
           " user=" + kPostgresUser + " dbname=" + kPostgresDatabase +
           " password=" + settings.postgres_password;
}

Endpoints endpoints_of(const Layout& layout, const Settings& settings) {
    Endpoints endpoints;
    endpoints.postgres = postgres::describe_conninfo(settings.postgres_url);
    if (settings.embedded_postgres())
        endpoints.postgres = std::string("postgresql://") + kPostgresUser +
                             "@127.0.0.1:" + std::to_string(settings.postgres_port) + "/" +
                             kPostgresDatabase +
                             "?passfile=" + percent_encoded(layout.run("pgpass"));
    Result<config::ClickHouseUrl> target = clickhouse_target(settings);
    if (target.ok()) {
        bool secure = target->secure;
        endpoints.clickhouse_http =
            address(secure ? "https" : "http", target->host, target->http_port);
        endpoints.clickhouse_native =
            address(secure ? "tls" : "tcp", target->host, target->native_port);
    }
    endpoints.console = address("http", "127.0.0.1", settings.console_port);
    return endpoints;
}

Status write_credentials(const Layout& layout, const Settings& settings) {
    if (settings.embedded_postgres())
        TRY(write_private_file(layout.run("pgpass"),
                               "127.0.0.1:" + std::to_string(settings.postgres_port) + ":*:" +
                                   kPostgresUser + ":" + settings.postgres_password + "\n"));
    postgres::Keywords keywords = TRY(postgres::parse_conninfo(source_conninfo(settings)));
    std::string service = "[tandem]\n";
    for (const auto& [name, value] : keywords) service += name + "=" + value + "\n";
    TRY(write_private_file(layout.run("pg_service.conf"), service));
    config::ClickHouseUrl target = TRY(clickhouse_target(settings));
    return write_private_file(
        layout.run("netrc"),
        "machine " + target.host + " login " + target.user + " password " + target.password + "\n");
}

}  // namespace tandem::stack
