// Connection: one libpq connection for SQL, with a deadline on every wait.
//
// One thread at a time (Canceller excepted). All waiting is poll() on the socket, so a dead network
// costs at most the timeout. Connection strings, and so passwords, never appear in errors or logs.
// Sessions are set up so that text values have one form (types::kSessionSettings: DateStyle ISO,
// TimeZone UTC and so on); timeouts of the server are off.
//
// Errors: kConnectionFailed, kAuthenticationFailed, kTlsFailed when opening; kConnectionLost when
// the server goes away; kTimeout; kPostgresRetry for what may be tried again (serialisation
// failure, deadlock, shutdown); kPostgresError otherwise, with the server's SQLSTATE in
// Error::sqlstate(). It does not reconnect by itself and does not parse SQL.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/lsn.h"
#include "base/result.h"

struct pg_conn;
struct pg_result;
struct pg_cancel;

namespace tandem::postgres {

using Millis = std::chrono::milliseconds;

struct ConnectOptions {
    std::string conninfo = {};  // postgresql://user@host/db?... or host=... user=...; SECRET
    std::string application_name = "tandem";
    Millis connect_timeout{10'000};
    // Deadline of a statement that has none of its own. LIMIT: of silence for COPY (see copy_out).
    Millis statement_timeout{60'000};
    // Resolve only what is qualified or in pg_catalog; switch off to run the user's own SQL.
    bool pinned_search_path = true;
    // Called with the text of each notice and warning, while a statement runs. Without it notices
    // are not asked for, and warnings go to the log.
    std::function<void(std::string_view)> on_notice = {};
};

// conninfo without its password, for people: "postgresql://user@host:5432/db". Keyword form and
// URL alike; what cannot be parsed becomes "(connection string)".
std::string describe_conninfo(std::string_view conninfo);

// Rows of one statement. Owns them; move only.
class QueryResult {
  public:
    QueryResult() = default;
    explicit QueryResult(pg_result* owned) : result_(owned) {}

    int rows() const;
    int columns() const;
    std::string_view column_name(int column) const;
    Oid column_type(int column) const;
    bool is_null(int row, int column) const;
    // Empty for NULL. Text or binary as asked for. Valid as long as this object.
    std::string_view value(int row, int column) const;
    std::string text(int row, int column) const { return std::string(value(row, column)); }
    // Of text results; kMalformedData when it is no such value, NULL included.
    Result<int64_t> integer(int row, int column) const;
    Result<bool> boolean(int row, int column) const;
    Result<Lsn> lsn(int row, int column) const;
    // Rows touched by INSERT, UPDATE, DELETE, MERGE, SELECT; 0 for others.
    uint64_t affected() const;

  private:
    struct Clear {
        void operator()(pg_result* result) const;
    };
    std::unique_ptr<pg_result, Clear> result_;
};

struct Parameter {
    std::optional<std::string_view> value = {};  // nullopt: NULL
    Oid type{0};                                 // 0: the server infers it
    bool binary = false;
};

struct QueryOptions {
    std::optional<Millis> timeout = {};  // instead of ConnectOptions::statement_timeout
    bool binary_result = false;
};

// Asks the server to stop what the connection is doing; from any thread, as often as wanted, also
// after the connection has gone. The statement then ends with kCancelled (or as if nothing
// happened).
class Canceller {
  public:
    Canceller() = default;
    explicit Canceller(std::shared_ptr<pg_cancel> cancel) : cancel_(std::move(cancel)) {}
    Status cancel() const;

  private:
    std::shared_ptr<pg_cancel> cancel_;
};

struct Notification {
    std::string channel;
    std::string payload;
    int backend_pid = 0;
};

class Connection {
  public:
    static Result<Connection> open(const ConnectOptions& options);

    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;
    ~Connection();

    // One or several statements by the simple protocol; the result of the last one. The first error
    // ends it. Several statements without BEGIN are one transaction.
    Result<QueryResult> query(std::string_view sql, const QueryOptions& options = {});
    // One statement with $1, $2, ...
    Result<QueryResult> query(std::string_view sql, std::span<const Parameter> parameters,
                              const QueryOptions& options = {});
    // As query(), for statements whose result nobody reads.
    Status execute(std::string_view sql, const QueryOptions& options = {});
    Status execute(std::string_view sql, std::span<const Parameter> parameters,
                   const QueryOptions& options = {});

    // Runs COPY ... TO STDOUT; each CopyData message (one row) goes to on_data as it is, the view
    // is valid during the call. The timeout bounds the silence between messages, not the whole
    // copy. An error from on_data cancels the COPY and is returned. Returns the number of rows.
    Result<uint64_t> copy_out(std::string_view sql,
                              const std::function<Status(std::string_view)>& on_data,
                              const QueryOptions& options = {});

    // Next notification of a channel that was LISTENed to; nullopt when the timeout passed.
    Result<std::optional<Notification>> wait_notification(Millis timeout);

    int server_version() const;  // server_version_num: 150020
    int backend_pid() const;
    // False after kConnectionLost or a timeout that the server did not confirm: open a new one.
    bool usable() const;
    bool in_transaction() const;
    Canceller canceller() const;
    void close() noexcept;

  private:
    friend class Replication;
    struct State;
    explicit Connection(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace tandem::postgres
