// A private ClickHouse: finds an engine, writes its configuration, starts it, waits until it
// serves.
//
// Two engines serve: the library libchdb.so, run by our launcher `tandem-clickhouse`, and a recent
// `clickhouse` binary. The caller owns the process. The directory belongs to the account the
// server runs as. What the library cannot do (TLS, users by SQL, replication) is listed in
// README.md.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "stack/machine/account.h"

namespace tandem::stack {

inline constexpr const char* kClickHouseUser = "tandem";

struct Engine {
    enum class Kind { library, binary };
    Kind kind = Kind::library;
    std::string path;
};

struct ClickHousePorts {
    uint16_t native = 0;  // 0 before the start: chosen by the operating system
    uint16_t http = 0;
};

struct ClickHouseOptions {
    Engine engine;
    std::string launcher = {};   // path of tandem-clickhouse; needed for a library
    std::string directory = {};  // data, log, run and configuration live below it
    ClickHousePorts ports = {};
    std::string password = {};      // of user `tandem`; only its SHA-256 is written
    uint64_t memory_bytes_max = 0;  // 0: half of the machine's
    std::optional<Account> account = {};
    std::string output_path = {};                                       // the process' own stderr
    int death_signal = 0;                                               // see SpawnOptions
    std::vector<std::pair<std::string, std::string>> environment = {};  // see SpawnOptions
    std::vector<std::pair<std::string, std::string>> profile = {};      // settings of its user
};

// `explicit_path` when given; else a recent clickhouse on the PATH of the machine; else libchdb.so
// in node_modules of a directory above `search_from`. kEngineMissing says what was tried.
Result<Engine> find_engine(const std::string& explicit_path, const std::string& search_from);

// Writes directories, seed and configuration (again at every start) and starts the server.
Result<pid_t> start_clickhouse(const ClickHouseOptions& options);

// Returns the ports when both listeners answer; an error as soon as the process ends.
Result<ClickHousePorts> wait_for_clickhouse(const ClickHouseOptions& options, pid_t pid,
                                            std::chrono::steady_clock::time_point deadline);

// The process that holds the data directory's lock now, if any (it may be one of an earlier run).
std::optional<pid_t> running_clickhouse(const std::string& directory);

// Physical memory of the machine in bytes.
uint64_t machine_memory_bytes();

// Whether the processor has what the engine is compiled for: nothing, or the missing features.
std::optional<std::string> missing_cpu_features();

}  // namespace tandem::stack
