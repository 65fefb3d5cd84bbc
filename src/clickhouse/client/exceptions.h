// What a ClickHouse exception means to the caller: which of our error codes stands for it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/error.h"

namespace tandem::clickhouse {

// Of a server that cannot read what it has written; names as in system.errors.
inline constexpr std::array kDamageCodes = {
    32,   // ATTEMPT_TO_READ_AFTER_EOF
    33,   // CANNOT_READ_ALL_DATA
    40,   // CHECKSUM_DOESNT_MATCH
    107,  // FILE_DOESNT_EXIST
    226,  // NO_FILE_IN_DATA_PART
    228,  // BAD_SIZE_OF_FILE_IN_DATA_PART
    246,  // CORRUPTED_DATA
    271,  // CANNOT_DECOMPRESS
};

struct ServerException {
    int32_t code = 0;
    std::string name = {};  // "DB::Exception"; empty over HTTP
    std::string message = {};
    std::string stack_trace = {};
};

// kClickHouseRetry when the same call may succeed later (load, memory, network inside the cluster,
// start-up, a query somebody else cancelled, as a server that stops does, damage),
// kAuthenticationFailed, else kClickHouseError. The exception's code is kept in foreign_code() and
// its text in message(). Who cancelled a query himself knows better and says kCancelled.
Error to_error(const ServerException& exception);

}  // namespace tandem::clickhouse
