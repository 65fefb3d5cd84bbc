#include "postgres/client/session.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "postgres/client/errors.h"

namespace tandem::postgres {
namespace {

// How long the server may take to confirm a cancelled statement before we give the connection up.
constexpr Millis kCancelGrace{5'000};

}  // namespace

Result<Wake> wait_for(int fd, short events, net::Deadline deadline, int wake_fd) {
    if (fd < 0) return Error(ErrorCode::kConnectionLost, "the connection has no socket any more");
    pollfd polled[2] = {{fd, events, 0}, {wake_fd, POLLIN, 0}};
    while (true) {
        int count = ::poll(polled, wake_fd < 0 ? 1 : 2, deadline.poll_timeout_ms());
        if (count > 0) return polled[0].revents != 0 ? Wake::ready : Wake::woken;
        if (count < 0 && errno != EINTR)
            return Error(ErrorCode::kIo, std::string("poll failed: ") + std::strerror(errno));
        if (deadline.expired()) return Wake::timeout;
    }
}

std::string libpq_message(const PGconn* connection) {
    std::string text = PQerrorMessage(connection);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

Error Connection::State::lost(std::string_view doing) {
    broken = true;
    std::string text = libpq_message(connection);
    return Error(ErrorCode::kConnectionLost,
                 std::string(doing) + ": " + (text.empty() ? "the connection is closed" : text));
}

Error Connection::State::timed_out(std::string_view doing) {
    cancel_and_drain();
    return Error(ErrorCode::kTimeout, std::string(doing) + ": Postgres did not answer in time");
}

Status Connection::State::check_usable() const {
    if (broken || PQstatus(connection) != CONNECTION_OK)
        return Error(ErrorCode::kConnectionLost, "the connection to Postgres is closed");
    return {};
}

Status Connection::State::wait_readable(net::Deadline deadline, std::string_view doing) {
    Wake wake = TRY(wait_for(PQsocket(connection), POLLIN, deadline));
    if (wake == Wake::timeout) return Error(ErrorCode::kTimeout, std::string(doing));
    if (PQconsumeInput(connection) == 0) return lost(doing);
    return {};
}

Status Connection::State::flush(net::Deadline deadline) {
    while (true) {
        int left = PQflush(connection);
        if (left == 0) return {};
        if (left < 0) return lost("sending to Postgres");
        // The server may have to be read before it reads on.
        Wake wake = TRY(wait_for(PQsocket(connection), POLLIN | POLLOUT, deadline));
        if (wake == Wake::timeout) {
            broken = true;  // half a message is out: nothing can follow it
            return Error(ErrorCode::kTimeout, "sending to Postgres: the socket stayed full");
        }
        if (PQconsumeInput(connection) == 0) return lost("sending to Postgres");
    }
}

Result<ResultPtr> Connection::State::next_result(net::Deadline deadline) {
    while (PQisBusy(connection) != 0) {
        Status read = wait_readable(deadline, "waiting for Postgres");
        if (read.ok()) continue;
        if (read.error().code() == ErrorCode::kTimeout) return timed_out("waiting for Postgres");
        return std::move(read).error();
    }
    return ResultPtr(PQgetResult(connection));
}

Result<ResultPtr> Connection::State::last_result(net::Deadline deadline) {
    ResultPtr last;
    std::optional<Error> error;
    while (ResultPtr result = TRY(next_result(deadline))) {
        switch (PQresultStatus(result.get())) {
            case PGRES_COPY_IN:
            case PGRES_COPY_OUT:
            case PGRES_COPY_BOTH:
                cancel_and_drain();
                return Error(ErrorCode::kInvalidArgument, "COPY cannot be run as a query");
            case PGRES_COMMAND_OK:
            case PGRES_TUPLES_OK:
            case PGRES_EMPTY_QUERY:
                last = std::move(result);
                break;
            default:
                if (!error) error = statement_error(server_error(result.get()));
        }
    }
    if (PQstatus(connection) != CONNECTION_OK) broken = true;
    if (error) return *std::move(error);
    if (last == nullptr) return lost("waiting for Postgres");
    return last;
}

Status Connection::State::drop_results(net::Deadline deadline) {
    while (TRY(next_result(deadline)) != nullptr) {
    }
    if (PQstatus(connection) != CONNECTION_OK) broken = true;
    return {};
}

// Reads the rest of a COPY. False when the connection does not allow to go on.
bool Connection::State::drop_copy_data(const PGresult* result, net::Deadline deadline) {
    if (PQresultStatus(result) != PGRES_COPY_OUT) {
        if (PQputCopyEnd(connection, "the client gave up") < 0 || !flush(deadline).ok())
            return false;
        if (PQresultStatus(result) == PGRES_COPY_IN) return true;
    }
    return drop_stream(deadline);
}

bool Connection::State::drop_stream(net::Deadline deadline) {
    while (true) {
        char* data = nullptr;
        int size = PQgetCopyData(connection, &data, 1);
        PQfreemem(data);
        if (size < 0) return true;
        if (size == 0 && !wait_readable(deadline, "").ok()) return false;
    }
}

void Connection::State::cancel_and_drain() {
    if (broken) return;
    char why[256];
    if (cancel != nullptr) PQcancel(cancel.get(), why, sizeof why);
    auto deadline = net::Deadline::after(kCancelGrace);
    broken = true;  // until proven otherwise
    while (true) {
        while (PQisBusy(connection) != 0)
            if (!wait_readable(deadline, "").ok()) return;
        ResultPtr result(PQgetResult(connection));
        if (result == nullptr) break;
        auto status = PQresultStatus(result.get());
        bool copying =
            status == PGRES_COPY_OUT || status == PGRES_COPY_IN || status == PGRES_COPY_BOTH;
        if (copying && !drop_copy_data(result.get(), deadline)) return;
    }
    broken = PQstatus(connection) != CONNECTION_OK;
}

}  // namespace tandem::postgres
