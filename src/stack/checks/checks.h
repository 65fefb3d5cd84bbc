// Checks: everything a step needs, looked at before it is needed, each with the change that would
// make it pass. `tandem doctor` prints them all; `tandem up` runs those that concern it first.
#pragma once

#include <string>
#include <vector>

#include "stack/machine/layout.h"
#include "stack/supervisor/settings.h"

namespace tandem::stack {

struct Check {
    // unknown: this role cannot tell; nothing to be alarmed about.
    enum class Outcome { ok, unknown, warning, failed };
    std::string name;  // stable, e.g. "wal_level"
    Outcome outcome = Outcome::ok;
    std::string found;     // what is
    std::string fix = {};  // what to change, exactly; empty when ok
};

// Processor, memory, disk at `place`, who servers run as.
std::vector<Check> check_machine(const std::string& place, bool engine_needed);

// Reachable, version, wal_level, rights, slots and senders left, encoding, extension. Read only.
std::vector<Check> check_postgres(const std::string& conninfo);

// What this role may do with tables: `schema.table`, or with * as a wildcard; none: all of them.
// `mirror` is the name in the statements that are given to paste.
std::vector<Check> check_tables(const std::string& conninfo, const std::string& mirror,
                                const std::vector<std::string>& patterns);

// The time zones of both sides have the same offsets; different ones would answer differently.
Check check_time_zones(const std::string& conninfo, const config::ClickHouseUrl& target);

// Of what `SELECT version()` answers: too old to mirror fails, too old to route is a warning.
Check check_clickhouse_version(const std::string& version);

// Reachable over HTTP and natively, version, rights. Read only.
std::vector<Check> check_clickhouse(const config::ClickHouseUrl& target);

// What an embedded server needs on this machine.
std::vector<Check> check_installation(const Settings& settings, const std::string& search_from);

// Ok, or kSourceUnfit with every failed check and its fix in the message.
Status all_passed(const std::vector<Check>& checks);

std::string_view to_string(Check::Outcome outcome);

}  // namespace tandem::stack
