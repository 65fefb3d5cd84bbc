// Replication: a walsender connection that streams logical changes.
//
// One thread. poll() takes messages out of libpq's buffer and makes a system call only when that
// is empty. The caller must call poll() or send_feedback() more often than the server's
// wal_sender_timeout (keepalives are handed out, not answered here: only the caller knows what is
// durable). It does not decode payloads; PgoutputDecoder does.
//
// Errors beyond those of Connection: kSlotInvalidated (the slot lost WAL or rows it needs, message
// says why), kSlotMissing, kSlotInUse, kSourceUnfit (wal_level, rights, no free slot).
#pragma once

#include <string>
#include <vector>

#include "postgres/client/connection.h"
#include "postgres/decoder/replication_message.h"

namespace tandem::postgres {

struct SystemIdentity {
    uint64_t system_id = 0;  // changes when the cluster is another one
    uint32_t timeline = 0;
    Lsn flushed;
    std::string database;
};

// The end of a timeline that the one asked for goes back to.
struct TimelineEnd {
    uint32_t timeline = 0;
    Lsn end;  // the next timeline starts here
};
// The text of a timeline's history file, oldest first.
Result<std::vector<TimelineEnd>> parse_timeline_history(std::string_view text);

struct SlotOptions {
    bool temporary = false;
    bool failover = false;    // Postgres 17 and later; ignored before
    bool two_phase = false;   // decode at PREPARE; Postgres 15 and later
    Millis timeout{600'000};  // creation waits for transactions that are running
};

struct CreatedSlot {
    std::string name;
    Lsn consistent_point;  // changes committed after it are streamed
};

struct StreamOptions {
    std::string slot = {};
    Lsn start = {};  // 0: where the slot was confirmed
    std::vector<std::string> publications = {};
    int protocol_version = 0;  // 0: the highest the server knows (1..4)
    bool binary = true;        // from Postgres 14; text before
    bool messages = true;      // pg_logical_emit_message; from Postgres 14
    // Send transactions before they commit; from Postgres 14.
    bool streaming = false;
    bool two_phase = false;  // the slot must have been made with it; from Postgres 15
    // Leave out changes that themselves came by replication; from Postgres 16.
    bool origin_none = false;
};

class Replication {
  public:
    // The conninfo of an ordinary connection; `replication=database` is added.
    static Result<Replication> open(const ConnectOptions& options);

    Result<SystemIdentity> identify_system();
    // Where the timelines before this one ended; none before the first.
    Result<std::vector<TimelineEnd>> timeline_history(uint32_t timeline);
    // Logical, pgoutput, NOEXPORT_SNAPSHOT. kAlreadyExists when there is one of the name.
    Result<CreatedSlot> create_slot(const std::string& name, const SlotOptions& options);
    // With wait, until whoever uses it has let go. kSlotMissing when there is none.
    Status drop_slot(const std::string& name, bool wait = false);

    // START_REPLICATION. Afterwards only poll, send_feedback and stop.
    Status start(const StreamOptions& options);
    int protocol_version() const { return protocol_version_; }  // the one start() settled on

    // The next message, or nullopt when `timeout` passed (0: only what has arrived) or `wake_fd`
    // (optional; an eventfd, say) became readable. Views in it are valid until the next call.
    // kConnectionLost when the server ended the stream.
    Result<std::optional<ReplicationMessage>> poll(Millis timeout, int wake_fd = -1);

    // Sends at once; waits only for room in the socket.
    Status send_feedback(const Feedback& feedback);

    // Ends the stream in order; messages still under way are dropped. To stream again, open a new
    // connection: a walsender whose logical stream was ended ends the next one at once.
    Status stop(Millis timeout);

    int server_version() const { return connection_.server_version(); }
    bool usable() const { return connection_.usable(); }
    void close() noexcept { connection_.close(); }

  private:
    struct FreeCopyData {
        void operator()(char* data) const;
    };
    explicit Replication(Connection connection) : connection_(std::move(connection)) {}
    Result<bool> take_buffered(std::string_view& copy_data);
    Result<QueryResult> command(const std::string& sql, Millis timeout);
    Error explained(Error error);
    Error stream_ended();

    Connection connection_;
    std::string slot_;
    int protocol_version_ = 0;
    bool streaming_ = false;
    std::unique_ptr<char, FreeCopyData> current_;
};

}  // namespace tandem::postgres
