#include "stack/postgres/postgres_server.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <tuple>

#include "base/back_off.h"
#include "stack/machine/files.h"
#include "stack/machine/process.h"

namespace tandem::stack {
namespace {

namespace fs = std::filesystem;

// "postgres (PostgreSQL) 15.20 (Debian ...)" -> 15
Result<int> major_of(const std::string& postgres) {
    SpawnOptions options{.arguments = {postgres, "--version"}};
    std::string text = TRY(run_program(options, std::chrono::seconds(20)));
    size_t number = text.find_first_of("0123456789");
    int major = 0;
    if (number != std::string::npos)
        std::from_chars(text.data() + number, text.data() + text.size(), major);
    if (major == 0)
        return Error(ErrorCode::kUnsupportedVersion, postgres + " printed no version: " + text);
    return major;
}

Result<PostgresInstallation> examine(const std::string& directory) {
    const int major = TRY(major_of(directory + "/postgres"));
    PostgresInstallation installation{directory, major};
    if (installation.major < kPostgresMajorMin)
        return Error(ErrorCode::kUnsupportedVersion,
                     directory + " holds Postgres " + std::to_string(installation.major) +
                         "; at least " + std::to_string(kPostgresMajorMin) + " is needed");
    return installation;
}

std::string quoted(const std::string& value) {
    std::string text = "'";
    for (char c : value) {
        if (c == '\'' || c == '\\') text += c;
        text += c;
    }
    return text + "'";
}

constexpr const char* kHostAccess =
    "# Written once when the cluster was created. Local connections only, always with a password.\n"
    "local all         all              scram-sha-256\n"
    "host  all         all 127.0.0.1/32 scram-sha-256\n"
    "host  all         all ::1/128      scram-sha-256\n"
    "local replication all              scram-sha-256\n"
    "host  replication all 127.0.0.1/32 scram-sha-256\n"
    "host  replication all ::1/128      scram-sha-256\n";

Status run_initdb(const PostgresOptions& options, const std::string& directory,
                  const std::string& password) {
    std::string password_file = directory + ".pw";
    TRY(write_private_file(password_file, password + "\n", options.account));
    SpawnOptions command{
        .arguments = {options.installation.bin_directory + "/initdb", "-D", directory,
                      "--locale=C.UTF-8", "--encoding=UTF8", "--auth=scram-sha-256", "-U",
                      kPostgresUser, "--pwfile=" + password_file, "--no-instructions",
                      "--data-checksums", "--no-sync"},
        .account = options.account};
    Result<std::string> output = run_program(command, std::chrono::minutes(3));
    unlink(password_file.c_str());
    if (!output.ok()) return std::move(output).error();
    return {};
}

Status write_settings(const PostgresOptions& options) {
    std::string text =
        "# Written by `tandem up` at every start; put settings of your own in another file of "
        "this\n"
        "# directory with a name that sorts later, or use ALTER SYSTEM.\n";
    PostgresSettings settings = {{"listen_addresses", "127.0.0.1"},
                                 {"port", std::to_string(options.port)},
                                 {"unix_socket_directories", options.socket_directory},
                                 {"password_encryption", "scram-sha-256"},
                                 {"wal_level", "logical"},
                                 {"max_replication_slots", "20"},
                                 {"max_wal_senders", "20"}};
    settings.insert(settings.end(), options.settings.begin(), options.settings.end());
    for (const auto& [name, value] : settings) text += name + " = " + quoted(value) + "\n";
    return write_private_file(options.data_directory + "/conf.d/00-tandem.conf", text,
                              options.account);
}

// First line of postmaster.pid: the pid.
std::optional<pid_t> recorded_pid(const std::string& data_directory) {
    Result<std::string> content = read_file(data_directory + "/postmaster.pid");
    if (!content.ok()) return std::nullopt;
    pid_t pid = 0;
    std::from_chars(content->data(), content->data() + content->size(), pid);
    return pid > 0 ? std::optional<pid_t>(pid) : std::nullopt;
}

bool works_in(pid_t pid, const std::string& directory) {
    std::error_code failure;
    fs::path cwd = fs::read_symlink("/proc/" + std::to_string(pid) + "/cwd", failure);
    if (failure) return false;
    return cwd == fs::weakly_canonical(directory, failure);
}

// Line 8 of postmaster.pid is "ready" once connections are accepted.
bool says_ready(const std::string& data_directory, pid_t pid) {
    Result<std::string> content = read_file(data_directory + "/postmaster.pid");
    if (!content.ok() || recorded_pid(data_directory) != pid) return false;
    std::istringstream lines(*content);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number)
        if (number == 8) return line.starts_with("ready");
    return false;
}

}  // namespace

Result<PostgresInstallation> find_postgres(const std::string& bin_directory) {
    if (!bin_directory.empty()) return examine(bin_directory);
    // Those that hold the extension come before newer ones that do not.
    std::vector<std::tuple<bool, int, std::string>> candidates;
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", failure)) {
        int major = std::atoi(entry.path().filename().c_str());
        if (fs::exists(entry.path() / "bin/postgres", failure))
            candidates.emplace_back(fs::exists(entry.path() / "lib/tandem.so", failure), major,
                                    (entry.path() / "bin").string());
    }
    for (const char* directory : {"/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"})
        if (fs::exists(std::string(directory) + "/postgres", failure))
            candidates.emplace_back(false, 0, directory);
    std::sort(candidates.rbegin(), candidates.rend());
    if (candidates.empty())
        return Error(ErrorCode::kNotFound,
                     "no Postgres server is installed; install the package postgresql-15, or give "
                     "an existing server with --postgres URL");
    return examine(std::get<2>(candidates.front()));
}

Status initialise_postgres(const PostgresOptions& options, const std::string& password) {
    if (fs::exists(options.data_directory + "/PG_VERSION")) return {};
    std::string fresh = options.data_directory + ".new";
    std::error_code failure;
    fs::remove_all(fresh, failure);
    TRY(make_directory(fresh, 0700, options.account));
    TRY(run_initdb(options, fresh, password).context("creating the Postgres cluster"));
    TRY(make_directory(fresh + "/conf.d", 0700, options.account));
    TRY(write_private_file(fresh + "/pg_hba.conf", kHostAccess, options.account));
    std::string settings = TRY(read_file(fresh + "/postgresql.conf"));
    TRY(write_private_file(fresh + "/postgresql.conf", settings + "\ninclude_dir = 'conf.d'\n",
                           options.account));
    // An empty directory of that name may exist already.
    fs::remove(options.data_directory, failure);
    fs::rename(fresh, options.data_directory, failure);
    if (failure)
        return Error(ErrorCode::kIo,
                     "cannot create " + options.data_directory + ": " + failure.message());
    return {};
}

Result<pid_t> start_postgres(const PostgresOptions& options) {
    if (std::optional<pid_t> live = running_postmaster(options.data_directory))
        return Error(ErrorCode::kAlreadyExists, "Postgres already runs in " +
                                                    options.data_directory + " as process " +
                                                    std::to_string(*live));
    // The recorded pid may belong to some other process by now, which Postgres itself cannot tell.
    // (Nor that it is a zombie nobody reaps.) The same goes for the socket's lock.
    unlink((options.data_directory + "/postmaster.pid").c_str());
    if (!options.socket_directory.empty())
        unlink((options.socket_directory + "/.s.PGSQL." + std::to_string(options.port) + ".lock")
                   .c_str());
    TRY(write_settings(options));
    return spawn({.arguments = {options.installation.bin_directory + "/postgres", "-D",
                                options.data_directory},
                  .environment = options.environment,
                  .account = options.account,
                  .death_signal = options.death_signal,
                  .output_path = options.log_path});
}

Status wait_for_postgres(const PostgresOptions& options, pid_t pid,
                         std::chrono::steady_clock::time_point deadline) {
    while (!says_ready(options.data_directory, pid)) {
        if (std::optional<int> status = try_reap(pid))
            return Error(ErrorCode::kServerStartFailed,
                         "Postgres " + describe_exit(*status) + " while starting; log " +
                             options.log_path + " ends with:\n" + log_tail(options.log_path));
        if (std::chrono::steady_clock::now() > deadline)
            return Error(ErrorCode::kTimeout, "Postgres did not become ready in time; log " +
                                                  options.log_path + " ends with:\n" +
                                                  log_tail(options.log_path));
        back_off(std::chrono::milliseconds(10));
    }
    return {};
}

std::optional<pid_t> running_postmaster(const std::string& data_directory) {
    std::optional<pid_t> pid = recorded_pid(data_directory);
    if (!pid || !identify(*pid) || !works_in(*pid, data_directory)) return std::nullopt;
    return pid;
}

bool has_tandem_library(const PostgresInstallation& installation) {
    SpawnOptions command{.arguments = {installation.bin_directory + "/pg_config", "--pkglibdir"}};
    Result<std::string> directory = run_program(command, std::chrono::seconds(20));
    if (!directory.ok()) return false;
    directory->erase(directory->find_last_not_of("\n ") + 1);
    std::error_code failure;
    return fs::exists(*directory + "/tandem.so", failure);
}

std::string log_tail(const std::string& path, size_t lines) {
    Result<std::string> content = read_file(path, 256 << 20);
    if (!content.ok()) return "(the log cannot be read)";
    size_t start = content->size();
    for (size_t seen = 0; start > 0 && seen <= lines; ++seen) {
        size_t newline = content->rfind('\n', start - 1);
        start = newline == std::string::npos ? 0 : newline;
    }
    return content->substr(start == 0 ? 0 : start + 1);
}

}  // namespace tandem::stack
