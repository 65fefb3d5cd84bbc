// The native protocol as a state machine without I/O: bytes in, events out; requests in, bytes out.
//
// Packets, revisions and limits are described in docs/internals/formats/native-protocol.md.
// Every byte received is untrusted: whatever breaks the protocol is an Error (kProtocolViolation,
// kLimitExceeded, kUnsupportedVersion, kUnsupportedType), after which the machine is broken and the
// connection has to be closed. Deliberately not here: sockets, time, retries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "clickhouse/client/client.h"
#include "clickhouse/client/exceptions.h"
#include "clickhouse/codec/block.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

class WireReader;

enum class BlockKind : uint8_t { kData, kTotals, kExtremes, kLog, kProfileEvents };

struct HelloEvent {};  // connected and logged in; server() is filled
struct BlockEvent {
    BlockKind kind = BlockKind::kData;
    std::string table;
    types::Block block;  // kData without rows is the header, or the end of it
};
struct ProgressEvent {
    Progress delta;
};
struct ProfileInfoEvent {
    uint64_t rows = 0;
    uint64_t blocks = 0;
    uint64_t bytes = 0;
    bool applied_limit = false;
    uint64_t rows_before_limit = 0;
    bool calculated_rows_before_limit = false;
};
struct ExceptionEvent {
    ServerException exception;
};
struct TableColumnsEvent {
    std::string table;
    std::string description;
};
struct TimezoneEvent {
    std::string timezone;
};
struct EndOfStreamEvent {};
struct PongEvent {};

using Event = std::variant<HelloEvent, BlockEvent, ProgressEvent, ProfileInfoEvent, ExceptionEvent,
                           TableColumnsEvent, TimezoneEvent, EndOfStreamEvent, PongEvent>;

using MaybeEvent = std::optional<Event>;

class NativeProtocol {
  public:
    NativeProtocol(const Endpoint& endpoint, const ClientOptions& options);

    // --- requests: they append to output() ------------------------------------------------------
    void send_hello();
    // The external tables and, unless more data follows (an insert), the end of data are included.
    Status send_query(const Query& query);
    Status send_data(const types::Block& block);
    void send_data_end();
    void send_cancel();
    void send_ping();

    std::string_view output() const { return {output_.data() + output_sent_, output_left()}; }
    void output_sent(size_t bytes);

    // --- received bytes -------------------------------------------------------------------------
    void feed(std::string_view bytes);
    // The next event, or nothing when more bytes are needed. Large blocks cost linear time however
    // they are cut into pieces.
    Result<MaybeEvent> next();

    const ServerInfo& server() const { return server_; }
    uint64_t revision() const { return server_.revision; }
    // Bytes received and not yet used up.
    size_t buffered() const { return input_.size() - input_at_; }

  private:
    enum class State : uint8_t { kHello, kReady, kBroken };
    // The body of a packet whose head was read and whose bytes are still coming.
    struct Body {
        uint64_t packet = 0;
        std::string table;
        bool compressed = false;
    };

    size_t output_left() const { return output_.size() - output_sent_; }
    bool compressing() const { return options_.compression != Compression::kNone; }
    uint64_t offered_revision() const;
    Status write_block(std::string_view table, const types::Block& block);
    void write_addendum();
    void write_client_info(const Query& query);
    void write_trace_context(const Query& query);
    void write_settings(const Query& query);
    void write_parameters(const Query& query);

    Result<MaybeEvent> read_next();
    Result<MaybeEvent> read_packet(WireReader& reader);
    Result<MaybeEvent> read_hello(WireReader& reader);
    Status read_hello_extras(WireReader& reader);
    Status read_chunking(WireReader& reader);
    void begin_body(uint64_t packet, std::string table);
    Result<MaybeEvent> read_body();
    Result<MaybeEvent> decode_body(std::string_view bytes, size_t& used);

    std::string_view input() const { return input_.view().substr(input_at_); }
    void drop_input(size_t bytes);

    Endpoint endpoint_;
    ClientOptions options_;
    ServerInfo server_;
    State state_ = State::kHello;

    types::Bytes output_;
    size_t output_sent_ = 0;

    types::Bytes input_;
    size_t input_at_ = 0;

    std::optional<Body> body_;
    BlockDecoder decoder_{0};
    size_t body_wanted_ = 1;  // decoding is not tried again with fewer bytes at hand
    types::Bytes plain_;      // decompressed bytes of the body
    size_t plain_at_ = 0;
};

}  // namespace tandem::clickhouse
