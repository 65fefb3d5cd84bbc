// The ClickHouse client: one interface, two protocols behind it (native TCP and HTTP).
//
// A Client is one connection, used by one thread at a time; only interrupt() may come from another
// thread. After a loss the next call connects again by itself; a call that had begun is never
// repeated in secret, its error says so (kConnectionLost). Every wait has a deadline:
// Query::timeout counts from the start of the call to its end, callbacks included.
//
// Errors: kClickHouseRetry and kClickHouseError carry the server's exception code in
// foreign_code(); kAuthenticationFailed; kTimeout; kCancelled; kConnectionFailed (nothing was
// sent); kConnectionLost (the outcome is unknown); kTlsFailed; kProtocolViolation; kLimitExceeded.
// Inside a Postgres backend use client/async.h instead: nothing here may run there.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/connect.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

struct Endpoint {
    std::string host = "127.0.0.1";
    uint16_t port = 0;  // 0: the protocol's own (9000, 9440, 8123, 8443)
    std::string user = "default";
    std::string password = {};
    std::string database = {};  // empty: the user's default
    bool secure = false;
    net::TlsOptions tls = {};
};

enum class Compression : uint8_t { kNone, kLz4, kZstd };

struct ClientOptions {
    std::chrono::milliseconds connect_timeout{10000};
    // A server at work says something several times a second. kTimeout when it has not within
    // `first_answer` of being asked, or for `silence` later; 0: no limit. Of AsyncConnection only.
    std::chrono::milliseconds first_answer{0};
    std::chrono::milliseconds silence{0};
    Compression compression = Compression::kLz4;
    std::string client_name = "tandem";
    std::string quota_key = {};
    size_t block_bytes_max = size_t{1} << 30;  // one received block, decoded; kLimitExceeded
    uint64_t revision_max = 0;  // lower what we offer to the server; 0: all we know (for tests)
};

struct Setting {
    std::string name;
    std::string value;
    bool important = true;  // unknown to the server, it is an error; otherwise it is passed over
};

// How Parameter::value reaches the server's parser for {name:Type}.
enum class ParameterForm : uint8_t {
    kText,     // scalars: the value as it is; the client escapes what needs escaping
    kLiteral,  // Array, Tuple, Map: already in ClickHouse's text form, e.g. ['a\'b', 'c']
    kNull,     // NULL; value is ignored
};

struct Parameter {
    std::string name;
    std::string value;
    ParameterForm form = ParameterForm::kText;
};

// Sent along with a query and readable in it as a temporary table of that name.
struct ExternalTable {
    std::string name;
    types::Block block;
};

// Sums over the query so far.
struct Progress {
    uint64_t rows_read = 0;
    uint64_t bytes_read = 0;
    uint64_t rows_total = 0;  // estimate
    uint64_t rows_written = 0;
    uint64_t bytes_written = 0;
    uint64_t elapsed_ns = 0;
};

struct Query {
    std::string sql;
    std::vector<Setting> settings = {};
    std::vector<Parameter> parameters = {};
    std::string query_id = {};  // empty: the server makes one up
    std::chrono::milliseconds timeout{60000};
    std::vector<ExternalTable> external_tables = {};
    std::function<void(const Progress&)> on_progress = {};
    std::string traceparent = {};  // W3C trace context, "00-<trace id>-<span id>-<flags>"
};

struct ServerInfo {
    std::string name;
    std::string display_name;
    std::string timezone;
    uint64_t version_major = 0;
    uint64_t version_minor = 0;
    uint64_t version_patch = 0;
    uint64_t revision = 0;  // of the protocol, as negotiated; 0 over HTTP
};

// An insert in progress. Dropping it without finish() gives it up: the connection is closed, and
// blocks already sent may or may not be in the table (ClickHouse inserts block by block).
class InsertStream {
  public:
    InsertStream() = default;
    InsertStream(const InsertStream&) = delete;
    InsertStream& operator=(const InsertStream&) = delete;
    virtual ~InsertStream() = default;

    // Empty block with the names and types the server expects. Over HTTP without columns.
    virtual const types::Block& header() const = 0;
    virtual Status write(const types::Block& block) = 0;
    // Ok once the server has acknowledged everything. Nothing else may be called afterwards.
    virtual Status finish() = 0;
};

using BlockCallback = std::function<Status(types::Block&&)>;

class Client {
  public:
    Client() = default;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    virtual ~Client() = default;

    // For statements without a result; a result, if there is one, is read and dropped.
    virtual Status execute(const Query& query) = 0;
    // Calls on_block for every block with rows. An error from it cancels the query and is returned.
    virtual Status select(const Query& query, const BlockCallback& on_block) = 0;
    // sql is "INSERT INTO t (a, b)" without VALUES or FORMAT. Returns after the acknowledgement.
    // The columns are matched by name with those of the statement; a block without rows is no
    // insert at all but still checks the statement.
    virtual Status insert(const Query& query, const types::Block& block) = 0;
    // Several blocks, one insert. The client must not be used otherwise until the stream is gone;
    // the stream must not outlive the client. query.timeout holds for begin, each write and finish
    // on its own, because the whole may take hours.
    virtual Result<std::unique_ptr<InsertStream>> begin_insert(const Query& query) = 0;

    virtual const ServerInfo& server() const = 0;
    virtual Status ping() = 0;
    // Makes the running call, or else the next one, return kCancelled. Any thread.
    virtual void interrupt() noexcept = 0;
    virtual void close() noexcept = 0;
};

Result<std::unique_ptr<Client>> connect_native(const Endpoint& endpoint,
                                               const ClientOptions& options = {});
Result<std::unique_ptr<Client>> connect_http(const Endpoint& endpoint,
                                             const ClientOptions& options = {});

// The whole result in one block; kLimitExceeded when it holds more than `bytes_max`.
Result<types::Block> select_all(Client& client, const Query& query,
                                size_t bytes_max = size_t{256} << 20);

// Appends the rows of `from`, which has the same columns.
void append_block(types::Block& to, const types::Block& from);

}  // namespace tandem::clickhouse
