// CatalogStore: what a mirror remembers, in schema tandem (src/catalog).
//
// The port Catalog of the applier, and the rest of the mirror's reads and writes there. One
// connection, opened when first needed and again after a loss; one thread, so every thread of the
// runner has its own. Writes are conditional on the generation a table had when the session
// started: what a resync asked for in between is never overwritten.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mirror/apply/ports.h"
#include "mirror/snapshot/chunk_queue.h"
#include "mirror/source/source_reader.h"
#include "mirror/store/clickhouse_target.h"
#include "postgres/client/connection.h"
#include "postgres/introspect/introspect.h"

namespace tandem::mirror {

struct MirrorRow {
    int id = 0;
    std::string name;
    std::string database;
    std::string slot;
    std::string publication;
    std::string wanted;
    std::string state;
    int epoch = 0;
    int wanted_epoch = 0;
    Lsn position;  // at least as far ClickHouse is, whatever the slot says
    // Whom the mirror mirrors, as the last session left it: session/identity.h.
    std::string system;
    uint32_t database_oid = 0;
    int64_t owner = 0;
    int64_t owner_known = 0;
    Lsn recorded;
    int era = 0;
    int wanted_era = 0;
    bool publication_grows = false;

    std::string mark() const { return position_mark(id, epoch, era); }
};

// A row of tandem.mirror_copy.
struct CopyRow {
    int copy = 0;
    std::optional<Lsn> visible_from;
    uint32_t oldest = 1;
    bool delta_empty = true;
    uint32_t folding = 0;             // 0: no fold had begun
    std::optional<uint32_t> history;  // first generation that is kept for older positions
};

struct TableRow {
    Oid relid;
    std::string schema;
    std::string name;
    std::string target;
    std::string state;
    Lsn consistent;
    int generation = 0;
    int natts = 0;
    std::string heaps;
    std::string loaded_as_of;
    Lsn history_from;  // older positions cannot be read, whatever is kept
};

class CatalogStore final : public Catalog {
  public:
    struct Options {
        postgres::ConnectOptions connect;
        int mirror_id = 0;
        int64_t chunk_blocks = 16384;
        // A connection that finds another number in the catalog fails with kLeaseLost; 0: none is
        // compared. See session/ownership.h.
        int64_t owner = 0;
    };
    // `chunks` may be null for threads that only read and write rows.
    CatalogStore(Options options, ChunkQueue* chunks)
        : options_(std::move(options)), chunks_(chunks) {}

    // --- reading --------------------------------------------------------------------------------
    Result<MirrorRow> read_mirror();
    Result<std::vector<TableRow>> read_tables();  // but those that were removed from the mirror
    // Those, as long as ClickHouse has them; then it has not.
    Result<std::vector<TableRow>> read_removed_tables();
    Status set_removed(Oid relid);
    // The table as mirror_column has it.
    Result<TablePtr> read_table(const TableRow& row, const std::string& database, int copy);
    // What the user says of how it is laid out in ClickHouse.
    Status read_layout(Table& table);
    // Which keys of jsonb documents a copy that is to be made has as columns: those that the user
    // names, else what a sample of the rows has in most of them.
    Status choose_json_keys(Table& table, const postgres::TableInfo& info);
    // Those of the copy.
    Status read_json_keys(Table& table);
    // Ascending.
    Result<std::vector<CopyRow>> read_copies(Oid relid);
    // Of the table, or of a leaf that joined it.
    Result<std::vector<Chunk>> read_open_chunks(Oid relid, const LeafCut* joined = nullptr);
    // The table as Postgres has it now.
    Result<std::optional<postgres::TableInfo>> read_source_table(Oid relid);
    // A table and its columns, heaps, leaves, all as of one snapshot, which every later one
    // includes.
    struct SourceTable {
        postgres::TableInfo info;
        postgres::TypeMap types;
        std::string heaps;     // tandem.heaps
        std::string snapshot;  // pg_current_snapshot()
        std::vector<Chunk> chunks;
    };
    // Nothing: there is no such table.
    Result<std::optional<SourceTable>> read_for_load(Oid relid);
    // Of a table without a key, with the snapshot that its chunks are read in.
    Result<std::optional<SourceTable>> read_for_load(Oid relid, const HeldSnapshot& snapshot);
    // What mirror_leaf has of the copy, and which of its leaves load.
    Result<std::vector<LeafCut>> read_cuts(Oid relid, int copy);
    // The partitioned table of this mirror that the relation is a leaf of, also when the mirror
    // only remembers that.
    Result<std::optional<Oid>> table_of_leaf(Oid relation);
    // Whether the table still has the columns that an announcement names.
    Result<bool> has_columns(Oid relid, std::string_view digest);
    Result<postgres::Connection*> connection();
    bool usable() const { return !connection_ || connection_->usable(); }

    // --- writing --------------------------------------------------------------------------------
    Status set_mirror_state(std::string_view state, const Error* error = nullptr);
    Status set_epoch(int epoch);
    // Under another name: a slot of that name belongs to another database of the cluster.
    Status rename_slot(const std::string& slot);
    Status set_publication_grows(bool grows);
    // The tables of the mirror have the names of this era.
    Status set_era(int era, std::span<const Table> copies);
    // ClickHouse has been told.
    Status confirm_identity(const StoredIdentity& identity);
    // ClickHouse has everything up to the position, on its disk.
    Status record_known(Lsn position);
    // Everything is loaded again, with a new slot; why is remembered as the mirror's incident. No
    // number that ClickHouse has seen comes again.
    Status renew(const Error& why, const StoredIdentity& stored);
    // Columns and chunks of a new load; state loading. One transaction.
    Status begin_load(const Table& table, const SourceTable& source);
    // Records the chunk; with `last`, the table is catching up to the end of its last chunk, whose
    // position is returned.
    Status finish_chunk(const Assignment& assignment, const ChunkResult& result);
    Result<Lsn> finish_load(const Table& table);
    Result<Lsn> finish_leaf(const Table& table, Oid leaf);
    // The copy that was loaded shows the table from `published` on, if it is consistent by then,
    // and no later session may start before that. `published` is a position between batches: one in
    // the midst of a batch has lost the rows that later ones in it replaced. Otherwise how far the
    // table has to get first; nothing when it is not waiting any more: a TRUNCATE has made it load
    // again.
    struct Liveness {
        bool live = false;
        std::optional<Lsn> wait_for;
    };
    Result<Liveness> set_live(Oid relid, Lsn published);
    Result<Liveness> set_leaf_live(Oid relid, Oid leaf, Lsn published);
    // What was cut off is removed.
    Status forget_cut(const Table& table, const LeafCut& cut);
    // Undoes what was noted of leaves at or after the position: it will come again.
    Status undo_leaves(const Table& table, Lsn position);
    Status forget_copy(Oid relid, int copy);
    // Remembers that everything before the position, one between batches, is in ClickHouse. Before
    // a fold and at the end of a session: what is folded cannot be read at an older position any
    // more.
    Status record_position(Lsn position);
    // SchemaGuard looks now and not only with its next round.
    Status wake_guard() { return execute("NOTIFY tandem"); }
    // Positions before `folded_to` are history from now on, or cannot be read any more.
    struct Folded {
        Lsn to;
        bool kept = false;
    };
    Status begin_fold(const Table& table, uint32_t newest, Lsn position, Folded folded);
    // Of a table without a key: nobody may read before the position any more.
    Status settle(const Table& table, Lsn position);
    Status finish_fold(const Table& table, uint32_t oldest, bool delta_empty);
    Status forget_history(const Table& table, uint32_t oldest_kept, Lsn readable_from);
    // What the mirror has told of last (tandem.moment), which a session before this one may have
    // left behind what it confirmed; when it has told nothing yet, the present.
    Result<Batch::Moment> last_moment(Lsn confirmed);
    Status record_moments(const std::vector<Batch::Moment>& moments,
                          std::chrono::milliseconds history);
    // The table has to be loaded again from the start, as the source has it now: pending, with a
    // new generation, which makes the reconciler start the mirror anew.
    Status restart_load(Oid relid);
    Status reload(Oid relid);  // whatever its state is, unless it failed
    Result<bool> types_changed(const Table& table);

    // --- the port -------------------------------------------------------------------------------
    Status record_look_up(const Table& table, Lsn before) override;
    Status record_loss(const Table& table, const Loss& loss, Lsn at) override;
    Status before_truncate(const Table& table) override;
    Status record_truncate(const Table& after, Version version, Xid transaction) override;
    Status before_leaf(const Table& table, Oid leaf) override;
    Status record_leaf(const LeafStep& step) override;
    Status record_delta_rows(const Table& table) override;
    Status record_change(const TableChange& change, Lsn commit) override;
    Status record_failure(const Table& table, const Error& error) override;

    // Which generation this session works on.
    void set_generations(std::map<uint32_t, int> generations) {
        generations_ = std::move(generations);
    }

  private:
    std::string this_mirror() const;
    std::string where(Oid relid) const;  // "mirror_id = .. AND relid = .. "
    std::string where_current(Oid relid) const;
    std::string where_copy(const Table& table) const;
    Status write_copy(const Table& table, std::optional<Lsn> visible_from);
    Status write_json_keys(const Table& table);
    Result<std::vector<JsonKey>> sample_json_keys(const Table& table,
                                                  const postgres::TableInfo& info,
                                                  const TableColumn& column,
                                                  const std::vector<std::string>* named);
    Status write_column(const Table& table, const TableColumn& column);
    Status forget_plans(Oid relid);
    Status write_chunks(Oid relid, std::span<const Chunk> chunks);
    Status insert_chunks(std::span<const Chunk> chunks);
    Result<std::optional<SourceTable>> read_for_load(Oid relid,
                                                     const std::function<Status()>& begin);
    Result<Lsn> moved_past(postgres::QueryResult updated);
    Status in_transaction(const std::function<Status()>& body);
    Status in_transaction(const std::function<Status()>& begin,
                          const std::function<Status()>& body);
    Status forget_loading_leaves(Oid relid);
    Status record_truncated_heaps(Oid relid, Xid transaction);
    Status execute(std::string_view sql);

    Options options_;
    ChunkQueue* chunks_;
    std::optional<postgres::Connection> connection_;
    std::map<uint32_t, int> generations_;
    std::chrono::steady_clock::time_point moments_forgotten_{};
};

// Parts (heaps) of a table that a snapshot reads.
std::vector<Oid> snapshot_parts(const postgres::TableInfo& info);

}  // namespace tandem::mirror
