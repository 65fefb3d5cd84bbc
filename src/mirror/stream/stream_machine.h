// StreamMachine: decoded pgoutput messages and time in, closed batches and positions out.
//
// A step machine: no I/O, no threads, no clock of its own. What it needs to know about a table when
// a Relation message arrives it asks of the port TableDirectory. Protocol 1 semantics: a
// transaction arrives whole after its commit; a batch may still end inside of it, because Begin
// carries the commit LSN.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "config/options.h"
#include "mirror/batch/batch.h"
#include "mirror/schema/table_change.h"
#include "mirror/source/schema_guard.h"
#include "postgres/decoder/pgoutput.h"

namespace tandem::mirror {

using Micros = std::chrono::microseconds;  // since any fixed moment

struct StreamLimits {
    size_t bytes_max = config::defaults::batch_bytes;
    size_t changes_max = config::defaults::batch_rows;
    Micros flush_age = std::chrono::milliseconds(config::defaults::flush_age_ms);  // nothing comes
    Micros batch_age = std::chrono::milliseconds(config::defaults::batch_age_ms);  // more comes
};

// What the machine asks when the stream first mentions a table or says that it changed.
class TableDirectory {
  public:
    virtual ~TableDirectory() = default;
    struct Entry {
        Resolution resolution;
    };
    // Nothing: the table is not mirrored (or has failed) and its changes are dropped. An error of
    // code kSchemaChanged, kNoReplicaIdentity, kUnsupportedType fails the table alone; any other
    // is returned by on_message, the stream then has to start again.
    virtual Result<std::optional<Entry>> resolve(const postgres::Relation& relation) = 0;
    // The columns the table has at this place of the stream were announced. Nothing: they are not
    // those any more that the digest names, so a later announcement or a Relation message tells.
    virtual Result<std::optional<Entry>> refresh(const Announcement& announcement) = 0;
    // The table as known, to fail it when resolve() gave an error.
    virtual TablePtr known(Oid relid) = 0;
    // A TRUNCATE: the table with the number of a new copy, as which it is known from now on.
    virtual TablePtr next_copy(Oid relid) = 0;
};

class StreamMachine {
  public:
    StreamMachine(StreamLimits limits, TableDirectory& directory)
        : limits_(limits), directory_(&directory) {}

    // `size` of the payload the message was decoded from.
    Status on_message(const postgres::Message& message, size_t size, Micros now);
    // The server has sent everything up to `server_end`.
    void on_keepalive(Lsn server_end);

    // `drained`: nothing more has arrived. True when the batch should be closed now if the applier
    // is free.
    bool ripe(Micros now, bool drained) const;
    // When ripe() may become true by time alone.
    std::optional<Micros> ripe_at(bool drained) const;
    // No more may be read before a batch was taken.
    bool full() const {
        return open_bytes_ >= limits_.bytes_max || batch_.changes >= limits_.changes_max;
    }
    // Nothing to apply: `position()` may be confirmed as soon as earlier batches are.
    bool empty() const { return batch_.steps.empty(); }
    size_t open_bytes() const { return open_bytes_; }
    size_t open_changes() const { return batch_.changes; }
    // Everything committed up to here has been read.
    Lsn position() const { return batch_.confirm; }
    Batch take();

    // A table failed while it was applied, or left the mirror: its changes are dropped from now on.
    // There is no way back but a new stream: the server does not repeat its Relation message.
    void forget(Oid relid);

  private:
    static constexpr size_t kNone = SIZE_MAX;
    struct Known {
        WireLayout layout;
        std::vector<types::Converter> converters;
        bool dropped = false;      // changes are ignored
        size_t open_step = kNone;  // index in batch_.steps of the InsertStep being filled
    };

    Status on_relation(const postgres::Relation& relation);
    Status on_message_of_ours(const postgres::LogicalMessage& message);
    Status on_announcement(const Announcement& announcement);
    Status adopt(Oid relid, Result<std::optional<TableDirectory::Entry>> entry, bool announced);
    void on_truncate(const postgres::Truncate& truncate, Micros now);
    // Counts the change and hands it to the rows of its table, if that is mirrored.
    template <typename Change>
    void on_change(Oid relation, size_t size, Micros now, const Change& change);
    void on_commit(const postgres::Commit& commit);
    TableBatch& rows_of(Known& known);
    void close_rows(Known& known);
    void fail(Known& known, TablePtr table, Error error);
    void note_step(Micros now);

    const StreamLimits limits_;
    TableDirectory* directory_;
    std::unordered_map<Oid, Known> tables_;
    Batch batch_;
    size_t open_bytes_ = 0;
    std::optional<Micros> first_change_;
    bool flush_requested_ = false;
    bool in_transaction_ = false;
    Lsn commit_lsn_;
    Xid xid_;
    uint64_t ordinal_ = 0;
};

}  // namespace tandem::mirror
