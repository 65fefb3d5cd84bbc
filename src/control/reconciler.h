// Reconciler: brings the mirrors to the state that the catalog (schema tandem) asks for, and writes
// back what is. The daemon runs exactly one; several daemons may share a catalog, because each
// mirror is run under a lease (an advisory lock of the source database).
//
// Everything acts through the SQL functions of src/catalog: this class listens to NOTIFY
// tandem and reads what is wanted. It does not start servers (src/stack) and has no HTTP API.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "config/options.h"
#include "mirror/store/delta_book.h"

namespace tandem::control {

struct Limits {
    // What options.def says of the group `mirror`; each mirror may have its own.
    size_t batch_bytes = config::defaults::batch_bytes;
    size_t batch_rows = config::defaults::batch_rows;
    std::chrono::milliseconds flush_age{config::defaults::flush_age_ms};
    std::chrono::milliseconds batch_age{config::defaults::batch_age_ms};
    int snapshot_workers = config::defaults::snapshot_workers;
    // Those that are given.
    void take(const config::Values& values);

    size_t snapshot_block_bytes = size_t{8} << 20;  // per worker; small enough to stay in cache
    mirror::FoldLimits folding = {.history = std::chrono::seconds(config::defaults::history_s)};
    int64_t chunk_blocks = 16384;  // heap blocks (8 KiB) of one snapshot chunk
};

struct ReconcilerOptions {
    std::string source;  // libpq connection string or URL; the catalog lives in this database
    catalog::TargetOptions target;
    Limits limits;
};

class Reconciler {
  public:
    explicit Reconciler(ReconcilerOptions options) : options_(std::move(options)) {}

    // Runs until `stop` is requested and then ends orderly: what ClickHouse acknowledged is
    // confirmed to the slot first. Lost connections are opened again by themselves, so an error is
    // returned only when a person has to act (credentials, wal_level, a source that is too old).
    Status run(std::stop_token stop);

  private:
    ReconcilerOptions options_;
};

}  // namespace tandem::control
