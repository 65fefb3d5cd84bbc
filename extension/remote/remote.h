// Runs one query in ClickHouse: connections of this backend, waiting with interrupts, blocks.
//
// A RemoteRun belongs to a memory context: when that is reset, on success or error, the query is
// cancelled and its connection given back.
#pragma once

extern "C" {
#include "utils/palloc.h"
}

#include "clickhouse/facade.h"
#include "extension/catalog/catalog.h"

namespace tandem::shell {

struct RemoteRun {
    MemoryContextCallback callback;
    clickhouse::Run* run;
    int connection;  // place in the backend's list
    int host;        // of the target's, from 0
    int failed_hosts;
    // What was asked, for a second try: an idle connection may have been closed by the server.
    const CatalogTarget* target;
    const char* database;
    clickhouse::RunOptions options;
    const clickhouse::InsertOptions* insert;  // instead of a query; nullptr for none
    bool may_retry;
    clickhouse::BlockView block;
    uint64 row;  // next row of the block
    bool done;
};

// Starts a query; nullptr and the reason in `failure` when that is not possible. Does not wait.
// What target and options point to must live as long as `owner`.
RemoteRun* remote_start(const CatalogTarget& target, const char* database,
                        const clickhouse::RunOptions& options, MemoryContext owner,
                        Failure* failure);
// Sends a block of rows and waits until the server has them. What goes wrong is in `failure`.
bool remote_insert(const CatalogTarget& target, const char* database,
                   const clickhouse::InsertOptions& insert, Failure* failure);
// The next block with rows; false at the end (run->done) or on failure. Waits, and may raise what
// CHECK_FOR_INTERRUPTS raises.
bool remote_next_block(RemoteRun* run, Failure* failure);
void remote_stop(RemoteRun* run);

// What the target says of settings and limits, into options; lives as long as they do.
void use_target_settings(const CatalogTarget& target, clickhouse::RunOptions* options);

[[noreturn]] void raise_remote(const Failure& failure);
// True when the failure means that ClickHouse cannot be reached.
bool is_unreachable(const Failure& failure);

}  // namespace tandem::shell
