// Decoder for the pgoutput logical replication protocol, versions 1 to 4, text and binary values.
//
// In: the payload of one XLogData message. Out: one Message, whose texts, tuples and lists are
// views into that payload or into storage the decoder uses again: valid until the next decode() and
// only while the payload lives. No I/O, no allocation per message once the storage has grown to the
// widest table. Any bytes at all give a Message or an Error (kMalformedData), never more.
// One decoder per replication stream, one thread. The format: docs/internals/formats/pgoutput.md.
//
// It does not keep relations: whoever applies changes maps relation OIDs to what it knows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/lsn.h"
#include "base/result.h"
#include "postgres/decoder/time.h"

namespace tandem::postgres {

enum class ValueKind : uint8_t {
    null,
    unchanged_toast,  // stored out of line and not touched by the update: the value was not sent
    text,             // Postgres' output function
    binary,           // Postgres' send function
};

struct TupleValue {
    std::string_view bytes;  // empty for null and unchanged_toast
    ValueKind kind = ValueKind::null;
};

// Columns in the order of the Relation message. (Dropped columns and, before Postgres 18, generated
// columns are not part of it.)
using Tuple = std::span<const TupleValue>;

// What the old tuple of an UPDATE or DELETE holds.
enum class OldTuple : uint8_t {
    none,  // UPDATE that left the replica identity alone
    key,   // only replica identity columns; the others are null
    full,  // REPLICA IDENTITY FULL: the whole old row
};

struct Begin {
    Lsn final_lsn;  // of the transaction's commit record: Commit::commit_lsn will be the same
    PgTime commit_time;
    Xid xid;
};
struct Commit {
    Lsn commit_lsn;
    Lsn end_lsn;  // end of the commit record: what to confirm when the transaction is durable
    PgTime commit_time;
};
struct Origin {
    Lsn commit_lsn;  // on the origin server
    std::string_view name;
};

// Messages that may stand inside a streamed block carry the (sub)transaction they belong to; it is
// 0 outside of a block, where the transaction is that of the last Begin.
struct RelationColumn {
    std::string_view name;
    Oid type;
    int32_t typmod = -1;
    bool key = false;  // part of the replica identity
};
struct Relation {
    Xid stream_xid;
    Oid oid;
    std::string_view schema;  // "pg_catalog" is sent empty and restored here
    std::string_view name;
    char replica_identity = 'd';  // d default, n nothing, f full, i index
    std::span<const RelationColumn> columns;
};
struct Type {
    Xid stream_xid;
    Oid oid;
    std::string_view schema;
    std::string_view name;
};
struct Insert {
    Xid stream_xid;
    Oid relation;
    Tuple row;
};
struct Update {
    Xid stream_xid;
    Oid relation;
    OldTuple old_kind = OldTuple::none;
    Tuple old;
    Tuple row;
};
struct Delete {
    Xid stream_xid;
    Oid relation;
    OldTuple old_kind = OldTuple::key;
    Tuple old;
};
struct Truncate {
    Xid stream_xid;
    bool cascade = false;
    bool restart_identity = false;
    std::span<const Oid> relations;
};
struct LogicalMessage {
    Xid stream_xid;
    bool transactional = false;
    Lsn lsn;
    std::string_view prefix;
    std::string_view content;
};

// --- protocol 2: transactions in progress
// ---------------------------------------------------------
struct StreamStart {
    Xid xid;  // top level transaction
    bool first_segment = false;
};
struct StreamStop {};
struct StreamCommit {
    Xid xid;
    Lsn commit_lsn;
    Lsn end_lsn;
    PgTime commit_time;
};
struct StreamAbort {
    Xid xid;
    Xid subxid;  // equal to xid when the whole transaction is aborted
    // Only with streaming 'parallel' (protocol 4).
    Lsn abort_lsn;
    PgTime abort_time;
};

// --- protocol 3: two-phase commit
// ------------------------------------------------------------------
struct BeginPrepare {
    Lsn prepare_lsn;
    Lsn end_lsn;
    PgTime prepare_time;
    Xid xid;
    std::string_view gid;
};
struct Prepare {
    Lsn prepare_lsn;
    Lsn end_lsn;
    PgTime prepare_time;
    Xid xid;
    std::string_view gid;
    bool streamed = false;  // Stream Prepare: ends a streamed transaction
};
struct CommitPrepared {
    Lsn commit_lsn;
    Lsn end_lsn;
    PgTime commit_time;
    Xid xid;
    std::string_view gid;
};
struct RollbackPrepared {
    Lsn prepare_end_lsn;
    Lsn rollback_end_lsn;
    PgTime prepare_time;
    PgTime rollback_time;
    Xid xid;
    std::string_view gid;
};

using Message = std::variant<Insert, Update, Delete, Begin, Commit, Relation, Type, Origin,
                             Truncate, LogicalMessage, StreamStart, StreamStop, StreamCommit,
                             StreamAbort, BeginPrepare, Prepare, CommitPrepared, RollbackPrepared>;

class PgoutputDecoder {
  public:
    // The protocol version given to START_REPLICATION.
    explicit PgoutputDecoder(int protocol_version) : protocol_version_(protocol_version) {}

    Result<Message> decode(std::string_view payload);

    // Between StreamStart and StreamStop.
    bool in_stream() const { return in_stream_; }
    // A new START_REPLICATION begins outside of any block.
    void reset() { in_stream_ = false; }

  private:
    class Parser;
    int protocol_version_;
    bool in_stream_ = false;
    std::vector<TupleValue> old_values_;
    std::vector<TupleValue> new_values_;
    std::vector<RelationColumn> columns_;
    std::vector<Oid> relations_;
};

}  // namespace tandem::postgres
