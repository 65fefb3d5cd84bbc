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

// Credentials and our own bugs concern every table alike; failing one after the other would only
// hide it.
bool concerns_all_tables(const Error& error) {
    return is_one_of(error, {ErrorCode::kInternal, ErrorCode::kAuthenticationFailed});
}

// A column or the table is not there (any more) on one of the sides: the schema changed under the
// load, and nothing is lost by starting it again with the new one.
bool is_schema_race(const Error& error) {
    constexpr int kNoSuchColumnInTable = 16;  // of ClickHouse
    return error.sqlstate() == "42703" || error.sqlstate() == "42P01" ||
           error.foreign_code() == kNoSuchColumnInTable;
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
            return waiting_helps(error) ? Action::again : Action::stop;
        case Place::prepare_table:
            return error.retryable() ? Action::end_session : Action::fail_table;
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
