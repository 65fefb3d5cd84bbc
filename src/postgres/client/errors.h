// Turns what libpq and the server report into Errors: one place that knows SQLSTATEs and wordings.
//
// Server messages may be in any language, so a SQLSTATE decides where there is one; wordings are
// only looked at where libpq gives nothing else (failed connections), and help where they match.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

struct pg_result;

namespace tandem::postgres {

struct ServerError {
    std::string sqlstate = {};  // empty when the server sent none
    std::string message = {};
    std::string detail = {};
    std::string hint = {};
};

ServerError server_error(const pg_result* result);

ErrorCode code_of_sqlstate(std::string_view sqlstate);

// Of a statement.
Error statement_error(const ServerError& error);

// Of a replication command or a running stream: knows slots, wal_level and rights.
Error replication_error(const ServerError& error);

// Of a connection that could not be made; libpq gives a text and no SQLSTATE.
Error connect_error(std::string_view libpq_message);

// Why a slot was invalidated, in words for the operator; reason is pg_replication_slots' own
// (wal_removed, rows_removed, wal_level_insufficient, idle_timeout) or empty where it has none.
std::string explain_invalidation(std::string_view slot, std::string_view reason);

}  // namespace tandem::postgres
