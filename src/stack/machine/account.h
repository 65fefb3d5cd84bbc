// Account: the unprivileged user that servers run as when Tandem itself was started by root.
//
// Postgres refuses to run as root and the embedded ClickHouse could read every file if it did, so
// both drop to this account. Started by an ordinary user, everything runs as that user. Thread
// safe.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tandem::stack {

struct Account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  // supplementary groups, gid included
};

// Nothing when the process is not root. As root: `postgres` if that user exists, else `nobody`.
Result<std::optional<Account>> service_account();

// The named account; kNotFound when there is none.
Result<Account> find_account(const std::string& name);

// The first directory on the way to `path` that the account may not enter, or nothing when it can
// reach it. `path` itself need not exist. Looks at the mode bits, not at ACLs.
std::optional<std::string> first_closed_directory(const Account& account, const std::string& path);

// This process becomes the account for good; the death signal set for it is kept. Call it before
// threads start.
Status become(const Account& account);

}  // namespace tandem::stack
