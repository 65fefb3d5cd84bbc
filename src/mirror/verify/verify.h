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
    std::vector<std::string> inexact_columns;  // left out of the comparison
};

// Compares all tables of the mirror `name`, or those in `tables` ("schema.table"). With
// options.rounds > 1 writers may go on: between rounds it waits for the stream.
Result<std::vector<VerifiedTable>> verify_mirror(const std::string& source,
                                                 const clickhouse::Endpoint& target,
                                                 const std::string& name,
                                                 const std::vector<std::string>& tables,
                                                 const CompareOptions& options = {});

}  // namespace tandem::mirror
