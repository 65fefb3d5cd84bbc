// MirrorRunner: runs one mirror: connections, threads, back-off around the step machines.
//
// run() blocks; the reconciler gives it a thread. A session is: prepare (setup.cpp), then
// the stream on the calling thread, one apply thread, N snapshot workers, until stop or an error.
// Errors of the source end the session, the next one starts from the confirmed position. Errors of
// ClickHouse do not: apply and workers retry with back-off, the stream stops reading and keeps the
// walsender informed.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "clickhouse/client/client.h"
#include "mirror/store/delta_book.h"
#include "mirror/stream/stream_machine.h"

namespace tandem::mirror {

struct RunnerOptions {
    std::string source;  // connection string; SECRET
    clickhouse::Endpoint target;
    int mirror_id = 0;
    std::string name;  // of the mirror, for log lines and metrics
    // The backend that holds the mirror's lease for this daemon; 0: there is no lease.
    int lease_backend = 0;
    // Of the session; run() sets them.
    int64_t owner = 0;
    std::string catalog;
    StreamLimits limits;
    FoldLimits folding;
    int snapshot_workers = config::defaults::snapshot_workers;
    size_t snapshot_block_bytes = size_t{8} << 20;
    int64_t chunk_blocks = 16384;
};

enum class RunnerEnd {
    stopped,  // as asked
    failed,   // recorded in the catalog; a person has to act
    dropped,  // the mirror was wanted dropped, and is
};

class MirrorRunner {
  public:
    explicit MirrorRunner(RunnerOptions options) : options_(std::move(options)) {}

    RunnerEnd run(std::stop_token stop);

  private:
    RunnerOptions options_;
};

// Removes slot, publication and catalog rows of a mirror that is wanted dropped. Source, target and
// mirror_id of the options count.
Status drop_mirror(RunnerOptions options);

}  // namespace tandem::mirror
