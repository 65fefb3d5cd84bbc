#include "clickhouse/client/exceptions.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tandem::clickhouse {
namespace {

// Codes whose cause passes by itself; names as in system.errors.
constexpr std::array kRetryCodes = {
    74,    // CANNOT_READ_FROM_FILE_DESCRIPTOR
    75,    // CANNOT_WRITE_TO_FILE_DESCRIPTOR: the disk is full, mostly
    76,    // CANNOT_OPEN_FILE: too many are open, mostly
    3,     // UNEXPECTED_END_OF_FILE: a connection inside the cluster broke
    159,   // TIMEOUT_EXCEEDED
    160,   // TOO_SLOW
    173,   // CANNOT_ALLOCATE_MEMORY
    198,   // DNS_ERROR
    202,   // TOO_MANY_SIMULTANEOUS_QUERIES
    203,   // NO_FREE_CONNECTION
    209,   // SOCKET_TIMEOUT
    210,   // NETWORK_ERROR
    236,   // ABORTED
    241,   // MEMORY_LIMIT_EXCEEDED
    242,   // TABLE_IS_READ_ONLY
    243,   // NOT_ENOUGH_SPACE
    252,   // TOO_MANY_PARTS
    254,   // NO_ACTIVE_REPLICAS
    279,   // ALL_CONNECTION_TRIES_FAILED
    285,   // TOO_FEW_LIVE_REPLICAS
    286,   // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    289,   // REPLICA_IS_NOT_IN_QUORUM
    319,   // UNKNOWN_STATUS_OF_INSERT
    341,   // UNFINISHED
    369,   // ALL_REPLICAS_ARE_STALE
    394,   // QUERY_WAS_CANCELLED
    416,   // REPLICA_STATUS_CHANGED
    425,   // SYSTEM_ERROR
    439,   // CANNOT_SCHEDULE_TASK
    473,   // DEADLOCK_AVOIDED
    499,   // S3_ERROR
    574,   // DISTRIBUTED_TOO_MANY_PENDING_BYTES
    700,   // USER_SESSION_LIMIT_EXCEEDED
    735,   // QUERY_WAS_CANCELLED_BY_CLIENT
    745,   // SERVER_OVERLOADED
    999,   // KEEPER_EXCEPTION
    1001,  // STD_EXCEPTION: what the operating system said, a full disk among it
};

constexpr std::array kAuthenticationCodes = {
    192,  // UNKNOWN_USER (old servers)
    193,  // WRONG_PASSWORD (old servers)
    194,  // REQUIRED_PASSWORD (old servers)
    516,  // AUTHENTICATION_FAILED
};

template <size_t size>
bool contains(const std::array<int, size>& codes, int code) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

ErrorCode classify(int code) {
    if (contains(kAuthenticationCodes, code)) return ErrorCode::kAuthenticationFailed;
    if (contains(kRetryCodes, code)) return ErrorCode::kClickHouseRetry;
    // Whose rows they are is loaded again meanwhile.
    if (contains(kDamageCodes, code)) return ErrorCode::kClickHouseRetry;
    return ErrorCode::kClickHouseError;
}

}  // namespace

Error to_error(const ServerException& exception) {
    std::string_view message = exception.message;
    constexpr std::string_view kPrefix = "DB::Exception: ";
    if (message.starts_with(kPrefix)) message.remove_prefix(kPrefix.size());
    std::string text = "ClickHouse error " + std::to_string(exception.code);
    if (!message.empty()) text.append(": ").append(message);
    return Error(classify(exception.code), std::move(text)).with_foreign_code(exception.code);
}

}  // namespace tandem::clickhouse
