// What a Relation message that differs from the known table means, and what to do in ClickHouse.
//
// The Relation message carries names and types but no attnums, and the catalog may already be ahead
// of the stream; so both are looked at. Pure. Followed: ADD COLUMN (old rows have the value that
// Postgres gives them, or NULL), DROP COLUMN, RENAME COLUMN, DROP NOT NULL. Refused with
// kSchemaChanged: a changed type, a changed key, an added column whose old values cannot be known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mirror/batch/table_batch.h"
#include "mirror/schema/table.h"
#include "postgres/decoder/pgoutput.h"
#include "postgres/introspect/introspect.h"

namespace tandem::mirror {

struct AddedColumn {
    TableColumn column;
    // What rows from before have: Postgres' text; nothing means NULL or the type's default.
    std::optional<std::string> old_value;
};
struct RenamedColumn {
    TableColumn before;
    std::string name;
};

struct TableChange {
    TablePtr before;
    TablePtr after;
    std::vector<AddedColumn> added;
    std::vector<TableColumn> dropped;
    std::vector<RenamedColumn> renamed;
    std::vector<TableColumn> retyped;  // as they become
    bool empty() const {
        return added.empty() && dropped.empty() && renamed.empty() && retyped.empty() &&
               before->name == after->name && before->schema == after->schema;
    }
};

struct Resolution {
    TableChange change;  // empty when only the layout differs (an older message, replayed)
    WireLayout layout;   // for change.after
};

// What the catalog tells of a message's place in the WAL: it is read when the message is, and knows
// what came after. What committed only just now it may not know yet.
enum class CatalogIs { ahead, of_that_place, behind };

// `info` is the table as the catalog has it now; nothing when it was dropped.
Result<Resolution> resolve_relation(const TablePtr& table, const postgres::Relation& relation,
                                    const std::optional<postgres::TableInfo>& info,
                                    const postgres::TypeMap& types,
                                    CatalogIs catalog = CatalogIs::ahead);

}  // namespace tandem::mirror
