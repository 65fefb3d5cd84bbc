// Options in the small JSON files of a stack: each under the name of its member in options.def.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "config/options.h"

namespace tandem::stack {

// Those that are given; data is left out, for the file lies in it.
nlohmann::json to_json(const config::Values& values);
// A member that is missing, of another type or out of bounds counts as not given.
config::Values values_of(const nlohmann::json& object);

}  // namespace tandem::stack
