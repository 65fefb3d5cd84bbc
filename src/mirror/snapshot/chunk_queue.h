// ChunkQueue: which chunk of a table is read next, and when a table's snapshot is over.
//
// What is loaded is a table, or one partition that joined it (`leaf`).
//
// Shared by the snapshot workers and the applier, hence the lock; no I/O. A chunk belongs to a
// generation of its table: a TRUNCATE or a resync starts a new one, and results of the old one are
// refused.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/mutex.h"
#include "mirror/schema/table.h"
#include "mirror/snapshot/held_snapshot.h"

namespace tandem::mirror {

struct Chunk {
    Oid relid;  // the mirrored table
    Oid part;   // the leaf that is read
    int64_t first_block = 0;
    std::optional<int64_t> end_block;  // nothing: to the end of the table
    uint32_t number = 0;               // within the table's copy, from 1: rows carry it as origin
    bool begun = false;                // an earlier try may have left rows behind
    Lsn from = {};                     // the commit at which the partition joined; else nothing
    // What all chunks of a table without a key are read in; nothing: each in its own.
    std::shared_ptr<const HeldSnapshot> snapshot = {};
    bool joins() const { return from.valid(); }
};

struct Assignment {
    Chunk chunk;
    TablePtr table;
    uint64_t generation = 0;
};

class ChunkQueue {
  public:
    // Chunks that are still to be read, of the table or of a partition that joined it; replaces
    // what was there.
    void add(TablePtr table, std::vector<Chunk> chunks, Oid leaf = {});
    // Takes the table out, with its partitions, or the one partition: running chunks are told by
    // still_wanted(). Waits until none runs.
    void stop(Oid relid);
    void stop(Oid relid, Oid leaf);
    // Changes the columns that later chunks read (after a schema change).
    void replace_table(const TablePtr& table);

    // Next chunk; waits for one. Nothing after close().
    std::optional<Assignment> next();
    bool still_wanted(const Assignment& assignment) const;
    enum class Outcome { more, last };
    // The chunk's rows are in ClickHouse and it is marked in the catalog. `last`: the table has no
    // more. A chunk given back with retry() is handed out again.
    Outcome finish(const Assignment& assignment);
    void retry(const Assignment& assignment);

    void close();
    bool loading(Oid relid) const;

  private:
    struct Load {
        TablePtr table;
        std::deque<Chunk> waiting;
        size_t running = 0;
        uint64_t generation = 0;
        bool stopping = false;
    };

    mutable Mutex mutex_;
    CondVar changed_;
    // By relid and leaf, so that tables are loaded one after the other.
    using Key = std::pair<uint32_t, uint32_t>;
    static Key key_of(const Assignment& assignment) {
        const Chunk& chunk = assignment.chunk;
        return {chunk.relid.value, chunk.joins() ? chunk.part.value : 0};
    }
    void stop(Key key) TANDEM_REQUIRES(mutex_);
    std::map<Key, Load> loads_ TANDEM_GUARDED_BY(mutex_);
    uint64_t generation_ TANDEM_GUARDED_BY(mutex_) = 0;
    bool closed_ TANDEM_GUARDED_BY(mutex_) = false;
};

}  // namespace tandem::mirror
