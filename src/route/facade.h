// What the extension sees of the router and of the ClickHouse client: C-shaped, noexcept, plain
// data.
//
// Called inside a Postgres backend, from shell code whose frames longjmp may leave at any time. So:
// nothing here throws, calls Postgres, blocks without saying so, starts threads or touches signals.
// Objects are opaque pointers that the shell ties to a memory context by a reset callback and frees
// with the matching *_free (safe on nullptr). A function that fails returns false or nullptr and
// fills the Failure; the text is copied, nothing needs freeing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "route/tree.h"

namespace tandem::route {

struct Failure {
    char code[32];  // stable code: errors.def, or a reason code when the query does not ship
    char sqlstate[6];
    char message[1024];  // for the user, UTF-8, cut at a character border
    char advice[256];
    int clickhouse_code;  // ClickHouse exception code or 0
};

// --- translation
// -----------------------------------------------------------------------------------

struct Translation;  // owns its memory until translation_free

struct TranslateOptions {
    uint32_t clickhouse_version = 0;  // major * 1000 + minor, 0 when unknown
    bool use_final = true;
};

// How one value of the result is computed.
enum class RecipeKind : uint8_t {
    kColumn,   // remote column `first`
    kAverage,  // numeric: sum in `first` / count in `second`, NULL when the count is 0
};

struct Recipe {
    RecipeKind kind;
    uint32_t first;
    uint32_t second;
};

// A node of the query that ClickHouse computes; the shell puts the recipe in its place wherever
// Postgres evaluates the expression around it.
struct Replacement {
    uint32_t expr_id;
    Recipe recipe;
};

struct RemoteColumn {
    Text clickhouse_type;  // e.g. Nullable(Int64)
    uint32_t type;         // Postgres type the shell makes of it
    int32_t typmod;
};

// The runtime constants that the SQL uses, in the order of their parameters.
struct UsedConstant {
    uint32_t constant;  // Expr::constant
    uint32_t type;      // Postgres type to evaluate it as
    Text parameter;     // name of the query parameter: {name:Type} in the SQL
};

// What the shell builds the plan from. Views into the Translation.
struct TranslationResult {
    Text sql;
    List<RemoteColumn> columns;
    List<Replacement> replacements;  // covers every target: the target's own node or nodes below it
    List<UsedConstant> constants;
    bool sorted;   // ORDER BY was shipped; otherwise Postgres sorts above the scan
    bool limited;  // LIMIT and OFFSET were shipped (only when sorted)
};

// Null and a reason code in `failure` when the query must stay in Postgres.
Translation* translate(const Query& query, const TranslateOptions& options,
                       Failure* failure) noexcept;
const TranslationResult& translation_result(const Translation& translation) noexcept;
void translation_free(Translation* translation) noexcept;

// --- runtime constants
// -----------------------------------------------------------------------------

// The value of a runtime constant, in the binary form of its type's send function.
struct ConstantValue {
    uint32_t type;
    int32_t typmod;
    const char* binary;  // nullptr: NULL
    size_t size;
};

// --- execution
// -------------------------------------------------------------------------------------

struct Destination {
    Text host;
    uint16_t port;
    Text user;
    Text password;
    Text database;
    bool secure;
};

struct Connection;  // one per backend and target, kept between queries
struct Run;         // one running query

enum class Step : uint8_t { kBlock, kDone, kWantRead, kWantWrite, kFailed };

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

Connection* connection_new(const Destination& target, Failure* failure) noexcept;
void connection_free(Connection* connection) noexcept;

// Starts the query; connecting happens in the steps that follow. Constants are in the order of
// TranslationResult::constants. `expected` is what the shell relies on: a block whose columns have
// other types fails the run.
struct RunOptions {
    Text sql;
    List<ConstantValue> constants;
    List<UsedConstant> used;
    List<RemoteColumn> expected;
    Text query_id;
    uint64_t memory_max;        // bytes this run may hold
    uint64_t max_execution_ms;  // 0: no limit; from statement_timeout
};
Run* run_start(Connection* connection, const RunOptions& options, Failure* failure) noexcept;
// Never blocks. After kWantRead or kWantWrite the shell waits for run_socket and calls again.
Step run_step(Run* run, BlockView* block, Failure* failure) noexcept;
int run_socket(const Run* run) noexcept;
// Ends the run wherever it is; cancels the query on the server if it still runs. Never blocks for
// longer than a send into the socket buffer; a connection that cannot be reused is dropped.
void run_free(Run* run) noexcept;

}  // namespace tandem::route
