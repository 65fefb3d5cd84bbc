// The blocking driver of the native protocol: NativeSession plus waiting.
#include <algorithm>
#include <optional>
#include <utility>

#include "clickhouse/client/arrange.h"
#include "clickhouse/client/client.h"
#include "clickhouse/client/native_session.h"
#include "net/stream.h"

namespace tandem::clickhouse {
namespace {

// How long a cancelled query may take to end before the connection is given up instead.
constexpr std::chrono::milliseconds kCancelGrace{5000};

class NativeClient final : public Client {
  public:
    NativeClient(Endpoint endpoint, ClientOptions options)
        : endpoint_(std::move(endpoint)), options_(std::move(options)) {}
    ~NativeClient() override { close(); }

    Status execute(const Query& query) override;
    Status select(const Query& query, const BlockCallback& on_block) override;
    Status insert(const Query& query, const types::Block& block) override;
    Result<std::unique_ptr<InsertStream>> begin_insert(const Query& query) override;
    const ServerInfo& server() const override { return server_; }
    Status ping() override;
    void interrupt() noexcept override { interrupter_.interrupt(); }
    void close() noexcept override;

    Status connect(net::Deadline deadline);

  private:
    friend class NativeInsert;

    Status begin(const Query& query, net::Deadline deadline);
    bool usable(net::Deadline deadline);
    Status await_pong(net::Deadline deadline);
    Error failed(const ServerException& exception);
    Result<Event> next_event(net::Deadline deadline);
    Result<std::optional<Event>> next_event_while_sending(net::Deadline deadline);
    Status give_up(Error error);
    void report(const Query& query, const ProgressEvent& event);
    Status drain(const Query& query, const BlockCallback& on_block, net::Deadline deadline);
    Status cancel_and_drain(Error error);
    Result<types::Block> await_insert_header(net::Deadline deadline);
    Status await_end(const Query& query, net::Deadline deadline);

    Endpoint endpoint_;
    ClientOptions options_;
    ServerInfo server_;
    net::Interrupter interrupter_;
    std::unique_ptr<NativeSession> session_;
    Progress progress_;
    // The last query failed. When it failed while the server was still reading it, the server
    // closes the connection a moment later, so the next call asks first.
    bool suspect_ = false;
};

class NativeInsert final : public InsertStream {
  public:
    NativeInsert(NativeClient& client, Query query, types::Block header)
        : client_(client), query_(std::move(query)), header_(std::move(header)) {}
    ~NativeInsert() override {
        if (!finished_) client_.close();
    }

    const types::Block& header() const override { return header_; }
    Status write(const types::Block& block) override;
    Status finish() override;

  private:
    Status send_all(net::Deadline deadline);

    NativeClient& client_;
    Query query_;
    types::Block header_;
    bool finished_ = false;  // or failed: nothing is left to clean up
};

void NativeClient::close() noexcept {
    if (session_ != nullptr) session_->abandon();
    session_.reset();
}

// Whether the connection from before can serve another call.
bool NativeClient::usable(net::Deadline deadline) {
    if (session_ == nullptr || !session_->alive_when_idle()) return false;
    if (!std::exchange(suspect_, false)) return true;
    session_->protocol().send_ping();
    return await_pong(deadline).ok();
}

Error NativeClient::failed(const ServerException& exception) {
    suspect_ = true;
    return to_error(exception);
}

Status NativeClient::connect(net::Deadline deadline) {
    if (usable(deadline)) return {};
    suspect_ = false;
    deadline = earlier(deadline, net::Deadline::after(options_.connect_timeout));
    session_ = TRY(NativeSession::open(endpoint_, options_));
    for (;;) {
        auto event = TRY(next_event(deadline));
        if (auto* exception = std::get_if<ExceptionEvent>(&event)) {
            close();
            return to_error(exception->exception);
        }
        if (std::holds_alternative<HelloEvent>(event)) break;
    }
    server_ = session_->protocol().server();
    return {};
}

// After an error that leaves the connection in an unknown state.
Status NativeClient::give_up(Error error) {
    if (error.code() == ErrorCode::kCancelled) interrupter_.reset();
    close();
    return error;
}

Result<std::optional<Event>> NativeClient::next_event_while_sending(net::Deadline deadline) {
    for (;;) {
        auto turn = session_->turn();
        if (!turn.ok()) return give_up(std::move(turn).error()).error();
        if (turn->event.has_value()) return std::move(turn->event);
        if (session_->ready() && session_->protocol().output().empty())
            return std::optional<Event>();
        auto waited = net::wait_ready(session_->fd(), turn->want, deadline, &interrupter_);
        if (!waited.ok()) return give_up(std::move(waited).error()).error();
    }
}

Result<Event> NativeClient::next_event(net::Deadline deadline) {
    for (;;) {
        auto turn = session_->turn();
        if (!turn.ok()) return give_up(std::move(turn).error()).error();
        if (turn->event.has_value()) return *std::move(turn->event);
        auto waited = net::wait_ready(session_->fd(), turn->want, deadline, &interrupter_);
        if (!waited.ok()) return give_up(std::move(waited).error()).error();
    }
}

Status NativeClient::begin(const Query& query, net::Deadline deadline) {
    progress_ = {};
    TRY(connect(deadline));
    auto sent = session_->protocol().send_query(query);
    if (!sent.ok()) close();  // part of the query may be in the output already
    return sent;
}

void NativeClient::report(const Query& query, const ProgressEvent& event) {
    add(progress_, event.delta);
    if (query.on_progress) query.on_progress(progress_);
}

Status NativeClient::drain(const Query& query, const BlockCallback& on_block,
                           net::Deadline deadline) {
    for (;;) {
        auto event = TRY(next_event(deadline));
        if (auto* exception = std::get_if<ExceptionEvent>(&event))
            return failed(exception->exception);
        if (std::holds_alternative<EndOfStreamEvent>(event)) return {};
        if (auto* progress = std::get_if<ProgressEvent>(&event)) report(query, *progress);
        auto* block = std::get_if<BlockEvent>(&event);
        if (block == nullptr || block->kind != BlockKind::kData || block->block.rows() == 0)
            continue;
        auto taken = on_block(std::move(block->block));
        if (!taken.ok()) return cancel_and_drain(std::move(taken).error());
    }
}

// The caller's error is what is returned, whatever the server still says.
Status NativeClient::cancel_and_drain(Error error) {
    session_->protocol().send_cancel();
    const net::Deadline deadline = net::Deadline::after(kCancelGrace);
    for (;;) {
        auto event = next_event(deadline);  // closes the connection when it fails
        if (!event.ok() || std::holds_alternative<EndOfStreamEvent>(*event) ||
            std::holds_alternative<ExceptionEvent>(*event))
            return error;
    }
}

Status NativeClient::execute(const Query& query) {
    return select(query, [](types::Block&&) { return Status(); });
}

Status NativeClient::select(const Query& query, const BlockCallback& on_block) {
    const net::Deadline deadline = net::Deadline::after(query.timeout);
    TRY(begin(query, deadline));
    return drain(query, on_block, deadline);
}

Status NativeClient::insert(const Query& query, const types::Block& block) {
    auto stream = TRY(begin_insert(query));
    if (block.rows() > 0) TRY(stream->write(block));
    return stream->finish();
}

Result<std::unique_ptr<InsertStream>> NativeClient::begin_insert(const Query& query) {
    const net::Deadline deadline = net::Deadline::after(query.timeout);
    Query statement = query;
    statement.sql += " FORMAT Native";  // the grammar wants one; the data comes as blocks anyway
    TRY(begin(statement, deadline));
    auto header = TRY(await_insert_header(deadline));
    return std::unique_ptr<InsertStream>(
        std::make_unique<NativeInsert>(*this, std::move(statement), std::move(header)));
}

Result<types::Block> NativeClient::await_insert_header(net::Deadline deadline) {
    for (;;) {
        auto event = TRY(next_event(deadline));
        if (auto* exception = std::get_if<ExceptionEvent>(&event))
            return failed(exception->exception);
        if (std::holds_alternative<EndOfStreamEvent>(event))
            return Error(ErrorCode::kInvalidArgument,
                         "the statement is no INSERT that takes data from the client");
        auto* block = std::get_if<BlockEvent>(&event);
        if (block != nullptr && block->kind == BlockKind::kData) return std::move(block->block);
    }
}

Status NativeClient::await_end(const Query& query, net::Deadline deadline) {
    return drain(
        query, [](types::Block&&) { return Status(); }, deadline);
}

Status NativeClient::ping() {
    const net::Deadline deadline = net::Deadline::after(options_.connect_timeout);
    TRY(connect(deadline));
    session_->protocol().send_ping();
    return await_pong(deadline);
}

Status NativeClient::await_pong(net::Deadline deadline) {
    for (;;) {
        auto event = TRY(next_event(deadline));
        if (std::holds_alternative<PongEvent>(event)) return {};
        if (auto* exception = std::get_if<ExceptionEvent>(&event)) {
            close();
            return to_error(exception->exception);
        }
    }
}

Status NativeInsert::write(const types::Block& block) {
    TANDEM_ASSERT(!finished_, "write after the end of an insert");
    if (block.rows() == 0) return {};
    if (client_.session_ == nullptr)
        return Error(ErrorCode::kConnectionLost, "the connection was closed during the insert");
    const net::Deadline deadline = net::Deadline::after(query_.timeout);
    NativeProtocol& protocol = client_.session_->protocol();
    types::Block arranged;
    const types::Block* to_send = TRY(arrange_like(header_, block, arranged));
    TRY(protocol.send_data(*to_send));
    return send_all(deadline);
}

// Sends what is queued and looks at what the server says meanwhile: a refused insert ends here.
Status NativeInsert::send_all(net::Deadline deadline) {
    for (;;) {
        auto event = TRY(client_.next_event_while_sending(deadline));
        if (!event.has_value()) return {};
        if (auto* progress = std::get_if<ProgressEvent>(&*event)) client_.report(query_, *progress);
        if (auto* exception = std::get_if<ExceptionEvent>(&*event)) {
            // The server drops the rest of our data only when we stop sending it; start afresh.
            finished_ = true;
            client_.close();
            return to_error(exception->exception);
        }
    }
}

Status NativeInsert::finish() {
    TANDEM_ASSERT(!finished_, "finish after the end of an insert");
    finished_ = true;
    if (client_.session_ == nullptr)
        return Error(ErrorCode::kConnectionLost, "the connection was closed during the insert");
    client_.session_->protocol().send_data_end();
    return client_.await_end(query_, net::Deadline::after(query_.timeout));
}

}  // namespace

Result<std::unique_ptr<Client>> connect_native(const Endpoint& endpoint,
                                               const ClientOptions& options) {
    auto client = std::make_unique<NativeClient>(endpoint, options);
    TRY(client->connect(net::Deadline::after(options.connect_timeout)));
    return std::unique_ptr<Client>(std::move(client));
}

}  // namespace tandem::clickhouse
