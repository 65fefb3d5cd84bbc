// What a command was asked for: options over TANDEM_* variables over tandem.toml over defaults.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"

namespace tandem::cli {

struct Options : config::Values {
    bool json = false;
    std::string config_path = {};  // --config; empty: tandem.toml in the working directory, if any
    std::string failpoints = {};   // TANDEM_FAILPOINTS, for the daemon of the stack
};

// Fills what the command line left empty from the environment and the configuration file, and
// `data` with its default.
Status complete(Options& options);

}  // namespace tandem::cli
