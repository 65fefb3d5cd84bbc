// Session: the waiting around one PGconn that Connection and Replication share. Private to client/.
//
// libpq runs in non-blocking mode; every wait is a poll() with a deadline. After a wait that ended
// without the server's confirmation the session is broken and only good for closing.
#pragma once

#include <libpq-fe.h>

#include <memory>

#include "net/deadline.h"
#include "postgres/client/connection.h"

namespace tandem::postgres {

struct ResultDeleter {
    void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultDeleter>;

enum class Wake : uint8_t { ready, woken, timeout };

// Waits until fd has one of `events`, or wake_fd (when not -1) is readable.
Result<Wake> wait_for(int fd, short events, net::Deadline deadline, int wake_fd = -1);

struct Connection::State {
    explicit State(PGconn* owned) : connection(owned) {}
    ~State() { PQfinish(connection); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    // --- one statement --------------------------------------------------------------------------
    // After PQsendQuery and the like: moves the bytes out.
    Status flush(net::Deadline deadline);
    // The next result; null when the statement is over. On a timeout the statement is cancelled
    // and its rest dropped.
    Result<ResultPtr> next_result(net::Deadline deadline);
    // Reads the statement to its end: the last good result, or the first error.
    Result<ResultPtr> last_result(net::Deadline deadline);
    // Reads and drops what is left of a statement that has failed.
    Status drop_results(net::Deadline deadline);
    // Sends a COPY and waits until its data flows.
    Status begin_copy(std::string_view sql, ExecStatusType wanted, const QueryOptions& options);
    // Stops what runs, reads and drops everything until the connection is idle.
    void cancel_and_drain();
    // Reads and drops COPY data until its end. False when that took too long or failed.
    bool drop_stream(net::Deadline deadline);
    // libpq reported a failure of the connection itself.
    Error lost(std::string_view doing);
    Error timed_out(std::string_view doing);
    Status check_usable() const;

    PGconn* connection;
    std::shared_ptr<PGcancel> cancel;
    Millis statement_timeout{60'000};
    std::function<void(std::string_view)> on_notice;
    bool broken = false;

  private:
    Status wait_readable(net::Deadline deadline, std::string_view doing);
    bool drop_copy_data(const PGresult* result, net::Deadline deadline);
};

// Text of libpq's last error on one line, without its line ends.
std::string libpq_message(const PGconn* connection);

}  // namespace tandem::postgres
