// The envelope of streaming replication inside CopyData: XLogData and keepalive from the server,
// standby status update to it. No I/O. The format: docs/internals/formats/pgoutput.md.
#pragma once

#include <array>
#include <string_view>
#include <variant>

#include "base/lsn.h"
#include "base/result.h"
#include "postgres/decoder/time.h"

namespace tandem::postgres {

struct XLogData {
    Lsn start = {};  // WAL position of the payload; 0 for messages that have none of their own
    Lsn server_end = {};
    PgTime sent_at = {};
    std::string_view payload = {};  // view into the CopyData
};

struct Keepalive {
    Lsn server_end = {};
    PgTime sent_at = {};
    bool reply_requested = false;  // answer at once, or the server closes after wal_sender_timeout
};

using ReplicationMessage = std::variant<XLogData, Keepalive>;

Result<ReplicationMessage> decode_replication_message(std::string_view copy_data);

// What we tell the server. `flush` is what it may forget.
struct Feedback {
    Lsn write = {};
    Lsn flush = {};
    Lsn apply = {};
    bool reply_requested = false;
};

std::array<char, 34> encode_feedback(const Feedback& feedback, PgTime now);

}  // namespace tandem::postgres
