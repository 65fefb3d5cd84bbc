#include "stack/clickhouse/clickhouse_server.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <sstream>

#include "base/back_off.h"
#include "stack/clickhouse/clickhouse_config.h"
#include "stack/machine/files.h"
#include "stack/machine/process.h"
#include "stack/postgres/postgres_server.h"

namespace tandem::stack {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibraryInPackage = "node_modules/@chdb/lib-linux-x64-gnu/libchdb.so";
constexpr int kBinaryMajorMin = 24;  // older servers lack what the mirror's tables use

std::string ready_path(const std::string& directory) {
    return directory + "/run/ready";
}

// "ClickHouse server version 25.3.1.1 (official build)." -> 25
Result<int> binary_major(const std::string& path) {
    SpawnOptions options{.arguments = {path, "--version"}};
    std::string text = TRY(run_program(options, std::chrono::seconds(20)));
    size_t at = text.find("version ");
    int major = 0;
    if (at != std::string::npos)
        std::from_chars(text.data() + at + 8, text.data() + text.size(), major);
    return major;
}

Result<Engine> examine(const std::string& path) {
    std::error_code failure;
    if (!fs::is_regular_file(path, failure))
        return Error(ErrorCode::kEngineMissing, path + " is not a file");
    if (path.ends_with(".so")) return Engine{Engine::Kind::library, fs::absolute(path).string()};
    int major = TRY(binary_major(path));
    if (major < kBinaryMajorMin)
        return Error(ErrorCode::kEngineMissing, path + " is ClickHouse " + std::to_string(major) +
                                                    "; at least " +
                                                    std::to_string(kBinaryMajorMin) + " is needed");
    return Engine{Engine::Kind::binary, fs::absolute(path).string()};
}

// The engine keeps its own system tables and the database `default` only if these exist before its
// first start; README.md says what happens otherwise.
Status seed(const ClickHouseOptions& options) {
    std::string metadata = options.directory + "/data/metadata";
    TRY(make_directory(metadata, 0700, options.account));
    constexpr std::pair<const char*, const char*> kSeeds[] = {
        {"system", "8a8a1d7c-5b3e-4c7e-9a51-0d6f3a1b2c01"},
        {"default", "8a8a1d7c-5b3e-4c7e-9a51-0d6f3a1b2c02"}};
    for (const auto& [database, uuid] : kSeeds) {
        std::string path = metadata + "/" + database + ".sql";
        if (fs::exists(path)) continue;
        TRY(write_private_file(
            path, "ATTACH DATABASE _ UUID '" + std::string(uuid) + "'\nENGINE = Atomic\n",
            options.account));
    }
    return {};
}

Status prepare(const ClickHouseOptions& options) {
    for (const char* part : {"", "/data", "/log", "/run"})
        TRY(make_directory(options.directory + part, 0700, options.account));
    if (options.engine.kind == Engine::Kind::library) TRY(seed(options));
    TRY(write_private_file(options.directory + "/config.xml", clickhouse_config_xml(options),
                           options.account));
    TRY(write_private_file(options.directory + "/users.xml", clickhouse_users_xml(options),
                           options.account));
    unlink(ready_path(options.directory).c_str());
    return {};
}

std::optional<ClickHousePorts> read_ready(const std::string& directory) {
    Result<std::string> content = read_file(ready_path(directory));
    if (!content.ok()) return std::nullopt;
    std::istringstream fields(*content);
    ClickHousePorts ports;
    if (!(fields >> ports.native >> ports.http)) return std::nullopt;
    return ports;
}

// A binary writes no ready file: its ports are the configured ones, once both answer.
std::optional<ClickHousePorts> ports_ready(const ClickHouseOptions& options) {
    if (options.engine.kind == Engine::Kind::library) return read_ready(options.directory);
    if (port_answers(options.ports.native) && port_answers(options.ports.http))
        return options.ports;
    return std::nullopt;
}

Error start_error(const ClickHouseOptions& options, const std::string& what) {
    std::string own = options.directory + "/log/server.err.log";
    return Error(ErrorCode::kServerStartFailed, "ClickHouse " + what + "; log " + own +
                                                    " ends with:\n" + log_tail(own) + "\n" +
                                                    log_tail(options.output_path));
}

}  // namespace

Result<Engine> find_engine(const std::string& explicit_path, const std::string& search_from) {
    if (!explicit_path.empty()) return examine(explicit_path);
    for (const char* path : {"/usr/local/bin/clickhouse", "/usr/bin/clickhouse"}) {
        std::error_code failure;
        if (!fs::exists(path, failure)) continue;
        Result<Engine> engine = examine(path);
        if (engine.ok()) return engine;
    }
    std::error_code failure;
    fs::path directory = fs::weakly_canonical(search_from, failure);
    for (;; directory = directory.parent_path()) {
        for (const char* place : {kLibraryInPackage, "lib/tandem/libchdb.so"})
            if (fs::exists(directory / place, failure)) return examine(directory / place);
        if (directory == directory.root_path()) break;
    }
    return Error(ErrorCode::kEngineMissing,
                 "no ClickHouse found: neither a recent clickhouse in /usr/bin or /usr/local/bin "
                 "nor " +
                     std::string(kLibraryInPackage) + " above " + search_from);
}

Result<pid_t> start_clickhouse(const ClickHouseOptions& options) {
    TRY(prepare(options));
    std::string config = options.directory + "/config.xml";
    SpawnOptions command{.environment = options.environment,
                         .death_signal = options.death_signal,
                         .output_path = options.output_path,
                         .directory = options.directory + "/run"};
    if (options.engine.kind == Engine::Kind::binary) {
        command.arguments = {options.engine.path, "server", "--config-file=" + config};
        command.account = options.account;
        return spawn(command);
    }
    // The launcher starts with our rights, so that it can be executed and the library be opened
    // below directories the account may not enter, and drops them before any of the engine runs.
    command.arguments = {options.launcher, "--engine", options.engine.path,          "--config",
                         config,           "--ready",  ready_path(options.directory)};
    if (options.account) {
        command.arguments.insert(command.arguments.end(), {"--user", options.account->name});
        command.directory.clear();
    }
    return spawn(command);
}

Result<ClickHousePorts> wait_for_clickhouse(const ClickHouseOptions& options, pid_t pid,
                                            std::chrono::steady_clock::time_point deadline) {
    for (;;) {
        if (std::optional<ClickHousePorts> ports = ports_ready(options)) return *ports;
        if (std::optional<int> status = try_reap(pid))
            return start_error(options, describe_exit(*status) + " while starting");
        if (std::chrono::steady_clock::now() > deadline)
            return start_error(options, "did not become ready in time");
        back_off(std::chrono::milliseconds(10));
    }
}

std::optional<pid_t> running_clickhouse(const std::string& directory) {
    // The server holds a lock on this file, whose first line is "PID: n".
    std::string path = directory + "/data/status";
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    if (!locked) return std::nullopt;
    Result<std::string> content = read_file(path);
    pid_t pid = 0;
    if (content.ok() && content->starts_with("PID: "))
        std::from_chars(content->data() + 5, content->data() + content->size(), pid);
    return pid;
}

uint64_t machine_memory_bytes() {
    return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
           static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<std::string> missing_cpu_features() {
#if defined(__x86_64__)
    std::string missing;
    auto need = [&](bool has, const char* name) {
        if (!has) missing += (missing.empty() ? "" : ", ") + std::string(name);
    };
    __builtin_cpu_init();
    need(__builtin_cpu_supports("avx2"), "avx2");
    need(__builtin_cpu_supports("bmi"), "bmi1");
    need(__builtin_cpu_supports("bmi2"), "bmi2");
    need(__builtin_cpu_supports("fma"), "fma");
    if (missing.empty()) return std::nullopt;
    return missing;
#else
    return "x86-64";
#endif
}

}  // namespace tandem::stack
