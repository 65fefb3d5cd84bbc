// NativeSession: a Stream and a NativeProtocol put together, still without waiting.
//
// The blocking and the non-blocking driver are loops around turn(). Not thread safe.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "clickhouse/client/native_protocol.h"
#include "net/stream.h"

namespace tandem::clickhouse {

class NativeSession {
  public:
    // Resolves the host and starts to connect; turn() does the rest, until the HelloEvent.
    static Result<std::unique_ptr<NativeSession>> open(const Endpoint& endpoint,
                                                       const ClientOptions& options);

    // An event, or else what to wait for. Sends what output there is on the way. After an Error
    // the session is broken.
    struct Turn {
        std::optional<Event> event;
        net::Want want = net::Want::kNothing;
    };
    Result<Turn> turn();

    // False as soon as an idle connection turns out to be closed by the peer, or out of step.
    bool alive_when_idle();

    NativeProtocol& protocol() { return protocol_; }
    const NativeProtocol& protocol() const { return protocol_; }
    int fd() const { return stream_->fd(); }
    bool ready() const { return ready_; }  // hello exchanged
    bool broken() const { return broken_; }
    void close() noexcept;
    // Tells the server to stop the query and closes, without waiting.
    void abandon() noexcept;

  private:
    NativeSession(std::unique_ptr<net::Stream> stream, const Endpoint& endpoint,
                  const ClientOptions& options)
        : stream_(std::move(stream)), protocol_(endpoint, options) {}

    Result<Turn> turn_or_fail();
    Result<net::Want> flush();
    Result<net::Want> receive();

    std::unique_ptr<net::Stream> stream_;
    NativeProtocol protocol_;
    std::vector<char> buffer_;
    bool established_ = false;
    bool ready_ = false;
    bool broken_ = false;
};

}  // namespace tandem::clickhouse
