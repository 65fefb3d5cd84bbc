// The decisions, one place after the other. Three things are weighed everywhere: whether waiting
// helps (errors.def), whose fault it is (the table's, or that of what all tables share), and
// whether it is known what the other side has done.
#include "base/retry_policy.h"

#include <algorithm>
#include <initializer_list>

namespace tandem {
namespace {

bool is_one_of(const Error& error, std::initializer_list<ErrorCode> codes) {
    return std::find(codes.begin(), codes.end(), error.code()) != codes.end();
}

// Asked to stop is no fault; waiting for the end is all there is to do.
bool waiting_helps(const Error& error) {
    return error.retryable() || error.code() == ErrorCode::kCancelled;
}

// Of ClickHouse.
constexpr int kNotFoundColumnInBlock = 10;
constexpr int kNoSuchColumnInTable = 16;
constexpr int kUnknownIdentifier = 47;
constexpr int kUnknownTable = 60;
constexpr int kUnknownDatabase = 81;
constexpr int kAccessDenied = 497;

// Credentials and our own bugs concern every table alike, and so does it when somebody took the
// tables away, the right to them, or the mirror; failing one after the other would only hide it.
bool concerns_all_tables(const Error& error) {
    int code = error.foreign_code();
    return is_one_of(error, {ErrorCode::kInternal, ErrorCode::kAuthenticationFailed,
                             ErrorCode::kLeaseLost}) ||
           code == kUnknownTable || code == kUnknownDatabase || code == kAccessDenied;
}

// A column or the table is not there (any more) on one of the sides: the schema changed under the
// load, and nothing is lost by starting it again with the new one.
bool is_schema_race(const Error& error) {
    return error.code() == ErrorCode::kSchemaChanged || error.sqlstate() == "42703" ||
           error.sqlstate() == "42P01" || error.foreign_code() == kNoSuchColumnInTable;
}

Action for_relation(const Error& error) {
    // What the description of this very table says; anything else is met by the session.
    bool of_the_table = is_one_of(error, {ErrorCode::kSchemaChanged, ErrorCode::kNoReplicaIdentity,
                                          ErrorCode::kUnsupportedType, ErrorCode::kInvalidArgument,
                                          ErrorCode::kMalformedData, ErrorCode::kValueOutOfRange});
    return of_the_table ? Action::fail_table : Action::end_session;
}

Action for_apply_step(const Error& error) {
    // Postgres is asked for the catalog, which no table can be blamed for.
    bool shared = waiting_helps(error) || concerns_all_tables(error) ||
                  is_one_of(error, {ErrorCode::kTlsFailed, ErrorCode::kPostgresError});
    return shared ? Action::end_session : Action::fail_table;
}

Action for_apply_batch(const Error& error) {
    // An answer that says no, or nobody there to ask: nothing was written, and the batch can be
    // gone on with. Otherwise it is not known what was, and the next session undoes that first.
    bool nothing_written =
        is_one_of(error, {ErrorCode::kClickHouseRetry, ErrorCode::kConnectionFailed});
    return nothing_written ? Action::again : Action::end_session;
}

Action for_prepare_table(const Error& error) {
    // Somebody dropped it, or a daemon died between a change of the schema and the record of it.
    for (int code :
         {kNotFoundColumnInBlock, kNoSuchColumnInTable, kUnknownIdentifier, kUnknownTable})
        if (error.foreign_code() == code) return Action::restart_load;
    bool shared = error.retryable() || error.code() == ErrorCode::kLeaseLost;
    return shared ? Action::end_session : Action::fail_table;
}

Action for_load_chunk(const Error& error) {
    if (is_schema_race(error)) return Action::restart_load;
    return waiting_helps(error) || concerns_all_tables(error) ? Action::again : Action::fail_table;
}

}  // namespace

Action action_for(const Error& error, Place place) {
    switch (place) {
        case Place::daemon:
            return error.retryable() ? Action::again : Action::stop;
        case Place::session:
            // ClickHouse may refuse everything for a while and then not: a password is put right, a
            // database restored.
            return waiting_helps(error) || error.foreign_code() != 0 ? Action::again : Action::stop;
        case Place::prepare_table:
            return for_prepare_table(error);
        case Place::relation:
            return for_relation(error);
        case Place::apply_step:
            return for_apply_step(error);
        case Place::apply_batch:
            return for_apply_batch(error);
        case Place::load_chunk:
            return for_load_chunk(error);
    }
    return Action::stop;
}

}  // namespace tandem
