#include "stack/clickhouse/clickhouse_config.h"

#include "stack/machine/files.h"

namespace tandem::stack {
namespace {

std::string xml(std::string_view text) {
    std::string escaped;
    for (char c : text) {
        if (c == '&')
            escaped += "&amp;";
        else if (c == '<')
            escaped += "&lt;";
        else if (c == '>')
            escaped += "&gt;";
        else
            escaped += c;
    }
    return escaped;
}

std::string element(const std::string& name, std::string_view text) {
    return "    <" + name + ">" + xml(text) + "</" + name + ">\n";
}

// The binary also keeps users made by SQL and access rights in a folder of its own.
std::string user_directories(const ClickHouseOptions& options) {
    if (options.engine.kind == Engine::Kind::library)
        return element("users_config", "users.xml") + element("default_database", "_local");
    return "    <user_directories><users_xml><path>users.xml</path></users_xml><local_directory>"
           "<path>" +
           xml(options.directory + "/data/access/") +
           "</path></local_directory></user_directories>\n";
}

// Inserts and merges are refused while so much is left: what meets a disk that is really full may
// be damaged.
std::string spare_disk() {
    constexpr const char* kBytes = "67108864";
    return "    <storage_configuration><disks><default><keep_free_space_bytes>" +
           std::string(kBytes) +
           "</keep_free_space_bytes></default></disks></storage_configuration>\n";
}

}  // namespace

std::string clickhouse_config_xml(const ClickHouseOptions& options) {
    const std::string& directory = options.directory;
    uint64_t memory = options.memory_bytes_max;
    if (memory == 0) memory = machine_memory_bytes() / 2;
    std::string text = "<clickhouse>\n";
    // Without this first element the library logs at level "trace", whatever <logger> says.
    text += element("log-level", "information");
    text += "    <logger>\n        <level>information</level>\n        <console>false</console>\n";
    text += "    " + element("log", directory + "/log/server.log");
    text += "    " + element("errorlog", directory + "/log/server.err.log");
    text += "        <size>100M</size>\n        <count>3</count>\n    </logger>\n";
    text += element("path", directory + "/data/");
    text += element("listen_host", "127.0.0.1");
    text += element("tcp_port", std::to_string(options.ports.native));
    text += element("http_port", std::to_string(options.ports.http));
    text += user_directories(options);
    text += spare_disk();
    text += element("background_schedule_pool_size", "16");
    text += element("max_server_memory_usage", std::to_string(memory));
    text += element("max_concurrent_queries", "200");
    text +=
        "    <query_log>\n        <database>system</database>\n        <table>query_log</table>\n"
        "        <flush_interval_milliseconds>5000</flush_interval_milliseconds>\n"
        "        <ttl>event_date + INTERVAL 3 DAY</ttl>\n    </query_log>\n";
    return text + "</clickhouse>\n";
}

std::string clickhouse_users_xml(const ClickHouseOptions& options) {
    Engine::Kind kind = options.engine.kind;
    // The library starts with the defaults of an interactive tool; a server wants these.
    std::string profile = kind == Engine::Kind::binary
                              ? ""
                              : "<implicit_select>0</implicit_select>"
                                "<allow_introspection_functions>0</allow_introspection_functions>"
                                "<storage_file_read_method>pread</storage_file_read_method>";
    for (const auto& [name, value] : options.profile) profile += element(name, value);
    // The library's own prompt logs in from 127.0.0.1 as `default` without a password; neither can
    // be changed. So that user may start the listeners, which is all the prompt does, and no more.
    std::string console =
        kind == Engine::Kind::binary
            ? ""
            : "        <default>\n            <no_password/>\n"
              "            <networks><ip>127.0.0.1</ip></networks>\n"
              "            <profile>console</profile>\n            <quota>default</quota>\n"
              "            <grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>\n"
              "        </default>\n";
    return "<clickhouse>\n    <profiles><default>" + profile +
           "</default>"
           "<console><max_execution_time>10</max_execution_time>"
           "<max_memory_usage>100000000</max_memory_usage><max_threads>1</max_threads></console>"
           "</profiles>\n    <quotas><default/></quotas>\n    <users>\n" +
           console + "        <" + kClickHouseUser + ">\n            <password_sha256_hex>" +
           sha256_hex(options.password) + "</password_sha256_hex>\n" +
           "            <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>\n"
           "            <profile>default</profile>\n            <quota>default</quota>\n"
           "            <default_database>default</default_database>\n        </" +
           kClickHouseUser + ">\n    </users>\n</clickhouse>\n";
}

}  // namespace tandem::stack
