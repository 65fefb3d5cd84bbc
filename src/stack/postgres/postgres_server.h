// A private Postgres: initdb, settings, start, readiness, stop.
//
// Functions over plain options; the caller (supervisor, tests) owns the process. The data directory
// belongs to the account the server runs as. Not thread safe for one data directory.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "stack/machine/account.h"

namespace tandem::stack {

inline constexpr int kPostgresMajorMin = 15;
inline constexpr const char* kPostgresUser = "postgres";

struct PostgresInstallation {
    std::string bin_directory;
    int major = 0;
};

// Settings of a server in the order they are written; a later one overrides an earlier one.
using PostgresSettings = std::vector<std::pair<std::string, std::string>>;

struct PostgresOptions {
    PostgresInstallation installation = {};
    std::string data_directory = {};
    std::string socket_directory = {};  // empty: TCP only
    std::string log_path = {};
    uint16_t port = 0;
    std::optional<Account> account = {};
    PostgresSettings settings = {};
    int death_signal = 0;                                               // see SpawnOptions
    std::vector<std::pair<std::string, std::string>> environment = {};  // see SpawnOptions
};

// The newest installation of at least kPostgresMajorMin: that of `bin_directory` when it is given,
// else of Debian's directories one that holds the extension, else the newest of them, else those
// that a build of one's own installs into.
Result<PostgresInstallation> find_postgres(const std::string& bin_directory = "");

// Creates the cluster when there is none: C.UTF-8, checksums, scram for every connection, superuser
// `postgres` with the password. Interrupted at any point, the next call starts afresh.
Status initialise_postgres(const PostgresOptions& options, const std::string& password);

// Writes the settings file and starts the postmaster. A postmaster.pid left by a process that is no
// longer this server is removed first; one of a live server is kSlotInUse.
Result<pid_t> start_postgres(const PostgresOptions& options);

// Returns when the server accepts connections; an error as soon as the process ends.
Status wait_for_postgres(const PostgresOptions& options, pid_t pid,
                         std::chrono::steady_clock::time_point deadline);

// The pid in postmaster.pid when that process is a live postmaster of this data directory.
std::optional<pid_t> running_postmaster(const std::string& data_directory);

// True when the extension's library is installed where this Postgres loads libraries from.
bool has_tandem_library(const PostgresInstallation& installation);

// The last lines of a log, for error messages.
std::string log_tail(const std::string& path, size_t lines = 8);

}  // namespace tandem::stack
