// Batch: what is applied together, in order, before the position it stands for may be confirmed.
//
// Made by stream/StreamMachine, consumed by apply/Applier. Steps on different tables may be done in
// any order; steps on the same table must keep theirs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "mirror/batch/table_batch.h"
#include "mirror/schema/table.h"
#include "mirror/schema/table_change.h"
#include "mirror/store/version.h"
#include "postgres/decoder/time.h"

namespace tandem::mirror {

// A value the target could not hold.
struct Loss {
    size_t column = 0;  // index in table->columns
    uint64_t count = 0;
    std::string code;
    std::string why;
    std::string first_value;
};

struct InsertStep {
    std::unique_ptr<TableBatch> rows;
    std::vector<Loss> losses;
    // How far the applier is: nothing that was acknowledged is written again.
    size_t completed = 0;  // pending rows
    std::optional<PlacedRows> placed = {};
    bool main_written = false;
    bool delta_written = false;
};
// The table goes on in a new, empty copy.
struct TruncateStep {
    TablePtr table;  // with the number of the new copy
    Version version;
    Xid xid;
};
// A partition of the table was emptied, left it, or joined it and has to be loaded.
struct LeafStep {
    TablePtr table;
    Oid leaf;
    Version version;
    Xid xid;
    enum class Kind { truncated, gone, loads } kind = Kind::gone;
    LeafCut cut() const { return {leaf, version.commit, kind == Kind::loads}; }
};
struct SchemaStep {
    TableChange change;
    Lsn commit = {};  // of the transaction that told of it
};
struct FailStep {
    TablePtr table;
    Error error;
};
using Step = std::variant<InsertStep, TruncateStep, LeafStep, SchemaStep, FailStep>;

struct Batch {
    std::vector<Step> steps;
    // Everything committed up to here is contained in this batch or in earlier ones. May stay
    // behind what the batch holds (a transaction that is split), and a batch may have no steps.
    Lsn confirm;
    // Commit LSN of the last change in the batch: where a loss is recorded.
    Lsn last_commit;
    postgres::PgTime last_commit_time;  // of the last commit that was read while it was open
    // Where the last commit of each second ends, in order of the stream; a clock that is set back
    // stands still.
    struct Moment {
        int64_t second = 0;  // since 2000
        Lsn end;
    };
    std::vector<Moment> moments;
    size_t changes = 0;
    size_t bytes = 0;
    // Transactions with rows whose values have to be looked up.
    std::vector<Xid> incomplete;
};

inline const TablePtr& table_of(const Step& step) {
    if (auto* insert = std::get_if<InsertStep>(&step)) return insert->rows->table();
    if (auto* truncate = std::get_if<TruncateStep>(&step)) return truncate->table;
    if (auto* leaf = std::get_if<LeafStep>(&step)) return leaf->table;
    if (auto* schema = std::get_if<SchemaStep>(&step)) return schema->change.after;
    return std::get<FailStep>(step).table;
}

}  // namespace tandem::mirror
