#include "support/servers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "base/back_off.h"
#include "stack/machine/files.h"
#include "stack/machine/process.h"

namespace tandem::test_support {
namespace {

namespace fs = std::filesystem;
using stack::SpawnOptions;

constexpr std::chrono::seconds kStartPatience(60);
constexpr std::chrono::seconds kStopPatience(20);

std::chrono::steady_clock::time_point start_deadline() {
    return std::chrono::steady_clock::now() + kStartPatience;
}

// A child's death signal fires when the thread that started it ends, and tests start servers from
// threads that come and go. So one thread that lives as long as the process starts them all.
class Starter {
  public:
    static Starter& instance() {
        // Never destroyed: its thread outlives main. A forked process has no thread but its own.
        static Starter* starter = new Starter;
        static pid_t owner = getpid();
        if (owner != getpid()) {
            starter = new Starter;
            owner = getpid();
        }
        return *starter;
    }

    Result<pid_t> run(std::function<Result<pid_t>()> task) {
        std::lock_guard turn(turn_);
        std::unique_lock lock(mutex_);
        task_ = std::move(task);
        changed_.notify_all();
        changed_.wait(lock, [&] { return result_ != nullptr; });
        Result<pid_t> result = std::move(*result_);
        result_.reset();
        return result;
    }

  private:
    Starter() {
        std::thread([this] { loop(); }).detach();
    }

    void loop() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return task_ != nullptr; });
            result_ = std::make_unique<Result<pid_t>>(task_());
            task_ = nullptr;
            changed_.notify_all();
        }
    }

    std::mutex turn_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<Result<pid_t>()> task_;
    std::unique_ptr<Result<pid_t>> result_;
};

Status copy_tree(const std::string& from, const std::string& to) {
    SpawnOptions command{.arguments = {"/bin/cp", "-a", "--reflink=auto", from, to}};
    TRY(stack::run_program(command, std::chrono::minutes(2)));
    return {};
}

Status give_to(const std::optional<stack::Account>& account, const std::string& path) {
    if (!account) return {};
    std::string owner = std::to_string(account->uid) + ":" + std::to_string(account->gid);
    SpawnOptions command{.arguments = {"/bin/chown", "-R", owner, path}};
    TRY(stack::run_program(command, std::chrono::minutes(1)));
    return {};
}

// A fresh cluster and its password, made once per build directory and installation and copied for
// every server; initdb takes seconds, a copy a fraction of one.
Result<std::string> cluster_template(const stack::PostgresOptions& options) {
    std::string version = std::to_string(options.installation.major);
    std::string final_path =
        std::string(TANDEM_TEST_CACHE) + "/postgres-" + version + "-" + std::to_string(geteuid());
    if (fs::exists(final_path)) return final_path;
    std::unique_ptr<TestDirectory> work = TRY(TestDirectory::create());
    stack::PostgresOptions fresh = options;
    fresh.data_directory = work->path() + "/template/data";
    TRY(stack::make_directory(work->path() + "/template", 0700, options.account));
    std::string password = TRY(stack::random_password());
    TRY(stack::initialise_postgres(fresh, password));
    TRY(stack::write_private_file(work->path() + "/template/password", password));
    std::string unique = final_path + "." + std::to_string(getpid());
    TRY(stack::make_directory(TANDEM_TEST_CACHE, 0755));
    TRY(copy_tree(work->path() + "/template", unique));
    // Another test may have been faster; both are equally good.
    std::error_code failure;
    fs::rename(unique, final_path, failure);
    if (failure) fs::remove_all(unique, failure);
    return final_path;
}

// Every process below `pid`, deepest last.
std::vector<pid_t> family_of(pid_t pid) {
    std::vector<pid_t> family = {pid};
    for (size_t i = 0; i < family.size(); ++i)
        for (pid_t child : stack::children_of(family[i])) family.push_back(child);
    return family;
}

void kill_family(pid_t pid) {
    std::vector<std::optional<stack::ProcessId>> members;
    for (pid_t member : family_of(pid)) {
        members.push_back(stack::identify(member));
        kill(member, SIGKILL);
    }
    waitpid(pid, nullptr, 0);
    for (const auto& member : members)
        while (member && stack::is_running(*member)) back_off(std::chrono::milliseconds(1));
}

Status replace_directory(const std::string& from, const std::string& to) {
    std::error_code failure;
    fs::remove_all(to, failure);
    if (failure) return Error(ErrorCode::kIo, to + ": " + failure.message());
    return copy_tree(from, to);
}

}  // namespace

Status copy_directory(const std::string& from, const std::string& to) {
    return copy_tree(from, to);
}

Result<std::unique_ptr<TestDirectory>> TestDirectory::create() {
    std::unique_ptr<TestDirectory> directory(new TestDirectory);
    std::string path = "/tmp/tandem-test-XXXXXX";
    if (mkdtemp(path.data()) == nullptr)
        return Error(ErrorCode::kIo, "cannot create a directory in /tmp");
    directory->path_ = path;
    TRY(stack::make_directory(path, 0711));
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return Error(ErrorCode::kIo, "cannot make a pipe");
    // The keeper's standard input ends when this process does. By then the servers got their death
    // signal, but may take a moment to let go of their files.
    std::string script =
        "cat >/dev/null; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf \"$1\" 2>/dev/null; "
        "[ -e \"$1\" ] || exit 0; sleep 0.3; done";
    SpawnOptions keeper{.arguments = {"/bin/sh", "-c", script, "keeper", path},
                        .stdin_fd = ends[0],
                        .new_session = true};
    Result<pid_t> pid = stack::spawn(keeper);
    close(ends[0]);
    directory->keeper_pipe_ = ends[1];
    directory->keeper_ = TRY(std::move(pid));
    return directory;
}

TestDirectory::~TestDirectory() {
    if (keeper_pipe_ >= 0) close(keeper_pipe_);
    if (keeper_ > 0) waitpid(keeper_, nullptr, 0);
}

Result<std::unique_ptr<TestPostgres>> TestPostgres::start(TestPostgresOptions wanted) {
    std::unique_ptr<TestPostgres> server(new TestPostgres);
    server->directory_ = TRY(TestDirectory::create());
    const std::string& home = server->directory_->path();
    stack::PostgresOptions& options = server->options_;
    options.installation = TRY(stack::find_postgres(TANDEM_PG_BINDIR));
    options.account = TRY(stack::service_account());
    options.data_directory = home + "/data";
    options.log_path = home + "/postgres.log";
    options.socket_directory = home + "/socket";
    options.death_signal = SIGKILL;
    options.settings = {{"shared_buffers", "64MB"},
                        {"max_connections", "60"},
                        {"max_prepared_transactions", "10"},
                        {"log_min_messages", "info"}};
    if (!wanted.durable) {
        options.settings.emplace_back("fsync", "off");
        options.settings.emplace_back("synchronous_commit", "off");
        options.settings.emplace_back("full_page_writes", "off");
    }
    if (wanted.preload_tandem) options.settings.emplace_back("shared_preload_libraries", "tandem");
    options.settings.insert(options.settings.end(), wanted.settings.begin(), wanted.settings.end());
    options.environment = wanted.environment;

    std::string source = TRY(cluster_template(options));
    server->password_ = TRY(stack::read_file(source + "/password"));
    TRY(copy_tree(source + "/data", options.data_directory));
    TRY(give_to(options.account, options.data_directory));
    TRY(stack::make_directory(options.socket_directory, 0700, options.account));
    options.port = TRY(stack::free_port());
    Status started = server->start_again();
    // Somebody else may have taken the port between the look and the bind.
    for (int attempt = 0; !started.ok() && attempt < 3; ++attempt) {
        options.port = TRY(stack::free_port());
        started = server->start_again();
    }
    TRY(std::move(started));
    return server;
}

Result<std::unique_ptr<TestPostgres>> TestPostgres::start_standby_of(const TestPostgres& primary) {
    std::unique_ptr<TestPostgres> server(new TestPostgres);
    server->directory_ = TRY(TestDirectory::create());
    const std::string& home = server->directory_->path();
    server->options_ = primary.options_;
    server->password_ = primary.password_;
    stack::PostgresOptions& options = server->options_;
    options.data_directory = home + "/data";
    options.log_path = home + "/postgres.log";
    options.socket_directory = home + "/socket";
    SpawnOptions backup{.arguments = {primary.bin_directory() + "/pg_basebackup", "-D",
                                      options.data_directory, "-c", "fast", "-R", "-d",
                                      primary.conninfo()}};
    TRY(stack::run_program(backup, std::chrono::minutes(2)));
    TRY(give_to(options.account, options.data_directory));
    TRY(stack::make_directory(options.socket_directory, 0700, options.account));
    options.port = TRY(stack::free_port());
    TRY(server->start_again());
    return server;
}

Status TestPostgres::start_again(const stack::PostgresSettings& settings) {
    options_.settings.insert(options_.settings.end(), settings.begin(), settings.end());
    pid_ = TRY(Starter::instance().run([this] { return stack::start_postgres(options_); }));
    Status ready = stack::wait_for_postgres(options_, pid_, start_deadline());
    if (!ready.ok()) kill_hard();
    return ready;
}

Status TestPostgres::wait_until_ready() const {
    return stack::wait_for_postgres(options_, pid_, start_deadline());
}

Status TestPostgres::save_data(const std::string& to) const {
    return replace_directory(options_.data_directory, to);
}

Status TestPostgres::restore_data(const std::string& from) const {
    return replace_directory(from, options_.data_directory);
}

Status TestClickHouse::save_data(const std::string& to) const {
    return replace_directory(options_.directory, to);
}

Status TestClickHouse::restore_data(const std::string& from) const {
    return replace_directory(from, options_.directory);
}

void TestClickHouse::hang() {
    for (pid_t member : family_of(pid_)) kill(member, SIGSTOP);
}

void TestClickHouse::wake_up() {
    for (pid_t member : family_of(pid_)) kill(member, SIGCONT);
}

TestPostgres::~TestPostgres() {
    if (pid_ > 0) kill_hard();
}

std::string TestPostgres::conninfo(const std::string& database) const {
    return "host=127.0.0.1 port=" + std::to_string(options_.port) +
           " user=" + stack::kPostgresUser + " password=" + password_ + " dbname=" + database;
}

void TestPostgres::kill_hard() {
    if (pid_ > 0) kill_family(pid_);
    pid_ = -1;
}

void TestPostgres::stop() {
    if (pid_ > 0) stack::stop_child(pid_, SIGINT, kStopPatience);
    pid_ = -1;
}

Result<std::unique_ptr<TestClickHouse>> TestClickHouse::start(TestClickHouseOptions wanted) {
    std::unique_ptr<TestClickHouse> server(new TestClickHouse);
    server->directory_ = TRY(TestDirectory::create());
    const std::string& home = server->directory_->path();
    stack::ClickHouseOptions& options = server->options_;
    options.engine = TRY(stack::find_engine("", TANDEM_SOURCE_DIRECTORY));
    options.launcher = TANDEM_CLICKHOUSE_LAUNCHER;
    options.directory = home + "/clickhouse";
    options.account = TRY(stack::service_account());
    options.password = TRY(stack::random_password());
    options.memory_bytes_max = 4ull << 30;
    options.output_path = home + "/clickhouse.log";
    options.death_signal = SIGKILL;
    options.environment = std::move(wanted.environment);
    options.profile = std::move(wanted.profile);
    if (options.engine.kind == stack::Engine::Kind::binary) {
        options.ports.native = TRY(stack::free_port());
        options.ports.http = TRY(stack::free_port());
    }
    TRY(server->start_again());
    return server;
}

Status TestClickHouse::start_again() {
    pid_ = TRY(Starter::instance().run([this] { return stack::start_clickhouse(options_); }));
    Result<stack::ClickHousePorts> ports =
        stack::wait_for_clickhouse(options_, pid_, start_deadline());
    if (!ports.ok()) {
        kill_hard();
        return std::move(ports).error();
    }
    options_.ports = *ports;
    return {};
}

TestClickHouse::~TestClickHouse() {
    if (pid_ > 0) kill_hard();
}

void TestClickHouse::kill_hard() {
    if (pid_ > 0) kill_family(pid_);
    pid_ = -1;
}

void TestClickHouse::stop() {
    if (pid_ > 0) stack::stop_child(pid_, SIGTERM, kStopPatience);
    pid_ = -1;
}

}  // namespace tandem::test_support
