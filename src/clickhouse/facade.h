// Running one ClickHouse query from inside a Postgres backend: C-shaped, noexcept, plain data.
//
// Called from shell code whose frames longjmp may leave at any time. Nothing here throws, calls
// Postgres, blocks (beyond the resolution of a host name in connection_new), starts threads or
// touches signals. Objects are opaque pointers that the shell ties to a memory context by a reset
// callback and frees with the matching *_free (safe on nullptr). A function that fails returns
// nullptr or kFailed and fills the Failure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/boundary.h"

namespace tandem::types {
struct Block;
}

namespace tandem::clickhouse {

struct ServerAddress {
    Text host;
    uint16_t port;
    Text user;
    Text password;
    Text database;
    bool secure;
    uint32_t connect_timeout_ms;
    // Of TLS; empty: the host, the system's store, none.
    Text server_name;
    Text ca_file;
    Text certificate;
    Text private_key;
};

// Looking up a name can take as long as resolv.conf allows, and nothing can interrupt it: it is
// done in a thread of its own. Only in processes that run nothing else of Postgres' in threads.
struct Resolver;
Resolver* resolver_start(Text host, Failure* failure) noexcept;
// Readable once it is done.
int resolver_socket(const Resolver& resolver) noexcept;
enum class Resolved : uint8_t { kPending, kFailed, kDone };
// One of the addresses, as a number, by turns: `attempt` counts from 0.
Resolved resolver_address(const Resolver& resolver, uint32_t attempt, char* address, size_t size,
                          Failure* failure) noexcept;
// Never waits: a look-up that is still going on is left alone.
void resolver_free(Resolver* resolver) noexcept;
// An address that needs no looking up.
bool is_numeric_host(Text host) noexcept;

struct Connection;  // one per backend and target, kept between queries
struct Run;         // one running query

// A query parameter: the value in the binary form of its Postgres type's send function.
struct BoundParameter {
    Text name;
    Text clickhouse_type;  // what the SQL declares, e.g. Nullable(Int64)
    uint32_t type;         // Postgres type OID
    int32_t typmod;
    // Whole value, or a part of an interval: months, days, microseconds (route::ConstantPart).
    uint8_t part;
    const char* binary;  // nullptr: NULL
    size_t size;
};

enum class RunStep : uint8_t { kBlock, kDone, kWantRead, kWantWrite, kFailed };

// One column of the current block, as plain views that stay valid until the next run_step.
struct ColumnView {
    const uint8_t* nulls;     // one byte per row, 1 = NULL; nullptr when not nullable
    const char* data;         // fixed width values, or all characters of a string column
    const uint64_t* offsets;  // string columns: end of row i in data; nullptr otherwise
    uint32_t width;           // bytes per value, 0 for strings
};

struct BlockView {
    uint64_t rows;
    List<ColumnView> columns;
};

Connection* connection_new(const ServerAddress& target, Failure* failure) noexcept;
void connection_free(Connection* connection) noexcept;
// True when the connection may not serve another query: free it and make a new one.
bool connection_broken(const Connection& connection) noexcept;
// major * 1000 + minor; 0 until the server has said hello.
uint32_t connection_server_version(const Connection& connection) noexcept;

struct RunSetting {
    Text name;
    Text value;
};

struct RunOptions {
    Text sql;
    List<RunSetting> settings;  // those in the SQL win
    List<BoundParameter> parameters;
    // ClickHouse types the shell relies on: a result with other columns fails the run.
    List<Text> expected;
    Text query_id;
    uint64_t memory_max;        // bytes this run may hold: received bytes and the decoded block
    uint64_t max_execution_ms;  // 0: no limit; from statement_timeout
    // The first block is handed out when the query has ended well or the result has grown beyond
    // this: until then the caller can still do without ClickHouse. 0: at once.
    uint64_t hold_bytes;
};

// Starts the query; connecting happens in the steps that follow. A value that the parameter's type
// cannot hold exactly fails here. One run per connection at a time.
Run* run_start(Connection* connection, const RunOptions& options, Failure* failure) noexcept;

// Rows of Postgres on their way into ClickHouse, column by column.
struct Rows;
struct RowColumn {
    Text name;  // in the block
    uint32_t type;
    int32_t typmod;
    // Values come as the text of their types; otherwise as what the send functions write.
    bool as_text;
};
struct RowValue {
    const char* bytes;  // nullptr: NULL
    size_t size;
};
Rows* rows_new(List<RowColumn> columns, Failure* failure) noexcept;
void rows_free(Rows* rows) noexcept;
// The ClickHouse type that values of the column have in the block.
Text rows_type(const Rows& rows, uint32_t column) noexcept;
// One value for each column. A value that cannot be held exactly fails, and the row is not added.
bool rows_append(Rows* rows, const RowValue* values, Failure* failure) noexcept;
uint64_t rows_count(const Rows& rows) noexcept;
uint64_t rows_bytes(const Rows& rows) noexcept;
const types::Block* rows_block(const Rows& rows) noexcept;
void rows_clear(Rows* rows) noexcept;

struct InsertOptions {
    Text sql;                   // without VALUES and FORMAT
    const types::Block* block;  // stays until the run is freed
    Text token;                 // the same insert sent again is stored once
    List<RunSetting> settings;
    uint64_t max_execution_ms;
};
// Starts an insert, which ends with kDone once the server has it. As run_start otherwise.
Run* insert_start(Connection* connection, const InsertOptions& options, Failure* failure) noexcept;
// Never blocks. After kWantRead or kWantWrite the shell waits for run_socket (which may change) and
// calls again, not later than run_wait_ms.
RunStep run_step(Run* run, BlockView* block, Failure* failure) noexcept;
// All of the answer is here: the blocks that follow cannot fail any more.
bool run_is_complete(const Run& run) noexcept;
int run_socket(const Run& run) noexcept;
// Milliseconds until the next deadline; -1 when there is none.
int64_t run_wait_ms(const Run& run) noexcept;
// What the server has read so far, for EXPLAIN ANALYZE.
struct RunProgress {
    uint64_t rows_read;
    uint64_t bytes_read;
    uint64_t elapsed_ns;  // by the server's clock
};
RunProgress run_progress(const Run& run) noexcept;
// Ends the run wherever it is; cancels the query on the server if it still runs. Never blocks for
// longer than a send into the socket buffer; a connection that cannot be reused becomes broken.
void run_free(Run* run) noexcept;

}  // namespace tandem::clickhouse
