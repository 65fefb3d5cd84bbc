// Every write names the generation that the table had when the session began (where_current): a
// resync raises it, after which the writes of an older session change nothing. Several statements
// that belong together run in one transaction, with synchronous_commit = local, because a standby
// that would be waited for may be this very mirror.
#include "mirror/session/catalog_store.h"

#include <algorithm>

#include "base/failpoint.h"
#include "base/log.h"
#include "mirror/schema/source_types.h"
#include "mirror/session/catalog_sql.h"
#include "sqltext/quote.h"

namespace tandem::mirror {
namespace {

using sqltext::pg_literal;

bool same_parts(const types::PgType& a, const types::PgType& b) {
    if (a.oid != b.oid || a.fields.size() != b.fields.size() || !a.below != !b.below) return false;
    if (a.below && !same_parts(*a.below, *b.below)) return false;
    for (size_t i = 0; i < a.fields.size(); ++i)
        if (!same_parts(*a.fields[i].type, *b.fields[i].type)) return false;
    return true;
}

// Text of an error for the catalog, without what only a log needs.
std::string error_columns(const Error* error) {
    if (error == nullptr) return "error_code = NULL, error_message = NULL";
    return "error_code = " + pg_literal(error->info().code) +
           ", error_message = " + pg_literal(error->message());
}

}  // namespace

std::vector<Oid> snapshot_parts(const postgres::TableInfo& info) {
    if (info.kind == 'p') return info.leaves;
    return {info.oid};  // inheritance children are tables of their own
}

Result<postgres::Connection*> CatalogStore::connection() {
    if (!connection_ || !connection_->usable()) {
        connection_.reset();
        connection_ = TRY(postgres::Connection::open(options_.connect));
        // Not `on`: a synchronous standby must not be waited for, it may be this mirror.
        TRY(connection_->execute("SET synchronous_commit = local"));
        if (options_.owner == 0) return &*connection_;
        auto mine = connection_->query(
            "SELECT FROM tandem.mirror WHERE mirror_id = " + number(options_.mirror_id) +
            " AND owner = " + number(options_.owner));
        if (mine.ok() && mine->rows() == 1) return &*connection_;
        connection_.reset();
        if (!mine.ok()) return std::move(mine).error();
        return Error(ErrorCode::kLeaseLost, "another session has taken the mirror over");
    }
    return &*connection_;
}

Status CatalogStore::execute(std::string_view sql) {
    postgres::Connection* catalog = TRY(connection());
    return catalog->execute(sql);
}

Status CatalogStore::in_transaction(const std::function<Status()>& body) {
    return in_transaction([this] { return execute("BEGIN"); }, body);
}

Status CatalogStore::in_transaction(const std::function<Status()>& begin,
                                    const std::function<Status()>& body) {
    Status done = begin();
    if (done.ok()) done = body();
    if (done.ok()) done = execute("COMMIT");
    if (!done.ok() && connection_ && connection_->usable())
        static_cast<void>(connection_->execute("ROLLBACK").ok());
    return done;
}

std::string CatalogStore::where(Oid relid) const {
    return "mirror_id = " + number(options_.mirror_id) + " AND relid = " + number(relid.value);
}

std::string CatalogStore::where_current(Oid relid) const {
    auto found = generations_.find(relid.value);
    int generation = found == generations_.end() ? 0 : found->second;
    return where(relid) + " AND generation = " + number(generation);
}

// --- reading ----------------------------------------------------------------------------------

Result<MirrorRow> CatalogStore::read_mirror() {
    postgres::Connection* catalog = TRY(connection());
    auto rows = TRY(catalog->query(
        "SELECT name, database, slot_name, publication, wanted, state, epoch, wanted_epoch, "
        "position, coalesce(source_system, ''), coalesce(source_database, 0), owner, owner_known, "
        "recorded, era, wanted_era, publication_grows FROM tandem.mirror WHERE mirror_id = " +
        number(options_.mirror_id)));
    if (rows.rows() == 0) return Error(ErrorCode::kNotFound, "the mirror is gone");
    MirrorRow row;
    row.id = options_.mirror_id;
    row.name = rows.text(0, 0);
    row.database = rows.text(0, 1);
    row.slot = rows.text(0, 2);
    row.publication = rows.text(0, 3);
    row.wanted = rows.text(0, 4);
    row.state = rows.text(0, 5);
    row.epoch = static_cast<int>(TRY(rows.integer(0, 6)));
    row.wanted_epoch = static_cast<int>(TRY(rows.integer(0, 7)));
    if (!rows.is_null(0, 8)) row.position = TRY(rows.lsn(0, 8));
    row.system = rows.text(0, 9);
    row.database_oid = static_cast<uint32_t>(TRY(rows.integer(0, 10)));
    row.owner = TRY(rows.integer(0, 11));
    row.owner_known = TRY(rows.integer(0, 12));
    if (!rows.is_null(0, 13)) row.recorded = TRY(rows.lsn(0, 13));
    row.era = static_cast<int>(TRY(rows.integer(0, 14)));
    row.wanted_era = static_cast<int>(TRY(rows.integer(0, 15)));
    row.publication_grows = TRY(rows.boolean(0, 16));
    return row;
}

Result<std::vector<TableRow>> CatalogStore::read_tables() {
    postgres::Connection* catalog = TRY(connection());
    auto rows = TRY(catalog->query(
        "SELECT relid, schema_name, table_name, target_table, state, consistent_lsn, "
        "generation, natts, coalesce(heaps, ''), coalesce(loaded_as_of, ''), history_from FROM "
        "tandem.mirror_table WHERE mirror_id = " +
        number(options_.mirror_id) + " AND error_code IS DISTINCT FROM 'removed' ORDER BY relid"));
    std::vector<TableRow> tables;
    for (int i = 0; i < rows.rows(); ++i) {
        TableRow row;
        row.relid = TRY(oid_at(rows, i, 0));
        row.schema = rows.text(i, 1);
        row.name = rows.text(i, 2);
        row.target = rows.text(i, 3);
        row.state = rows.text(i, 4);
        if (!rows.is_null(i, 5)) row.consistent = TRY(rows.lsn(i, 5));
        row.generation = static_cast<int>(TRY(rows.integer(i, 6)));
        row.natts = static_cast<int>(TRY(rows.integer(i, 7)));
        row.heaps = rows.text(i, 8);
        row.loaded_as_of = rows.text(i, 9);
        if (!rows.is_null(i, 10)) row.history_from = TRY(rows.lsn(i, 10));
        tables.push_back(std::move(row));
    }
    return tables;
}

Result<std::vector<TableRow>> CatalogStore::read_removed_tables() {
    postgres::Connection* catalog = TRY(connection());
    auto rows = TRY(catalog->query(
        "SELECT relid, schema_name, table_name, target_table FROM tandem.mirror_table WHERE "
        "mirror_id = " +
        number(options_.mirror_id) + " AND error_code = 'removed' AND error_message IS NULL"));
    std::vector<TableRow> tables;
    for (int i = 0; i < rows.rows(); ++i) {
        TableRow row;
        row.relid = TRY(oid_at(rows, i, 0));
        row.schema = rows.text(i, 1);
        row.name = rows.text(i, 2);
        row.target = rows.text(i, 3);
        tables.push_back(std::move(row));
    }
    return tables;
}

Result<std::vector<CopyRow>> CatalogStore::read_copies(Oid relid) {
    postgres::Connection* catalog = TRY(connection());
    auto rows = TRY(catalog->query(
        "SELECT copy, visible_from, oldest_generation, delta_empty, coalesce(folding, 0), "
        "history_generation FROM "
        "tandem.mirror_copy WHERE " +
        where(relid) + " ORDER BY copy"));
    std::vector<CopyRow> copies;
    for (int i = 0; i < rows.rows(); ++i) {
        CopyRow row;
        row.copy = static_cast<int>(TRY(rows.integer(i, 0)));
        if (!rows.is_null(i, 1)) row.visible_from = TRY(rows.lsn(i, 1));
        row.oldest = static_cast<uint32_t>(TRY(rows.integer(i, 2)));
        row.delta_empty = TRY(rows.boolean(i, 3));
        row.folding = static_cast<uint32_t>(TRY(rows.integer(i, 4)));
        if (!rows.is_null(i, 5)) row.history = static_cast<uint32_t>(TRY(rows.integer(i, 5)));
        copies.push_back(row);
    }
    return copies;
}

Result<TablePtr> CatalogStore::read_table(const TableRow& row, const std::string& database,
                                          int copy) {
    postgres::Connection* catalog = TRY(connection());
    auto rows = TRY(
        catalog->query("SELECT attnum, column_name, type_oid, typmod, target_column, target_type, "
                       "coalesce(key_position, 0), not_null, ndims, (SELECT relkind FROM pg_class "
                       "WHERE oid = relid)"
                       " FROM tandem.mirror_column WHERE " +
                       where(row.relid) + " ORDER BY attnum"));
    std::vector<Oid> oids;
    oids.reserve(static_cast<size_t>(rows.rows()));
    for (int i = 0; i < rows.rows(); ++i) oids.push_back(TRY(oid_at(rows, i, 2)));
    postgres::TypeMap types = TRY(postgres::read_types(*catalog, oids));

    auto table = std::make_shared<Table>();
    table->relid = row.relid;
    table->schema = row.schema;
    table->name = row.name;
    table->database = database;
    table->target = row.target;
    table->copy = copy;
    table->natts = row.natts;
    for (int i = 0; i < rows.rows(); ++i) {
        postgres::ColumnInfo info;
        info.attnum = static_cast<int16_t>(TRY(rows.integer(i, 0)));
        info.name = rows.text(i, 1);
        info.type = oids[static_cast<size_t>(i)];
        info.typmod = static_cast<int32_t>(TRY(rows.integer(i, 3)));
        info.not_null = TRY(rows.boolean(i, 7));
        info.ndims = static_cast<int>(TRY(rows.integer(i, 8)));
        auto position = static_cast<int>(TRY(rows.integer(i, 6)));
        if (!types.contains(info.type))
            return Error(ErrorCode::kSchemaChanged, table->label() + ": the type of column " +
                                                        info.name + " is not there any more");
        TableColumn column = TRY(map_column(types, info, position));
        if (column.mapping.type->name != rows.value(i, 5))
            return Error(ErrorCode::kSchemaChanged,
                         table->label() + ": column " + info.name + " is mapped to " +
                             column.mapping.type->name + " now, was " + rows.text(i, 5));
        if (rows.value(i, 9) == "p") table->partitioned = true;
        if (position > 0) {
            table->key.resize(std::max(table->key.size(), static_cast<size_t>(position)));
            table->key[static_cast<size_t>(position - 1)] = table->columns.size();
        }
        table->columns.push_back(std::move(column));
    }
    if (table->columns.empty())
        return Error(ErrorCode::kSchemaChanged, table->label() + " has no columns in the catalog");
    TRY(read_layout(*table));
    return TablePtr(std::move(table));
}

Status CatalogStore::read_layout(Table& table) {
    postgres::Connection* catalog = TRY(connection());
    auto rows = TRY(catalog->query(
        "SELECT l.attnum, coalesce(l.order_position, 0), l.partition_function, coalesce(l.codec, "
        "'') FROM tandem.mirror_table t, tandem.table_layout(t.relid, t.layout) l WHERE t.layout "
        "<> '{}' AND " +
        where(table.relid)));
    for (int i = 0; i < rows.rows(); ++i) {
        int64_t attnum = TRY(rows.integer(i, 0));
        for (TableColumn& column : table.columns) {
            if (column.attnum != attnum) continue;
            column.order_position = static_cast<int>(TRY(rows.integer(i, 1)));
            if (!rows.is_null(i, 2)) column.partition_function = rows.text(i, 2);
            column.codec = rows.text(i, 3);
        }
    }
    return {};
}

Result<std::vector<Chunk>> CatalogStore::read_open_chunks(Oid relid, const LeafCut* joined) {
    postgres::Connection* catalog = TRY(connection());
    std::string which = joined != nullptr ? " AND part_relid = " + number(joined->leaf.value)
                                          : std::string(kOfTheTable);
    auto rows =
        TRY(catalog->query("SELECT part_relid, first_block, end_block, chunk FROM "
                           "tandem.mirror_chunk c WHERE NOT done AND " +
                           where(relid) + which + " ORDER BY part_relid, first_block"));
    std::vector<Chunk> chunks;
    for (int i = 0; i < rows.rows(); ++i) {
        Chunk chunk;
        chunk.relid = relid;
        chunk.part = TRY(oid_at(rows, i, 0));
        chunk.first_block = TRY(rows.integer(i, 1));
        if (!rows.is_null(i, 2)) chunk.end_block = TRY(rows.integer(i, 2));
        chunk.number = static_cast<uint32_t>(TRY(rows.integer(i, 3)));
        chunk.begun = true;  // as far as anybody knows
        if (joined != nullptr) chunk.from = joined->cut;
        chunks.push_back(chunk);
    }
    return chunks;
}

Result<std::optional<postgres::TableInfo>> CatalogStore::read_source_table(Oid relid) {
    postgres::Connection* catalog = TRY(connection());
    postgres::TableFilter filter;
    filter.oids.push_back(relid);
    auto tables = TRY(postgres::read_tables(*catalog, filter));
    if (tables.empty()) return std::optional<postgres::TableInfo>();
    return std::optional(std::move(tables[0]));
}

Result<std::optional<CatalogStore::SourceTable>> CatalogStore::read_for_load(Oid relid) {
    return read_for_load(
        relid, [this] { return execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); });
}

Result<std::optional<CatalogStore::SourceTable>> CatalogStore::read_for_load(
    Oid relid, const HeldSnapshot& snapshot) {
    return read_for_load(relid, [&]() -> Status {
        postgres::Connection* source = TRY(connection());
        return join_snapshot(*source, snapshot);
    });
}

Result<std::optional<CatalogStore::SourceTable>> CatalogStore::read_for_load(
    Oid relid, const std::function<Status()>& begin) {
    std::optional<SourceTable> found;
    Status read = in_transaction(begin, [&]() -> Status {
        postgres::Connection* source = TRY(connection());
        auto info = TRY(read_source_table(relid));
        if (!info) return {};
        found.emplace();
        found->types = TRY(postgres::read_types(*source, std::span(&*info, 1)));
        found->info = std::move(*info);
        auto state = TRY(source->query("SELECT pg_current_snapshot(), tandem.heaps(" +
                                       number(relid.value) + ")"));
        found->snapshot = state.text(0, 0);
        found->heaps = state.text(0, 1);
        found->chunks =
            TRY(plan_chunks(*source, relid, snapshot_parts(found->info), options_.chunk_blocks));
        return {};
    });
    TRY(std::move(read));
    return found;
}

Result<bool> CatalogStore::has_columns(Oid relid, std::string_view digest) {
    postgres::Connection* catalog = TRY(connection());
    auto found = TRY(catalog->query("SELECT FROM tandem.changed_tables() WHERE " + where(relid) +
                                    " AND md5(seen) = " + pg_literal(digest)));
    return found.rows() > 0;
}

// --- writing ----------------------------------------------------------------------------------

Status CatalogStore::set_mirror_state(std::string_view state, const Error* error) {
    return execute("UPDATE tandem.mirror SET state = " + pg_literal(state) + ", " +
                   error_columns(error) + " WHERE mirror_id = " + number(options_.mirror_id));
}

Status CatalogStore::set_epoch(int epoch) {
    return execute("UPDATE tandem.mirror SET position = NULL, recorded = NULL, epoch = " +
                   number(epoch) + this_mirror());
}

std::string CatalogStore::this_mirror() const {
    return " WHERE mirror_id = " + number(options_.mirror_id);
}

Status CatalogStore::rename_slot(const std::string& slot) {
    return execute("UPDATE tandem.mirror SET slot_name = " + pg_literal(slot) + this_mirror());
}

Status CatalogStore::set_publication_grows(bool grows) {
    return execute("UPDATE tandem.mirror SET publication_grows = " + boolean(grows) +
                   this_mirror() + " AND publication_grows <> " + boolean(grows));
}

Status CatalogStore::set_era(int era, std::span<const Table> copies) {
    return in_transaction([&]() -> Status {
        for (const Table& copy : copies)
            TRY(execute("UPDATE tandem.mirror_copy SET main = " + pg_literal(copy.main_name()) +
                        ", delta = " + pg_literal(copy.delta_name()) + " WHERE " +
                        where_copy(copy)));
        return execute("UPDATE tandem.mirror SET era = " + number(era) + this_mirror());
    });
}

Status CatalogStore::confirm_identity(const StoredIdentity& identity) {
    return execute("UPDATE tandem.mirror SET source_system = " + pg_literal(identity.system) +
                   ", source_timeline = " + number(identity.timeline) +
                   ", source_database = " + number(identity.database) +
                   ", owner_known = " + number(identity.owner) + this_mirror());
}

Status CatalogStore::record_known(Lsn position) {
    return execute("UPDATE tandem.mirror SET recorded = " + lsn_literal(position) + this_mirror());
}

Status CatalogStore::renew(const Error& why, const StoredIdentity& stored) {
    return in_transaction([&]() -> Status {
        std::string epoch = "greatest(epoch, " + number(stored.epoch) + ")";
        TRY(execute("UPDATE tandem.mirror SET epoch = " + epoch + ", wanted_epoch = greatest(" +
                    epoch + " + 1, wanted_epoch), owner = greatest(owner, " + number(stored.owner) +
                    "), position = NULL, recorded = NULL, incident_code = " +
                    pg_literal(why.info().code) + ", incident_message = " +
                    pg_literal(why.message()) + ", incident_at = now()" + this_mirror()));
        TRY(execute("DELETE FROM tandem.mirror_chunk" + this_mirror()));
        TRY(execute("DELETE FROM tandem.moment" + this_mirror()));
        // The WAL begins anew, as it were: a position of before says nothing about what follows.
        TRY(execute("UPDATE tandem.mirror_copy SET visible_from = '0/1'" + this_mirror() +
                    " AND visible_from IS NOT NULL"));
        return execute(
            "UPDATE tandem.mirror_table SET state = 'pending', consistent_lsn = NULL, "
            "rows_loaded = 0, generation = generation + 1" +
            this_mirror() +
            " AND state IN ('loading', 'catching_up', 'live'); NOTIFY "
            "tandem");
    });
}

Status CatalogStore::write_column(const Table& table, const TableColumn& column) {
    std::string key = column.is_key() ? number(column.key_position) : "NULL";
    return execute(
        "INSERT INTO tandem.mirror_column (mirror_id, relid, attnum, column_name, type_oid, typmod,"
        " target_column, target_type, key_position, exactness, not_null, ndims, type_shape) VALUES "
        "(" +
        number(options_.mirror_id) + ", " + number(table.relid.value) + ", " +
        number(column.attnum) + ", " + pg_literal(column.name) + ", " + number(column.type.value) +
        ", " + number(column.typmod) + ", " + pg_literal(column.target_name) + ", " +
        pg_literal(column.mapping.type->name) + ", " + key + ", " +
        pg_literal(types::to_string(column.mapping.exactness)) + ", " +
        boolean(column.source_type.not_null) + ", " + number(column.source_type.ndims) +
        ", tandem.type_shape(" + number(column.type.value) +
        ")) ON CONFLICT (mirror_id, relid, attnum) DO UPDATE SET column_name = "
        "excluded.column_name, type_oid = excluded.type_oid, typmod = excluded.typmod, "
        "target_column = excluded.target_column, target_type = excluded.target_type, "
        "exactness = excluded.exactness, not_null = excluded.not_null, ndims = excluded.ndims");
}

Status CatalogStore::insert_chunks(std::span<const Chunk> chunks) {
    std::string values;
    for (const Chunk& chunk : chunks)
        values += (values.empty() ? "(" : ", (") + number(options_.mirror_id) + ", " +
                  number(chunk.relid.value) + ", " + number(chunk.part.value) + ", " +
                  number(chunk.first_block) + ", " +
                  (chunk.end_block ? number(*chunk.end_block) : "NULL::bigint") + ", " +
                  number(chunk.number) + ")";
    if (values.empty()) return {};
    return execute(
        "INSERT INTO tandem.mirror_chunk (mirror_id, relid, part_relid, first_block, end_block, "
        "chunk) VALUES " +
        values +
        // A part may have been a table of the mirror by itself.
        " ON CONFLICT (mirror_id, part_relid, first_block) DO UPDATE SET relid = excluded.relid, "
        "end_block = excluded.end_block, chunk = excluded.chunk, done = false, end_lsn = NULL, "
        "rows = NULL");
}

Status CatalogStore::write_chunks(Oid relid, std::span<const Chunk> chunks) {
    TRY(execute("DELETE FROM tandem.mirror_chunk WHERE " + where(relid)));
    return insert_chunks(chunks);
}

Status CatalogStore::begin_load(const Table& table, const SourceTable& source) {
    return in_transaction([&]() -> Status {
        TRY(execute("DELETE FROM tandem.mirror_column WHERE " + where(table.relid)));
        for (const TableColumn& column : table.columns) TRY(write_column(table, column));
        TRY(write_chunks(table.relid, source.chunks));
        TRY(forget_loading_leaves(table.relid));
        TRY(write_copy(table, std::nullopt));
        return execute(
            "UPDATE tandem.mirror_table SET state = 'loading', consistent_lsn = NULL, "
            "rows_loaded = 0, error_code = NULL, error_message = NULL, heaps = " +
            pg_literal(source.heaps) + ", loaded_as_of = " + pg_literal(source.snapshot) +
            ", natts = " + number(table.natts) + " WHERE " + where_current(table.relid));
    });
}

Status CatalogStore::finish_chunk(const Assignment& assignment, const ChunkResult& result) {
    const Chunk& chunk = assignment.chunk;
    return in_transaction([&]() -> Status {
        for (const Loss& loss : result.losses)
            TRY(record_loss(*assignment.table, loss, result.end_lsn));
        TRY(failpoint("checkpoint_before_write"));
        TRY(execute(
            "UPDATE tandem.mirror_chunk SET done = true, end_lsn = " + lsn_literal(result.end_lsn) +
            ", rows = " + std::to_string(result.rows) + " WHERE " + where(chunk.relid) +
            " AND part_relid = " + number(chunk.part.value) + " AND first_block = " +
            number(chunk.first_block) + " AND EXISTS (SELECT FROM tandem.mirror_table WHERE " +
            where_current(chunk.relid) + (chunk.joins() ? ")" : " AND state = 'loading')")));
        return execute("UPDATE tandem.mirror_table SET rows_loaded = rows_loaded + " +
                       std::to_string(result.rows) + " WHERE " + where_current(chunk.relid));
    });
}

Result<Lsn> CatalogStore::finish_load(const Table& table) {
    postgres::Connection* catalog = TRY(connection());
    std::string chunks =
        "FROM tandem.mirror_chunk c WHERE " + where(table.relid) + std::string(kOfTheTable);
    return moved_past(TRY(catalog->query(
        "UPDATE tandem.mirror_table SET state = 'catching_up', consistent_lsn = greatest("
        "consistent_lsn, (SELECT max(end_lsn) " +
        chunks + ")) WHERE " + where_current(table.relid) +
        " AND state = 'loading' AND NOT EXISTS (SELECT " + chunks +
        " AND NOT done) RETURNING consistent_lsn")));
}

Result<Lsn> CatalogStore::finish_leaf(const Table& table, Oid leaf) {
    postgres::Connection* catalog = TRY(connection());
    std::string chunks = "FROM tandem.mirror_chunk WHERE " + where(table.relid) +
                         " AND part_relid = " + number(leaf.value);
    return moved_past(TRY(catalog->query(
        "UPDATE tandem.mirror_leaf SET consistent_lsn = greatest(consistent_lsn, (SELECT "
        "max(end_lsn) " +
        chunks + ")) WHERE " + where_copy(table) + " AND leaf = " + number(leaf.value) +
        " AND loads AND NOT EXISTS (SELECT " + chunks +
        " AND NOT done) RETURNING consistent_lsn")));
}

// The position that a load has to reach; nothing when it is not wanted any more.
Result<Lsn> CatalogStore::moved_past(postgres::QueryResult updated) {
    if (updated.rows() == 0 || updated.is_null(0, 0)) return Lsn{};
    TRY(failpoint("checkpoint_after_write"));
    Lsn consistent = TRY(updated.lsn(0, 0));
    // Moves the WAL past that position even when the source is idle.
    TRY(
        execute("SELECT pg_logical_emit_message(true, 'tandem', 'flush') "
                "WHERE NOT pg_is_in_recovery()"));
    return consistent;
}

Result<CatalogStore::Liveness> CatalogStore::set_live(Oid relid, Lsn published) {
    Liveness result;
    Status done = in_transaction([&]() -> Status {
        postgres::Connection* catalog = TRY(connection());
        auto waiting =
            TRY(catalog->query("SELECT consistent_lsn FROM tandem.mirror_table WHERE " +
                               where_current(relid) + " AND state = 'catching_up' FOR UPDATE"));
        if (waiting.rows() == 0 || waiting.is_null(0, 0)) return {};
        Lsn needed = TRY(waiting.lsn(0, 0));
        if (needed > published) {
            result.wait_for = needed;
            return {};
        }
        result.live = true;
        TRY(execute("UPDATE tandem.mirror_table SET state = 'live', history_from = " +
                    lsn_literal(published) + " WHERE " + where_current(relid)));
        TRY(execute("UPDATE tandem.mirror_copy SET visible_from = " + lsn_literal(published) +
                    " WHERE " + where(relid) + " AND visible_from IS NULL"));
        TRY(record_position(published));
        return forget_plans(relid);
    });
    TRY(std::move(done));
    return result;
}

// --- copies -----------------------------------------------------------------------------------

std::string CatalogStore::where_copy(const Table& table) const {
    return where(table.relid) + " AND copy = " + number(table.copy);
}

Status CatalogStore::write_copy(const Table& table, std::optional<Lsn> visible_from) {
    TRY(execute(
        "INSERT INTO tandem.mirror_copy (mirror_id, relid, copy, main, delta, "
        "visible_from) VALUES (" +
        number(options_.mirror_id) + ", " + number(table.relid.value) + ", " + number(table.copy) +
        ", " + pg_literal(table.main_name()) + ", " + pg_literal(table.delta_name()) + ", " +
        (visible_from ? lsn_literal(*visible_from) : "NULL") + ")"));
    return write_json_keys(table);
}

Status CatalogStore::forget_copy(Oid relid, int copy) {
    return execute("DELETE FROM tandem.mirror_copy WHERE " + where(relid) +
                   " AND copy = " + number(copy));
}

Status CatalogStore::set_removed(Oid relid) {
    return in_transaction([&]() -> Status {
        TRY(execute("DELETE FROM tandem.mirror_copy WHERE " + where(relid) +
                    " AND EXISTS (SELECT FROM tandem.mirror_table WHERE " + where(relid) +
                    " AND error_code = 'removed')"));
        return execute("UPDATE tandem.mirror_table SET error_message = 'not in ClickHouse' WHERE " +
                       where(relid) + " AND error_code = 'removed'");
    });
}

Status CatalogStore::record_position(Lsn position) {
    return execute("UPDATE tandem.mirror SET position = greatest(position, " +
                   lsn_literal(position) + ") WHERE mirror_id = " + number(options_.mirror_id) +
                   " AND position IS DISTINCT FROM greatest(position, " + lsn_literal(position) +
                   ")");
}

Status CatalogStore::begin_fold(const Table& table, uint32_t newest, Lsn position, Folded folded) {
    std::string history;
    if (folded.to.valid()) {
        std::string to = lsn_literal(folded.to);
        history = ", folded_to = greatest(folded_to, " + to + "), history_generation = ";
        history += folded.kept ? "coalesce(history_generation, oldest_generation - 1)"
                               : "NULL, readable_from = greatest(readable_from, " + to + ")";
    }
    return in_transaction([&]() -> Status {
        TRY(record_position(position));
        return execute("UPDATE tandem.mirror_copy SET folding = " + number(newest) + history +
                       " WHERE " + where_copy(table));
    });
}

Status CatalogStore::settle(const Table& table, Lsn position) {
    return in_transaction([&]() -> Status {
        TRY(record_position(position));
        return execute("UPDATE tandem.mirror_copy SET readable_from = " + lsn_literal(position) +
                       " WHERE " + where_copy(table));
    });
}

Status CatalogStore::finish_fold(const Table& table, uint32_t oldest, bool delta_empty) {
    return execute("UPDATE tandem.mirror_copy SET folding = NULL, oldest_generation = " +
                   number(oldest) + ", delta_empty = " + boolean(delta_empty) +
                   ", last_fold = now(), folds = folds + 1 WHERE " + where_copy(table));
}

Status CatalogStore::forget_history(const Table& table, uint32_t oldest_kept, Lsn readable_from) {
    return execute("UPDATE tandem.mirror_copy SET history_generation = " + number(oldest_kept) +
                   ", readable_from = greatest(readable_from, " + lsn_literal(readable_from) +
                   ") WHERE " + where_copy(table));
}

Result<Batch::Moment> CatalogStore::last_moment(Lsn confirmed) {
    postgres::Connection* catalog = TRY(connection());
    std::string last =
        "SELECT extract(epoch FROM at - timestamptz '2000-01-01 00:00:00+00')::bigint - 1, "
        "position FROM tandem.moment" +
        this_mirror() + " ORDER BY at DESC LIMIT 1";
    TRY(execute("INSERT INTO tandem.moment (mirror_id, at, position) SELECT " +
                number(options_.mirror_id) +
                ", date_trunc('second', clock_timestamp()) + interval '1 s', "
                "pg_current_wal_insert_lsn() WHERE NOT EXISTS (SELECT FROM tandem.moment" +
                this_mirror() + ")"));
    auto rows = TRY(catalog->query(last));
    if (rows.rows() != 1) return Error(ErrorCode::kInternal, "tandem.moment has no row");
    int64_t second = TRY(rows.integer(0, 0));
    Lsn end = TRY(rows.lsn(0, 1));
    return Batch::Moment{second, std::max(end, confirmed)};
}

Status CatalogStore::record_moments(const std::vector<Batch::Moment>& moments,
                                    std::chrono::milliseconds history) {
    std::string values;
    for (const Batch::Moment& moment : moments)
        values += (values.empty() ? "(" : ", (") + number(options_.mirror_id) +
                  ", timestamptz '2000-01-01 00:00:00+00' + " + number(moment.second + 1) +
                  " * interval '1 s', " + lsn_literal(moment.end) + ")";
    TRY(execute("INSERT INTO tandem.moment (mirror_id, at, position) VALUES " + values +
                " ON CONFLICT (mirror_id, at) DO UPDATE SET position = greatest(moment.position, "
                "excluded.position)"));
    auto now = std::chrono::steady_clock::now();
    if (now - moments_forgotten_ < std::chrono::minutes(10)) return {};
    moments_forgotten_ = now;
    return execute("DELETE FROM tandem.moment" + this_mirror() +
                   " AND at < now() - greatest(interval '1 day', " + number(history.count()) +
                   " * interval '1 ms') AND at < (SELECT max(at) FROM tandem.moment" +
                   this_mirror() + ")");
}

Status CatalogStore::record_delta_rows(const Table& table) {
    return execute("UPDATE tandem.mirror_copy SET delta_empty = false WHERE " + where_copy(table));
}

// What was prepared before the table was live would else stay in Postgres for good. A source may be
// without the extension; then nothing is routed anyway.
Status CatalogStore::forget_plans(Oid relid) {
    postgres::Connection* catalog = TRY(connection());
    auto known =
        TRY(catalog->query("SELECT to_regprocedure('tandem.forget_plans(oid)') IS NOT NULL"));
    if (!TRY(known.boolean(0, 0))) return {};
    return execute("SELECT tandem.forget_plans(" + number(relid.value) + ")");
}

Status CatalogStore::restart_load(Oid relid) {
    return execute(
        "UPDATE tandem.mirror_table SET state = 'pending', consistent_lsn = NULL, "
        "rows_loaded = 0, generation = generation + 1 WHERE " +
        where_current(relid) + " AND state IN ('loading', 'catching_up', 'live'); NOTIFY tandem");
}

// --- the port ---------------------------------------------------------------------------------

Status CatalogStore::record_look_up(const Table& table, Lsn before) {
    std::string later =
        " SET consistent_lsn = greatest(consistent_lsn, " + lsn_literal(before) + ")";
    TRY(execute("UPDATE tandem.mirror_leaf" + later + " WHERE " + where(table.relid) +
                " AND loads"));
    return execute("UPDATE tandem.mirror_table" + later + " WHERE " + where_current(table.relid) +
                   " AND state IN ('loading', 'catching_up')");
}

Status CatalogStore::record_loss(const Table& table, const Loss& loss, Lsn at) {
    const TableColumn& column = table.columns[loss.column];
    std::string why = loss.why + " (first value: " + loss.first_value + ")";
    return execute("UPDATE tandem.mirror_column SET inexact_since = coalesce(inexact_since, " +
                   lsn_literal(at) + "), inexact_why = coalesce(inexact_why, " + pg_literal(why) +
                   ") WHERE " + where(table.relid) + " AND attnum = " + number(column.attnum));
}

Status CatalogStore::before_truncate(const Table& table) {
    if (chunks_ != nullptr) chunks_->stop(table.relid);
    return {};
}

Status CatalogStore::record_truncate(const Table& after, Version version, Xid transaction) {
    postgres::Connection* catalog = TRY(connection());
    auto state = TRY(catalog->query("SELECT state FROM tandem.mirror_table WHERE " +
                                    where_current(after.relid)));
    bool reload =
        state.rows() > 0 && (state.value(0, 0) == "loading" || state.value(0, 0) == "catching_up");
    // Its load began with a snapshot of its own; there is none of this moment.
    if (reload && after.keyless())
        return Error(ErrorCode::kSchemaChanged, after.label() + " was truncated while it loads");
    std::vector<Chunk> chunks;
    if (reload) {
        auto info = TRY(read_source_table(after.relid));
        if (info)
            chunks = TRY(
                plan_chunks(*catalog, after.relid, snapshot_parts(*info), options_.chunk_blocks));
    }
    Status recorded = in_transaction([&]() -> Status {
        TRY(forget_copy(after.relid, after.copy));
        TRY(record_truncated_heaps(after.relid, transaction));
        // The copy before never gets what loads: it is not complete since the partition joined.
        TRY(execute("UPDATE tandem.mirror_table SET history_from = greatest(history_from, " +
                    lsn_literal(Lsn{version.commit.value + 1}) + ") WHERE " +
                    where_current(after.relid) + " AND EXISTS (SELECT FROM tandem.mirror_leaf l " +
                    "WHERE l.loads AND (l.mirror_id, l.relid) = (mirror_table.mirror_id, " +
                    "mirror_table.relid))"));
        TRY(forget_loading_leaves(after.relid));
        TRY(execute("DELETE FROM tandem.mirror_chunk WHERE NOT done AND " + where(after.relid)));
        // Readers see what was committed before their position, so this commit from the next one
        // on.
        if (!reload) return write_copy(after, Lsn{version.commit.value + 1});
        TRY(write_copy(after, std::nullopt));
        TRY(write_chunks(after.relid, chunks));
        return execute(
            "UPDATE tandem.mirror_table SET state = CASE state WHEN 'failed' THEN state ELSE "
            "'loading' "
            "END, consistent_lsn = NULL, rows_loaded = 0 WHERE " +
            where_current(after.relid));
    });
    TRY(std::move(recorded));
    if (reload && chunks_ != nullptr)
        chunks_->add(std::make_shared<const Table>(after), std::move(chunks));
    return {};
}

Status CatalogStore::record_truncated_heaps(Oid relid, Xid transaction) {
    return execute("UPDATE tandem.mirror_table SET heaps = tandem.heaps_truncated(heaps, relid, '" +
                   number(transaction.value) + "'::xid) WHERE " + where_current(relid));
}

Status CatalogStore::record_change(const TableChange& change, Lsn commit) {
    const Table& table = *change.after;
    Status recorded = in_transaction([&]() -> Status {
        for (const TableColumn& column : change.dropped)
            for (const char* of : {"mirror_column", "mirror_json_key"})
                TRY(execute("DELETE FROM tandem." + std::string(of) + " WHERE " +
                            where(table.relid) + " AND attnum = " + number(column.attnum)));
        for (const TableColumn& column : table.columns) TRY(write_column(table, column));
        std::string history = change.empty() ? ""
                                             : ", history_from = greatest(history_from, " +
                                                   lsn_literal(Lsn{commit.value + 1}) + ")";
        return execute("UPDATE tandem.mirror_table SET natts = " + number(table.natts) +
                       ", schema_name = " + pg_literal(table.schema) + ", table_name = " +
                       pg_literal(table.name) + history + " WHERE " + where(table.relid));
    });
    TRY(std::move(recorded));
    if (chunks_ != nullptr) chunks_->replace_table(change.after);
    return {};
}

Status CatalogStore::record_failure(const Table& table, const Error& error) {
    LogScope scope("table",
                   table.name.empty() ? "oid " + number(table.relid.value) : table.label());
    if (chunks_ != nullptr) chunks_->stop(table.relid);
    // What cannot be followed is loaded again, as the source has it now. Until then queries stay
    // there.
    if (error.code() == ErrorCode::kSchemaChanged ||
        (error.code() == ErrorCode::kMalformedData && TRY(types_changed(table)))) {
        log(LogLevel::info, "mirror", "loading again: " + error.message());
        return reload(table.relid);
    }
    log(LogLevel::error, "mirror", "the table stops: " + error.to_string());
    // The notification makes guard_publications look: a failed table is published no longer.
    return execute("UPDATE tandem.mirror_table SET state = 'failed', " + error_columns(&error) +
                   " WHERE " + where_current(table.relid) + "; NOTIFY tandem");
}

// ALTER TYPE of a composite says nothing of the tables that have it: their next row has other
// parts.
Result<bool> CatalogStore::types_changed(const Table& table) {
    std::vector<Oid> oids;
    oids.reserve(table.columns.size());
    for (const TableColumn& column : table.columns) oids.push_back(column.type);
    postgres::Connection* source = TRY(connection());
    postgres::TypeMap types = TRY(postgres::read_types(*source, oids));
    for (const TableColumn& column : table.columns) {
        auto now = source_type(types, column.type, column.typmod);
        if (!now.ok() || !same_parts(**now, column.source_type)) return true;
    }
    return false;
}

Status CatalogStore::reload(Oid relid) {
    return execute(
        "UPDATE tandem.mirror_table SET state = 'pending', consistent_lsn = NULL, rows_loaded = 0, "
        "generation = generation + 1, error_code = NULL, error_message = NULL WHERE " +
        where_current(relid) + " AND state <> 'failed'; NOTIFY tandem");
}

}  // namespace tandem::mirror
