#include "config/config.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <array>
#include <limits>

namespace tandem::config {
namespace {

// Walks the tables, remembers the file for messages, and stops at the first fault.
class Reader {
  public:
    explicit Reader(const std::string& file) : file_(file) {}

    Error fault(const toml::source_region& where, const std::string& what) const {
        return Error(ErrorCode::kInvalidConfig, file_ + ":" + std::to_string(where.begin.line) +
                                                    ":" + std::to_string(where.begin.column) +
                                                    ": " + what);
    }

    Status text(const toml::node& node, const std::string& name, std::string& into) const {
        if (!node.is_string()) return fault(node.source(), name + " must be a string");
        into = node.as_string()->get();
        return {};
    }

    Result<uint64_t> number(const toml::node& node, const std::string& name, uint64_t max) const {
        if (!node.is_integer() || node.as_integer()->get() < 0 ||
            static_cast<uint64_t>(node.as_integer()->get()) > max)
            return fault(node.source(),
                         name + " must be a whole number from 0 to " + std::to_string(max));
        return static_cast<uint64_t>(node.as_integer()->get());
    }

    Status port(const toml::node& node, const std::string& name, uint16_t& into) const {
        into = static_cast<uint16_t>(TRY(number(node, name, 65535)));
        return {};
    }

  private:
    const std::string& file_;
};

constexpr uint64_t kNumberMax = std::numeric_limits<int64_t>::max();

Status read_postgres(const Reader& reader, const toml::table& table, PostgresConfig& into) {
    for (const auto& [key, node] : table) {
        std::string name = "postgres." + std::string(key.str());
        if (key == "url")
            TRY(reader.text(node, name, into.url));
        else if (key == "bin_directory")
            TRY(reader.text(node, name, into.bin_directory));
        else if (key == "port")
            TRY(reader.port(node, name, into.port));
        else
            return reader.fault(key.source(), "there is no setting " + name);
    }
    return {};
}

Status read_clickhouse(const Reader& reader, const toml::table& table, ClickHouseConfig& into) {
    for (const auto& [key, node] : table) {
        std::string name = "clickhouse." + std::string(key.str());
        if (key == "url")
            TRY(reader.text(node, name, into.url));
        else if (key == "engine")
            TRY(reader.text(node, name, into.engine));
        else if (key == "native_port")
            TRY(reader.port(node, name, into.native_port));
        else if (key == "http_port")
            TRY(reader.port(node, name, into.http_port));
        else if (key == "memory_bytes_max")
            into.memory_bytes_max = TRY(reader.number(node, name, kNumberMax));
        else
            return reader.fault(key.source(), "there is no setting " + name);
    }
    return {};
}

Status read_mirror(const Reader& reader, const toml::table& table, MirrorConfig& into) {
    for (const auto& [key, node] : table) {
        std::string name = "mirror." + std::string(key.str());
        std::optional<uint64_t>* slot = nullptr;
        if (key == "batch_bytes")
            slot = &into.batch_bytes;
        else if (key == "batch_rows")
            slot = &into.batch_rows;
        else if (key == "flush_age_ms")
            slot = &into.flush_age_ms;
        else if (key == "batch_age_ms")
            slot = &into.batch_age_ms;
        else if (key == "snapshot_workers")
            slot = &into.snapshot_workers;
        else
            return reader.fault(key.source(), "there is no setting " + name);
        uint64_t value = TRY(reader.number(node, name, kNumberMax));
        if (value == 0) return reader.fault(node.source(), name + " must not be 0");
        *slot = value;
    }
    return {};
}

Status read_console(const Reader& reader, const toml::table& table, Config& into) {
    for (const auto& [key, node] : table) {
        if (key != "port")
            return reader.fault(key.source(),
                                "there is no setting console." + std::string(key.str()));
        TRY(reader.port(node, "console.port", into.console_port));
    }
    return {};
}

Status read_log(const Reader& reader, const toml::table& table, Config& into) {
    for (const auto& [key, node] : table) {
        if (key != "level")
            return reader.fault(key.source(), "there is no setting log." + std::string(key.str()));
        TRY(reader.text(node, "log.level", into.log_level));
        bool known = false;
        for (const char* level : {"debug", "info", "warning", "error"})
            known |= into.log_level == level;
        if (!known)
            return reader.fault(node.source(), "log.level is debug, info, warning or error");
    }
    return {};
}

Status read_section(const Reader& reader, std::string_view key, const toml::node& node,
                    Config& into) {
    if (key == "data") return reader.text(node, "data", into.data);
    const toml::table* table = node.as_table();
    if (table == nullptr)
        return reader.fault(node.source(), "there is no setting " + std::string(key));
    if (key == "postgres") return read_postgres(reader, *table, into.postgres);
    if (key == "clickhouse") return read_clickhouse(reader, *table, into.clickhouse);
    if (key == "console") return read_console(reader, *table, into);
    if (key == "mirror") return read_mirror(reader, *table, into.mirror);
    if (key == "log") return read_log(reader, *table, into);
    return reader.fault(node.source(), "there is no section [" + std::string(key) + "]");
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& file_name) {
    Reader reader(file_name);
    toml::parse_result parsed = toml::parse(text);
    if (!parsed)
        return reader.fault(parsed.error().source(), std::string(parsed.error().description()));
    Config config;
    for (const auto& [key, node] : parsed.table())
        TRY(read_section(reader, key.str(), node, config));
    return config;
}

}  // namespace tandem::config
