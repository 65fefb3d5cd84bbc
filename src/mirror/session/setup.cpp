// Before the stream starts: publication, slot, tables. Every step looks first at what is there, so
// that a daemon that died in the middle goes on where it was.
#include "base/back_off.h"
#include "base/log.h"
#include "mirror/schema/source_types.h"
#include "mirror/session/parts.h"
#include "mirror/source/publication.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using sqltext::pg_ident;

class Setup {
  public:
    Setup(const RunnerOptions& options, CatalogStore& catalog, ClickHouseTarget& target)
        : options_(options), catalog_(catalog), target_(target) {}

    Result<SessionTables> run() {
        connection_ = TRY(catalog_.connection());
        result_.mirror = TRY(catalog_.read_mirror());
        TRY(target_.settle(query_prefix(options_)));
        TRY(guard_publications(*connection_));
        std::vector<TableRow> rows = TRY(catalog_.read_tables());
        for (const TableRow& row : rows) result_.generations[row.relid.value] = row.generation;
        catalog_.set_generations(result_.generations);
        bool had_slot = TRY(prepare_slot_and_publication(rows));
        if (had_slot && publication_grew_) TRY(wait_for_running_transactions());
        for (const TableRow& row : rows) TRY(prepare_table(row));
        TRY(catalog_.set_mirror_state("running"));
        return std::move(result_);
    }

  private:
    // Returns whether the slot was there before. The publication comes first: a slot cannot be
    // read from a position where its publication did not exist.
    Result<bool> prepare_slot_and_publication(std::vector<TableRow>& rows) {
        MirrorRow& mirror = result_.mirror;
        TRY(check_server());
        auto slot = TRY(postgres::read_slot(*connection_, mirror.slot));
        bool renew = mirror.wanted_epoch > mirror.epoch;
        if (renew && slot) {
            auto replication = TRY(open_replication());
            TRY(replication.drop_slot(mirror.slot, true));
            slot.reset();
        }
        // As long as no table has begun to load, a new slot misses nothing.
        bool begun = false;
        for (const TableRow& row : rows) begun |= row.state != "pending" && row.state != "failed";
        if (!renew && !slot && begun)
            return Error(ErrorCode::kSlotMissing,
                         "replication slot " + mirror.slot + " does not exist any more");
        if (slot && slot->invalidated())
            return Error(ErrorCode::kSlotInvalidated,
                         "replication slot " + mirror.slot + " was invalidated (wal_status " +
                             slot->wal_status + "): the server removed WAL it needs");
        TRY(prepare_publication(rows));
        if (slot) return true;
        auto replication = TRY(open_replication());
        TRY(replication.create_slot(mirror.slot, {.failover = true}));
        if (renew) {
            TRY(catalog_.set_epoch(mirror.wanted_epoch));
            mirror.epoch = mirror.wanted_epoch;
        }
        return false;
    }

    Status check_server() {
        auto facts = TRY(postgres::read_server_facts(*connection_));
        if (facts.version < 140000)
            return Error(ErrorCode::kUnsupportedVersion,
                         "the source is Postgres " + facts.version_text + "; 14 is the oldest");
        if (facts.wal_level != "logical")
            return Error(ErrorCode::kSourceUnfit,
                         "wal_level is " + facts.wal_level + "; set it to logical and restart");
        return {};
    }

    Result<postgres::Replication> open_replication() {
        return postgres::Replication::open(connect_options(options_, "control"));
    }

    // A table that must not be published fails: row.state says so.
    Status prepare_publication(std::vector<TableRow>& rows) {
        const std::string& name = result_.mirror.publication;
        auto publication = TRY(postgres::read_publication(*connection_, name));
        if (!publication)
            TRY(connection_->execute("CREATE PUBLICATION " + pg_ident(name) +
                                     " WITH (publish_via_partition_root = true)"));
        for (TableRow& row : rows) {
            if (row.state == "dropped" || row.state == "failed") continue;
            bool member = false;
            if (publication)
                for (const auto& table : publication->tables) member |= table.table == row.relid;
            if (member) continue;
            Status added = publish_table(*connection_, name, row.relid);
            if (added.ok()) {
                publication_grew_ = true;
                continue;
            }
            ErrorCode code = added.error().code();
            if (code == ErrorCode::kNotFound) continue;  // prepare_table says so
            if (code != ErrorCode::kNoReplicaIdentity && code != ErrorCode::kSourceUnfit)
                return added;
            TRY(fail(row.relid, added.error()));
            row.state = "failed";
        }
        return {};
    }

    // A transaction that wrote before its table was published, and commits later, is neither
    // streamed in full nor visible to a chunk that is read before its end. So wait for it.
    Status wait_for_running_transactions() {
        auto now = TRY(connection_->query("SELECT pg_snapshot_xmax(pg_current_snapshot())"));
        std::string limit = now.text(0, 0);
        for (int attempt = 0; attempt < 36000; ++attempt) {
            auto passed = TRY(connection_->query(
                "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= '" + limit + "'::xid8"));
            if (TRY(passed.boolean(0, 0))) return {};
            back_off(std::chrono::milliseconds(100));
        }
        return Error(ErrorCode::kPostgresRetry,
                     "transactions that are older than the mirror's new tables do not end");
    }

    Status prepare_table(const TableRow& row) {
        if (row.state == "dropped" || row.state == "failed") return {};
        auto table = row.state == "pending" ? begin_load(row) : go_on(row);
        if (table.ok()) {
            for (const TableColumn& column : table.value()->columns)
                if (column.mapping.needs_text_stream) result_.binary = false;
            result_.known[row.relid.value] = std::move(table).value();
            result_.truncated_at[row.relid.value] = row.truncated_at;
            return {};
        }
        if (table.error().retryable() || !connection_->usable()) return std::move(table).error();
        return fail(row.relid, table.error());
    }

    Status fail(Oid relid, const Error& error) {
        log(LogLevel::warning, "mirror", error.to_string());
        Table failed;
        failed.relid = relid;
        return catalog_.record_failure(failed, error);
    }

    Result<TablePtr> begin_load(const TableRow& row) {
        auto info = TRY(catalog_.read_source_table(row.relid));
        if (!info)
            return Error(ErrorCode::kNotFound,
                         "table " + row.schema + "." + row.name + " does not exist any more");
        auto types = TRY(postgres::read_types(*connection_, std::span(&*info, 1)));
        TablePtr table = TRY(map_table(*info, types, {result_.mirror.database, row.target}));
        TRY(target_.create_table(*table));
        auto chunks =
            TRY(plan_chunks(*connection_, row.relid, snapshot_parts(*info), options_.chunk_blocks));
        TRY(catalog_.begin_load(*table, chunks));
        result_.chunks[row.relid.value] = std::move(chunks);
        return table;
    }

    Result<TablePtr> go_on(const TableRow& row) {
        TablePtr table = TRY(catalog_.read_table(row, result_.mirror.database));
        if (row.state == "catching_up") result_.catching_up[row.relid.value] = row.consistent;
        if (row.state != "loading") return table;
        auto chunks = TRY(catalog_.read_open_chunks(row.relid));
        if (!chunks.empty()) {
            result_.chunks[row.relid.value] = std::move(chunks);
            return table;
        }
        // The daemon died between the last chunk and this.
        Lsn consistent = TRY(catalog_.finish_load(*table));
        if (consistent.valid()) result_.catching_up[row.relid.value] = consistent;
        return table;
    }

    const RunnerOptions& options_;
    CatalogStore& catalog_;
    ClickHouseTarget& target_;
    postgres::Connection* connection_ = nullptr;
    SessionTables result_;
    bool publication_grew_ = false;
};

}  // namespace

Result<SessionTables> prepare_session(const RunnerOptions& options, CatalogStore& catalog,
                                      ClickHouseTarget& target) {
    return Setup(options, catalog, target).run();
}

}  // namespace tandem::mirror
