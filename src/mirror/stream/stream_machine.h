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
#include <set>
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
    // The mirrored table that the relation's rows belong to: itself, or the partitioned table that
    // it is a leaf of. Nothing: its changes are dropped.
    virtual Result<std::optional<Oid>> table_of(Oid relation) = 0;
    // Whether the load of the table sees all that the transaction has done, so that nothing of it
    // is needed, whatever columns the table had then.
    virtual bool covered(Oid table, Xid transaction) = 0;
    // An error of code kSchemaChanged, kNoReplicaIdentity, kUnsupportedType fails the table alone;
    // any other is returned by on_message, the stream then has to start again.
    // `transaction` has the first change that is laid out so.
    virtual Result<Resolution> resolve(Oid table, const postgres::Relation& relation,
                                       Xid transaction) = 0;
    // The columns the table has at this place of the stream were announced. Nothing: they are not
    // those any more that the digest names, so a later announcement or a Relation message tells.
    virtual Result<std::optional<Resolution>> refresh(const Announcement& announcement) = 0;
    // The table as known; nullptr when it is not.
    virtual TablePtr known(Oid table) = 0;
    // A TRUNCATE: the table with the number of a new copy, as which it is known from now on.
    virtual TablePtr next_copy(Oid table) = 0;
    // The leaves whose rows the table is known to have.
    virtual const std::set<uint32_t>& leaves(Oid table) = 0;
    virtual void set_leaf(Oid table, Oid leaf, bool part) = 0;
};

// A Relation message that outlives its bytes.
class RelationCopy {
  public:
    RelationCopy() = default;
    explicit RelationCopy(const postgres::Relation& relation);
    postgres::Relation get() const;  // views into this

  private:
    struct Column {
        std::string name;
        postgres::RelationColumn column;
    };
    postgres::Relation relation_;
    std::string schema_;
    std::string name_;
    std::vector<Column> columns_;
    mutable std::vector<postgres::RelationColumn> views_;
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
    // A mirrored table.
    struct Mirrored {
        TablePtr table;
        std::vector<types::Converter> converters;
        std::vector<int> columns;  // layout of the rows being filled
        size_t row_bytes = 0;      // of a row of NULLs: on the wire it is a byte a column
        bool dropped = false;      // changes are ignored
        size_t open_step = kNone;  // index in batch_.steps of the InsertStep being filled
    };
    // A relation of the stream: a mirrored table, or a leaf of one.
    struct Source {
        std::optional<Oid> table;
        // Looked at when a change needs it: the table's load may cover all until then.
        RelationCopy relation;
        bool resolved = false;
        std::vector<int> columns;
        Xid written;  // last transaction with a change
    };

    Status on_relation(const postgres::Relation& relation);
    Status on_message_of_ours(const postgres::LogicalMessage& message, Micros now);
    Status on_announcement(const Announcement& announcement);
    void on_leaf(const LeafAnnouncement& announcement, Micros now);
    Status resolve(Source& source);
    Status adopt(Oid relid, Result<Resolution> resolution, bool announced);
    Status on_truncate(const postgres::Truncate& truncate, Micros now);
    void truncate_leaves(Oid relid, const std::set<uint32_t>& leaves, Micros now);
    void truncate_table(Oid relid, Micros now);
    void add_leaf_step(Oid relid, Oid leaf, LeafStep::Kind kind, Micros now);
    // Counts the change and hands it to the rows of its table, if that is mirrored.
    template <typename Change>
    Status on_change(Oid relation, size_t size, Micros now, const Change& change);
    void on_commit(const postgres::Commit& commit);
    void note_moment(const postgres::Commit& commit);
    TableBatch& rows_of(Mirrored& mirrored, const Source& source);
    void close_rows(Mirrored& mirrored);
    void fail(Oid relid, Error error);
    void note_step(Micros now);

    const StreamLimits limits_;
    TableDirectory* directory_;
    std::unordered_map<Oid, Mirrored> tables_;
    std::unordered_map<Oid, Source> sources_;
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
