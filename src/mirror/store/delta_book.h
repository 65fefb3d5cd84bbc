// DeltaBook: what the deltas of a mirror's tables hold: open and closed generations, keys, readers'
// grace, and the generations that are kept for readers of older positions.
//
// Shared by the apply thread, which writes deltas, and the fold thread, which empties them; no I/O.
// Its bookkeeping is what makes "an insert may go straight to main" and "this generation may be
// folded" true, see store/README.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "mirror/batch/table_batch.h"
#include "mirror/schema/table.h"
#include "mirror/store/key_set.h"

namespace tandem::mirror {

using Moment = std::chrono::steady_clock::time_point;

struct FoldLimits {
    // A reader that picked its position is served this long, see the contract.
    std::chrono::milliseconds grace{10'000};
    // A generation closes at this age, or at this many rows.
    std::chrono::milliseconds generation_age{2'000};
    // ... and not before so long for each table that changes: a fold has a price of its own,
    // however few rows it moves, so of many tables each is folded more seldom.
    std::chrono::milliseconds generation_age_per_table{100};
    uint64_t generation_rows = 500'000;
    // Keys remembered in all; beyond, all rows of the largest table go to its delta until it is
    // folded.
    size_t keys_max = 2'000'000;
    // A table is folded at most this share of the time.
    int idle_factor = 4;
    // How long older positions can be read; 0: for the grace only.
    std::chrono::milliseconds history{0};
};

// A fold of generations [oldest, newest] of a table. What it replaces in main is kept in the
// generation before the oldest, which no row of the stream is in.
struct FoldTask {
    TablePtr table;
    uint32_t oldest = 0;
    uint32_t newest = 0;
    bool again = false;  // an earlier try may have left rows in main
    Moment since{};      // since when it waits: to begin, or, once it has begun, to be done
    Lsn folded_to = {};  // every row of theirs is seen at this position
    bool kept = false;   // for readers of positions before that
    uint32_t replaced() const { return oldest - 1; }
};

class DeltaBook {
  public:
    explicit DeltaBook(FoldLimits limits = {}) : limits_(limits) {}

    struct Start {
        TablePtr table;
        bool loading = false;  // not live: everything goes to the delta, nothing is folded
        uint32_t oldest = 1;   // generation
        uint32_t open = 1;     // first generation nobody has written
        bool empty = true;     // as the catalog says
        uint32_t folding = 0;  // a fold up to here had begun
        std::vector<LeafCut> cuts = {};
        std::vector<uint32_t> history = {};  // what is kept for readers of positions before this
        Lsn position = {};
        Moment now = std::chrono::steady_clock::now();
    };
    // A table joins, or goes on in a new copy.
    void start(const Start& start);
    // A key that the delta held before this session, of a generation.
    void remember(Oid relid, uint64_t hash, uint32_t generation);
    void forget(Oid relid);
    // The table's columns changed.
    void replace_table(const TablePtr& table);
    void set_live(Oid relid);

    // Nobody else does the same to the table as long as this lives. `rows`: change its columns or
    // move rows about; ClickHouse may lose a column's values when it is renamed while rows are
    // deleted. It may take long. `view`: make its view; never held while waiting for rows. Who
    // needs both takes rows first.
    enum class Held : uint8_t { rows, view };
    class Hold {
      public:
        Hold(DeltaBook& book, Oid relid, Held what);
        ~Hold();
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;

      private:
        DeltaBook& book_;
        const std::pair<uint32_t, Held> key_;
    };

    // --- the apply thread -----------------------------------------------------------------------
    // With a leaf also while only that loads.
    bool loading(Oid relid, Oid leaf = {}) const;
    // A partition was emptied, left, or joined and loads; what was known of it before is void.
    void cut(Oid relid, const LeafCut& cut);
    std::vector<LeafCut> cuts(Oid relid) const;
    void set_leaf_live(Oid relid, Oid leaf);
    DeltaKeys keys(Oid relid) const;
    // Rows are about to be written to the delta. Calls `record` first when the catalog calls it
    // empty (under the lock: no fold may say so again in between). Returns the generation.
    template <typename Record>
    Result<uint32_t> begin_rows(Oid relid, Moment now, const Record& record) {
        MutexLock lock(mutex_);
        Entry& entry = tables_.at(relid.value);
        if (entry.empty) {
            TRY(record());
            entry.empty = false;
        }
        return open_generation(entry, now);
    }
    void end_rows(Oid relid, uint32_t generation, const std::vector<uint64_t>& hashes, Lsn last);

    // --- the fold thread ------------------------------------------------------------------------
    // Closes generations that are due and names folds that may begin: every row of theirs lies
    // before `published`. One fold of a table at a time. Those that wait longest come first.
    std::vector<FoldTask> due_to_begin(Lsn published, Moment now);
    // It has: the catalog knows what it is about to make unreadable. Should it fail half-way, the
    // next try is told so.
    void begin(const FoldTask& task, Moment now);
    // From now on an error may leave rows in main.
    void note_try(const FoldTask& task);
    // Those that began a grace ago, the first of them first: nobody reads any more who does not
    // know of them.
    std::vector<FoldTask> due(Moment now) const;
    // The fold is done in ClickHouse; `record` writes to the catalog, told the first generation
    // that is not folded and whether the delta is empty now.
    template <typename Record>
    Status finish(const FoldTask& task, Moment begun, Moment now, const Record& record) {
        MutexLock lock(mutex_);
        auto found = tables_.find(task.table->relid.value);
        if (found == tables_.end() || found->second.table->copy != task.table->copy) return {};
        bool empty = none_after(found->second, task.newest);
        TRY(record(next_oldest(found->second, task), empty));
        folded(found->second, task, empty, begun, now);
        return {};
    }
    // Generations that history does not reach back to any more. A grace after the catalog knows
    // (forget_history()) they are garbage.
    struct Forgotten {
        TablePtr table;
        uint32_t oldest_kept = 0;
        Lsn readable_from;
    };
    std::vector<Forgotten> due_history(Moment now) const;
    void forget_history(const Forgotten& what, Moment now);
    bool keeps_history() const { return limits_.history.count() > 0; }
    // Cuts that every reader is behind: what they cut off can be removed. Until that is done the
    // table is not folded, because rows that are gone must not replace others.
    struct CutTask {
        TablePtr table;
        LeafCut cut;
    };
    std::vector<CutTask> due_cuts(Lsn published, Moment now);
    void forget_cut(const CutTask& task);
    // Generations that no reader needs any more.
    struct Garbage {
        TablePtr table;
        uint32_t generation = 0;
    };
    std::vector<Garbage> take_garbage(Moment now);
    void add_garbage(const TablePtr& table, uint32_t generation);  // one left by an earlier session
    std::map<uint32_t, uint32_t> oldest_generations() const;       // by relid

    std::vector<TablePtr> live_tables() const;
    TablePtr table(Oid relid) const;  // in the copy that is written; nullptr when not known
    size_t key_count() const;
    uint64_t rows(Oid relid) const;  // not folded yet

  private:
    struct Generation {
        uint64_t rows = 0;
        Lsn last;
        int writing = 0;
        bool closed = false;
        Moment opened{};
    };
    // Folded, and kept for readers of positions before `folded_to`.
    struct Kept {
        std::vector<uint32_t> generations;
        uint32_t newest = 0;
        Lsn folded_to;
        Moment since{};  // when the last of it was published
    };
    struct Begun {
        FoldTask task;
        Moment at{};
    };
    struct Cut {
        LeafCut cut;
        std::optional<Moment> settled;  // since when it lies before the published position
    };
    struct Entry {
        TablePtr table;
        std::vector<Cut> cuts;
        bool loading = false;
        bool empty = true;
        bool everything = false;  // keys are not remembered: too many
        uint32_t oldest = 1;
        uint32_t open = 1;
        uint32_t folding = 0;
        std::map<uint32_t, Generation> generations;
        KeySet keys;
        Moment not_before{};
        std::optional<uint32_t> folded;  // up to here
        std::optional<Begun> begun;
        std::vector<Kept> history;
        Moment forgot{};
    };
    struct Waiting {
        Garbage garbage;
        Moment at;
    };

    uint32_t open_generation(Entry& entry, Moment now);
    static bool leaf_loads(const Entry& entry, Oid leaf);  // any, without one
    static bool none_after(const Entry& entry, uint32_t generation);
    static uint32_t next_oldest(const Entry& entry, const FoldTask& task);
    bool keeps(const Entry& entry) const;
    void discard(const TablePtr& table, const std::vector<uint32_t>& generations, Moment at)
        TANDEM_REQUIRES(mutex_);
    void folded(Entry& entry, const FoldTask& task, bool empty, Moment begun, Moment now)
        TANDEM_REQUIRES(mutex_);
    std::chrono::milliseconds generation_age() const TANDEM_REQUIRES(mutex_);
    void close_if_due(Entry& entry, std::chrono::milliseconds age, Moment now) const;
    std::optional<FoldTask> due_to_begin(const Entry& entry, Lsn published) const;
    const Kept* last_forgotten(const Entry& entry, Moment now) const;
    void bound_keys() TANDEM_REQUIRES(mutex_);

    const FoldLimits limits_;
    mutable Mutex mutex_;
    std::map<uint32_t, Entry> tables_ TANDEM_GUARDED_BY(mutex_);  // by relid
    std::vector<Waiting> garbage_ TANDEM_GUARDED_BY(mutex_);
    std::set<std::pair<uint32_t, Held>> held_ TANDEM_GUARDED_BY(mutex_);
    CondVar released_;
};

}  // namespace tandem::mirror
