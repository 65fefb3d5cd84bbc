// tandem verify: proof that both sides hold the same, row by row and value by value.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"

namespace tandem::cli {

struct VerifyRequest {
    std::string mirror = {};               // empty: all
    std::vector<std::string> tables = {};  // empty: all of the mirror
    int rounds = 5;                        // a row must differ in each of them, while writers go on
};

// kInternal, after printing what differs, when the sides differ.
Status verify(Options options, const VerifyRequest& request);

}  // namespace tandem::cli
