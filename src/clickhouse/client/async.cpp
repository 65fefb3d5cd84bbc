// A state machine around the protocol: what has been received is parsed as far as it goes, what is
// to be sent is sent as far as the socket takes it, and each step says what to wait for. Two
// deadlines: one for the first sign of life after a query was sent, one for silence in between.
#include "clickhouse/client/async.h"

#include <optional>
#include <utility>

#include "clickhouse/client/arrange.h"
#include "clickhouse/client/native_session.h"

namespace tandem::clickhouse {

namespace {

net::Deadline no_limit() {
    return net::Deadline::after(std::chrono::hours(24 * 365));
}

}  // namespace

class AsyncConnection::Impl {
  public:
    Impl(std::unique_ptr<NativeSession> session, const ClientOptions& options)
        : session_(std::move(session)),
          first_answer_(options.first_answer),
          silence_(options.silence),
          deadline_(net::Deadline::after(options.connect_timeout)) {}

    Status start(const Query& query, const types::Block* to_insert);
    Step step();
    void cancel();

    types::Block take_block() { return std::exchange(block_, types::Block{}); }
    const types::Block& header() const { return header_; }
    const Error& error() const { return *error_; }
    int fd() const { return session_->fd(); }
    net::Deadline deadline() const { return earlier(deadline_, silent_until_); }
    bool idle() const { return state_ == State::kIdle; }
    bool broken() const { return state_ == State::kBroken; }
    const ServerInfo& server() const { return session_->protocol().server(); }
    const Progress& progress() const { return progress_; }

  private:
    // kConnecting may have a query waiting for the hello; kIdle and kBroken have none.
    enum class State : uint8_t { kConnecting, kIdle, kRunning, kBroken };

    Step fail(Error error, State next);
    Step advance();
    std::optional<Step> on_event(Event& event);
    std::optional<Step> on_hello();
    std::optional<Step> on_block(BlockEvent& event);
    Step on_exception(const ServerException& exception);
    Status send(const Query& query);
    Status send_rows(const types::Block& header);
    void listen(std::chrono::milliseconds patience) {
        silent_until_ = patience.count() == 0 ? no_limit() : net::Deadline::after(patience);
    }

    std::unique_ptr<NativeSession> session_;
    State state_ = State::kConnecting;
    const std::chrono::milliseconds first_answer_;
    const std::chrono::milliseconds silence_;
    net::Deadline deadline_;
    net::Deadline silent_until_ = no_limit();
    std::optional<Query> waiting_;
    const types::Block* to_insert_ = nullptr;  // until it was sent
    bool inserting_ = false;
    std::function<void(const Progress&)> on_progress_;
    bool cancelled_ = false;
    bool block_taken_ = false;
    bool answered_ = false;  // something came for the running query
    types::Block header_;
    types::Block block_;
    Progress progress_;
    std::optional<Error> error_;
};

Status AsyncConnection::Impl::start(const Query& query, const types::Block* to_insert) {
    TANDEM_ASSERT(state_ != State::kRunning && !waiting_.has_value(), "a query is running already");
    if (state_ == State::kIdle && !session_->alive_when_idle()) state_ = State::kBroken;
    if (state_ == State::kBroken)
        return Error(ErrorCode::kConnectionLost, "the connection to ClickHouse is closed");
    error_.reset();
    header_ = {};
    block_ = {};
    progress_ = {};
    cancelled_ = false;
    answered_ = false;
    to_insert_ = to_insert;
    inserting_ = to_insert != nullptr;
    if (state_ == State::kConnecting) {
        deadline_ = earlier(deadline_, net::Deadline::after(query.timeout));
        waiting_ = query;
        return {};
    }
    return send(query);
}

Status AsyncConnection::Impl::send(const Query& query) {
    TRY(session_->protocol().send_query(query));
    deadline_ = net::Deadline::after(query.timeout);
    listen(first_answer_);
    on_progress_ = query.on_progress;
    state_ = State::kRunning;
    return {};
}

Step AsyncConnection::Impl::fail(Error error, State next) {
    error_ = std::move(error);
    waiting_.reset();
    if (next == State::kBroken) session_->abandon();
    state_ = next;
    return Step::kError;
}

Step AsyncConnection::Impl::step() {
    switch (state_) {
        case State::kBroken:
            if (!error_.has_value())
                error_ = Error(ErrorCode::kConnectionLost, "the connection is closed");
            return Step::kError;
        case State::kIdle:
            return error_.has_value() ? Step::kError : Step::kDone;
        case State::kConnecting:
        case State::kRunning:
            break;
    }
    if (deadline_.expired()) {
        const bool connecting = state_ == State::kConnecting;
        return fail(Error(ErrorCode::kTimeout,
                          connecting ? "connecting to ClickHouse took too long"
                                     : "no answer from ClickHouse before the deadline"),
                    State::kBroken);
    }
    if (block_taken_) listen(silence_);  // until now it was the caller who was silent
    block_taken_ = false;
    Step next = advance();
    block_taken_ = next == Step::kBlock;
    // Only after a look: what has arrived by now counts.
    bool waits = next == Step::kWantRead || next == Step::kWantWrite;
    if (waits && silent_until_.expired())
        return fail(Error(ErrorCode::kTimeout, "ClickHouse is silent"), State::kBroken);
    return next;
}

Step AsyncConnection::Impl::advance() {
    for (;;) {
        auto turn = session_->turn();
        if (!turn.ok()) return fail(std::move(turn).error(), State::kBroken);
        if (!turn->event.has_value())
            return turn->want == net::Want::kRead ? Step::kWantRead : Step::kWantWrite;
        listen(silence_);
        if (const auto step = on_event(*turn->event)) return *step;
    }
}

std::optional<Step> AsyncConnection::Impl::on_event(Event& event) {
    if (std::holds_alternative<HelloEvent>(event)) return on_hello();
    if (auto* exception = std::get_if<ExceptionEvent>(&event))
        return on_exception(exception->exception);
    answered_ = true;
    if (auto* block = std::get_if<BlockEvent>(&event)) return on_block(*block);
    if (auto* progress = std::get_if<ProgressEvent>(&event)) {
        add(progress_, progress->delta);
        if (on_progress_) on_progress_(progress_);
        return std::nullopt;
    }
    if (std::holds_alternative<EndOfStreamEvent>(event)) {
        state_ = State::kIdle;
        listen({});
        if (cancelled_)
            return fail(Error(ErrorCode::kCancelled, "the query was cancelled"), state_);
        return Step::kDone;
    }
    return std::nullopt;
}

std::optional<Step> AsyncConnection::Impl::on_hello() {
    if (!waiting_.has_value()) {
        state_ = State::kIdle;
        return Step::kDone;
    }
    const Query query = *std::exchange(waiting_, std::nullopt);
    auto sent = send(query);
    if (!sent.ok()) return fail(std::move(sent).error(), State::kBroken);
    return std::nullopt;
}

// The server has said which columns it expects.
Status AsyncConnection::Impl::send_rows(const types::Block& header) {
    types::Block arranged;
    const types::Block* rows = TRY(arrange_like(header, *to_insert_, arranged));
    to_insert_ = nullptr;
    TRY(session_->protocol().send_data(*rows));
    session_->protocol().send_data_end();
    return {};
}

std::optional<Step> AsyncConnection::Impl::on_block(BlockEvent& event) {
    if (event.kind != BlockKind::kData || event.block.columns.empty()) return std::nullopt;
    if (to_insert_ != nullptr) {
        Status sent = send_rows(event.block);
        if (!sent.ok()) return fail(std::move(sent).error(), State::kBroken);
        return std::nullopt;
    }
    if (event.block.rows() == 0) {
        if (header_.columns.empty()) header_ = std::move(event.block);
        return std::nullopt;
    }
    block_ = std::move(event.block);
    return Step::kBlock;
}

Step AsyncConnection::Impl::on_exception(const ServerException& exception) {
    Error error = to_error(exception);
    // The server keeps the connection after a query that failed while it ran. After one that it
    // could not even read, and after a failed login, it closes it a moment later.
    // Of an insert it goes on to expect the rows.
    const bool reads_on = state_ == State::kRunning && answered_ && !inserting_;
    const State next = reads_on ? State::kIdle : State::kBroken;
    if (cancelled_)
        error = Error(ErrorCode::kCancelled, "the query was cancelled: " + error.message());
    return fail(std::move(error), next);
}

void AsyncConnection::Impl::cancel() {
    if (cancelled_) return;
    if (state_ == State::kConnecting && waiting_.has_value()) {
        fail(Error(ErrorCode::kCancelled, "the query was cancelled"), State::kBroken);
    } else if (state_ == State::kRunning) {
        cancelled_ = true;
        session_->protocol().send_cancel();
    }
}

Result<std::unique_ptr<AsyncConnection>> AsyncConnection::open(const Endpoint& endpoint,
                                                               const ClientOptions& options) {
    auto session = TRY(NativeSession::open(endpoint, options));
    return std::unique_ptr<AsyncConnection>(
        new AsyncConnection(std::make_unique<Impl>(std::move(session), options)));
}

AsyncConnection::AsyncConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AsyncConnection::~AsyncConnection() = default;

Status AsyncConnection::start(const Query& query) {
    return impl_->start(query, nullptr);
}
Status AsyncConnection::start_insert(const Query& query, const types::Block& block) {
    Query statement = query;
    statement.sql += " FORMAT Native";  // the grammar wants one; the data comes as blocks anyway
    return impl_->start(statement, &block);
}
Step AsyncConnection::step() {
    return impl_->step();
}
types::Block AsyncConnection::take_block() {
    return impl_->take_block();
}
const types::Block& AsyncConnection::header() const {
    return impl_->header();
}
const Error& AsyncConnection::error() const {
    return impl_->error();
}
void AsyncConnection::cancel() {
    impl_->cancel();
}
int AsyncConnection::fd() const {
    return impl_->fd();
}
net::Deadline AsyncConnection::deadline() const {
    return impl_->deadline();
}
bool AsyncConnection::idle() const {
    return impl_->idle();
}
bool AsyncConnection::broken() const {
    return impl_->broken();
}
const ServerInfo& AsyncConnection::server() const {
    return impl_->server();
}
const Progress& AsyncConnection::progress() const {
    return impl_->progress();
}

}  // namespace tandem::clickhouse
