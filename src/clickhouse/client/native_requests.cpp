// The sending half of NativeProtocol: requests become bytes of output().
#include <unistd.h>

#include <charconv>
#include <chrono>

#include "clickhouse/client/native_protocol.h"
#include "clickhouse/client/packets.h"
#include "clickhouse/client/parameters.h"
#include "clickhouse/client/revisions.h"
#include "clickhouse/client/wire.h"
#include "clickhouse/codec/block.h"
#include "clickhouse/codec/compress.h"

namespace tandem::clickhouse {
namespace {

// What we say our own version is; ClickHouse only logs it.
constexpr uint64_t kClientMajor = 0;
constexpr uint64_t kClientMinor = 1;
constexpr uint64_t kClientPatch = 0;

// Version of the protocol between parallel replicas; a plain client never speaks it.
constexpr uint64_t kParallelReplicasVersionSent = 8;

constexpr uint64_t kStageComplete = 2;
constexpr uint8_t kQueryKindInitial = 1;
constexpr uint8_t kInterfaceTcp = 1;

// An important setting that the server does not know is an error there, not a warning.
constexpr uint64_t kFlagImportant = 1;
constexpr uint64_t kFlagCustom = 2;

CompressionMethod to_method(Compression compression) {
    switch (compression) {
        case Compression::kNone:
            return CompressionMethod::kNone;
        case Compression::kLz4:
            return CompressionMethod::kLz4;
        case Compression::kZstd:
            return CompressionMethod::kZstd;
    }
    return CompressionMethod::kNone;
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

template <typename T>
bool parse_hex(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc() && end == text.data() + text.size();
}

bool parse_integer(std::string_view text, int64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

uint64_t NativeProtocol::offered_revision() const {
    return options_.revision_max == 0 ? kRevisionNewest
                                      : std::min(options_.revision_max, kRevisionNewest);
}

void NativeProtocol::send_hello() {
    write_varint(output_, packet::kClientHello);
    write_string(output_, options_.client_name);
    write_varint(output_, kClientMajor);
    write_varint(output_, kClientMinor);
    write_varint(output_, offered_revision());
    write_string(output_, endpoint_.database);
    write_string(output_, endpoint_.user);
    write_string(output_, endpoint_.password);
}

void NativeProtocol::write_addendum() {
    if (revision() >= revision::kAddendum) write_string(output_, options_.quota_key);
    if (revision() >= revision::kChunkedPackets) {
        write_string(output_, "notchunked");  // what we send
        write_string(output_, "notchunked");  // what we receive
    }
    if (revision() >= revision::kParallelReplicasVersion)
        write_varint(output_, kParallelReplicasVersionSent);
}

void NativeProtocol::write_client_info(const Query& query) {
    using std::chrono::duration_cast;
    const auto now = std::chrono::system_clock::now().time_since_epoch();

    write_little(output_, kQueryKindInitial);
    write_string(output_, "");           // initial user
    write_string(output_, "");           // initial query id
    write_string(output_, "0.0.0.0:0");  // initial address
    if (revision() >= revision::kQueryStartTime)
        write_little<int64_t>(output_, duration_cast<std::chrono::microseconds>(now).count());
    write_little(output_, kInterfaceTcp);
    write_string(output_, "");  // operating system user
    write_string(output_, host_name());
    write_string(output_, options_.client_name);
    write_varint(output_, kClientMajor);
    write_varint(output_, kClientMinor);
    write_varint(output_, revision());
    write_string(output_, options_.quota_key);
    if (revision() >= revision::kDistributedDepth) write_varint(output_, 0);
    if (revision() >= revision::kPatchVersion) write_varint(output_, kClientPatch);
    if (revision() >= revision::kTraceContext) write_trace_context(query);
    if (revision() >= revision::kParallelReplicas)
        for (int i = 0; i < 3; ++i) write_varint(output_, 0);
    if (revision() >= revision::kQueryAndLineNumbers)
        for (int i = 0; i < 2; ++i) write_varint(output_, 0);
    if (revision() >= revision::kJwt) write_little<uint8_t>(output_, 0);
    if (revision() >= revision::kClientAgent) write_string(output_, "");
    if (revision() >= revision::kInternalQueryFlag) write_little<uint8_t>(output_, 0);
    if (revision() >= revision::kCurrentRoles) write_little<uint8_t>(output_, 0);
}

// "00-<32 hex>-<16 hex>-<2 hex>"; anything else counts as no context, as the standard wants it.
void NativeProtocol::write_trace_context(const Query& query) {
    const std::string_view text = query.traceparent;
    uint64_t trace_high = 0, trace_low = 0, span = 0;
    uint8_t flags = 0;
    const bool valid = text.size() == 55 && text[2] == '-' && text[35] == '-' && text[52] == '-' &&
                       parse_hex(text.substr(3, 16), trace_high) &&
                       parse_hex(text.substr(19, 16), trace_low) &&
                       parse_hex(text.substr(36, 16), span) && parse_hex(text.substr(53), flags);
    write_little<uint8_t>(output_, valid ? 1 : 0);
    if (!valid) return;
    write_little(output_, trace_high);
    write_little(output_, trace_low);
    write_little(output_, span);
    write_string(output_, "");  // trace state
    write_little(output_, flags);
}

void NativeProtocol::write_settings(const Query& query) {
    for (const Setting& setting : query.settings) {
        write_string(output_, setting.name);
        if (revision() >= revision::kSettingsAsStrings) {
            write_varint(output_, setting.important ? kFlagImportant : 0);
            write_string(output_, setting.value);
            continue;
        }
        // COMPAT: before, the type of the setting decides; integers and booleans are varints.
        int64_t number = 0;
        if (parse_integer(setting.value, number))
            write_varint(output_, static_cast<uint64_t>(number));
        else
            write_string(output_, setting.value);
    }
    if (revision() >= revision::kSettingsAsStrings) {
        // JSON columns travel as text and Dynamic ones in the flat form, which the codec reads
        // whole. Not important: servers without these types do not know the settings.
        for (const char* name :
             {"output_format_native_write_json_as_string",
              "output_format_native_use_flattened_dynamic_and_json_serialization"}) {
            write_string(output_, name);
            write_varint(output_, 0);
            write_string(output_, "1");
        }
    }
    write_string(output_, "");
}

void NativeProtocol::write_parameters(const Query& query) {
    for (const Parameter& parameter : query.parameters) {
        write_string(output_, parameter.name);
        write_varint(output_, kFlagCustom);
        write_string(output_, quote_for_wire(parameter_text(parameter)));
    }
    write_string(output_, "");
}

Status NativeProtocol::send_query(const Query& query) {
    TANDEM_ASSERT(state_ != State::kHello, "a query before the server's hello");
    if (!query.parameters.empty() && revision() < revision::kParameters)
        return Error(ErrorCode::kUnsupportedVersion,
                     "the server is too old for query parameters (protocol revision " +
                         std::to_string(revision()) + ", 54459 needed)");
    write_varint(output_, packet::kClientQuery);
    write_string(output_, query.query_id);
    write_client_info(query);
    write_settings(query);
    if (revision() >= revision::kExternalRoles) write_string(output_, "");
    if (revision() >= revision::kInterserverSecret) write_string(output_, "");
    write_varint(output_, kStageComplete);
    write_varint(output_, compressing() ? 1 : 0);
    write_string(output_, query.sql);
    if (revision() >= revision::kParameters) write_parameters(query);
    for (const ExternalTable& table : query.external_tables)
        TRY(write_block(table.name, table.block).context("external table " + table.name));
    send_data_end();
    return {};
}

// Names, types and counts of a block; an estimate.
constexpr size_t kPacketOverhead = 4096;

Status NativeProtocol::write_block(std::string_view table, const types::Block& block) {
    const size_t begin = output_.size();
    write_varint(output_, packet::kClientData);
    write_string(output_, table);
    Status written;
    if (compressing()) {
        types::Bytes plain;
        written = encode_block(block, revision(), plain);
        if (written.ok())
            written = compress_frames(to_method(options_.compression), plain.view(), output_);
    } else {
        // In one piece: growing by doubling would copy, and touch fresh pages, several times.
        output_.reserve(output_.size() + block.byte_size() + kPacketOverhead);
        written = encode_block(block, revision(), output_);
    }
    if (!written.ok()) output_.truncate(begin);
    return written;
}

Status NativeProtocol::send_data(const types::Block& block) {
    return write_block("", block);
}

void NativeProtocol::send_data_end() {
    MUST(write_block("", types::Block{}));
}

void NativeProtocol::send_cancel() {
    write_varint(output_, packet::kClientCancel);
}

void NativeProtocol::send_ping() {
    write_varint(output_, packet::kClientPing);
}

void NativeProtocol::output_sent(size_t bytes) {
    TANDEM_ASSERT(bytes <= output_left(), "more sent than there was");
    output_sent_ += bytes;
    if (output_left() > 0) return;
    release_if_large(output_);
    output_sent_ = 0;
}

}  // namespace tandem::clickhouse
