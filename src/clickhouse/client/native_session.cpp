#include "clickhouse/client/native_session.h"

#include "net/connect.h"

namespace tandem::clickhouse {
namespace {

constexpr uint16_t kPort = 9000;
constexpr uint16_t kSecurePort = 9440;
constexpr size_t kReadSize = size_t{128} << 10;

}  // namespace

Result<std::unique_ptr<NativeSession>> NativeSession::open(const Endpoint& endpoint,
                                                           const ClientOptions& options) {
    net::ConnectOptions connect;
    connect.host = endpoint.host;
    connect.port = endpoint.port;
    if (connect.port == 0) connect.port = endpoint.secure ? kSecurePort : kPort;
    connect.secure = endpoint.secure;
    connect.tls = endpoint.tls;
    auto stream = TRY(net::start_connect(connect).context("ClickHouse"));
    return std::unique_ptr<NativeSession>(new NativeSession(std::move(stream), endpoint, options));
}

Result<NativeSession::Turn> NativeSession::turn() {
    if (broken_) return Error(ErrorCode::kConnectionLost, "the connection is closed");
    auto result = turn_or_fail();
    if (!result.ok()) {
        close();
        return std::move(result).context("ClickHouse");
    }
    return result;
}

Result<NativeSession::Turn> NativeSession::turn_or_fail() {
    if (!established_) {
        const net::Want want = TRY(stream_->establish());
        if (want != net::Want::kNothing) return Turn{std::nullopt, want};
        established_ = true;
        protocol_.send_hello();
    }
    for (;;) {
        auto flushed = flush();
        // What the server said before it closed the connection explains more than the failed send.
        if (!flushed.ok()) (void)receive().ok();
        auto event = TRY(protocol_.next());
        if (event.has_value()) {
            if (std::holds_alternative<HelloEvent>(*event)) ready_ = true;
            return Turn{std::move(event), net::Want::kNothing};
        }
        const net::Want to_write = TRY(std::move(flushed));
        const net::Want to_read = TRY(receive());
        if (to_read == net::Want::kNothing) continue;
        const bool writes = to_write == net::Want::kWrite || to_read == net::Want::kWrite;
        return Turn{std::nullopt, writes ? net::Want::kReadOrWrite : net::Want::kRead};
    }
}

// Sends until everything is out (kNothing) or the socket is full.
Result<net::Want> NativeSession::flush() {
    while (!protocol_.output().empty()) {
        const net::IoResult sent = TRY(stream_->write_some(protocol_.output()));
        if (sent.bytes == 0) return sent.want;
        protocol_.output_sent(sent.bytes);
    }
    return net::Want::kNothing;
}

// kNothing: something was received.
Result<net::Want> NativeSession::receive() {
    if (buffer_.empty()) buffer_.resize(kReadSize);
    const net::IoResult got = TRY(stream_->read_some(buffer_));
    if (got.end)
        return Error(ErrorCode::kConnectionLost, ready_ ? "the server closed the connection"
                                                        : "the server closed the connection "
                                                          "instead of greeting");
    if (got.bytes == 0) return got.want;
    protocol_.feed({buffer_.data(), got.bytes});
    return net::Want::kNothing;
}

bool NativeSession::alive_when_idle() {
    if (broken_ || !ready_) return false;
    // Late packets of the query before, such as progress or logs, may come; nothing else may.
    for (;;) {
        auto result = turn();
        if (!result.ok()) return false;
        if (!result->event.has_value()) return true;
        if (std::holds_alternative<ExceptionEvent>(*result->event)) {
            close();
            return false;
        }
    }
}

void NativeSession::close() noexcept {
    broken_ = true;
    stream_->close();
}

void NativeSession::abandon() noexcept {
    if (!broken_ && ready_ && protocol_.output().empty()) {
        protocol_.send_cancel();
        (void)flush().ok();  // best effort: closing stops the query as well, only later
    }
    close();
}

}  // namespace tandem::clickhouse
