#include "postgres/decoder/replication_message.h"

#include "base/bytes.h"

namespace tandem::postgres {
namespace {

constexpr size_t kXLogDataHeader = 1 + 8 + 8 + 8;
constexpr size_t kKeepaliveSize = 1 + 8 + 8 + 1;

void store_big(char* to, uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) *to++ = static_cast<char>(value >> shift);
}

}  // namespace

Result<ReplicationMessage> decode_replication_message(std::string_view copy_data) {
    const char* at = copy_data.data();
    char type = copy_data.empty() ? '\0' : copy_data[0];
    if (type == 'w' && copy_data.size() >= kXLogDataHeader) [[likely]] {
        return ReplicationMessage(XLogData{.start = {load_big<uint64_t>(at + 1)},
                                           .server_end = {load_big<uint64_t>(at + 9)},
                                           .sent_at = {load_big<int64_t>(at + 17)},
                                           .payload = copy_data.substr(kXLogDataHeader)});
    }
    if (type == 'k' && copy_data.size() == kKeepaliveSize) {
        return ReplicationMessage(Keepalive{.server_end = {load_big<uint64_t>(at + 1)},
                                            .sent_at = {load_big<int64_t>(at + 9)},
                                            .reply_requested = at[17] != 0});
    }
    return Error(ErrorCode::kMalformedData, "replication message of type " +
                                                std::to_string(static_cast<unsigned char>(type)) +
                                                " with " + std::to_string(copy_data.size()) +
                                                " bytes is neither data nor keepalive");
}

std::array<char, 34> encode_feedback(const Feedback& feedback, PgTime now) {
    std::array<char, 34> message;
    message[0] = 'r';
    store_big(&message[1], feedback.write.value);
    store_big(&message[9], feedback.flush.value);
    store_big(&message[17], feedback.apply.value);
    store_big(&message[25], static_cast<uint64_t>(now.micros));
    message[33] = feedback.reply_requested ? 1 : 0;
    return message;
}

}  // namespace tandem::postgres
