#include "postgres/client/errors.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>

namespace tandem::postgres {
namespace {

std::string field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? std::string() : std::string(text);
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::string joined(const ServerError& error) {
    std::string text = error.message;
    if (!error.detail.empty()) text += "; " + error.detail;
    if (!error.hint.empty()) text += "; hint: " + error.hint;
    return text;
}

struct StateCode {
    std::string_view prefix;  // a whole SQLSTATE or a class
    ErrorCode code;
};

// The first prefix that fits decides.
constexpr std::array kStates = {
    StateCode{"40001", ErrorCode::kPostgresRetry},      // serialization_failure
    StateCode{"40P01", ErrorCode::kPostgresRetry},      // deadlock_detected
    StateCode{"55P03", ErrorCode::kPostgresRetry},      // lock_not_available
    StateCode{"53300", ErrorCode::kConnectionFailed},   // too_many_connections
    StateCode{"53400", ErrorCode::kPostgresError},      // configuration_limit_exceeded
    StateCode{"53", ErrorCode::kPostgresRetry},         // disk full, out of memory
    StateCode{"57P01", ErrorCode::kConnectionLost},     // admin_shutdown
    StateCode{"57P02", ErrorCode::kConnectionLost},     // crash_shutdown
    StateCode{"57P03", ErrorCode::kConnectionFailed},   // cannot_connect_now
    StateCode{"57P05", ErrorCode::kConnectionLost},     // idle_session_timeout
    StateCode{"25P03", ErrorCode::kConnectionLost},     // idle_in_transaction_session_timeout
    StateCode{"57014", ErrorCode::kCancelled},          // query_canceled
    StateCode{"08", ErrorCode::kConnectionLost},        // connection exceptions
    StateCode{"28", ErrorCode::kAuthenticationFailed},  // invalid authorization
    StateCode{"42P07", ErrorCode::kAlreadyExists},      // duplicate_table
    StateCode{"42710", ErrorCode::kAlreadyExists},      // duplicate_object
    StateCode{"42P06", ErrorCode::kAlreadyExists},      // duplicate_schema
    StateCode{"42P01", ErrorCode::kNotFound},           // undefined_table
    StateCode{"42704", ErrorCode::kNotFound},           // undefined_object
    StateCode{"3D000", ErrorCode::kNotFound},           // invalid_catalog_name
    StateCode{"3F000", ErrorCode::kNotFound},           // invalid_schema_name
};

// Wordings of Postgres 13 to 18 for a slot that lost what it needs.
bool tells_invalidation(const ServerError& error) {
    return has(error.message, "cannot read from logical replication slot") ||
           has(error.message, "can no longer get changes from replication slot") ||
           has(error.message, "can no longer access replication slot") ||
           has(error.detail, "has been invalidated") ||
           (error.sqlstate == "58P01" && has(error.message, "WAL segment"));
}

Error coded(ErrorCode code, const ServerError& error) {
    return Error(code, joined(error)).with_sqlstate(error.sqlstate);
}

}  // namespace

ServerError server_error(const PGresult* result) {
    ServerError error{.sqlstate = field(result, PG_DIAG_SQLSTATE),
                      .message = field(result, PG_DIAG_MESSAGE_PRIMARY),
                      .detail = field(result, PG_DIAG_MESSAGE_DETAIL),
                      .hint = field(result, PG_DIAG_MESSAGE_HINT)};
    if (error.message.empty()) {
        error.message = PQresultErrorMessage(result);
        while (!error.message.empty() && error.message.back() == '\n') error.message.pop_back();
    }
    return error;
}

ErrorCode code_of_sqlstate(std::string_view sqlstate) {
    for (const StateCode& state : kStates)
        if (sqlstate.starts_with(state.prefix)) return state.code;
    return ErrorCode::kPostgresError;
}

Error statement_error(const ServerError& error) {
    // libpq makes up results without SQLSTATE when the connection breaks.
    if (error.sqlstate.empty()) return Error(ErrorCode::kConnectionLost, joined(error));
    return coded(code_of_sqlstate(error.sqlstate), error);
}

Error replication_error(const ServerError& error) {
    const std::string& state = error.sqlstate;
    if (tells_invalidation(error)) return coded(ErrorCode::kSlotInvalidated, error);
    if (state == "42704" && has(error.message, "replication slot"))
        return coded(ErrorCode::kSlotMissing, error);
    if (state == "55006") return coded(ErrorCode::kSlotInUse, error);
    // No free slot; wal_level too low; no right to replicate.
    if (state == "53400" || state == "42501") return coded(ErrorCode::kSourceUnfit, error);
    if (state == "55000" && has(error.message, "wal_level"))
        return coded(ErrorCode::kSourceUnfit, error);
    return statement_error(error);
}

Error connect_error(std::string_view libpq_message) {
    std::string text(libpq_message);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    std::replace(text.begin(), text.end(), '\n', ' ');
    auto code = ErrorCode::kConnectionFailed;
    if (has(text, "authentication failed") || has(text, "no password supplied") ||
        has(text, "no pg_hba.conf entry") || (has(text, "role \"") && has(text, "not exist")) ||
        has(text, "not permitted to log in")) {
        code = ErrorCode::kAuthenticationFailed;
    } else if (has(text, "max_wal_senders") || has(text, "start walsender") ||
               has(text, "replication connections")) {
        code = ErrorCode::kSourceUnfit;
    } else if (has(text, "database \"") && has(text, "not exist")) {
        code = ErrorCode::kNotFound;
    } else if (has(text, "SSL") || has(text, "certificate")) {
        code = ErrorCode::kTlsFailed;
    }
    return Error(code, text);
}

std::string explain_invalidation(std::string_view slot, std::string_view reason) {
    std::string text = "replication slot \"" + std::string(slot) + "\" was invalidated: ";
    if (reason == "rows_removed")
        return text + "rows of the catalog it needs were vacuumed on the primary (set " +
               "hot_standby_feedback = on on the standby)";
    if (reason == "wal_level_insufficient") return text + "wal_level of the primary was lowered";
    if (reason == "idle_timeout")
        return text + "nobody read it for longer than idle_replication_slot_timeout";
    return text + "it held back more WAL than max_slot_wal_keep_size allows, and the server " +
           "removed WAL the slot still needed";
}

}  // namespace tandem::postgres
