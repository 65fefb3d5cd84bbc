// Failpoints: named places where a test makes a step fail, once or always, or kills or stops
// (SIGSTOP) the process.
//
// Set through the environment of the daemon (TANDEM_FAILPOINTS="name=error,other=kill@3") or
// set_failpoints(); a name that is not in the list below is refused, so a typo cannot make a test
// pass. Costs one relaxed load when none is set. Thread safe.
#pragma once

#include <string_view>

#include "base/result.h"

namespace tandem {

// Every failpoint of the product, in the order data flows.
inline constexpr std::string_view kFailpoints[] = {
    "snapshot_before_insert", "snapshot_after_insert",   "stream_before_insert",
    "stream_after_insert",    "checkpoint_before_write", "checkpoint_after_write",
    "feedback_before_send",   "truncate_after_apply",    "truncate_before_apply",
    "leaf_after_record",      "alter_before_record",     "fold_after_insert",
};

// Parses "name=error|kill|stop[@nth]" separated by commas; nth counts hits from 1 (default: every
// hit).
Status set_failpoints(std::string_view specification);

// Error kInternal when the failpoint fires as `error`; does not return when it fires as `kill`.
Status failpoint(std::string_view name);

}  // namespace tandem
