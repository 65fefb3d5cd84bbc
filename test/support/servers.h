// TestPostgres and TestClickHouse: private real servers for tests.
//
// Each runs on free ports in a directory of its own under /tmp, as an unprivileged user when the
// test is root, and is gone with its directory when the object is destroyed, and also when the test
// crashes or is killed. A server that cannot start is an Error: assert on it, so that the test
// fails. Start, kill and stop may be called from any thread, one at a time per object.
//
//     auto postgres = test_support::TestPostgres::start();
//     ASSERT_TRUE(postgres.ok()) << postgres.error().to_string();
//     PGconn* connection = PQconnectdb((*postgres)->conninfo().c_str());
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "stack/clickhouse/clickhouse_server.h"
#include "stack/postgres/postgres_server.h"

namespace tandem::test_support {

// A directory under /tmp that a keeper process removes when this process is gone, however it ended.
class TestDirectory {
  public:
    static Result<std::unique_ptr<TestDirectory>> create();
    ~TestDirectory();
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;
    const std::string& path() const { return path_; }

  private:
    TestDirectory() = default;
    std::string path_;
    int keeper_pipe_ = -1;
    pid_t keeper_ = -1;
};

// As `cp -a`: owners and times are kept.
Status copy_directory(const std::string& from, const std::string& to);

using Environment = std::vector<std::pair<std::string, std::string>>;

struct TestPostgresOptions {
    bool durable = false;         // true: fsync on, as in production (slower)
    bool preload_tandem = false;  // shared_preload_libraries = tandem; it must be installed
    stack::PostgresSettings settings = {};  // added last: override everything
    Environment environment = {};
};

class TestPostgres {
  public:
    static Result<std::unique_ptr<TestPostgres>> start(TestPostgresOptions options = {});
    // A hot standby, by a base backup.
    static Result<std::unique_ptr<TestPostgres>> start_standby_of(const TestPostgres& primary);
    ~TestPostgres();
    TestPostgres(const TestPostgres&) = delete;
    TestPostgres& operator=(const TestPostgres&) = delete;

    // libpq connection string of the superuser, with the password.
    std::string conninfo(const std::string& database = "postgres") const;
    uint16_t port() const { return options_.port; }
    const std::string& password() const { return password_; }
    pid_t pid() const { return pid_; }
    const std::string& log_path() const { return options_.log_path; }
    const std::string& data_directory() const { return options_.data_directory; }
    const std::string& bin_directory() const { return options_.installation.bin_directory; }

    // kill -9 of the postmaster and of every backend, as in a crash of the machine's power.
    void kill_hard();
    // Orderly (fast) stop.
    void stop();
    // While it is stopped: makes its data a copy of what it was when save_data() was called.
    Status save_data(const std::string& to) const;
    Status restore_data(const std::string& from) const;
    // Starts again after kill_hard or stop: same port, same data. `settings`, when not empty,
    // are added for this and later starts.
    Status start_again(const stack::PostgresSettings& settings = {});
    // After a crash that it recovers from by itself.
    Status wait_until_ready() const;

  private:
    TestPostgres() = default;
    std::unique_ptr<TestDirectory> directory_;
    stack::PostgresOptions options_;
    std::string password_;
    pid_t pid_ = -1;
};

struct TestClickHouseOptions {
    Environment environment = {};
    Environment profile = {};  // settings of its user
};

class TestClickHouse {
  public:
    static Result<std::unique_ptr<TestClickHouse>> start(TestClickHouseOptions options = {});
    ~TestClickHouse();
    TestClickHouse(const TestClickHouse&) = delete;
    TestClickHouse& operator=(const TestClickHouse&) = delete;

    std::string host() const { return "127.0.0.1"; }
    uint16_t native_port() const { return options_.ports.native; }
    uint16_t http_port() const { return options_.ports.http; }
    std::string user() const { return stack::kClickHouseUser; }
    const std::string& password() const { return options_.password; }
    pid_t pid() const { return pid_; }
    std::string log_path() const { return options_.directory + "/log/server.log"; }
    // Everything the server has on disk.
    const std::string& directory() const { return options_.directory; }

    void kill_hard();
    void stop();
    // As for Postgres.
    Status save_data(const std::string& to) const;
    Status restore_data(const std::string& from) const;
    // SIGSTOP and SIGCONT of all its processes: it accepts connections and answers nothing.
    void hang();
    void wake_up();
    // Same ports, same data.
    Status start_again();

  private:
    TestClickHouse() = default;
    std::unique_ptr<TestDirectory> directory_;
    stack::ClickHouseOptions options_;
    pid_t pid_ = -1;
};

}  // namespace tandem::test_support
