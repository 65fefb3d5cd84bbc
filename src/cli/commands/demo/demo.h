// tandem demo: from nothing to a routed answer, with proof.
//
// Starts the stack if need be, loads and mirrors the demo's tables public.events and public.users,
// leaves writers running, asks the demo query in Postgres and through the router in one transaction
// while the writers pause, and compares every value of every row. Run again it works on what is
// there. It fails, with the reason, when the router does not route the query or an answer differs.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "cli/options.h"

namespace tandem::cli {

struct DemoOptions {
    uint64_t events = 3'000'000;
    bool no_writers = false;
    bool verbose = false;            // the SQL that ClickHouse was asked
    std::string program = "tandem";  // as it was called
};

Status demo(Options options, const DemoOptions& wanted);

// The process behind the live writers; the supervisor starts it. Returns only on an error.
Status write_for_ever(Options options);

}  // namespace tandem::cli
