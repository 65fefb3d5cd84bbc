#include "support/with_extension.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace tandem::test_support {

namespace {

// The servers do not run as the owner of the build directory.
Result<std::string> copy_for_servers(const std::string& library, const TestDirectory& directory) {
    chmod(directory.path().c_str(), 0755);
    std::string copy = directory.path() + "/" + std::filesystem::path(library).filename().string();
    std::error_code failed;
    std::filesystem::copy_file(library, copy, failed);
    if (failed) return Error(ErrorCode::kIo, library + " cannot be copied: " + failed.message());
    chmod(copy.c_str(), 0755);
    return copy;
}

}  // namespace

Result<BothServers> start_both(const std::string& module, ServersWanted wanted) {
    BothServers both;
    both.directory = TRY(TestDirectory::create());
    both.module = TRY(copy_for_servers(module, *both.directory));
    wanted.settings.emplace_back("shared_preload_libraries", both.module);
    std::string library;
    if (wanted.small_disks)
        library = TRY(copy_for_servers(TANDEM_FULL_DISK_LIBRARY, *both.directory));
    auto disk = [&](const char* file) -> Environment {
        if (library.empty()) return {};
        return {{"LD_PRELOAD", library}, {"TANDEM_FULL_DISK", both.directory->path() + "/" + file}};
    };
    // A busy machine is slow, and few tests mean that by a server that cannot be reached.
    wanted.settings.insert(wanted.settings.begin(), {"tandem.connect_timeout", "30s"});
    both.postgres = TRY(TestPostgres::start(
        {.settings = std::move(wanted.settings), .environment = disk("disk_of_postgres")}));
    both.clickhouse = TRY(TestClickHouse::start(
        {.environment = disk("disk_of_clickhouse"), .profile = std::move(wanted.profile)}));
    return both;
}

std::string source_text(const std::string& path) {
    std::ifstream in(TANDEM_SOURCE_DIRECTORY "/" + path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string extension_script(const std::string& module) {
    std::string script = source_text("extension/sql/tandem--0.2.sql");
    // psql's guard against being run by hand.
    script.erase(script.find("\\echo"), script.find("\\quit") + 5 - script.find("\\echo"));
    const std::string name = "MODULE_PATHNAME";
    for (size_t at = 0; (at = script.find(name, at)) != std::string::npos; at += module.size())
        script.replace(at, name.size(), module);
    return script;
}

std::string state_of_tandem(postgres::Connection& connection) {
    auto rows = connection.query(
        "SELECT concat_ws(E'\\n', "
        "(SELECT string_agg(m::text, E'\\n') FROM tandem.mirrors m), "
        "(SELECT string_agg(t::text, E'\\n') FROM tandem.mirror_tables t), "
        "(SELECT string_agg(s::text, E'\\n') FROM pg_replication_slots s), "
        "(SELECT string_agg(a.application_name || ' ' || a.state || ' ' || a.query, E'\\n') "
        "FROM pg_stat_activity a WHERE application_name LIKE 'tandem%'))");
    return rows.ok() ? rows->text(0, 0) : rows.error().to_string();
}

}  // namespace tandem::test_support
