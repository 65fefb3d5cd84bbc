// The native protocol as a state machine without I/O: bytes in, events out; requests in, bytes out.
//
// Packets, revisions and limits are described in docs/internals/formats/native-protocol.md.
// Every byte received is untrusted: whatever breaks the protocol is an Error (kProtocolViolation,
// kMalformedData, kLimitExceeded, kUnsupportedVersion), after which the machine is broken and the
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
#include "types/column.h"

namespace tandem::clickhouse {

// What we speak: the highest revision we know in full, and the lowest we accept.
inline constexpr uint64_t kRevisionMax = 54488;
inline constexpr uint64_t kRevisionMin = 54400;

struct ServerException {
    int32_t code = 0;
    std::string name;     // "DB::Exception"
    std::string message;  // with the "DB::Exception: " prefix removed
    std::string stack_trace;
};

// kClickHouseRetry, kClickHouseError, kAuthenticationFailed, kTimeout or kCancelled, by the code.
Error to_error(const ServerException& exception);

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

// Whether next() may put off the decoding of an incomplete block until there is clearly more input.
enum class Input : uint8_t { kMoreLikely, kDrained };

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
    // The next event, or nothing when more bytes are needed. With kMoreLikely a block that came
    // incomplete is not looked at again before the input has grown well, which keeps large blocks
    // linear; call it with kDrained before waiting for more.
    Result<std::optional<Event>> next(Input input = Input::kDrained);

    const ServerInfo& server() const { return server_; }
    uint64_t revision() const { return server_.revision; }
    // Bytes received and not yet used up.
    size_t buffered() const { return input_.size() - input_at_; }

  private:
    enum class State : uint8_t { kHello, kReady, kBroken };
    struct PacketReader;

    size_t output_left() const { return output_.size() - output_sent_; }
    uint64_t offered_revision() const;
    Status write_block(std::string_view table, const types::Block& block);
    void write_addendum();
    void write_client_info();
    void write_settings(const Query& query);
    void write_parameters(const Query& query);

    Result<Event> read_packet(PacketReader& reader);
    Result<Event> read_hello(PacketReader& reader);
    Result<Event> read_block_packet(PacketReader& reader, uint64_t type);
    Result<types::Block> read_block(PacketReader& reader, bool compressed);
    Result<Event> read_progress(PacketReader& reader);
    void drop_input(size_t bytes);

    Endpoint endpoint_;
    ClientOptions options_;
    ServerInfo server_;
    State state_ = State::kHello;

    types::Bytes output_;
    size_t output_sent_ = 0;

    types::Bytes input_;
    size_t input_at_ = 0;       // start of the packet being read
    size_t retry_at_size_ = 0;  // kMoreLikely waits for this many buffered bytes

    // Progress of a compressed block that spans frames: its plain bytes so far, and where the next
    // frame starts, counted from the packet's start.
    types::Bytes plain_;
    size_t frames_end_ = 0;
};

}  // namespace tandem::clickhouse
