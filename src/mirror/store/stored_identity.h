// What stands in ClickHouse beside the rows about whose they are:
// `<database>_rows`.`_tandem_identity`, one line per catalog and mirror, the one with the highest
// sequence counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/lsn.h"

namespace tandem::mirror {

struct StoredIdentity {
    std::string catalog;
    int mirror = 0;
    std::string system;
    uint32_t timeline = 0;
    uint32_t database = 0;  // oid
    std::string database_name;
    int epoch = 0;
    int64_t owner = 0;
    Lsn position;  // rows are complete up to here
    Lsn promised;  // the slot has been moved no further than this
    Lsn recorded;  // the catalog knew this position
};

struct TargetFacts {
    std::optional<StoredIdentity> mine;   // of this catalog and mirror
    std::optional<StoredIdentity> other;  // of another source, in the same database
};

}  // namespace tandem::mirror
