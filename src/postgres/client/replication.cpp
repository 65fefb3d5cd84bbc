#include "postgres/client/replication.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <charconv>

#include "postgres/client/conninfo.h"
#include "postgres/client/errors.h"
#include "postgres/client/session.h"
#include "sqltext/quote.h"

namespace tandem::postgres {
namespace {

using net::Deadline;

// The replication grammar knows '' but no E'' strings, and takes backslashes as they are.
std::string replication_literal(std::string_view text) {
    std::string quoted = "'";
    for (char c : text.substr(0, text.find('\0'))) {
        if (c == '\'') quoted.push_back('\'');
        quoted.push_back(c);
    }
    return quoted + "'";
}

std::string conninfo_of(const Keywords& keywords) {
    std::string text;
    for (const auto& [name, value] : keywords) {
        text += name + "='";
        for (char c : value) {
            if (c == '\'' || c == '\\') text.push_back('\\');
            text.push_back(c);
        }
        text += "' ";
    }
    return text;
}

int highest_protocol(int server_version) {
    if (server_version >= 160000) return 4;
    if (server_version >= 150000) return 3;
    return server_version >= 140000 ? 2 : 1;
}

std::string start_command(const StreamOptions& options, int protocol, int server_version) {
    std::string list = sqltext::pg_ident_list(options.publications);
    std::string sql = "START_REPLICATION SLOT " + sqltext::pg_ident(options.slot) + " LOGICAL " +
                      to_string(options.start) + " (proto_version '" + std::to_string(protocol) +
                      "', publication_names " + replication_literal(list);
    if (server_version >= 140000) {
        if (options.binary) sql += ", binary 'true'";
        if (options.messages) sql += ", messages 'true'";
        if (options.streaming && protocol >= 2) sql += ", streaming 'on'";
    }
    if (options.two_phase && protocol >= 3) sql += ", two_phase 'on'";
    if (options.origin_none && server_version >= 160000) sql += ", origin 'none'";
    return sql + ")";
}

std::string create_command(const std::string& name, const SlotOptions& options,
                           int server_version) {
    std::string sql = "CREATE_REPLICATION_SLOT " + sqltext::pg_ident(name) +
                      (options.temporary ? " TEMPORARY" : "") + " LOGICAL pgoutput";
    if (server_version < 150000) return sql + " NOEXPORT_SNAPSHOT";
    sql += " (SNAPSHOT 'nothing'";
    if (options.two_phase) sql += ", TWO_PHASE";
    if (options.failover && server_version >= 170000) sql += ", FAILOVER";
    return sql + ")";
}

}  // namespace

void Replication::FreeCopyData::operator()(char* data) const {
    PQfreemem(data);
}

Result<Replication> Replication::open(const ConnectOptions& options) {
    Keywords keywords = TRY(parse_conninfo(options.conninfo));
    set_keyword(keywords, "replication", "database");
    ConnectOptions walsender = options;
    walsender.conninfo = conninfo_of(keywords);
    return Replication(TRY(Connection::open(walsender)));
}

// A replication command on the simple protocol, with errors read for what they mean to a slot.
Result<QueryResult> Replication::command(const std::string& sql, Millis timeout) {
    Connection::State& state = *connection_.state_;
    TRY(state.check_usable());
    auto deadline = Deadline::after(timeout);
    if (PQsendQuery(state.connection, sql.c_str()) == 0) return state.lost("replication command");
    TRY(state.flush(deadline));
    ResultPtr result = TRY(state.next_result(deadline));
    if (result == nullptr) return state.lost("replication command");
    auto status = PQresultStatus(result.get());
    if (status == PGRES_COPY_BOTH) return QueryResult(result.release());
    TRY(state.drop_results(deadline));
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return QueryResult(result.release());
    return replication_error(server_error(result.get()));
}

Result<SystemIdentity> Replication::identify_system() {
    QueryResult result = TRY(command("IDENTIFY_SYSTEM", connection_.state_->statement_timeout));
    if (result.rows() != 1 || result.columns() < 4)
        return Error(ErrorCode::kProtocolViolation, "IDENTIFY_SYSTEM gave no row of four columns");
    SystemIdentity identity;
    // Unsigned 64 bit in text; values above 2^63 do occur.
    identity.system_id = std::strtoull(result.text(0, 0).c_str(), nullptr, 10);
    identity.timeline = static_cast<uint32_t>(TRY(result.integer(0, 1)));
    identity.flushed = TRY(result.lsn(0, 2));
    identity.database = result.text(0, 3);
    return identity;
}

Result<std::vector<TimelineEnd>> parse_timeline_history(std::string_view text) {
    std::vector<TimelineEnd> ends;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        size_t begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos || line[begin] == '#') continue;
        line.remove_prefix(begin);
        TimelineEnd end;
        auto number = std::from_chars(line.data(), line.data() + line.size(), end.timeline);
        line.remove_prefix(static_cast<size_t>(number.ptr - line.data()));
        begin = line.find_first_not_of(" \t");
        if (number.ec != std::errc() || begin == std::string_view::npos)
            return Error(ErrorCode::kProtocolViolation, "a line of the timeline's history is odd");
        line.remove_prefix(begin);
        end.end = TRY(parse_lsn(line.substr(0, line.find_first_of(" \t\r"))));
        ends.push_back(end);
    }
    return ends;
}

Result<std::vector<TimelineEnd>> Replication::timeline_history(uint32_t timeline) {
    if (timeline <= 1) return std::vector<TimelineEnd>();
    QueryResult result = TRY(command("TIMELINE_HISTORY " + std::to_string(timeline),
                                     connection_.state_->statement_timeout));
    if (result.rows() != 1 || result.columns() < 2)
        return Error(ErrorCode::kProtocolViolation, "TIMELINE_HISTORY gave no row");
    return parse_timeline_history(result.value(0, 1));
}

Result<CreatedSlot> Replication::create_slot(const std::string& name, const SlotOptions& options) {
    std::string what = "creating replication slot \"" + name + "\"";
    std::string sql = create_command(name, options, server_version());
    QueryResult result = TRY(command(sql, options.timeout).context(what));
    if (result.rows() != 1 || result.columns() < 2)
        return Error(ErrorCode::kProtocolViolation, what + ": the server gave no row");
    const Lsn consistent_point = TRY(result.lsn(0, 1));
    return CreatedSlot{.name = std::string(result.text(0, 0)),
                       .consistent_point = consistent_point};
}

Status Replication::drop_slot(const std::string& name, bool wait) {
    std::string sql = "DROP_REPLICATION_SLOT " + sqltext::pg_ident(name) + (wait ? " WAIT" : "");
    TRY(command(sql, connection_.state_->statement_timeout)
            .context("dropping replication slot \"" + name + "\""));
    return {};
}

Status Replication::start(const StreamOptions& options) {
    int highest = highest_protocol(server_version());
    protocol_version_ = options.protocol_version == 0 ? highest : options.protocol_version;
    slot_ = options.slot;
    std::string sql = start_command(options, protocol_version_, server_version());
    auto result = command(sql, connection_.state_->statement_timeout);
    if (!result.ok())
        return explained(std::move(result).error())
            .context("streaming from replication slot \"" + slot_ + "\"");
    streaming_ = true;
    return {};
}

// What the slot's own row says about the failure; wordings depend on version and language.
Error Replication::explained(Error error) {
    bool prerequisite = error.sqlstate() == "55000" || error.sqlstate() == "42704" ||
                        error.sqlstate() == "58P01" || error.code() == ErrorCode::kSlotInvalidated;
    if (!prerequisite || !connection_.usable()) return error;
    std::string reason = "''";
    if (server_version() >= 170000) reason = "coalesce(invalidation_reason, '')";
    auto slot = connection_.query(
        "SELECT coalesce(wal_status, ''), " + reason +
        " FROM pg_catalog.pg_replication_slots WHERE slot_name = " + sqltext::pg_literal(slot_));
    if (!slot.ok()) return error;
    std::string server_words = " (Postgres: " + error.message() + ")";
    if (slot->rows() == 0)
        return Error(ErrorCode::kSlotMissing, "there is no such slot" + server_words)
            .with_sqlstate(std::string(error.sqlstate()));
    if (slot->value(0, 0) == "lost" || !slot->value(0, 1).empty() ||
        error.code() == ErrorCode::kSlotInvalidated)
        return Error(ErrorCode::kSlotInvalidated,
                     explain_invalidation(slot_, slot->value(0, 1)) + server_words)
            .with_sqlstate(std::string(error.sqlstate()));
    return error;
}

Error Replication::stream_ended() {
    streaming_ = false;
    Connection::State& state = *connection_.state_;
    auto deadline = Deadline::after(Millis(1'000));
    std::optional<Error> error;
    while (true) {
        auto result = state.next_result(deadline);
        if (!result.ok() || *result == nullptr) break;
        if (PQresultStatus(result->get()) == PGRES_FATAL_ERROR && !error)
            error = replication_error(server_error(result->get()));
    }
    state.broken = true;  // nobody needs a walsender connection whose stream is over
    if (!error)
        error = Error(ErrorCode::kConnectionLost, "the server ended the replication stream");
    return std::move(*error).context("replication slot \"" + slot_ + "\"");
}

// False when libpq's buffer holds no whole message.
Result<bool> Replication::take_buffered(std::string_view& copy_data) {
    char* data = nullptr;
    int size = PQgetCopyData(connection_.state_->connection, &data, 1);
    current_.reset(data);
    if (size > 0) {
        copy_data = {data, static_cast<size_t>(size)};
        return true;
    }
    if (size == 0) return false;
    return stream_ended();
}

Result<std::optional<ReplicationMessage>> Replication::poll(Millis timeout, int wake_fd) {
    Connection::State& state = *connection_.state_;
    if (!streaming_) return Error(ErrorCode::kConnectionLost, "the replication stream is not open");
    std::string_view data;
    if (TRY(take_buffered(data))) return std::optional(TRY(decode_replication_message(data)));
    auto deadline = Deadline::after(timeout);
    while (true) {
        Wake wake = TRY(wait_for(PQsocket(state.connection), POLLIN, deadline, wake_fd));
        if (wake != Wake::ready) return std::optional<ReplicationMessage>();
        if (PQconsumeInput(state.connection) == 0) {
            // The server's last words may be in the buffer already.
            if (TRY(take_buffered(data)))
                return std::optional(TRY(decode_replication_message(data)));
            streaming_ = false;
            return state.lost("reading the replication stream");
        }
        if (TRY(take_buffered(data))) return std::optional(TRY(decode_replication_message(data)));
    }
}

Status Replication::send_feedback(const Feedback& feedback) {
    Connection::State& state = *connection_.state_;
    if (!streaming_) return Error(ErrorCode::kConnectionLost, "the replication stream is not open");
    auto bytes = encode_feedback(feedback, PgTime::now());
    if (PQputCopyData(state.connection, bytes.data(), static_cast<int>(bytes.size())) != 1)
        return state.lost("sending feedback");
    return state.flush(Deadline::after(state.statement_timeout)).context("sending feedback");
}

Status Replication::stop(Millis timeout) {
    if (!streaming_) return {};
    Connection::State& state = *connection_.state_;
    streaming_ = false;
    current_.reset();
    auto deadline = Deadline::after(timeout);
    if (PQputCopyEnd(state.connection, nullptr) != 1) return state.lost("ending replication");
    TRY(state.flush(deadline));
    if (!state.drop_stream(deadline)) {
        state.broken = true;
        return Error(ErrorCode::kTimeout, "ending replication: the server did not answer in time");
    }
    return state.drop_results(deadline);
}

}  // namespace tandem::postgres
