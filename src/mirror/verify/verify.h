// Verifies every table of a mirror: what `tandem verify` and the tests call.
#pragma once

#include <string>
#include <vector>

#include "clickhouse/client/client.h"
#include "mirror/verify/compare.h"

namespace tandem::mirror {

struct VerifiedTable {
    std::string schema;
    std::string name;
    std::string state;  // of the mirror_table; only live ones are compared
    Comparison comparison;
    // Their values are compared with what the mirror makes of them.
    std::vector<std::string> inexact_columns;
    std::vector<std::string> missing_columns;  // the source has them, the mirror does not
    uint64_t repaired = 0;  // rows written again; the comparison is of after that

    bool equal() const { return state == "live" && comparison.equal() && missing_columns.empty(); }
};

// Compares all tables of the mirror `name`, or those in `tables` ("schema.table"), while writers go
// on.
Result<std::vector<VerifiedTable>> verify_mirror(const std::string& source,
                                                 const clickhouse::Endpoint& target,
                                                 const std::string& name,
                                                 const std::vector<std::string>& tables,
                                                 const CompareOptions& options = {});

}  // namespace tandem::mirror
