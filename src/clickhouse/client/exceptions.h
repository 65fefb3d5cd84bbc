// What a ClickHouse exception means to the caller: which of our error codes stands for it.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace tandem::clickhouse {

struct ServerException {
    int32_t code = 0;
    std::string name = {};  // "DB::Exception"; empty over HTTP
    std::string message = {};
    std::string stack_trace = {};
};

// kClickHouseRetry when the same call may succeed later (load, memory, network inside the cluster,
// start-up, a query somebody else cancelled, as a server that stops does), kAuthenticationFailed,
// else kClickHouseError. The exception's code is kept in foreign_code() and its text in message().
// Who cancelled a query himself knows better and says kCancelled.
Error to_error(const ServerException& exception);

}  // namespace tandem::clickhouse
