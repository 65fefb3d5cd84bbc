// AsyncConnection: the native protocol for callers that own the waiting, above all Postgres
// backends.
//
//     auto connection = TRY(AsyncConnection::open(endpoint, options));
//     TRY(connection->start(query));
//     for (;;) switch (connection->step()) {
//         case Step::kBlock: use(connection->take_block()); break;
//         case Step::kDone: return;                       // start() may be called again
//         case Step::kWantRead / kWantWrite: wait for connection->fd() (and the latch); break;
//         case Step::kError: return connection->error();
//     }
//
// No threads, no signals, no blocking call except the resolution of a host *name* in open()
// (numeric addresses do not block). Connecting and the TLS handshake are part of step(). Holds at
// most one decoded block and the bytes of the one being received. May throw std::bad_alloc, which
// the facade catches; the object may then only be destroyed.
#pragma once

#include <memory>

#include "base/result.h"
#include "clickhouse/client/client.h"
#include "net/deadline.h"

namespace tandem::clickhouse {

// kWantWrite: wait until the socket is writable *or* readable, for there is something to send while
// answers may come in as well. kWantRead: readable only.
enum class Step : uint8_t { kBlock, kDone, kWantRead, kWantWrite, kError };

class AsyncConnection {
  public:
    // Starts to connect; does not wait for the outcome.
    static Result<std::unique_ptr<AsyncConnection>> open(const Endpoint& endpoint,
                                                         const ClientOptions& options);
    AsyncConnection(const AsyncConnection&) = delete;
    AsyncConnection& operator=(const AsyncConnection&) = delete;
    ~AsyncConnection();  // closes the socket at once; the server then ends the query

    // Queues the query; nothing is sent before step(). Only when idle() or freshly opened.
    Status start(const Query& query);
    // The same for an INSERT without VALUES or FORMAT, which takes its rows from `block`: it must
    // stay until kDone or kError. kDone says that the server has them.
    Status start_insert(const Query& query, const types::Block& block);
    // Goes on as far as it can without waiting. After kBlock call it again at once.
    // Past the deadline of the query it returns kError with kTimeout: wait no longer than
    // deadline() says.
    Step step();
    // The block of the last kBlock: never without rows. Types are those of the server.
    types::Block take_block();
    // Empty block that carries names and types of the result; known before the first kBlock and
    // also when the result has no rows.
    const types::Block& header() const;
    const Error& error() const;

    // Asks the server to stop; go on with step() until kDone or kError (kCancelled), blocks may
    // still come. Then the connection can be used again.
    void cancel();

    int fd() const;                  // changes while connecting; read it before every wait
    net::Deadline deadline() const;  // of connecting or of the running query
    bool idle() const;               // connected, no query running: start() may be called
    // Only good for destruction. Look at it after every kError: a query that the server refused at
    // once takes the connection with it.
    bool broken() const;
    const ServerInfo& server() const;
    const Progress& progress() const;

  private:
    class Impl;
    explicit AsyncConnection(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::clickhouse
