// The parts of a mirror's session that runner.cpp puts together. Internal to the runner.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "mirror/apply/applier.h"
#include "mirror/session/catalog_store.h"
#include "mirror/session/identity.h"
#include "mirror/session/runner.h"
#include "mirror/snapshot/chunk_queue.h"
#include "mirror/source/source_reader.h"
#include "mirror/store/clickhouse_target.h"
#include "mirror/stream/xid_snapshot.h"
#include "postgres/client/replication.h"

namespace tandem::mirror {

postgres::ConnectOptions connect_options(const RunnerOptions& options, std::string_view role);
// For the thread's own connection to the catalog; `role` is seen in pg_stat_activity.
CatalogStore::Options store_options(const RunnerOptions& options, std::string_view role);
// Begin of the query id of everything that a mirror inserts.
std::string query_prefix(const RunnerOptions& options);
TargetOptions target_options(const RunnerOptions& options, bool bulk);

// Waits between tries of one thing: 50 ms doubling to 5 s, ended early by stop.
class Backoff {
  public:
    void wait(std::stop_token stop);
    void reset() { next_ = kFirst; }

  private:
    static constexpr std::chrono::milliseconds kFirst{50};
    static constexpr std::chrono::milliseconds kLast{5000};
    std::chrono::milliseconds next_ = kFirst;
};

// Says in the catalog that ClickHouse cannot be reached or written to, after some failures in a
// row, and when it can again. Readers then do not try either.
class Trouble {
  public:
    Trouble(CatalogStore& catalog, int failures_before_shown)
        : catalog_(catalog), failures_before_shown_(failures_before_shown) {}
    void show(const Error& error) {
        if (++failures_ == failures_before_shown_)
            shown_ = catalog_.set_mirror_state("running", &error).ok();
    }
    void over() {
        failures_ = 0;
        if (shown_ && catalog_.set_mirror_state("running").ok()) shown_ = false;
    }

  private:
    CatalogStore& catalog_;
    const int failures_before_shown_;
    int failures_ = 0;
    bool shown_ = false;
};

// What is loaded: a table, or a leaf that joined it.
struct Part {
    Oid relid;
    Oid leaf = {};
    auto operator<=>(const Part&) const = default;
};

// A copy that a newer one has replaced. `readable`: positions at which it shows its table can be
// asked for.
struct OldCopy {
    TablePtr table;
    bool readable = false;
};

// What a session knows when it starts.
struct SessionTables {
    MirrorRow mirror;
    std::map<uint32_t, TablePtr> known;  // streamed: every table but failed ones
    std::map<uint32_t, int> generations;
    std::map<Part, std::vector<Chunk>> chunks;  // of what loads
    std::map<Part, Lsn> catching_up;
    std::map<uint32_t, std::set<uint32_t>> leaves;  // of partitioned tables, as far as known
    std::map<uint32_t, XidSnapshot> loaded_as_of;   // of tables that are not live
    // Where the stream starts: everything before it is in ClickHouse, nothing after it is.
    Lsn position;
    StoredIdentity identity;  // as it was written at the start
    // What the fold thread drops when no reader needs it any more.
    std::vector<OldCopy> old_copies;
    Batch::Moment last_moment;  // that the catalog has been told of
    bool binary = true;         // every column can be streamed in binary
};

// How much further than what is applied the slot may be moved before ClickHouse is told of it.
constexpr uint64_t kPromiseBytes = uint64_t{256} << 10;

// Writes down in ClickHouse how far the mirror is and how far the slot may be. Thread safe; what
// each line says is at least what the one before it said.
class IdentityLog {
  public:
    explicit IdentityLog(StoredIdentity begin) : last_(std::move(begin)) {}
    // `promised` 0: as before. Returns what is promised now.
    Result<Lsn> write(ClickHouseTarget& target, const std::string& database, Lsn position,
                      Lsn promised, Lsn recorded = {});
    // The slot stands exactly there and is not moved any more.
    Status close(ClickHouseTarget& target, const std::string& database, Lsn position);
    static uint64_t first_sequence(int64_t owner) { return static_cast<uint64_t>(owner) << 24; }

  private:
    Mutex mutex_;
    StoredIdentity last_ TANDEM_GUARDED_BY(mutex_);
    uint64_t written_ TANDEM_GUARDED_BY(mutex_) = 0;
};

// Brings publication, slot and tables to where the stream can start. Errors of one table are
// recorded and leave it out.
Result<SessionTables> prepare_session(const RunnerOptions& options, CatalogStore& catalog,
                                      ClickHouseTarget& target, DeltaBook& book);

// One batch handed from the stream to the apply thread, and what comes back.
class HandOver {
  public:
    HandOver();
    ~HandOver();
    HandOver(const HandOver&) = delete;
    HandOver& operator=(const HandOver&) = delete;

    // --- the stream's side ---
    bool free() const;
    void give(Batch batch);  // only when free()
    Lsn applied() const;     // confirm position of the last batch that is done
    // What readers may read at: what was confirmed to the source last.
    void set_published(Lsn position);
    Lsn published() const;
    // The position up to which the slot may be moved.
    void set_promised(Lsn position);
    Lsn promised() const;
    std::vector<Oid> take_failed();
    std::optional<Error> error() const;
    int wake_fd() const { return wake_fd_; }  // readable when something came back
    void drain_wake();

    // --- the apply thread's side ---
    std::optional<Batch> take(std::stop_token stop);
    void done(Lsn applied, std::vector<Oid> failed);

    // --- any thread ---
    void fail(Error error);  // ends the session
    void wake();
    // The last chunk is done: it is consistent from this position on.
    void add_catching_up(Part part, Lsn position);
    std::vector<Part> take_consistent(Lsn applied);

  private:
    mutable Mutex mutex_;
    CondVar changed_;
    std::optional<Batch> batch_ TANDEM_GUARDED_BY(mutex_);
    bool applying_ TANDEM_GUARDED_BY(mutex_) = false;
    Lsn applied_ TANDEM_GUARDED_BY(mutex_);
    Lsn promised_ TANDEM_GUARDED_BY(mutex_);
    Lsn published_ TANDEM_GUARDED_BY(mutex_);
    std::vector<Oid> failed_ TANDEM_GUARDED_BY(mutex_);
    std::optional<Error> error_ TANDEM_GUARDED_BY(mutex_);
    std::map<Part, Lsn> catching_up_ TANDEM_GUARDED_BY(mutex_);
    const int wake_fd_;
};

void run_apply_thread(const RunnerOptions& options, const SessionTables& tables, ChunkQueue& chunks,
                      DeltaBook& book, HandOver& hand_over, IdentityLog& identity,
                      std::stop_token stop);
void run_fold_thread(const RunnerOptions& options, const SessionTables& tables, DeltaBook& book,
                     HandOver& hand_over, IdentityLog& identity, std::stop_token stop);
void run_watch_thread(const RunnerOptions& options, const SessionTables& tables,
                      HandOver& hand_over, std::stop_token stop);
void run_snapshot_worker(const RunnerOptions& options, const SessionTables& tables,
                         ChunkQueue& chunks, HandOver& hand_over, std::stop_token stop);
// Returns ok when stopped.
Status run_stream(const RunnerOptions& options, const SessionTables& tables, DeltaBook& book,
                  HandOver& hand_over, IdentityLog& identity, std::stop_token stop);

}  // namespace tandem::mirror
