// The receiving half of NativeProtocol; native_requests.cpp is the sending one.
//
// A packet is either small and parsed whole (tried again from its start when bytes are missing),
// or has a body: a block, perhaps compressed. Of a body every finished piece is dropped from the
// input at once, so neither time nor memory grows with how often the bytes come in pieces.
#include "clickhouse/client/native_protocol.h"

#include "clickhouse/client/packets.h"
#include "clickhouse/client/revisions.h"
#include "clickhouse/client/wire.h"
#include "clickhouse/codec/compress.h"

namespace tandem::clickhouse {
namespace {

constexpr size_t kHelloStringMax = 4096;
constexpr size_t kTableNameMax = size_t{1} << 16;
constexpr size_t kMessageMax = size_t{16} << 20;
constexpr uint64_t kPasswordRulesMax = 256;
constexpr int kNestedExceptionsMax = 64;
constexpr uint64_t kServerSettingsMax = 100'000;
constexpr uint64_t kPartUuidsMax = 1'000'000;

bool is_would_block(const Error& error) {
    return error.code() == ErrorCode::kWouldBlock;
}

Error unexpected_packet(uint64_t packet, const char* where) {
    return Error(ErrorCode::kProtocolViolation,
                 "unexpected packet " + std::to_string(packet) + " " + where);
}

// The outermost of a chain of exceptions; servers since 2019 send no chains any more.
Result<MaybeEvent> read_exception(WireReader& reader) {
    ExceptionEvent event;
    for (int depth = 0;; ++depth) {
        if (depth > kNestedExceptionsMax)
            return Error(ErrorCode::kProtocolViolation, "exceptions are nested too deep");
        ServerException exception;
        exception.code = TRY(reader.little<int32_t>());
        exception.name = TRY(reader.string(kMessageMax));
        exception.message = TRY(reader.string(kMessageMax));
        exception.stack_trace = TRY(reader.string(kMessageMax));
        const bool has_nested = TRY(reader.boolean());
        if (depth == 0) event.exception = std::move(exception);
        if (!has_nested) return MaybeEvent(std::move(event));
    }
}

Result<MaybeEvent> read_progress(WireReader& reader, uint64_t revision) {
    ProgressEvent event;
    event.delta.rows_read = TRY(reader.varint());
    event.delta.bytes_read = TRY(reader.varint());
    event.delta.rows_total = TRY(reader.varint());
    if (revision >= revision::kTotalBytesInProgress) TRY(reader.varint());
    if (revision >= revision::kWriteProgress) {
        event.delta.rows_written = TRY(reader.varint());
        event.delta.bytes_written = TRY(reader.varint());
    }
    if (revision >= revision::kElapsedInProgress) event.delta.elapsed_ns = TRY(reader.varint());
    return MaybeEvent(event);
}

Result<MaybeEvent> read_profile_info(WireReader& reader, uint64_t revision) {
    ProfileInfoEvent event;
    event.rows = TRY(reader.varint());
    event.blocks = TRY(reader.varint());
    event.bytes = TRY(reader.varint());
    event.applied_limit = TRY(reader.boolean());
    event.rows_before_limit = TRY(reader.varint());
    event.calculated_rows_before_limit = TRY(reader.boolean());
    if (revision >= revision::kRowsBeforeAggregation) {
        TRY(reader.boolean());
        TRY(reader.varint());
    }
    return MaybeEvent(event);
}

// Sent for deduplication between replicas; of no meaning to a client, but legal.
Status skip_part_uuids(WireReader& reader) {
    const uint64_t count = TRY(reader.varint());
    if (count > kPartUuidsMax)
        return Error(ErrorCode::kProtocolViolation, "too many part identifiers");
    for (uint64_t i = 0; i < count; ++i) TRY(reader.little<__int128>());
    return {};
}

BlockKind kind_of(uint64_t packet) {
    switch (packet) {
        case packet::kTotals:
            return BlockKind::kTotals;
        case packet::kExtremes:
            return BlockKind::kExtremes;
        case packet::kLog:
            return BlockKind::kLog;
        case packet::kProfileEvents:
            return BlockKind::kProfileEvents;
        default:
            return BlockKind::kData;
    }
}

}  // namespace

NativeProtocol::NativeProtocol(const Endpoint& endpoint, const ClientOptions& options)
    : endpoint_(endpoint), options_(options) {}

void NativeProtocol::feed(std::string_view bytes) {
    if (input_at_ == input_.size()) {
        input_.clear();
        input_at_ = 0;
    } else if (input_at_ > input_.size() / 2) {
        types::Bytes rest;
        rest.append(input().data(), input().size());
        input_.swap(rest);
        input_at_ = 0;
    }
    input_.append(bytes.data(), bytes.size());
}

void NativeProtocol::drop_input(size_t bytes) {
    input_at_ += bytes;
}

Result<MaybeEvent> NativeProtocol::next() {
    if (state_ == State::kBroken)
        return Error(ErrorCode::kProtocolViolation, "the connection broke the protocol before");
    auto event = read_next();
    if (event.ok()) {
        if (input().empty()) {
            release_if_large(input_);
            input_at_ = 0;
        }
        return event;
    }
    if (is_would_block(event.error())) return MaybeEvent();
    state_ = State::kBroken;
    // To the caller bytes that are no block are a peer that breaks its protocol: a new connection
    // may do better.
    if (event.error().code() == ErrorCode::kMalformedData)
        return Error(ErrorCode::kProtocolViolation, "native protocol: " + event.error().message());
    return std::move(event).context("native protocol");
}

Result<MaybeEvent> NativeProtocol::read_next() {
    for (;;) {
        if (body_.has_value()) return read_body();
        if (input().empty()) return MaybeEvent();
        WireReader reader(input());
        auto event = TRY(read_packet(reader));
        drop_input(reader.offset());
        if (event.has_value()) return event;
    }
}

// Nothing when the packet was a head (its body follows) or of no interest.
Result<MaybeEvent> NativeProtocol::read_packet(WireReader& reader) {
    const uint64_t packet = TRY(reader.varint());
    if (packet == packet::kException) return read_exception(reader);
    if (state_ == State::kHello) {
        if (packet == packet::kHello) return read_hello(reader);
        return unexpected_packet(packet, "instead of the server's hello; is this a native port?");
    }
    switch (packet) {
        case packet::kProgress:
            return read_progress(reader, revision());
        case packet::kProfileInfo:
            return read_profile_info(reader, revision());
        case packet::kPong:
            return MaybeEvent(PongEvent{});
        case packet::kEndOfStream:
            return MaybeEvent(EndOfStreamEvent{});
        case packet::kTimezoneUpdate: {
            TimezoneEvent event;
            event.timezone = TRY(reader.string(kHelloStringMax));
            return MaybeEvent(std::move(event));
        }
        case packet::kPartUuids:
            TRY(skip_part_uuids(reader));
            return MaybeEvent();
        case packet::kData:
        case packet::kTotals:
        case packet::kExtremes:
        case packet::kLog:
        case packet::kProfileEvents:
            begin_body(packet, TRY(reader.string(kTableNameMax)));
            return MaybeEvent();
        case packet::kTableColumns:
            begin_body(packet, "");
            return MaybeEvent();
        default:
            return unexpected_packet(packet, "from the server");
    }
}

Result<MaybeEvent> NativeProtocol::read_hello(WireReader& reader) {
    server_.name = TRY(reader.string(kHelloStringMax));
    server_.version_major = TRY(reader.varint());
    server_.version_minor = TRY(reader.varint());
    const uint64_t theirs = TRY(reader.varint());
    if (theirs < kRevisionOldest)
        return Error(ErrorCode::kUnsupportedVersion,
                     "the server speaks protocol revision " + std::to_string(theirs) +
                         ", the oldest supported is " + std::to_string(kRevisionOldest));
    server_.revision = std::min(theirs, offered_revision());
    if (revision() >= revision::kParallelReplicasVersion) TRY(reader.varint());
    server_.timezone = TRY(reader.string(kHelloStringMax));
    server_.display_name = TRY(reader.string(kHelloStringMax));
    server_.version_patch = theirs;
    if (revision() >= revision::kPatchVersion) server_.version_patch = TRY(reader.varint());
    TRY(read_hello_extras(reader));

    state_ = State::kReady;
    decoder_ = BlockDecoder(revision(), DecodeLimits{.bytes_max = options_.block_bytes_max});
    write_addendum();
    return MaybeEvent(HelloEvent{});
}

// What newer servers append: nothing of it concerns a plain client, but it has to be read.
Status NativeProtocol::read_hello_extras(WireReader& reader) {
    if (revision() >= revision::kChunkedPackets) TRY(read_chunking(reader));
    if (revision() >= revision::kPasswordRules) {
        const uint64_t rules = TRY(reader.varint());
        if (rules > kPasswordRulesMax)
            return Error(ErrorCode::kProtocolViolation, "too many password rules");
        for (uint64_t i = 0; i < 2 * rules; ++i) TRY(reader.string(kHelloStringMax));
    }
    if (revision() >= revision::kNonce) TRY(reader.little<uint64_t>());
    if (revision() >= revision::kServerSettings) {
        for (uint64_t count = 0; !TRY(reader.string(kTableNameMax)).empty(); ++count) {
            if (count > kServerSettingsMax)
                return Error(ErrorCode::kProtocolViolation, "too many server settings");
            TRY(reader.varint());
            TRY(reader.string(kMessageMax));
        }
    }
    if (revision() >= revision::kQueryPlanVersion) TRY(reader.varint());
    if (revision() >= revision::kClusterFunctionVersion) TRY(reader.varint());
    return {};
}

// "chunked" and "notchunked" are demands, with "_optional" behind them they are preferences.
Status NativeProtocol::read_chunking(WireReader& reader) {
    for (const char* direction : {"sends", "receives"}) {
        if (TRY(reader.string(kHelloStringMax)) == "chunked")
            return Error(ErrorCode::kUnsupportedVersion,
                         std::string("the server ") + direction +
                             " chunked packets only; set proto_caps to chunked_optional");
    }
    return {};
}

void NativeProtocol::begin_body(uint64_t packet, std::string table) {
    const bool is_log = packet == packet::kLog || packet == packet::kProfileEvents ||
                        packet == packet::kTableColumns;
    const bool compressed = compressing() && (!is_log || revision() >= revision::kCompressedLogs);
    body_ = Body{packet, std::move(table), compressed};
    body_wanted_ = 1;
    plain_.clear();
    plain_at_ = 0;
}

Result<MaybeEvent> NativeProtocol::read_body() {
    for (;;) {
        const std::string_view bytes =
            body_->compressed ? plain_.view().substr(plain_at_) : input();
        if (bytes.size() >= body_wanted_) {
            size_t used = 0;
            auto event = TRY(decode_body(bytes, used));
            if (body_->compressed)
                plain_at_ += used;
            else
                drop_input(used);
            if (event.has_value()) {
                if (body_->compressed && plain_at_ != plain_.size())
                    return Error(ErrorCode::kProtocolViolation,
                                 "a compressed block is followed by bytes of no packet");
                body_.reset();
                return event;
            }
        }
        if (!body_->compressed) return MaybeEvent();
        if (plain_at_ == plain_.size()) {
            release_if_large(plain_);
            plain_at_ = 0;
        }
        if (plain_.size() > options_.block_bytes_max)
            return Error(ErrorCode::kLimitExceeded, "a block is larger than " +
                                                        std::to_string(options_.block_bytes_max) +
                                                        " bytes (block_bytes_max)");
        ByteCursor cursor(input());
        TRY(decompress_frame(cursor, plain_, FrameLimits{.content_max = options_.block_bytes_max}));
        drop_input(cursor.offset());
    }
}

// Nothing when more bytes are needed; `used` of those shown need not be shown again either way.
Result<MaybeEvent> NativeProtocol::decode_body(std::string_view bytes, size_t& used) {
    if (body_->packet == packet::kTableColumns) {
        WireReader reader(bytes);
        auto table = reader.string(kTableNameMax);
        auto description = table.ok() ? reader.string(kMessageMax) : Result<std::string>("");
        const bool ends_early = (!table.ok() && is_would_block(table.error())) ||
                                (!description.ok() && is_would_block(description.error()));
        if (ends_early) {
            body_wanted_ = bytes.size() + 1;
            return MaybeEvent();
        }
        TableColumnsEvent event;
        event.table = TRY(std::move(table));
        event.description = TRY(std::move(description));
        used = reader.offset();
        return MaybeEvent(std::move(event));
    }
    ByteCursor cursor(bytes);
    auto block = decoder_.decode(cursor);
    if (!block.ok() && !is_would_block(block.error())) return std::move(block).error();
    used = cursor.offset();
    if (!block.ok()) {
        body_wanted_ = cursor.remaining() + decoder_.wanted();
        return MaybeEvent();
    }
    return MaybeEvent(
        BlockEvent{kind_of(body_->packet), std::move(body_->table), std::move(block).value()});
}

}  // namespace tandem::clickhouse
