// The apply thread and the snapshot workers of a session.
#include "base/log.h"
#include "mirror/session/parts.h"

namespace tandem::mirror {
namespace {

CatalogStore::Options store_options(const RunnerOptions& options, std::string_view role) {
    return {connect_options(options, role), options.mirror_id, options.chunk_blocks, options.owner};
}

// Whether the batch can be gone on with. Not when the source is lost, nor when it is not known
// whether ClickHouse did what it was asked for: the next session undoes that first. An answer that
// says no, or nobody there to ask, is different: nothing was written.
bool ends_session(const Error& error, const CatalogStore& catalog) {
    return !catalog.usable() || (error.code() != ErrorCode::kClickHouseRetry &&
                                 error.code() != ErrorCode::kConnectionFailed);
}

}  // namespace

namespace {

// To people who ask ClickHouse directly.
Status show(Applier& applier, const SessionTables& tables, DeltaBook& book,
            ClickHouseTarget& target, Lsn position) {
    for (Oid relid : applier.changed()) {
        DeltaBook::Hold hold(book, relid);
        TablePtr table = book.table(relid);
        if (table != nullptr && !book.loading(relid))
            TRY(target.create_view(*table, book.cuts(relid), tables.mirror.mark()));
    }
    applier.forget_changed();
    return target.publish(tables.mirror.database, tables.mirror.mark(), position,
                          book.oldest_generations(), ClickHouseTarget::Published::next);
}

// The slot is moved to the position next: ClickHouse has to know that first.
Status promise(const SessionTables& tables, HandOver& hand_over, IdentityLog& identity,
               ClickHouseTarget& target, Lsn position) {
    if (position <= hand_over.promised()) return {};
    Lsn promised = TRY(identity.write(target, tables.mirror.database, hand_over.published(),
                                      Lsn{position.value + kPromiseBytes}));
    hand_over.set_promised(promised);
    return {};
}

}  // namespace

void run_apply_thread(const RunnerOptions& options, const SessionTables& tables, ChunkQueue& chunks,
                      DeltaBook& book, HandOver& hand_over, IdentityLog& identity,
                      std::stop_token stop) {
    ClickHouseTarget target(target_options(options, false));
    SourceReader source(connect_options(options, "look-up"));
    CatalogStore catalog(store_options(options, "apply"), &chunks);
    catalog.set_generations(tables.generations);
    Applier applier(target, source, catalog, book);
    Backoff backoff;
    Trouble trouble(catalog, 3);
    while (auto batch = hand_over.take(stop)) {
        Lsn confirm = batch->confirm;
        applier.start(std::move(*batch));
        for (;;) {
            Status applied = applier.run();
            if (applied.ok()) applied = show(applier, tables, book, target, confirm);
            if (applied.ok()) applied = promise(tables, hand_over, identity, target, confirm);
            if (applied.ok()) break;
            log(LogLevel::warning, "mirror", "applying: " + applied.error().to_string());
            if (ends_session(applied.error(), catalog)) {
                hand_over.fail(std::move(applied).error());
                return;
            }
            trouble.show(applied.error());
            backoff.wait(stop);
            if (stop.stop_requested()) return;
        }
        backoff.reset();
        trouble.over();
        hand_over.done(confirm, applier.take_failed());
    }
}

namespace {

Status load_chunk(const Assignment& assignment, const RunnerOptions& options, SourceReader& source,
                  ClickHouseTarget& target, CatalogStore& catalog) {
    ChunkResult result = TRY(source.copy_chunk(assignment, target, options.snapshot_block_bytes));
    return catalog.finish_chunk(assignment, result);
}

// A column or the table is not there (any more) on one of the sides: the schema changed under the
// load, and nothing is lost by starting it again with the new one.
bool is_schema_race(const Error& error) {
    return error.sqlstate() == "42703" || error.sqlstate() == "42P01" ||
           error.foreign_code() == 16;  // NO_SUCH_COLUMN_IN_TABLE
}

bool is_table_fault(const Error& error) {
    // What somebody took away from all tables is not the fault of one: see the applier.
    constexpr int kNotOfOneTable[] = {60, 81, 497};
    for (int code : kNotOfOneTable)
        if (error.foreign_code() == code) return false;
    return !error.retryable() && error.code() != ErrorCode::kLeaseLost &&
           error.code() != ErrorCode::kCancelled && error.code() != ErrorCode::kInternal &&
           error.code() != ErrorCode::kAuthenticationFailed;
}

}  // namespace

void run_snapshot_worker(const RunnerOptions& options, const SessionTables& tables,
                         ChunkQueue& chunks, HandOver& hand_over, std::stop_token stop) {
    ClickHouseTarget target(target_options(options, true));
    SourceReader source(connect_options(options, "snapshot"));
    CatalogStore catalog(store_options(options, "snapshot"), nullptr);
    catalog.set_generations(tables.generations);
    Backoff backoff;
    while (auto assignment = chunks.next()) {
        Status loaded = load_chunk(*assignment, options, source, target, catalog);
        if (!loaded.ok()) {
            std::string label = "loading " + assignment->table->label() + ": ";
            log(LogLevel::warning, "mirror", label + loaded.error().to_string());
            chunks.retry(*assignment);
            if (is_schema_race(loaded.error()) &&
                catalog.restart_load(assignment->chunk.relid).ok()) {
                chunks.stop(assignment->chunk.relid);
            } else if (is_table_fault(loaded.error())) {
                chunks.stop(assignment->chunk.relid);
                Error error = std::move(loaded).error();
                if (catalog.record_failure(*assignment->table, error).ok()) continue;
            }
            backoff.wait(stop);
            continue;
        }
        backoff.reset();
        if (chunks.finish(*assignment) != ChunkQueue::Outcome::last) continue;
        const Chunk& chunk = assignment->chunk;
        auto consistent = chunk.joins() ? catalog.finish_leaf(*assignment->table, chunk.part)
                                        : catalog.finish_load(*assignment->table);
        if (!consistent.ok())
            hand_over.fail(std::move(consistent).error());
        else if (consistent.value().valid())
            hand_over.add_catching_up({chunk.relid, chunk.joins() ? chunk.part : Oid{}},
                                      consistent.value());
    }
}

}  // namespace tandem::mirror
