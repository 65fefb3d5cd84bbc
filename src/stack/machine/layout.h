// Layout: where everything of one stack lies, below its data directory (default ./.tandem).
//
//     postgres/    the cluster, owned by the account servers run as
//     clickhouse/  data, log and configuration, owned by that account
//     daemon/      what the daemon writes itself (its sign of readiness), owned by that account
//     socket/      Postgres' Unix socket
//     log/         logs of the processes
//     run/         settings, state, credentials (0700, files 0600)
//
// When the account may not enter the place (a checkout below /root, say), the data lives in
// /var/lib/tandem/<name>-<random> and the data directory is a symbolic link to it.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "stack/machine/account.h"

namespace tandem::stack {

struct Layout {
    std::string home;  // absolute, without symbolic links

    std::string postgres() const { return home + "/postgres"; }
    std::string clickhouse() const { return home + "/clickhouse"; }
    std::string daemon() const { return home + "/daemon"; }
    // Empty when the path would be too long for a socket; Postgres then listens on TCP only.
    std::string socket() const;
    std::string log(const std::string& name) const { return home + "/log/" + name + ".log"; }
    std::string run(const std::string& name) const { return home + "/run/" + name; }
};

// Creates what is missing.
Result<Layout> create_layout(const std::string& data, const std::optional<Account>& account);

// An existing stack; kNotFound says that there is none.
Result<Layout> find_layout(const std::string& data);

}  // namespace tandem::stack
