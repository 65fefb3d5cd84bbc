// The part of CatalogStore that is about leaves of partitioned tables: tandem.mirror_leaf, and
// which heaps of leaves the mirror has (tandem.mirror_table.heaps).
#include "mirror/session/catalog_sql.h"
#include "mirror/session/catalog_store.h"
#include "sqltext/quote.h"

namespace tandem::mirror {

using sqltext::pg_literal;

Result<std::vector<LeafCut>> CatalogStore::read_cuts(Oid relid, int copy) {
    postgres::Connection* catalog = TRY(connection());
    auto rows = TRY(catalog->query(
        "SELECT leaf, cut, loads, consistent_lsn IS NOT NULL FROM tandem.mirror_leaf WHERE " +
        where(relid) + " AND copy = " + number(copy) + " ORDER BY cut"));
    std::vector<LeafCut> cuts;
    for (int i = 0; i < rows.rows(); ++i) {
        LeafCut cut;
        cut.leaf = TRY(oid_at(rows, i, 0));
        cut.cut = TRY(rows.lsn(i, 1));
        cut.loads = TRY(rows.boolean(i, 2));
        cut.loaded = !cut.loads && TRY(rows.boolean(i, 3));
        cuts.push_back(cut);
    }
    return cuts;
}

Result<std::optional<Oid>> CatalogStore::table_of_leaf(Oid relation) {
    postgres::Connection* catalog = TRY(connection());
    std::string leaf = number(relation.value);
    auto found = TRY(catalog->query(
        "SELECT relid FROM tandem.mirror_table t WHERE mirror_id = " + number(options_.mirror_id) +
        " AND (relid IN (SELECT pg_partition_ancestors(" + leaf + ")) OR tandem.leaf_heap(heaps, " +
        leaf +
        ") IS NOT NULL OR EXISTS (SELECT FROM tandem.mirror_leaf l WHERE (l.mirror_id, l.relid, "
        "l.leaf) = (t.mirror_id, t.relid, " +
        leaf + "))) ORDER BY relid IN (SELECT pg_partition_ancestors(" + leaf + ")) DESC LIMIT 1"));
    if (found.rows() == 0) return std::optional<Oid>();
    return std::optional(TRY(oid_at(found, 0, 0)));
}

// Leaves that are in no list of known heaps but have rows join it, with a heap that no leaf has: so
// the table differs from the source, and they are noticed, whether they are still part of it or
// not.
static std::string still_there(const std::string& leaves, const std::string& table) {
    return "UPDATE tandem.mirror_table t SET heaps = concat_ws(' ', nullif(t.heaps, ''), g.heaps) "
           "FROM (SELECT string_agg(DISTINCT l.leaf || '/0', ' ') AS heaps FROM tandem.mirror_leaf "
           "l JOIN tandem.mirror_table k USING (mirror_id, relid) WHERE tandem.leaf_heap(k.heaps, "
           "l.leaf) IS NULL AND " +
           leaves + ") g WHERE g.heaps IS NOT NULL AND " + table;
}

// The copy that they would have joined is left; what is written to them goes on in the next.
Status CatalogStore::forget_loading_leaves(Oid relid) {
    TRY(execute(still_there(where(relid) + " AND loads", where(relid))));
    return execute("DELETE FROM tandem.mirror_leaf WHERE loads AND " + where(relid));
}

Status CatalogStore::before_leaf(const Table& table, Oid leaf) {
    if (chunks_ != nullptr) chunks_->stop(table.relid, leaf);
    return {};
}

Status CatalogStore::record_leaf(const LeafStep& step) {
    const Table& table = *step.table;
    bool loads = step.kind == LeafStep::Kind::loads;
    std::vector<Chunk> chunks;
    if (loads) {
        postgres::Connection* catalog = TRY(connection());
        // Two loads of the same rows would take each other's chunks for their own.
        auto twice = TRY(catalog->query(
            "SELECT FROM tandem.mirror_table t JOIN tandem.mirror_chunk c USING (mirror_id, relid) "
            "WHERE t.state = 'loading' AND c.part_relid = " +
            number(step.leaf.value) + " AND t.mirror_id = " + number(options_.mirror_id) +
            " AND t.relid = " + number(table.relid.value) + std::string(kOfTheTable)));
        if (twice.rows() > 0)
            return Error(ErrorCode::kSchemaChanged,
                         table.label() + " loads, and so would a partition of it by itself");
        // SAFETY: anybody may write the message that led here, and name any table. What is no leaf
        // is not read; the guard finds it among those that load, and has it go.
        auto part =
            TRY(catalog->query("SELECT tandem.leaf_heap(tandem.heaps(" + number(table.relid.value) +
                               "), " + number(step.leaf.value) + ") IS NOT NULL"));
        if (TRY(part.boolean(0, 0)))
            chunks = TRY(plan_chunks(*catalog, table.relid, std::span(&step.leaf, 1),
                                     options_.chunk_blocks));
    }
    std::erase_if(chunks, [&](const Chunk& chunk) { return chunk.part != step.leaf; });  // gone
    for (Chunk& chunk : chunks) chunk.from = step.version.commit;
    std::string leaf = number(step.leaf.value);
    std::string of_leaf = where_copy(table) + " AND leaf = " + leaf;
    Lsn visible{step.version.commit.value + 1};
    Status recorded = in_transaction([&]() -> Status {
        TRY(execute("DELETE FROM tandem.mirror_chunk WHERE " + where(table.relid) +
                    " AND part_relid = " + leaf + " AND (" + boolean(loads) +
                    " OR EXISTS (SELECT FROM tandem.mirror_leaf WHERE " + of_leaf +
                    " AND loads))"));
        TRY(execute("DELETE FROM tandem.mirror_leaf WHERE " + of_leaf +
                    " AND (loads OR cut = " + lsn_literal(step.version.commit) + ")"));
        TRY(execute(
            "INSERT INTO tandem.mirror_leaf (mirror_id, relid, copy, leaf, cut, loads, heap, "
            "visible_from) SELECT mirror_id, relid, copy, " +
            leaf + ", " + lsn_literal(step.version.commit) + ", " + boolean(loads) +
            ", coalesce(tandem.heap_as_of(tandem.leaf_heap(tandem.heaps(relid), " + leaf + "), '" +
            number(step.xid.value) + "'), '" + leaf + "/0'), " +
            (loads ? "NULL::pg_lsn" : lsn_literal(visible)) + " FROM tandem.mirror_copy WHERE " +
            where_copy(table)));
        TRY(insert_chunks(chunks));
        TRY(execute("UPDATE tandem.mirror_table SET history_from = greatest(history_from, " +
                    lsn_literal(visible) + ") WHERE " + where_current(table.relid)));
        if (step.kind == LeafStep::Kind::truncated)
            return record_truncated_heaps(table.relid, step.xid);
        return execute("UPDATE tandem.mirror_table SET heaps = tandem.with_leaf(heaps, " + leaf +
                       ", NULL) WHERE " + where_current(table.relid));
    });
    TRY(std::move(recorded));
    if (loads && chunks_ != nullptr && !chunks.empty())
        chunks_->add(std::make_shared<const Table>(table), std::move(chunks), step.leaf);
    return {};
}

Result<CatalogStore::Liveness> CatalogStore::set_leaf_live(Oid relid, Oid leaf, Lsn published) {
    Liveness result;
    Status done = in_transaction([&]() -> Status {
        postgres::Connection* catalog = TRY(connection());
        std::string of_leaf = where(relid) + " AND leaf = " + number(leaf.value) + " AND loads";
        auto waiting = TRY(
            catalog->query("SELECT consistent_lsn, heap FROM tandem.mirror_leaf WHERE " + of_leaf +
                           " AND consistent_lsn IS NOT NULL AND EXISTS (SELECT FROM "
                           "tandem.mirror_table WHERE " +
                           where_current(relid) + ") FOR UPDATE"));
        if (waiting.rows() == 0) return {};
        Lsn needed = TRY(waiting.lsn(0, 0));
        if (needed > published) {
            result.wait_for = needed;
            return {};
        }
        result.live = true;
        TRY(execute("UPDATE tandem.mirror_leaf SET loads = false, visible_from = " +
                    lsn_literal(published) + " WHERE " + of_leaf));
        TRY(execute("UPDATE tandem.mirror_table SET history_from = greatest(history_from, " +
                    lsn_literal(published) + ") WHERE " + where(relid)));
        std::string heap = waiting.is_null(0, 1) ? "NULL" : pg_literal(waiting.text(0, 1));
        TRY(execute("UPDATE tandem.mirror_table SET heaps = tandem.with_leaf(heaps, " +
                    number(leaf.value) + ", " + heap + ") WHERE " + where(relid)));
        return record_position(published);
    });
    TRY(std::move(done));
    return result;
}

Status CatalogStore::forget_cut(const Table& table, const LeafCut& cut) {
    return execute("DELETE FROM tandem.mirror_leaf WHERE " + where_copy(table) +
                   " AND leaf = " + number(cut.leaf.value) + " AND cut = " + lsn_literal(cut.cut) +
                   " AND NOT loads");
}

// A leaf that was known to have gone is there again, and will go when the stream comes to that
// place: until then the table has not the heaps that the source has.
Status CatalogStore::undo_leaves(const Table& table, Lsn position) {
    std::string undone = where_copy(table) + " AND cut >= " + lsn_literal(position);
    TRY(execute(still_there(undone + " AND NOT loads", where(table.relid))));
    TRY(execute("DELETE FROM tandem.mirror_chunk WHERE " + where(table.relid) +
                " AND part_relid IN (SELECT leaf FROM tandem.mirror_leaf WHERE loads AND " +
                undone + ")"));
    return execute("DELETE FROM tandem.mirror_leaf WHERE " + undone);
}

}  // namespace tandem::mirror
