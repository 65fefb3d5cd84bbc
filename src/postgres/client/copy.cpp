// COPY through a Connection: rows pass through, nothing is collected.
#include <libpq-fe.h>
#include <poll.h>

#include "postgres/client/errors.h"
#include "postgres/client/session.h"

namespace tandem::postgres {
namespace {

using net::Deadline;

struct FreeMemory {
    void operator()(char* data) const { PQfreemem(data); }
};

Result<uint64_t> rows_of(ResultPtr result) {
    return QueryResult(result.release()).affected();
}

}  // namespace

Result<uint64_t> Connection::copy_out(std::string_view sql,
                                      const std::function<Status(std::string_view)>& on_data,
                                      const QueryOptions& options) {
    TRY(state_->begin_copy(sql, PGRES_COPY_OUT, options));
    Millis silence = options.timeout.value_or(state_->statement_timeout);
    while (true) {
        char* data = nullptr;
        int size = PQgetCopyData(state_->connection, &data, 1);
        std::unique_ptr<char, FreeMemory> owned(data);
        if (size > 0) {
            Status taken = on_data({data, static_cast<size_t>(size)});
            if (taken.ok()) continue;
            state_->cancel_and_drain();
            return std::move(taken).error();
        }
        if (size == -1) break;
        if (size < -1) return state_->lost("reading COPY data");
        Wake wake = TRY(wait_for(PQsocket(state_->connection), POLLIN, Deadline::after(silence)));
        if (wake == Wake::timeout) return state_->timed_out("reading COPY data");
        if (PQconsumeInput(state_->connection) == 0) return state_->lost("reading COPY data");
    }
    return rows_of(TRY(state_->last_result(Deadline::after(silence))));
}

Status Connection::State::begin_copy(std::string_view sql, ExecStatusType wanted,
                                     const QueryOptions& options) {
    TRY(check_usable());
    auto deadline = Deadline::after(options.timeout.value_or(statement_timeout));
    if (PQsendQuery(connection, std::string(sql).c_str()) == 0) return lost("sending COPY");
    TRY(flush(deadline));
    ResultPtr result = TRY(next_result(deadline));
    if (result != nullptr && PQresultStatus(result.get()) == wanted) return {};
    if (result != nullptr && PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
        Error error = statement_error(server_error(result.get()));
        TRY(drop_results(deadline));
        return error;
    }
    cancel_and_drain();
    return Error(ErrorCode::kInvalidArgument, "the statement is not a COPY of the right direction");
}

}  // namespace tandem::postgres
