// The apply thread and the snapshot workers of a session.
#include "base/log.h"
#include "base/retry_policy.h"
#include "metrics/metrics.h"
#include "mirror/session/parts.h"

namespace tandem::mirror {
CatalogStore::Options store_options(const RunnerOptions& options, std::string_view role) {
    return {connect_options(options, role), options.mirror_id, options.chunk_blocks, options.owner};
}

namespace {

// Tables that are written at once, but for the first: an insert is mostly waiting for the disk, a
// dozen times, and those who wait at the same time share what it writes.
constexpr int kMoreWriters = 11;

// What is known of a batch before it is applied, counted once readers see it.
class Counted {
  public:
    Counted(metrics::MirrorMetrics& metrics, const Batch& batch)
        : metrics_(metrics),
          rows_(batch.changes),
          bytes_(batch.bytes),
          committed_(batch.last_commit_time),
          begun_(std::chrono::steady_clock::now()) {}
    void visible() {
        std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begun_;
        metrics_.batches.add();
        metrics_.apply_seconds.observe(spent.count());
        metrics_.batch_rows.observe(static_cast<double>(rows_));
        metrics_.batch_bytes.observe(static_cast<double>(bytes_));
        if (committed_ == postgres::PgTime()) return;
        // Two clocks may disagree by a little.
        int64_t micros = std::max(postgres::PgTime::now().micros - committed_.micros, int64_t{0});
        metrics_.visible_seconds.observe(static_cast<double>(micros) / 1e6);
    }

  private:
    metrics::MirrorMetrics& metrics_;
    size_t rows_;
    size_t bytes_;
    postgres::PgTime committed_;
    std::chrono::steady_clock::time_point begun_;
};

// To people who ask ClickHouse directly.
Status show(Applier& applier, const SessionTables& tables, DeltaBook& book,
            ClickHouseTarget& target, Lsn position) {
    for (Oid relid : applier.changed()) {
        DeltaBook::Hold view(book, relid, DeltaBook::Held::view);
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

// What had been committed at the end of each second: as_of may be a time. The first commit of a
// second is told of before it is confirmed, with the last one of the second before: so nothing that
// is confirmed is of a later second than the last that the catalog has.
class MomentLog {
  public:
    MomentLog(std::chrono::milliseconds history, Batch::Moment last)
        : history_(history), last_(last) {}
    Status record(CatalogStore& catalog, std::vector<Batch::Moment>& moments) {
        if (moments.empty()) return {};
        std::vector<Batch::Moment> told = {last_};
        for (const Batch::Moment& moment : moments) {
            if (moment.second > told.back().second)
                told.push_back(moment);
            else
                told.back().end = std::max(told.back().end, moment.end);
        }
        if (told.size() > 1) TRY(catalog.record_moments(told, history_));
        last_ = told.back();
        moments.clear();
        return {};
    }

  private:
    const std::chrono::milliseconds history_;
    Batch::Moment last_;
};

}  // namespace

void run_apply_thread(const RunnerOptions& options, const SessionTables& tables, ChunkQueue& chunks,
                      DeltaBook& book, HandOver& hand_over, IdentityLog& identity,
                      std::stop_token stop) {
    ClickHouseTarget target(target_options(options, false));
    SourceReader source(connect_options(options, "look-up"));
    CatalogStore catalog(store_options(options, "apply"), &chunks);
    catalog.set_generations(tables.generations);
    std::vector<std::unique_ptr<ClickHouseTarget>> writers;
    std::vector<Destination*> more;
    writers.reserve(kMoreWriters);
    more.reserve(kMoreWriters);
    for (int i = 0; i < kMoreWriters; ++i)
        more.push_back(
            writers.emplace_back(std::make_unique<ClickHouseTarget>(target_options(options, false)))
                .get());
    Applier applier(target, source, catalog, book, {}, more);
    Backoff backoff;
    Trouble trouble(catalog, 3);
    LogScope scope("mirror", options.name);
    metrics::MirrorMetrics metrics(options.name);
    MomentLog log_of_moments(options.folding.history, tables.last_moment);
    while (auto batch = hand_over.take(stop)) {
        Lsn confirm = batch->confirm;
        std::vector<Batch::Moment> moments = std::move(batch->moments);
        Counted counted(metrics, *batch);
        applier.start(std::move(*batch));
        for (;;) {
            Status applied = applier.run();
            if (applied.ok()) applied = show(applier, tables, book, target, confirm);
            if (applied.ok()) applied = log_of_moments.record(catalog, moments);
            if (applied.ok()) applied = promise(tables, hand_over, identity, target, confirm);
            if (applied.ok()) break;
            log(LogLevel::warning, "mirror", "applying: " + applied.error().to_string());
            metrics::count_error(options.name, applied.error().info().code);
            if (!catalog.usable() ||
                action_for(applied.error(), Place::apply_batch) != Action::again) {
                hand_over.fail(std::move(applied).error());
                return;
            }
            trouble.show(applied.error());
            backoff.wait(stop);
            if (stop.stop_requested()) return;
        }
        backoff.reset();
        trouble.over();
        counted.visible();
        hand_over.done(confirm, applier.take_failed());
    }
}

namespace {

Status load_chunk(const Assignment& assignment, const RunnerOptions& options, SourceReader& source,
                  ClickHouseTarget& target, CatalogStore& catalog) {
    ChunkResult result = TRY(source.copy_chunk(assignment, target, options.snapshot_block_bytes));
    metrics::MirrorMetrics metrics(options.name);
    metrics.inserts.add();
    metrics.insert_rows.add(result.rows);
    metrics.snapshot_rows.add(result.rows);
    return catalog.finish_chunk(assignment, result);
}

}  // namespace

void run_snapshot_worker(const RunnerOptions& options, const SessionTables& tables,
                         ChunkQueue& chunks, HandOver& hand_over, std::stop_token stop) {
    ClickHouseTarget target(target_options(options, true));
    SourceReader source(connect_options(options, "snapshot"));
    CatalogStore catalog(store_options(options, "snapshot"), nullptr);
    catalog.set_generations(tables.generations);
    Backoff backoff;
    LogScope scope("mirror", options.name);
    while (auto assignment = chunks.next()) {
        LogScope of_table("table", assignment->table->label());
        Status loaded = load_chunk(*assignment, options, source, target, catalog);
        if (!loaded.ok()) {
            log(LogLevel::warning, "mirror", "loading: " + loaded.error().to_string());
            metrics::count_error(options.name, loaded.error().info().code);
            chunks.retry(*assignment);
            Action action = action_for(loaded.error(), Place::load_chunk);
            if (action == Action::restart_load &&
                catalog.restart_load(assignment->chunk.relid).ok()) {
                chunks.stop(assignment->chunk.relid);
            } else if (action == Action::fail_table) {
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
