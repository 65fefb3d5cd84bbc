// The apply thread and the snapshot workers of a session.
#include "base/log.h"
#include "mirror/session/parts.h"

namespace tandem::mirror {
namespace {

CatalogStore::Options store_options(const RunnerOptions& options, std::string_view role) {
    return {connect_options(options, role), options.mirror_id, options.chunk_blocks};
}

bool is_source_loss(const Error& error, const CatalogStore& catalog) {
    return !catalog.usable() || error.code() == ErrorCode::kPostgresRetry ||
           error.code() == ErrorCode::kPostgresError;
}

// Says in the catalog that ClickHouse cannot be written to, and when it can again; not at every
// try.
class Trouble {
  public:
    explicit Trouble(CatalogStore& catalog) : catalog_(catalog) {}
    void show(const Error& error) {
        if (++failures_ == kTriesBeforeShown)
            shown_ = catalog_.set_mirror_state("running", &error).ok();
    }
    void over() {
        failures_ = 0;
        if (shown_ && catalog_.set_mirror_state("running").ok()) shown_ = false;
    }

  private:
    static constexpr int kTriesBeforeShown = 3;
    CatalogStore& catalog_;
    int failures_ = 0;
    bool shown_ = false;
};

}  // namespace

void run_apply_thread(const RunnerOptions& options, const SessionTables& tables, ChunkQueue& chunks,
                      HandOver& hand_over, std::stop_token stop) {
    ClickHouseTarget target(target_options(options, false));
    SourceReader source(connect_options(options, "look-up"));
    CatalogStore catalog(store_options(options, "apply"), &chunks);
    catalog.set_generations(tables.generations);
    Applier applier(target, source, catalog);
    Backoff backoff;
    Trouble trouble(catalog);
    while (auto batch = hand_over.take(stop)) {
        Lsn confirm = batch->confirm;
        applier.start(std::move(*batch));
        for (;;) {
            Status applied = applier.run();
            if (applied.ok()) break;
            log(LogLevel::warning, "mirror", "applying: " + applied.error().to_string());
            if (is_source_loss(applied.error(), catalog)) {
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

Status load_chunk(const Assignment& assignment, const RunnerOptions& options, uint16_t epoch,
                  SourceReader& source, ClickHouseTarget& target, CatalogStore& catalog) {
    ChunkResult result =
        TRY(source.copy_chunk(assignment, target, epoch, options.snapshot_block_bytes));
    return catalog.finish_chunk(assignment, result);
}

// A column or the table is not there (any more) on one of the sides: the schema changed under the
// load, and nothing is lost by starting it again with the new one.
bool is_schema_race(const Error& error) {
    return error.sqlstate() == "42703" || error.sqlstate() == "42P01" ||
           error.foreign_code() == 16;  // NO_SUCH_COLUMN_IN_TABLE
}

bool is_table_fault(const Error& error) {
    return !error.retryable() && error.code() != ErrorCode::kCancelled &&
           error.code() != ErrorCode::kInternal && error.code() != ErrorCode::kAuthenticationFailed;
}

}  // namespace

void run_snapshot_worker(const RunnerOptions& options, const SessionTables& tables,
                         ChunkQueue& chunks, HandOver& hand_over, std::stop_token stop) {
    ClickHouseTarget target(target_options(options, true));
    SourceReader source(connect_options(options, "snapshot"));
    CatalogStore catalog(store_options(options, "snapshot"), nullptr);
    catalog.set_generations(tables.generations);
    auto epoch = static_cast<uint16_t>(tables.mirror.epoch);
    Backoff backoff;
    while (auto assignment = chunks.next()) {
        Status loaded = load_chunk(*assignment, options, epoch, source, target, catalog);
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
        auto consistent = catalog.finish_load(*assignment->table);
        if (!consistent.ok())
            hand_over.fail(std::move(consistent).error());
        else if (consistent.value().valid())
            hand_over.add_catching_up(assignment->chunk.relid, consistent.value());
    }
}

}  // namespace tandem::mirror
