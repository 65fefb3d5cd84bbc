#include "postgres/client/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <vector>

#include "base/log.h"
#include "postgres/client/conninfo.h"
#include "postgres/client/errors.h"
#include "postgres/client/session.h"
#include "types/mapping.h"

namespace tandem::postgres {
namespace {

using net::Deadline;

// libpq would print notices to standard error.
void receive_notice(void* listener, const PGresult* notice) {
    const char* message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    if (message == nullptr) return;
    const auto& on_notice = *static_cast<std::function<void(std::string_view)>*>(listener);
    if (on_notice)
        on_notice(message);
    else
        log(LogLevel::debug, "postgres", message);
}

std::string setup_sql(int server_version, const ConnectOptions& options) {
    std::string sql =
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
        "SET standard_conforming_strings = on;";
    sql += "SET client_min_messages = '" + std::string(options.on_notice ? "notice" : "warning") +
           "';";
    for (const types::SessionSetting& setting : types::kSessionSettings)
        sql += "SET " + std::string(setting.name) + " = '" + std::string(setting.value) + "';";
    if (server_version >= 140000) sql += "SET idle_session_timeout = 0;";
    if (server_version >= 170000) sql += "SET transaction_timeout = 0;";
    // A policy that would hide rows from a mirror has to be an error, not a smaller table.
    if (options.pinned_search_path) sql += "SET search_path = pg_catalog; SET row_security = off;";
    // A database may have the setting; a server with an older library does not know it.
    if (options.pinned_search_path)
        sql +=
            "SELECT set_config('tandem.as_of', '', false) WHERE current_setting('tandem.as_of', "
            "true) <> '';";
    return sql;
}

Result<Keywords> connect_keywords(const ConnectOptions& options) {
    Keywords keywords = TRY(parse_conninfo(options.conninfo));
    set_keyword(keywords, "application_name", options.application_name);
    set_keyword(keywords, "client_encoding", "UTF8");
    // A peer that vanished without a word is noticed within about a minute.
    set_default_keyword(keywords, "keepalives_idle", "30");
    set_default_keyword(keywords, "keepalives_interval", "10");
    set_default_keyword(keywords, "keepalives_count", "3");
    set_default_keyword(keywords, "tcp_user_timeout", "60000");
    return keywords;
}

// A password in libpq's message would be a surprise; make it impossible.
std::string without_secret(std::string text, std::string_view secret) {
    if (secret.empty()) return text;
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
        text.replace(at, secret.size(), "***");
    return text;
}

PGconn* begin_connect(const Keywords& keywords) {
    std::vector<const char*> names;
    std::vector<const char*> values;
    for (const auto& [name, value] : keywords) {
        names.push_back(name.c_str());
        values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    return PQconnectStartParams(names.data(), values.data(), 0);
}

Status finish_connect(PGconn* connection, Deadline deadline, std::string_view password) {
    auto polling = PGRES_POLLING_WRITING;
    while (PQstatus(connection) != CONNECTION_BAD && polling != PGRES_POLLING_FAILED) {
        if (polling == PGRES_POLLING_OK) return {};
        short events = polling == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        Wake wake = TRY(wait_for(PQsocket(connection), events, deadline));
        if (wake == Wake::timeout)
            return Error(ErrorCode::kConnectionFailed, "no answer within the connect timeout");
        polling = PQconnectPoll(connection);
    }
    return connect_error(without_secret(libpq_message(connection), password));
}

std::shared_ptr<PGcancel> make_cancel(PGconn* connection) {
    return {PQgetCancel(connection), [](PGcancel* cancel) { PQfreeCancel(cancel); }};
}

// The arrays libpq wants for parameters. Values are copied because they need not end in NUL.
struct ParameterArrays {
    explicit ParameterArrays(std::span<const Parameter> parameters) {
        texts.reserve(parameters.size());
        for (const Parameter& parameter : parameters) {
            texts.emplace_back(parameter.value.value_or(""));
            values.push_back(parameter.value ? texts.back().c_str() : nullptr);
            lengths.push_back(static_cast<int>(texts.back().size()));
            types.push_back(parameter.type.value);
            formats.push_back(parameter.binary ? 1 : 0);
        }
    }
    std::vector<std::string> texts;
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<::Oid> types;
    std::vector<int> formats;
};

}  // namespace

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::open(const ConnectOptions& options) {
    Keywords keywords = TRY(connect_keywords(options));
    auto deadline = Deadline::after(options.connect_timeout);
    std::string what = "connecting to " + describe_conninfo(options.conninfo);
    auto state = std::make_unique<State>(begin_connect(keywords));
    if (state->connection == nullptr) return Error(ErrorCode::kOutOfMemory, what);
    state->on_notice = options.on_notice;
    PQsetNoticeReceiver(state->connection, receive_notice, &state->on_notice);
    TRY(finish_connect(state->connection, deadline, keyword(keywords, "password")).context(what));
    if (PQsetnonblocking(state->connection, 1) != 0) return state->lost(what);
    state->cancel = make_cancel(state->connection);
    state->statement_timeout = options.statement_timeout;
    Connection connection(std::move(state));
    std::string setup = setup_sql(connection.server_version(), options);
    TRY(connection.execute(setup, {.timeout = deadline.remaining()}).context(what));
    return connection;
}

Result<QueryResult> Connection::query(std::string_view sql, const QueryOptions& options) {
    // The simple protocol knows only text results.
    if (options.binary_result) return query(sql, {}, options);
    TRY(state_->check_usable());
    auto deadline = Deadline::after(options.timeout.value_or(state_->statement_timeout));
    if (PQsendQuery(state_->connection, std::string(sql).c_str()) == 0)
        return state_->lost("sending a statement");
    TRY(state_->flush(deadline));
    return QueryResult(TRY(state_->last_result(deadline)).release());
}

Result<QueryResult> Connection::query(std::string_view sql, std::span<const Parameter> parameters,
                                      const QueryOptions& options) {
    TRY(state_->check_usable());
    auto deadline = Deadline::after(options.timeout.value_or(state_->statement_timeout));
    ParameterArrays arrays(parameters);
    int sent = PQsendQueryParams(state_->connection, std::string(sql).c_str(),
                                 static_cast<int>(parameters.size()), arrays.types.data(),
                                 arrays.values.data(), arrays.lengths.data(), arrays.formats.data(),
                                 options.binary_result ? 1 : 0);
    if (sent == 0) return state_->lost("sending a statement");
    TRY(state_->flush(deadline));
    return QueryResult(TRY(state_->last_result(deadline)).release());
}

Status Connection::execute(std::string_view sql, const QueryOptions& options) {
    TRY(query(sql, options));
    return {};
}

Status Connection::execute(std::string_view sql, std::span<const Parameter> parameters,
                           const QueryOptions& options) {
    TRY(query(sql, parameters, options));
    return {};
}

Result<std::optional<Notification>> Connection::wait_notification(Millis timeout) {
    TRY(state_->check_usable());
    auto deadline = Deadline::after(timeout);
    while (true) {
        if (PQconsumeInput(state_->connection) == 0) return state_->lost("waiting for NOTIFY");
        std::unique_ptr<PGnotify, void (*)(void*)> notify(PQnotifies(state_->connection),
                                                          PQfreemem);
        if (notify != nullptr)
            return std::optional(Notification{.channel = notify->relname,
                                              .payload = notify->extra,
                                              .backend_pid = notify->be_pid});
        Wake wake = TRY(wait_for(PQsocket(state_->connection), POLLIN, deadline));
        if (wake == Wake::timeout) return std::optional<Notification>();
    }
}

int Connection::server_version() const {
    return PQserverVersion(state_->connection);
}

int Connection::backend_pid() const {
    return PQbackendPID(state_->connection);
}

bool Connection::usable() const {
    return state_ != nullptr && state_->check_usable().ok();
}

bool Connection::in_transaction() const {
    auto status = PQtransactionStatus(state_->connection);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

Canceller Connection::canceller() const {
    return Canceller(state_->cancel);
}

void Connection::close() noexcept {
    if (state_ == nullptr) return;
    state_->broken = true;
    PQfinish(state_->connection);
    state_->connection = nullptr;
}

Status Canceller::cancel() const {
    char why[256] = "no connection";
    if (cancel_ == nullptr || PQcancel(cancel_.get(), why, sizeof why) == 0)
        return Error(ErrorCode::kConnectionFailed, std::string("cancelling a statement: ") + why);
    return {};
}

}  // namespace tandem::postgres
