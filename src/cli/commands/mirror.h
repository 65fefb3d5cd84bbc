// tandem mirror ..., explain: each calls one SQL function or reads one view of schema tandem.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"
#include "postgres/client/connection.h"

namespace tandem::cli {

struct MirrorRequest {
    std::string name;
    std::vector<std::string> tables = {};
    std::string database = {};
    config::Values options = {};  // of the group `mirror`
    // "table=a,b", "table=toYYYYMM(c)", "table.column=ZSTD(3)"; with nothing behind = taken back.
    std::vector<std::string> order_by = {};
    std::vector<std::string> partition_by = {};
    std::vector<std::string> codecs = {};
    std::vector<std::string> json_keys = {};  // "table.column=a,b", "table=none"
    bool wait = true;                         // until it is done, with progress
};

Status mirror_create(Options options, const MirrorRequest& request);
// Only what request.options gives.
Status mirror_alter(Options options, const MirrorRequest& request);
Status mirror_add(Options options, const MirrorRequest& request);
Status mirror_remove(Options options, const MirrorRequest& request);
Status mirror_list(Options options);
Status mirror_show(Options options, const std::string& name);
// pause, resume or drop: the function tandem.<action>_mirror(name).
Status mirror_act(Options options, const std::string& action, const MirrorRequest& request);
Status mirror_resync(Options options, const MirrorRequest& request);
Status explain(Options options, const std::string& query);

// Waits until the daemon has done it: pause, resume, drop or remove. An error when no daemon has
// the mirror.
Status wait_until_done(postgres::Connection& connection, const std::string& action,
                       const std::string& mirror);

// Waits until every table of the mirror is live, showing progress against `rows_total` (0:
// estimated from the catalog). An error when a table fails.
Status wait_until_live(postgres::Connection& connection, const std::string& mirror,
                       uint64_t rows_total);

}  // namespace tandem::cli
