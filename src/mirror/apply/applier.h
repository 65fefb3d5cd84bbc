// Applier: carries out one batch, step by step, through the ports.
//
// A step machine driven by run(): it returns the first error that a retry may mend, and going on
// with run() goes on where that happened; nothing acknowledged is written twice. When it is not
// known whether a write happened, the session has to end instead (ports.h). An error that no retry
// mends fails the one table: recorded in the catalog first, its later steps are skipped. When run()
// is ok, the batch's `confirm` position is safe to publish.
//
// Called by one thread. Rows of different tables are written at once, one destination each: their
// order among each other is nobody's business before the batch is published. Everything else
// (TRUNCATE, ALTER, cuts) waits for what came before it and is waited for.
#pragma once

#include <span>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "mirror/apply/ports.h"
#include "mirror/batch/batch.h"
#include "mirror/store/delta_book.h"

namespace tandem::mirror {

struct ApplyLimits {
    size_t lookup_keys = 4096;                  // keys of one look-up
    size_t lookup_bytes = size_t{16} << 20;     // of one look-up's answer, if it has more than
                                                // one key
    size_t lookup_bytes_one = size_t{2} << 30;  // ... and of a single row
    size_t insert_bytes = size_t{32} << 20;     // completed rows are inserted in such pieces
    // Fewer rows for main go to the delta when others do: one insert costs less than two, and the
    // table is to be folded anyway.
    size_t main_rows_min = 256;
};

class Applier {
  public:
    // `more`: further connections to the same ClickHouse.
    Applier(Destination& destination, SourceRows& source, Catalog& catalog, DeltaBook& book,
            ApplyLimits limits = {}, std::span<Destination* const> more = {})
        : destination_(&destination),
          writers_(more.begin(), more.end()),
          source_(&source),
          catalog_(&catalog),
          book_(&book),
          limits_(limits) {}

    // Takes over a batch; the one before must be finished.
    void start(Batch batch);
    // Goes on until the batch is done or something retryable fails.
    Status run();
    bool done() const { return step_ == batch_.steps.size(); }
    const Batch& batch() const { return batch_; }

    // Tables that failed since the last call.
    std::vector<Oid> take_failed();
    // Tables with other columns or partitions, or in another copy: their views have to follow.
    const std::unordered_set<Oid>& changed() const { return changed_; }
    void forget_changed() { changed_.clear(); }

  private:
    // Steps from the one that is next: inserts into different tables, or that one alone.
    std::span<Step> applicable();
    std::vector<Status> apply_all(std::span<Step> steps);
    Status apply(Step& step);
    Status apply_insert(InsertStep& step, Destination& destination);
    Status apply_truncate(const TruncateStep& step);
    Status apply_leaf(LeafStep step);
    Status apply_change(const SchemaStep& step);
    Status complete_pending(InsertStep& step, Destination& destination);
    Status write_delta(TableBatch& rows, types::Block& block, const std::vector<uint64_t>& keys,
                       Destination& destination);
    Result<size_t> complete_slice(TableBatch& rows, size_t first, size_t count,
                                  types::Block& completed, Destination& destination);
    Status complete_from_source(TableBatch& rows, const std::vector<size_t>& left, size_t bytes_max,
                                types::Block& slice);
    Status fail_table(const TablePtr& table, const Error& error);

    Destination* destination_;
    std::vector<Destination*> writers_;
    Mutex one_at_a_time_;  // the two below have one connection each
    SourceRows* source_;
    Catalog* catalog_;
    DeltaBook* book_;
    ApplyLimits limits_;
    Batch batch_;
    size_t step_ = 0;
    std::unordered_set<Oid> failed_;
    std::vector<Oid> newly_failed_;
    std::unordered_set<Oid> changed_;
};

}  // namespace tandem::mirror
