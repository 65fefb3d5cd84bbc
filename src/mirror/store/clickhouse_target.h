// ClickHouseTarget: the copies of a mirror's tables in ClickHouse: the port Destination, and what
// loads, folds, undoes and publishes them. How rows lie: store/README.md.
//
// One thread. Inserts carry a query id of the mirror's; settle() waits until the server has let go
// of those whose outcome is not known, so that nothing lands behind what comes next.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "clickhouse/client/client.h"
#include "mirror/apply/ports.h"
#include "mirror/snapshot/chunk_queue.h"
#include "mirror/store/delta_book.h"
#include "mirror/store/stored_identity.h"

namespace tandem::mirror {

// The names of the tables that hold the published position end so.
std::string position_mark(int mirror_id, int epoch, int era);

struct TargetOptions {
    clickhouse::Endpoint endpoint;
    // Begin of every query id: unique to the mirror.
    std::string query_prefix;
    clickhouse::Compression compression = clickhouse::Compression::kNone;
    std::chrono::milliseconds timeout{120'000};
    std::chrono::milliseconds connect_timeout{10'000};
    // Called for every acknowledged insert of one block, with its rows and bytes.
    std::function<void(size_t, size_t)> on_insert = {};
};

class ClickHouseTarget final : public Destination {
  public:
    explicit ClickHouseTarget(TargetOptions options) : options_(std::move(options)) {}

    Status insert_main(const Table& table, types::Block& block) override;
    Status insert_delta(const Table& table, types::Block& block, uint32_t generation) override;
    Status create_copy(const Table& table) override;
    Status alter(const TableChange& change) override;
    Result<types::Block> rows_by_key(const Table& table, LookUp look_up) override;

    // An insert of many blocks. finish() is the acknowledgement.
    Result<std::unique_ptr<clickhouse::InsertStream>> begin_insert(const Table& table,
                                                                   const types::Block& columns);
    void insert_acknowledged() { unsettled_.clear(); }

    // The databases, and whose they are.
    Status prepare(const std::string& database);
    // What tells people's queries how far the mirror is. `mark` names the mirror and what it was
    // when it began to write there: position_mark().
    Status prepare_position(const std::string& database, const std::string& mark);
    Status drop_position(const std::string& database, const std::string& mark);

    Result<TargetFacts> read_identity(const std::string& database, const StoredIdentity& own);
    // Durable. Of one catalog and mirror the line with the highest sequence counts.
    Status write_identity(const std::string& database, const StoredIdentity& identity,
                          uint64_t sequence);
    // Whether ClickHouse has run all the time since publish() was first called by this session:
    // else it may be another one, restored from a copy say.
    Result<bool> ran_on(const std::string& database, const std::string& mark);
    // Gives the tables of the copy, whatever era their names are of, the names of its own.
    Status rename_copy(const Table& copy);
    Status rename_position(const std::string& database, int mirror_id, int epoch, int era);
    // Before the first copy of a table is made: drops what an earlier mirror left of it.
    // kAlreadyExists when the name belongs to somebody else's table.
    Status make_room(const Table& table);
    // View and rows of a table that the mirror had.
    Status drop_mirrored(const Table& table);
    Status drop_copy(const Table& table);
    // The view under the table's own name shows this copy, without what is gone.
    Status create_view(const Table& table, std::span<const LeafCut> cuts, const std::string& mark);
    // Whether the copy has the table's columns: not if a change of them was begun and not ended.
    Result<bool> has_columns(const Table& table);

    // Of damage. Who may not look sees none.
    // Tables of the mirror that a server, when it started, has set parts of aside.
    Result<std::set<std::string>> tables_with_lost_parts(const std::string& rows_database);
    // How often this server, since it started, could not read what it had written.
    Result<uint64_t> damage_met();
    // Whether all rows of the copy can be read; reads all of it.
    Result<bool> is_whole(const Table& table);

    // Removes what was committed at or after the position: it will come again.
    Status undo(const Table& table, Lsn position);
    // Removes what a try to read the chunk has left.
    Status undo_chunk(const Table& table, const Chunk& chunk);
    // Removes what nobody sees any more.
    Status remove_cut(const Table& table, const LeafCut& cut);
    Status remove_moved(const Table& table, const LeafCut& cut);

    // Generations of the delta that have rows, ascending.
    Result<std::vector<uint32_t>> generations(const Table& table);
    // Calls for every row of the delta from the generation on: hash of its key, generation.
    Status delta_keys(const Table& table, uint32_t oldest,
                      const std::function<void(uint64_t, uint32_t)>& on_key);
    // Before fold() and by a reader's grace: rows of main it will remove, as rows of the delta.
    Status keep_replaced(const FoldTask& task);
    // Moves the newest rows of the generations into main. Readers see no difference: until
    // the fold is published the delta covers them.
    Status fold(const FoldTask& task);
    // Of a table without a key, before fold() and by a reader's grace: the delta says how many
    // there are of every row that it speaks of, so that what becomes of those in main is not seen
    // any more. False: more rows went than there were; the copy is not what the source had.
    Result<bool> settle_counts(const FoldTask& task, Lsn position);
    Status drop_generation(const Table& table, uint32_t generation);

    // What the views show: the state at the position. The first one of a session; the next ones,
    // which fail when ClickHouse was started again in between (it may be another one since,
    // restored from a copy say); one that survives a restart.
    enum class Published : uint8_t { first, next, durable };
    Status publish(const std::string& database, const std::string& mark, Lsn position,
                   const std::map<uint32_t, uint32_t>& oldest, Published how);

    // Waits until nothing that writes runs any more whose query id begins so (of a process that
    // died, or is shut out). What waits for its sender is ended.
    Status settle(const std::string& query_prefix);

    void interrupt() noexcept;

  private:
    Result<clickhouse::Client*> client();
    clickhouse::Query query(std::string sql) const;
    clickhouse::Query insert_query(std::string_view database, std::string_view table,
                                   const types::Block& block);
    Status insert(std::string_view database, std::string_view table, const types::Block& block);
    Status execute(std::string sql);
    Status drop_table(const std::string& qualified);
    Status drop_rows(const Table& table);
    Result<std::vector<std::string>> table_names(const std::string& database);
    Status rename_table(const std::string& database, const std::string& first,
                        const std::string& stem, const std::string& wanted);
    std::string next_query_id() const;
    Result<uint64_t> count(std::string sql);
    Status remove(const Table& table, const std::string& name, const std::string& condition);
    Status fold_counted(const FoldTask& task, const std::string& origin);
    Status alter_in_place(const TableChange& change);
    Result<std::string> default_expression(const AddedColumn& added);

    TargetOptions options_;
    std::unique_ptr<clickhouse::Client> client_;
    std::string unsettled_;  // query id of an insert whose outcome is not known
    std::chrono::steady_clock::time_point inserted_at_{};
};

}  // namespace tandem::mirror
