// Before the stream starts: publication, slot, tables. Every step looks first at what is there, so
// that a daemon that died in the middle goes on where it was.
#include <charconv>
#include <set>

#include "base/back_off.h"
#include "base/log.h"
#include "base/retry_policy.h"
#include "mirror/schema/source_types.h"
#include "mirror/session/parts.h"
#include "mirror/source/publication.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using sqltext::pg_ident;

class Setup {
  public:
    Setup(const RunnerOptions& options, CatalogStore& catalog, ClickHouseTarget& target,
          DeltaBook& book)
        : options_(options), catalog_(catalog), target_(target), book_(book) {}

    Result<SessionTables> run() {
        connection_ = TRY(catalog_.connection());
        result_.mirror = TRY(catalog_.read_mirror());
        std::vector<TableRow> rows = TRY(catalog_.read_tables());
        TRY(target_.prepare(result_.mirror.database));
        TRY(check_identity(rows));
        TRY(rename_tables(rows));
        TRY(target_.settle(query_prefix(options_)));
        TRY(guard_publications(*connection_));
        TRY(leave_removed_tables());
        rows = TRY(catalog_.read_tables());
        for (const TableRow& row : rows) result_.generations[row.relid.value] = row.generation;
        catalog_.set_generations(result_.generations);
        bool had_slot = TRY(prepare_slot_and_publication(rows));
        if (had_slot && (publication_grew_ || result_.mirror.publication_grows))
            TRY(wait_for_running_transactions());
        TRY(catalog_.set_publication_grows(false));
        TRY(find_position());
        result_.last_moment = TRY(catalog_.last_moment(result_.position));
        TRY(target_.prepare_position(result_.mirror.database, result_.mirror.mark()));
        lost_ = TRY(target_.tables_with_lost_parts(result_.mirror.database + "_rows"));
        for (const TableRow& row : rows) TRY(prepare_table(row));
        TRY(target_.publish(result_.mirror.database, result_.mirror.mark(), result_.position,
                            book_.oldest_generations(), ClickHouseTarget::Published::first));
        TRY(drop_old_positions(rows));
        TRY(catalog_.set_mirror_state("running"));
        return std::move(result_);
    }

  private:
    Result<SourceFacts> source_facts() {
        SourceFacts facts;
        auto replication = TRY(open_replication());
        auto system = TRY(replication.identify_system());
        facts.system = std::to_string(system.system_id);
        facts.timeline = system.timeline;
        facts.end = system.flushed;
        facts.database_name = system.database;
        for (const auto& end : TRY(replication.timeline_history(system.timeline)))
            facts.history.push_back({end.timeline, end.end});
        auto oid = TRY(
            connection_->query("SELECT oid FROM pg_database WHERE datname = current_database()"));
        facts.database = static_cast<uint32_t>(TRY(oid.integer(0, 0)));
        auto slot = TRY(postgres::read_slot(*connection_, result_.mirror.slot));
        if (slot && slot->database == facts.database_name && slot->confirmed_flush.valid())
            facts.confirmed = slot->confirmed_flush;
        return facts;
    }

    // Whether all sides are still those of the last session: identity.h.
    Status check_identity(std::span<const TableRow> rows) {
        const MirrorRow& mirror = result_.mirror;
        SourceFacts source = TRY(source_facts());
        StoredIdentity& own = result_.identity;
        own.catalog = options_.catalog;
        own.mirror = mirror.id;
        own.system = source.system;
        own.timeline = source.timeline;
        own.database = source.database;
        own.database_name = source.database_name;
        own.owner = mirror.owner;
        TargetFacts target = TRY(target_.read_identity(mirror.database, own));
        CatalogFacts catalog{.catalog = options_.catalog,
                             .system = mirror.system,
                             .database = mirror.database_oid,
                             .epoch = mirror.epoch,
                             .owner = mirror.owner - 1,
                             .owner_known = mirror.owner_known,
                             .recorded = mirror.recorded,
                             .renew = mirror.wanted_epoch > mirror.epoch};
        for (const TableRow& row : rows)
            catalog.begun |= row.state != "pending" && row.state != "failed";
        Verdict verdict = judge(source, catalog, target);
        if (verdict.judgement == Judgement::go_on) {
            bool same = target.mine && target.mine->epoch == mirror.epoch && catalog.begun;
            if (same) own.position = target.mine->position;
            return {};
        }
        Error error(verdict.code, verdict.why);
        if (verdict.judgement == Judgement::reload)
            TRY(catalog_.renew(error, target.mine.value_or(StoredIdentity())));
        return error;
    }

    // After a daemon that may still run: it knows the tables by the names of its own era only.
    Status rename_tables(std::span<const TableRow> rows) {
        MirrorRow& mirror = result_.mirror;
        if (mirror.wanted_era <= mirror.era) return {};
        std::vector<Table> copies;
        for (const TableRow& row : rows) {
            Table table;
            table.relid = row.relid;
            table.database = mirror.database;
            table.target = row.target;
            table.era = mirror.wanted_era;
            for (const CopyRow& copy : TRY(catalog_.read_copies(row.relid))) {
                table.copy = copy.copy;
                copies.push_back(table);
            }
        }
        for (const Table& copy : copies) TRY(target_.rename_copy(copy));
        TRY(target_.rename_position(mirror.database, mirror.id, mirror.epoch, mirror.wanted_era));
        TRY(catalog_.set_era(mirror.wanted_era, copies));
        mirror.era = mirror.wanted_era;
        return {};
    }

    // Nobody writes them any more: the sessions of before are shut out.
    Status leave_removed_tables() {
        for (const TableRow& row : TRY(catalog_.read_removed_tables())) {
            Table table;
            table.relid = row.relid;
            table.database = result_.mirror.database;
            table.target = row.target;
            auto copies = TRY(catalog_.read_copies(row.relid));
            if (!copies.empty()) TRY(target_.drop_mirrored(table));
            TRY(catalog_.set_removed(row.relid));
            log(LogLevel::info, "mirror", row.schema + "." + row.name + " has left the mirror");
        }
        return {};
    }

    // The publication comes first: a slot cannot be read from a position where its publication did
    // not exist. Returns whether the slot was there before.
    Result<bool> prepare_slot_and_publication(std::vector<TableRow>& rows) {
        MirrorRow& mirror = result_.mirror;
        TRY(check_server());
        bool renew = mirror.wanted_epoch > mirror.epoch;
        // As long as no table has begun to load, a new slot misses nothing.
        bool begun = false;
        for (const TableRow& row : rows) begun |= row.state != "pending" && row.state != "failed";
        bool there = TRY(find_slot(renew || !begun));
        if (renew && there) {
            TRY(drop_slot());
            there = false;
        }
        if (!renew && !there && begun)
            return Error(ErrorCode::kSlotMissing,
                         "replication slot " + mirror.slot + " does not exist any more");
        TRY(prepare_publication(rows));
        if (there) return true;
        auto replication = TRY(open_replication());
        TRY(replication.create_slot(mirror.slot, {.failover = true}));
        if (renew) {
            TRY(catalog_.set_epoch(mirror.wanted_epoch));
            mirror.epoch = mirror.wanted_epoch;
            mirror.position = mirror.recorded = Lsn{};
        }
        return false;
    }

    Status drop_slot() {
        auto replication = TRY(open_replication());
        Status dropped = replication.drop_slot(result_.mirror.slot, true);
        if (!dropped.ok() && dropped.error().code() == ErrorCode::kSlotMissing) return {};
        return dropped;
    }

    // Whether there is a slot that can be streamed from. One that is still being made is not: what
    // commits before it is ready will not be streamed. Slots belong to the whole cluster, so one of
    // the name may be another database's; a mirror that needs none yet then takes another name.
    Result<bool> find_slot(bool replaceable) {
        MirrorRow& mirror = result_.mirror;
        auto slot = TRY(postgres::read_slot(*connection_, mirror.slot));
        if (!slot) return false;
        if (slot->database != result_.identity.database_name) {
            if (!replaceable) return false;
            mirror.slot =
                mirror.slot.substr(0, 52) + "_" + std::to_string(result_.identity.database);
            TRY(catalog_.rename_slot(mirror.slot));
            slot = TRY(postgres::read_slot(*connection_, mirror.slot));
            if (!slot) return false;
        }
        if (slot->invalidated() && !replaceable)
            return Error(ErrorCode::kSlotInvalidated,
                         "replication slot " + mirror.slot + " was invalidated (wal_status " +
                             slot->wal_status + "): the server removed WAL it needs");
        if (slot->confirmed_flush.valid() && !slot->invalidated()) return true;
        TRY(drop_slot());
        return false;
    }

    // The slot's own position reaches the source's disk late: after a crash of the source it may be
    // older than what ClickHouse has folded.
    Status find_position() {
        const MirrorRow& mirror = result_.mirror;
        auto slot = TRY(postgres::read_slot(*connection_, mirror.slot));
        if (slot) result_.position = slot->confirmed_flush;
        StoredIdentity& own = result_.identity;
        result_.position = std::max({result_.position, mirror.position, own.position});
        own.epoch = mirror.epoch;
        own.position = result_.position;
        own.promised = Lsn{result_.position.value + kPromiseBytes};
        own.recorded = mirror.recorded;
        TRY(target_.write_identity(mirror.database, own, IdentityLog::first_sequence(own.owner)));
        return catalog_.confirm_identity(own);
    }

    // What people's queries read by while another epoch's copies were still all there is.
    Status drop_old_positions(std::span<const TableRow> rows) {
        const MirrorRow& mirror = result_.mirror;
        for (const TableRow& row : rows)
            if (row.state != "live") return {};
        for (int epoch = std::max(0, mirror.epoch - 2); epoch < mirror.epoch; ++epoch)
            TRY(target_.drop_position(mirror.database,
                                      position_mark(mirror.id, epoch, mirror.era)));
        return {};
    }

    Status check_server() {
        auto facts = TRY(postgres::read_server_facts(*connection_));
        if (facts.version < 140000)
            return Error(ErrorCode::kUnsupportedVersion,
                         "the source is Postgres " + facts.version_text + "; 14 is the oldest");
        if (auto mended = postgres::release_without_lost_changes(facts.version))
            log(LogLevel::warning, "mirror",
                "the source is Postgres " + facts.version_text +
                    ", which can lose changes while a table joins a mirror; upgrade it to " +
                    *mended);
        if (facts.wal_level != "logical")
            return Error(ErrorCode::kSourceUnfit,
                         "wal_level is " + facts.wal_level + "; set it to logical and restart");
        return {};
    }

    Result<postgres::Replication> open_replication() {
        return postgres::Replication::open(connect_options(options_, "control"));
    }

    Status create_publication(const std::vector<TableRow>& rows) {
        std::vector<Oid> tables;
        for (const TableRow& row : rows)
            if (row.state != "dropped" && row.state != "failed") tables.push_back(row.relid);
        TRY(may_publish(*connection_, result_.mirror.publication, tables));
        return connection_->execute("CREATE PUBLICATION " + pg_ident(result_.mirror.publication));
    }

    // A table that must not be published fails: row.state says so.
    Status prepare_publication(std::vector<TableRow>& rows) {
        const std::string& name = result_.mirror.publication;
        auto publication = TRY(postgres::read_publication(*connection_, name));
        if (!publication) TRY(create_publication(rows));
        // Rows are told by the leaf they lie in.
        if (publication && publication->ours && publication->via_root) {
            TRY(catalog_.set_publication_grows(true));
            TRY(connection_->execute("ALTER PUBLICATION " + pg_ident(name) +
                                     " SET (publish_via_partition_root = false)"));
            publication_grew_ = true;
        } else if (publication) {
            TRY(check_publication(*publication));
        }
        for (TableRow& row : rows) {
            if (row.state == "dropped" || row.state == "failed") continue;
            bool member = TRY(publishes(*connection_, name, row.relid));
            // Somebody else's may have grown since the slot was made.
            if (member && publication && !publication->ours && row.state == "pending")
                publication_grew_ = true;
            // Remembered first: who starts next also waits for the transactions of before.
            if (!member) TRY(catalog_.set_publication_grows(true));
            Status added = member ? check_member(*connection_, name, row.relid)
                                  : publish_table(*connection_, name, row.relid);
            if (member && added.ok()) continue;
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
            return {};
        }
        if (!connection_->usable()) return std::move(table).error();
        Action action = action_for(table.error(), Place::prepare_table);
        if (action == Action::restart_load)
            return fail(row.relid, Error(ErrorCode::kSchemaChanged, table.error().message()));
        if (action != Action::fail_table) return std::move(table).error();
        return fail(row.relid, table.error());
    }

    Status fail(Oid relid, const Error& error) {
        Table failed;
        failed.relid = relid;
        return catalog_.record_failure(failed, error);
    }

    Result<TablePtr> begin_load(const TableRow& row) {
        auto source = TRY(catalog_.read_for_load(row.relid));
        if (!source)
            return Error(ErrorCode::kNotFound,
                         "table " + row.schema + "." + row.name + " does not exist any more");
        TargetName target{result_.mirror.database, row.target};
        auto mapped = TRY(map_table(source->info, source->types, target));
        if (mapped->keyless()) {
            TRY(read_in_one_snapshot(row.relid, source));
            mapped = TRY(map_table(source->info, source->types, target));
            if (!mapped->keyless())
                return Error(ErrorCode::kPostgresRetry, "a table gets a key while its load begins");
        }
        auto table = std::make_shared<Table>(*mapped);
        TRY(catalog_.read_layout(*table));
        TRY(catalog_.choose_json_keys(*table, source->info));
        table->era = result_.mirror.era;
        std::vector<CopyRow> copies = TRY(catalog_.read_copies(row.relid));
        for (const CopyRow& copy : copies) {
            table->copy = copy.copy;
            if (copy.visible_from)
                result_.old_copies.push_back({std::make_shared<const Table>(*table), false});
            else
                TRY(drop_copy(*table));
        }
        table->copy = copies.empty() ? 1 : copies.back().copy + 1;
        if (copies.empty()) TRY(target_.make_room(*table));
        TRY(target_.create_copy(*table));
        if (copies.empty()) TRY(target_.create_view(*table, {}, result_.mirror.mark()));
        TRY(catalog_.begin_load(*table, *source));
        result_.chunks[{row.relid}] = std::move(source->chunks);
        TRY(remember(row.relid, source->heaps, source->snapshot));
        book_.start({.table = table, .loading = true});
        return TablePtr(std::move(table));
    }

    Status read_in_one_snapshot(Oid relid, std::optional<CatalogStore::SourceTable>& source) {
        auto held = TRY(HeldSnapshot::take(connect_options(options_, "snapshot"), [&] {
            return connection_->execute("SELECT pg_logical_emit_message(true, 'tandem', '')");
        }));
        source = TRY(catalog_.read_for_load(relid, *held));
        if (!source) return Error(ErrorCode::kPostgresRetry, "a table goes while its load begins");
        for (Chunk& chunk : source->chunks) chunk.snapshot = held;
        return {};
    }

    // ClickHouse has found parts of it unreadable when it started, and goes on without their rows.
    bool has_lost_rows(const Table& table) const {
        return lost_.contains(table.main_name()) || lost_.contains(table.delta_name());
    }

    // What the stream has to know of the table: its leaves, and what its load has seen.
    Status remember(Oid relid, std::string_view heaps, std::string_view loaded_as_of) {
        std::set<uint32_t>& leaves = result_.leaves[relid.value];
        while (!heaps.empty()) {
            uint32_t leaf = 0;
            std::from_chars(heaps.begin(), heaps.end(), leaf);
            leaves.insert(leaf);
            size_t end = heaps.find(' ');
            heaps.remove_prefix(end == std::string_view::npos ? heaps.size() : end + 1);
        }
        if (loaded_as_of.empty()) return {};
        auto snapshot = XidSnapshot::parse(loaded_as_of);
        if (!snapshot)
            return Error(ErrorCode::kInternal,
                         "the catalog has a bad snapshot: " + std::string(loaded_as_of));
        result_.loaded_as_of[relid.value] = std::move(*snapshot);
        return {};
    }

    Status drop_copy(const Table& table) {
        TRY(target_.drop_copy(table));
        return catalog_.forget_copy(table.relid, table.copy);
    }

    // The copy the stream goes on in. Those that a TRUNCATE behind the position began will be made
    // again; older ones wait until no reader needs them.
    Result<CopyRow> current_copy(const TableRow& row, Table table) {
        std::optional<CopyRow> current;
        for (const CopyRow& copy : TRY(catalog_.read_copies(row.relid))) {
            table.copy = copy.copy;
            if (copy.visible_from && *copy.visible_from > result_.position) {
                TRY(drop_copy(table));
                continue;
            }
            if (current) {
                table.copy = current->copy;
                bool readable = copy.visible_from && *copy.visible_from > row.history_from;
                if (has_lost_rows(table))
                    TRY(drop_copy(table));
                else
                    result_.old_copies.push_back({std::make_shared<const Table>(table), readable});
            }
            current = copy;
        }
        if (current) return *current;
        return Error(ErrorCode::kSchemaChanged,
                     table.label() + " has no copy in ClickHouse that the catalog knows");
    }

    Result<TablePtr> go_on(const TableRow& row) {
        TablePtr known = TRY(catalog_.read_table(row, result_.mirror.database, 1));
        auto table = std::make_shared<Table>(*known);
        table->era = result_.mirror.era;
        CopyRow copy = TRY(current_copy(row, *table));
        table->copy = copy.copy;
        TRY(catalog_.read_json_keys(*table));
        if (has_lost_rows(*table)) {
            log(LogLevel::warning, "mirror",
                table->label() + " is loaded again: ClickHouse could not read rows it had written");
            return begin_load(row);
        }
        // The daemon died while it changed the columns.
        if (!TRY(target_.has_columns(*table))) return begin_load(row);
        // What its chunks were read in is gone with the daemon that had it.
        if (table->keyless() && row.state == "loading" &&
            !TRY(catalog_.read_open_chunks(row.relid)).empty())
            return begin_load(row);
        TRY(target_.undo(*table, result_.position));
        TRY(catalog_.undo_leaves(*table, result_.position));
        std::vector<LeafCut> cuts = TRY(catalog_.read_cuts(row.relid, table->copy));
        bool live = row.state == "live";
        TRY(remember(row.relid, row.heaps, live ? "" : row.loaded_as_of));
        TRY(open_delta(table, copy, !live, cuts));
        if (live) TRY(target_.create_view(*table, cuts, result_.mirror.mark()));
        if (row.state == "catching_up") result_.catching_up[{row.relid}] = row.consistent;
        if (row.state == "loading") {
            auto chunks = TRY(catalog_.read_open_chunks(row.relid));
            TRY(go_on_loading({row.relid}, std::move(chunks),
                              [&] { return catalog_.finish_load(*table); }));
        }
        for (const LeafCut& cut : cuts) {
            if (!cut.loads) continue;
            result_.leaves[row.relid.value].insert(cut.leaf.value);
            auto chunks = TRY(catalog_.read_open_chunks(row.relid, &cut));
            TRY(go_on_loading({row.relid, cut.leaf}, std::move(chunks),
                              [&] { return catalog_.finish_leaf(*table, cut.leaf); }));
        }
        return TablePtr(std::move(table));
    }

    template <typename Finish>
    Status go_on_loading(Part part, std::vector<Chunk> chunks, const Finish& finish) {
        if (!chunks.empty()) {
            result_.chunks[part] = std::move(chunks);
            return {};
        }
        // The daemon died between the last chunk and this.
        Lsn consistent = TRY(finish());
        if (consistent.valid()) result_.catching_up[part] = consistent;
        return {};
    }

    Status open_delta(const TablePtr& table, const CopyRow& copy, bool loading,
                      const std::vector<LeafCut>& cuts) {
        std::vector<uint32_t> generations = TRY(target_.generations(*table));
        DeltaBook::Start start{.table = table,
                               .loading = loading,
                               .oldest = copy.oldest,
                               .open = copy.oldest,
                               .empty = copy.delta_empty,
                               .folding = copy.folding,
                               .cuts = cuts,
                               .history = {},
                               .position = result_.position};
        if (!generations.empty()) start.open = std::max(start.open, generations.back() + 2);
        std::vector<uint32_t> garbage;
        // The last before the oldest is of the fold that comes next, if that had begun.
        for (uint32_t generation : generations)
            if (generation + 1 < copy.oldest)
                (copy.history && generation >= *copy.history ? start.history : garbage)
                    .push_back(generation);
        book_.start(start);
        for (uint32_t generation : garbage) book_.add_garbage(table, generation);
        return target_.delta_keys(*table, copy.oldest, [&](uint64_t hash, uint32_t generation) {
            book_.remember(table->relid, hash, generation);
        });
    }

    const RunnerOptions& options_;
    CatalogStore& catalog_;
    ClickHouseTarget& target_;
    DeltaBook& book_;
    postgres::Connection* connection_ = nullptr;
    SessionTables result_;
    std::set<std::string> lost_;
    bool publication_grew_ = false;
};

}  // namespace

Result<SessionTables> prepare_session(const RunnerOptions& options, CatalogStore& catalog,
                                      ClickHouseTarget& target, DeltaBook& book) {
    return Setup(options, catalog, target, book).run();
}

}  // namespace tandem::mirror
