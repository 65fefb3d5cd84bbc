// Errors reach us in two ways. PG_CATCH around everything that executes: there the statement is
// known, and the error, on its way, can be copied. And the hook of the server log, called when a
// statement is given up: for errors of no execution (syntax, analysis, a commit) and for the end of
// the process.
#include "extension/shell/pg.h"

extern "C" {
#include "access/xact.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
}

#include "extension/telemetry/nesting.h"
#include "extension/telemetry/settings.h"
#include "extension/telemetry/shared.h"

namespace tandem::shell {

namespace {

uint32 last_number = 0;
uint32 current_number = 0;
uint8 current_level = 0;
OpenStatement* running = nullptr;
// The client's last statement, until the commit that it brings is over.
OpenStatement* held = nullptr;
// The error on its way to the log has been written with its statement.
bool error_is_written = false;
bool in_log_hook = false;
MemoryContext error_memory = nullptr;
emit_log_hook_type previous_log_hook = nullptr;

// What runs now belongs to the commit of the held statement: the client has asked for nothing
// since.
bool is_committing() {
    return held != nullptr && held->message == GetCurrentStatementStartTimestamp();
}

bool is_commit(const OpenStatement* statement) {
    return statement->command == CMDTAG_COMMIT ||
           statement->command == CMDTAG_PREPARE_TRANSACTION ||
           statement->command == CMDTAG_COMMIT_PREPARED;
}

}  // namespace

uint32 next_statement_number() {
    return ++last_number;
}

void place_statement(OpenStatement* statement, uint32 number) {
    statement->number = number == 0 ? next_statement_number() : number;
    statement->level = current_level;
    statement->parent = current_number;
    if (current_level > 0) return;
    if (is_committing()) {
        // A deferred trigger.
        statement->level = 1;
        statement->parent = held->number;
        return;
    }
    flush_held();
    error_is_written = false;
}

Inside enter(OpenStatement* statement) {
    Inside before = {current_number, current_level, running, route_note};
    current_number = statement->number;
    current_level = static_cast<uint8>(Min(statement->level + 1, 255));
    statement->caller = running;
    running = statement;
    route_note = &statement->route;
    return before;
}

Inside enter_planning(uint32 number, RouteNote* note) {
    Inside before = {current_number, current_level, running, route_note};
    current_number = number;
    current_level = static_cast<uint8>(Min(current_level + 1, 255));
    route_note = note;
    return before;
}

void leave(const Inside& before) {
    current_number = before.number;
    current_level = before.level;
    running = before.running;
    route_note = before.note;
}

bool is_inside_statement() {
    return current_level > 0;
}

int nesting_level() {
    return current_level;
}

void end_statement(OpenStatement* statement) {
    bool commit_follows = statement->level == 0 && (is_commit(statement) || !IsTransactionBlock());
    if (commit_follows && IsTransactionState()) {
        flush_held();
        held = statement;
        return;
    }
    write_statement(statement, nullptr);
    release_statement(statement);
}

void flush_held() {
    if (held == nullptr) return;
    OpenStatement* statement = held;
    held = nullptr;
    write_statement(statement, nullptr);
    release_statement(statement);
}

namespace {

const ErrorData* copy_error() {
    if (error_memory == nullptr)
        error_memory =
            AllocSetContextCreate(TopMemoryContext, "tandem telemetry error", ALLOCSET_SMALL_SIZES);
    MemoryContextSwitchTo(error_memory);
    return CopyErrorData();
}

void write_failed(OpenStatement* statement) {
    // Where memory has run out none is asked for.
    if (geterrcode() == ERRCODE_OUT_OF_MEMORY) {
        ErrorData error = {};
        error.sqlerrcode = ERRCODE_OUT_OF_MEMORY;
        error.message = const_cast<char*>("out of memory");
        return write_statement(statement, &error);
    }
    MemoryContext before = CurrentMemoryContext;
    const ErrorData* error = copy_error();
    write_statement(statement, error);
    MemoryContextSwitchTo(before);
    MemoryContextReset(error_memory);
}

}  // namespace

void fail_statement(OpenStatement* statement) {
    stop_clock(statement, monotonic_ns());
    write_failed(statement);
    if (statement->level == 0) error_is_written = true;
    if (!statement->watched) release_statement(statement);
}

namespace {

// An error before there was anything to execute: the text is all there is.
void write_unexecuted(const ErrorData* error) {
    if (debug_query_string == nullptr) return;
    OpenStatement* statement = open_statement(monotonic_ns());
    place_statement(statement, 0);
    TimestampTz ago = GetCurrentTimestamp() - statement->message;
    statement->started_ns -= Max(ago, 0) * 1000;
    statement->query_id = identify_text(part_of(debug_query_string, 0, 0));
    take_tags(statement, debug_query_string, 0, 0);
    write_statement(statement, error);
    release_statement(statement);
}

// The process ends, and nothing is caught any more.
void write_running(const ErrorData* error) {
    int64 now = monotonic_ns();
    for (OpenStatement* statement = running; statement != nullptr; statement = statement->caller) {
        stop_clock(statement, now);
        write_statement(statement, error);
    }
}

void on_error(const ErrorData* error) {
    if (error->elevel >= FATAL) {
        flush_held();
        return write_running(error);
    }
    bool written = error_is_written;
    error_is_written = false;
    if (written) return;
    if (is_committing()) {
        OpenStatement* statement = held;
        held = nullptr;
        int64 now = monotonic_ns();
        if (statement->commit_since_ns != 0)
            statement->commit_ns = now - statement->commit_since_ns;
        write_statement(statement, error);
        return release_statement(statement);
    }
    flush_held();
    write_unexecuted(error);
}

void log_hook(ErrorData* error) {
    if (previous_log_hook != nullptr) previous_log_hook(error);
    if (likely(error->elevel < ERROR) || error->elevel >= PANIC || in_log_hook ||
        !telemetry_active())
        return;
    in_log_hook = true;
    on_error(error);
    in_log_hook = false;
}

void on_transaction(XactEvent event, void*) {
    if (likely(held == nullptr)) return;
    switch (event) {
        case XACT_EVENT_PRE_COMMIT:
            // A transaction that wrote nothing has nothing to make durable.
            if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
                held->commit_since_ns = monotonic_ns();
            break;
        case XACT_EVENT_COMMIT:
            if (held->commit_since_ns != 0)
                held->commit_ns = monotonic_ns() - held->commit_since_ns;
            flush_held();
            break;
        case XACT_EVENT_PREPARE:
        case XACT_EVENT_ABORT:  // the error behind it has been to the log already
            flush_held();
            break;
        default:
            break;
    }
}

}  // namespace

void install_endings() {
    previous_log_hook = emit_log_hook;
    emit_log_hook = log_hook;
    RegisterXactCallback(on_transaction, nullptr);
}

}  // namespace tandem::shell
