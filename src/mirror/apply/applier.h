// Applier: carries out one batch, step by step, through the ports.
//
// A step machine driven by run(): it returns the first error that a retry may mend, and going on
// with run() repeats the step that failed, because every effect can be repeated. An error that no
// retry mends fails the one table: recorded in the catalog first, its later steps are skipped. When
// run() is ok, the batch's `confirm` position is safe to confirm. One thread; no clock.
#pragma once

#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "mirror/apply/ports.h"
#include "mirror/batch/batch.h"

namespace tandem::mirror {

struct ApplyLimits {
    size_t lookup_keys = 4096;                  // keys of one look-up
    size_t lookup_bytes = size_t{64} << 20;     // of one look-up's answer, if it has more than
                                                // one key
    size_t lookup_bytes_one = size_t{2} << 30;  // ... and of a single row
    size_t insert_bytes = size_t{32} << 20;     // completed rows are inserted in such pieces
};

class Applier {
  public:
    Applier(Destination& destination, SourceRows& source, Catalog& catalog, ApplyLimits limits = {})
        : destination_(&destination), source_(&source), catalog_(&catalog), limits_(limits) {}

    // Takes over a batch; the one before must be finished.
    void start(Batch batch);
    // Goes on until the batch is done or something retryable fails.
    Status run();
    bool done() const { return step_ == batch_.steps.size(); }
    const Batch& batch() const { return batch_; }

    // Tables that failed since the last call.
    std::vector<Oid> take_failed();

  private:
    Status apply(Step& step);
    Status apply_insert(InsertStep& step);
    Status apply_truncate(const TruncateStep& step);
    Status apply_change(const SchemaStep& step);
    Status complete_pending(TableBatch& rows, types::Block& completed);
    Result<size_t> complete_slice(TableBatch& rows, size_t first, size_t count,
                                  types::Block& completed);
    Status fail_table(const TablePtr& table, const Error& error);

    Destination* destination_;
    SourceRows* source_;
    Catalog* catalog_;
    ApplyLimits limits_;
    Batch batch_;
    size_t step_ = 0;
    std::unordered_set<Oid> failed_;
    std::vector<Oid> newly_failed_;
};

}  // namespace tandem::mirror
